//! # `one-sided`: only one direction was captured
//!
//! ## What it looks for
//!
//! No flow of the capture shows packets of both sides, or this flow shows acknowledgements of the server's data without
//! any packet of the server.
//!
//! ## Why it speaks against it
//!
//! An answer that was not captured is no silence.
//!
//! ## What could still be wrong
//!
//! Asymmetric routing past the tap, and a filter, can both be true.
//!
//! ## How to check in Wireshark
//!
//! Statistics, Conversations: packets B to A are 0.
//!
//! ## Source
//!
//! Asymmetric routing is ordinary on backbone taps.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::flow::stream::ahead;

pub const RULE: Rule = Rule {
    id: "one-sided",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::Drop, Mechanism::Stall, Mechanism::Throttle],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let heard = case.of(case.server()).next().is_some();
    let acks_unheard = !heard
        && case.of(case.client).map(|(_, e)| e.ack).filter(|a| *a != 0).reduce(|a, b| if ahead(b, a) > 0 { b } else { a }).is_some()
        && case.flow.key.protocol == 6;
    if !view.around.one_sided && !acks_unheard {
        return None;
    }
    Some(Claim::new("one-sided", Class::B, [], "this capture holds one direction only: what it does not show may have been there"))
}
