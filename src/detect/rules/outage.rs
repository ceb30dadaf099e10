//! # `outage`: the line was dead
//!
//! ## What it looks for
//!
//! During the silence nothing arrived from the far side in any other flow of this client, and other flows went silent at the
//! same time; if those were of two servers more, or one of them was answered in the end, the silence counts up to the last
//! packet that had no answer. What had been silent for five seconds when the suspect's own handshake was answered does
//! not count: the line was up then. Or a single flow went on, which may be a tunnel: one without a name in it while another server
//! was silent too, one with a name while three others were. Not where the server itself was heard meanwhile (see
//! `request-unreceived`).
//!
//! ## Why it speaks against it
//!
//! When everything stops at once, the line stopped, or the client went to another address or into a tunnel.
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

use super::request_unreceived::says;
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
    let around = view.around;
    // A server that is heard in the suspect's own flow meanwhile is reached by a line that is up.
    if !says(view.case, view.suspect).is_empty() {
        return None;
    }
    // A client gives up on a question long before the capture ends: what is heard later may be heard because the line is back.
    let heard = if around.silent_servers >= 2 || around.silence_ended { around.heard_while_asking } else { around.heard_meanwhile.len() };
    let what = match heard {
        0 if around.silent_meanwhile > 0 => "nothing else arrived",
        // A tunnel may itself have been opened by name.
        1 if around.silent_servers >= if around.heard_named { 3 } else { 1 } => "only one conversation went on",
        _ => return None,
    };
    let text = format!("other flows went unanswered in the same seconds, of {} server(s), and {what}", around.silent_meanwhile);
    Some(Claim::new("outage", Class::B, [], text).measured(around.silent_meanwhile as f64, 0.0, "servers"))
}
