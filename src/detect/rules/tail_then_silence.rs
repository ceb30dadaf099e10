//! # `tail-then-silence`: the segment that completes the name vanishes
//!
//! ## What it looks for
//!
//! A message in several segments of which the server acknowledged the first part only; the rest was repeated at least
//! three times, or for at least five seconds, in vain.
//!
//! ## Why it speaks for interference
//!
//! A filter that reassembles the message drops it once the name is complete; what came before had passed.
//!
//! ## Innocent explanations
//!
//! Loss that hits one segment again and again (an MTU black hole takes the large head, not the small tail).
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`: the server's `tcp.ack` stays in the middle of the ClientHello.
//!
//! ## Source
//!
//! Captures from Russia in the ECH measurements of 2025 (two-segment post-quantum ClientHellos).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::drop::{Acknowledged, silence};

pub const RULE: Rule = Rule {
    id: "tail-then-silence",
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
    let trigger = view.suspect.trigger.as_ref()?;
    let case = view.case;
    let request = case.messages.requests.iter().find(|r| r.frame == trigger.frame)?;
    let silence = silence(case, request).filter(|s| s.acknowledged == Acknowledged::Part)?;
    let waited = silence.until.since(silence.from) as f64 / 1e9;
    let text = format!("the first part of the message was acknowledged, the rest never, in {waited:.1} s");
    let frames = silence.copies.iter().filter_map(|i| case.entries.get(*i)).map(|e| e.frame);
    Some(Claim::new("tail-then-silence", Class::B, frames, text).measured(waited, 0.0, "s"))
}
