//! # `outage`: the line was dead
//!
//! ## What it looks for
//!
//! During the silence nothing arrived from the far side in any other flow, and other flows went silent at the same time.
//!
//! ## Why it speaks against it
//!
//! When everything stops at once, the line stopped.
//!
//! ## What could still be wrong
//!
//! A capture with a single conversation at a time cannot show it either way; then the rule is silent.
//!
//! ## How to check in Wireshark
//!
//! Statistics, I/O graph, for the time of the silence.
//!
//! ## Source
//!
//! Field experience; ISP outages in measurement data (OONI calls them down).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "outage",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::Drop, Mechanism::Stall],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    if !view.around.heard_meanwhile.is_empty() || view.around.silent_meanwhile == 0 {
        return None;
    }
    let text = format!("{} other flow(s) went unanswered in the same seconds, and nothing else arrived", view.around.silent_meanwhile);
    Some(Claim::new("outage", Class::B, [], text).measured(view.around.silent_meanwhile as f64, 0.0, "flows"))
}
