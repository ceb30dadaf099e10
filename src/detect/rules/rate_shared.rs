//! # `rate-shared`: other transfers in the same minutes were as slow
//!
//! ## What it looks for
//!
//! Transfers for other names, or from other servers, in the same two minutes, none of them more than three times as fast.
//!
//! ## Why it speaks against it
//!
//! What slows everything is the line, or congestion on it.
//!
//! ## What could still be wrong
//!
//! A throttle that holds back every name of a country, or the whole of a line.
//!
//! ## How to check in Wireshark
//!
//! Statistics, I/O Graphs with a line for each conversation.
//!
//! ## Source
//!
//! Xue et al., IMC 2021, compare with a control for this reason.

use super::control_transfer_ok::near;
use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::surroundings::Seen;

pub const RULE: Rule = Rule {
    id: "rate-shared",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::Throttle],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

/// A control less than this much faster is as slow.
const AS_SLOW: f64 = 3.0;

fn check(view: &View<'_>) -> Option<Claim> {
    let transfer = view.case.transfer()?;
    let name = view.suspect.trigger.as_ref().map_or(&[][..], |t| &t.value);
    let others: Vec<&Seen> =
        view.around.transfers.iter().filter(|t| near(view, t)).filter(|t| !t.name.eq_ignore_ascii_case(name) || t.server != view.case.server_end().ip).collect();
    let fastest = others.iter().map(|t| t.rate).fold(0.0, f64::max);
    if others.is_empty() || fastest > AS_SLOW * transfer.rate {
        return None;
    }
    let text = format!("{} other transfer(s) in the same minutes were as slow: {fastest:.0} octets a second at best", others.len());
    Some(Claim::new("rate-shared", Class::B, others.iter().map(|t| t.frame).take(4), text).measured(fastest, transfer.rate, "octets/s"))
}
