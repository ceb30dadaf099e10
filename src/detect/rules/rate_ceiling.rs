//! # `rate-ceiling`: transfers under a name run at one low rate
//!
//! ## What it looks for
//!
//! A transfer whose sender always had more to send ran evenly at less than 2 Mbit/s, over 200 kB or ten seconds. At least two more
//! transfers under the same name ran within a half of the same rate; a single one supports, no more. The text says what kind of
//! limit it looks like: lost segments without a queue (policing), or data that waits (shaping).
//!
//! ## Why it speaks for interference
//!
//! A policer lets a fixed rate pass and drops the rest, a shaper lets it wait; both leave every transfer of the name the same rate,
//! whatever the server and the line could do.
//!
//! ## Innocent explanations
//!
//! A slow line (`rate-shared`), a sender that paces itself (`sender-paced`), a receiver that cannot take more (`receiver-limited`).
//!
//! ## How to check in Wireshark
//!
//! Statistics, TCP Stream Graphs, Throughput and Time Sequence (tcptrace): a straight line with lost segments along it.
//!
//! ## Source
//!
//! Xue et al., IMC 2021: policing at 130 to 150 kbit/s. Flach et al., SIGCOMM 2016, on telling policing from congestion.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::surroundings::Seen;
use crate::detect::transfer::Transfer;

pub const RULE: Rule = Rule {
    id: "rate-ceiling",
    stance: Stance::For,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::Throttle],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Rates within a half of one another: a policer's burst and loss recovery move the average that much.
const ALIKE: f64 = 0.5;
/// With this one, three make a series.
pub const OTHERS: usize = 2;

/// Other transfers of the name at the same low rate.
pub fn alike<'v>(view: &'v View<'_>, transfer: &Transfer) -> Vec<&'v Seen> {
    let name = view.suspect.trigger.as_ref().map_or(&[][..], |t| &t.value);
    let same = |t: &&Seen| t.name.eq_ignore_ascii_case(name) && !name.is_empty();
    let near = |t: &&Seen| (t.rate - transfer.rate).abs() <= ALIKE * t.rate.max(transfer.rate);
    view.around.transfers.iter().filter(|t| t.slow).filter(same).filter(near).collect()
}

fn check(view: &View<'_>) -> Option<Claim> {
    let t = view.case.transfer()?;
    let alike = alike(view, t);
    let class = if alike.len() >= OTHERS { Class::B } else { Class::C };
    let mut text = format!("{} octets came evenly at {:.0} a second", t.bytes, t.rate);
    let late = t.late(view.case);
    if late > 0 {
        text.push_str(&format!(", {late} of {} segments looked at were sent again: looks like policing", t.sampled));
    } else if let Some(wait) = t.queueing(view.case) {
        text.push_str(&format!(", each after up to {:.0} ms in a queue: looks like shaping", wait as f64 / 1e6));
    }
    if !alike.is_empty() {
        text.push_str(&format!("; {} more for this name did the same", alike.len()));
    }
    Some(Claim::new("rate-ceiling", class, alike.iter().map(|t| t.frame).take(4), text).measured(t.rate, 0.0, "octets/s"))
}
