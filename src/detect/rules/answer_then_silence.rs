//! # `answer-then-silence`: an answer, and then nothing gets through
//!
//! ## What it looks for
//!
//! The server's first answer came, and what the client sent next was never acknowledged although it was repeated at least
//! three times; nothing more came from the server either. In QUIC: more than three packets of the client over
//! three seconds, from the first five seconds of the connection on, while all that came was the server repeating its handshake.
//!
//! Near the server it looks the other way round: its answer is repeated, and the client is not heard any more.
//!
//! ## Why it speaks for interference
//!
//! Some filters let the trigger and the first answers pass and cut the connection then.
//!
//! ## Innocent explanations
//!
//! A server or a line that failed at that moment; a client that went on sending after the server had closed.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`: ServerHello, then retransmissions of the client's next flight.
//!
//! ## Source
//!
//! Xue et al., IMC 2022 (SNI-II lets five to eight more packets pass).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::drop::later_silence;

pub const RULE: Rule = Rule {
    id: "answer-then-silence",
    stance: Stance::For,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let silence = later_silence(view.case)?;
    let waited = silence.until.since(silence.from) as f64 / 1e9;
    let frames = silence.copies.iter().filter_map(|i| view.case.entries.get(*i)).map(|e| e.frame);
    let copies = silence.copies.len();
    let text = if view.suspect.sender == view.case.server() {
        format!("the server's answer, sent {copies} times, was never acknowledged in {waited:.1} s, and the client was not heard again")
    } else {
        format!("after the server's first answer, {copies} copies of the client's next data went unacknowledged in {waited:.1} s")
    };
    Some(Claim::new("answer-then-silence", Class::B, frames, text).measured(waited, 0.0, "s"))
}
