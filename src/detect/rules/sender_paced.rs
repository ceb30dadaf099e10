//! # `sender-paced`: nothing was lost and nothing waited
//!
//! ## What it looks for
//!
//! No segment among those looked at was sent again or filled a hole, and by the timestamps none waited in a queue longer than one
//! more round trip.
//!
//! ## Why it speaks against it
//!
//! A limit on the path shows itself by loss or by waiting. Without either the sender itself sends no faster: video is paced, and
//! servers limit downloads.
//!
//! ## What could still be wrong
//!
//! A shaper whose queue the capture cannot see for want of timestamps; losses in the part of a long transfer that was not kept.
//!
//! ## How to check in Wireshark
//!
//! `tcp.analysis.flags` within the conversation: empty.
//!
//! ## Source
//!
//! Flach et al., SIGCOMM 2016; Ghobadi et al., USENIX ATC 2012, on pacing video.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "sender-paced",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::Throttle],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

/// Shorter waits are ordinary jitter on short paths.
const JITTER_NS: i64 = 50_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let t = view.case.transfer()?;
    let rtt = view.case.rtt.iter().flatten().copied().max().unwrap_or(0);
    let waited = t.queueing(view.case).is_some_and(|q| q > JITTER_NS.max(rtt));
    if t.late(view.case) > 0 || waited {
        return None;
    }
    let text = format!("none of {} segments looked at was lost or waited in a queue: the sender itself sends no faster", t.sampled);
    Some(Claim::new("sender-paced", Class::B, [], text))
}
