//! # `chance-loss`: a line that loses as much would do this by itself
//!
//! ## What it looks for
//!
//! How often requests get lost here, from those that were repeated and answered then: lookups that were asked again, data that
//! clients of undisturbed connections said again. If among as many requests as this capture has one in a hundred captures would
//! show a request that is lost as often as this one, it proves nothing.
//!
//! ## Why it speaks against it
//!
//! Radio loses a tenth of the packets on a bad day, and then whatever is asked for in a long capture is lost four times in a row now
//! and then.
//!
//! ## What could still be wrong
//!
//! A name that is filtered on a bad line. Asked for more often, it will have failed more often than chance explains.
//!
//! ## How to check in Wireshark
//!
//! `tcp.analysis.retransmission` and `dns.retransmission`, in how many conversations; how many times this request was repeated.
//!
//! ## Source
//!
//! Arithmetic: the share to the power of the tries, times the requests.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance, TriggerKind};
use crate::detect::surroundings::Outcome;
use crate::detect::suspects::drop::RETRANSMISSIONS;

pub const RULE: Rule = Rule {
    id: "chance-loss",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

/// Captures in which one such request is no wonder.
const CHANCE: f64 = 0.01;

fn check(view: &View<'_>) -> Option<Claim> {
    let (around, suspect) = (view.around, view.suspect);
    let trigger = suspect.trigger.as_ref()?;
    let server = view.case.server_end().ip;
    let tries = if trigger.kind == TriggerKind::DnsQname {
        around.unanswered_queries.max(suspect.packets.len())
    } else {
        // Others that failed were repeated as well.
        let silent = around.same_name.iter().filter(|a| a.server == server && a.outcome == Outcome::Silent).count();
        suspect.packets.len() + silent * (1 + RETRANSMISSIONS)
    };
    let lost_in_a_row = around.lost.powi(i32::try_from(tries).unwrap_or(i32::MAX));
    let expected = lost_in_a_row * around.kind_tried as f64;
    if around.lost == 0.0 || expected < CHANCE {
        return None;
    }
    let text = format!(
        "about {:.0} % of such packets get lost here, and one of {} requests {tries} times in a row with a probability of {:.2}",
        around.lost * 100.0,
        around.kind_tried,
        expected.min(1.0)
    );
    Some(Claim::new("chance-loss", Class::B, [], text).measured(expected.min(1.0), CHANCE, "probability"))
}
