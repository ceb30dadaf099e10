//! # `ack-regress`: the sender's acknowledgement moves back after its reset
//!
//! ## What it looks for
//!
//! A later packet of the same side whose acknowledgement number is lower than the one in the reset, sent after the reset
//! as `data-after-reset` defines it.
//!
//! ## Why it speaks for interference
//!
//! Acknowledgement numbers never decrease (RFC 9293 section 3.4). The reset claims to have received bytes that the real
//! host had not received yet.
//!
//! ## Innocent explanations
//!
//! A packet overtaken by the reset (excluded by the proof or the wait), two captures merged.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`; compare `tcp.ack` of the reset with that of the packets of the same side below it.
//!
//! ## Source
//!
//! RFC 9293; first seen in resets of the Iranian filter in the ECH measurements of 2025 (reset acknowledged 1830, server
//! 1449).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::contradiction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "ack-regress",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let found = contradiction(view, |r, p| r.has(tcp::ACK) && p.has(tcp::ACK) && ahead(r.ack, p.ack) > 0)?;
    let (r, p) = (view.case.entries.get(found.reset)?, view.case.entries.get(found.packet)?);
    let class = if found.proved { Class::A } else { Class::B };
    let back = ahead(r.ack, p.ack) as f64;
    let text = format!("a later packet acknowledges {back:.0} bytes less than the reset did");
    Some(Claim::new("ack-regress", class, [r.frame, p.frame], text).measured(-back, 0.0, "bytes"))
}
