//! # `retransmit-identical`: what follows the reset was sent before it
//!
//! ## What it looks for
//!
//! The packet after the reset repeats bytes that this side had sent before, with the same header, and nothing newer
//! follows; a copy with the next number of its sender's count was sent anew.
//!
//! ## Why it speaks against it
//!
//! A retransmission that the network or the capture delivered late proves nothing about when it was sent.
//!
//! ## What could still be wrong
//!
//! A live server's retransmissions after a forged reset look the same without timestamps.
//!
//! ## How to check in Wireshark
//!
//! `tcp.analysis.retransmission` or `tcp.analysis.out_of_order` below the reset.
//!
//! ## Source
//!
//! Paxson, "Bro", 1999, on crud seen in captures.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::{contradiction, is_sent_anew, packets};
use crate::flow::stream::ahead;

pub const RULE: Rule = Rule {
    id: "retransmit-identical",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["data-after-reset"],
    cap: Some(Confidence::Confirmed),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (i, _) = packets(view).next()?;
    let known = view.case.next_seq(view.suspect.sender, i)?;
    let later: Vec<_> = view.case.of(view.suspect.sender).filter(|(j, p)| *j > i && !p.is_rst() && p.payload_len > 0).collect();
    let repeats = later.iter().all(|(_, p)| ahead(p.seq_end(), known) <= 0);
    // What is proved to have been sent after the reset is no late arrival.
    let proved = contradiction(view, |_, p| p.payload_len > 0).is_some_and(|c| c.proved);
    let (_, p) = later.first()?;
    let anew = later.iter().any(|(j, _)| is_sent_anew(view.case, view.suspect.sender, (i, *j)));
    (repeats && !proved && !anew).then(|| Claim::new("retransmit-identical", Class::B, [p.frame], "the data after the reset repeats what was sent before it"))
}
