//! # `span-duplicate`: the capture holds packets twice
//!
//! ## What it looks for
//!
//! More than a twentieth of all packets of the capture, or most packets of this side of the flow, were captured twice:
//! same header, same payload, microseconds apart. Not of resets in a flow that two taps have captured some hops apart, all with the
//! same difference of TTLs: there a reset's copy is known by it and counts nowhere.
//!
//! ## Why it speaks against it
//!
//! Mirror ports, bonded interfaces and captures on "any" record packets more than once; equal resets or answers are then
//! one packet.
//!
//! ## What could still be wrong
//!
//! Injected bursts in such a capture cannot be told from copies by their number.
//!
//! ## How to check in Wireshark
//!
//! `tcp.analysis.retransmission` or `frame.time_delta < 0.001` with equal `ip.id`.
//!
//! ## Source
//!
//! Wireshark wiki, duplicate packets; editcap -d.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "span-duplicate",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset, Mechanism::TcpData, Mechanism::TcpHandshake, Mechanism::DnsAnswer],
    rebuts: &["reset-burst-equal", "reset-mixed-flags"],
    cap: Some(Confidence::Confirmed),
    check,
    source: "",
};

/// Share of copies in the whole capture from which on copies are the rule.
const SHARE: f64 = 0.05;

fn check(view: &View<'_>) -> Option<Claim> {
    // Of those that a second tap has captured some hops on, resets are known as well and count once.
    if view.suspect.mechanism == Mechanism::TcpReset && view.case.second_tap {
        return None;
    }
    let here = view.case.is_duplicated(view.suspect.sender);
    if view.around.duplicates <= SHARE && !here {
        return None;
    }
    let text = format!("{:.0} % of the capture's packets were captured twice", view.around.duplicates * 100.0);
    Some(Claim::new("span-duplicate", Class::B, [], text).measured(view.around.duplicates, SHARE, "share"))
}
