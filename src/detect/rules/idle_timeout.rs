//! # `idle-timeout`: an idle connection was given up
//!
//! ## What it looks for
//!
//! No packet of either side for four seconds or more before the reset, and no request waiting for an answer; or the reset
//! answers the first packet after such a pause. A connection of which neither the beginning nor any packet of the reset's
//! side was seen before counts as one after a pause: how long it is is not known. Unless that side goes on after it, or sent
//! more resets than it was sent packets: then it had forgotten nothing.
//!
//! ## Why it speaks against it
//!
//! Servers and load balancers drop idle connections after round times (5, 60, 75, 120, 240, 350 s) and reset what comes
//! later.
//!
//! ## What could still be wrong
//!
//! A filter that resets a connection on the second request after a pause looks the same if its packets are perfect.
//!
//! ## How to check in Wireshark
//!
//! Time since the previous packet of the stream.
//!
//! ## Source
//!
//! Defaults of nginx (75 s), Apache (5 s), IIS (120 s), AWS ALB (60 s) and NLB (350 s), Azure (240 s).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::{SAME_STREAM, packets};
use crate::flow::entry::{Entry, fact};
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "idle-timeout",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["reset-behind", "control-name-ok", "name-repeats", "name-hit-elsewhere", "ipid-mirror", "ttl-mirror", "window-odd", "options-missing", "ttl-jump", "ipid-jump"],
    cap: None,
    check,
    source: "",
};

/// Shorter than the shortest common keep-alive time (5 s), longer than any retransmission pause of a live path.
const IDLE_NS: i64 = 4_000_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let (i, r) = packets(view).next()?;
    let mut previous: Option<crate::capture::Timestamp> = None;
    // The pause may lie right before the reset or before the packets it answers.
    let mut pause: Option<(i64, u64)> = None;
    for e in case.entries.iter().take(i) {
        if let Some(p) = previous
            && e.time.since(p) >= IDLE_NS
        {
            pause = Some((e.time.since(p), e.frame));
        }
        previous = Some(e.time);
    }
    let at_end = previous.map(|p| r.time.since(p)).filter(|gap| *gap >= IDLE_NS);
    let waiting = case.messages.requests.iter().any(|q| q.frame < r.frame && !crate::detect::suspects::drop::is_answered(case, q) && at_end.is_some());
    let (gap, frame) = match (at_end, pause) {
        (None, None) if is_remembered(view, i) => (UNKNOWN, case.entries.first()?.frame),
        (Some(gap), _) if !waiting => (gap, r.frame),
        // Whatever was said after the pause must be what the reset answers.
        (None, Some((gap, frame))) if case.of(view.suspect.sender).all(|(_, e)| e.frame < frame || e.frame >= r.frame) => (gap, frame),
        _ => return None,
    };
    if gap == UNKNOWN {
        let text = "the reset answers the first packet that was seen of an older connection";
        return Some(Claim::new("idle-timeout", Class::B, [frame, r.frame], text));
    }
    let text = format!("the connection had been idle for {:.1} s", gap as f64 / 1e9);
    Some(Claim::new("idle-timeout", Class::B, [frame, r.frame], text).measured(gap as f64 / 1e9, 0.0, "s"))
}

/// A pause of unknown length.
const UNKNOWN: i64 = i64::MAX;

/// Whether a reset at entry `i` is all that was heard from its side of a connection that began before: the flow's own idle time has
/// passed since, or the capture began after.
///
/// Not if that side goes on in the same stream, which shows that it had forgotten nothing; nor if there are more resets than packets
/// that they could answer.
pub fn is_remembered(view: &View<'_>, i: usize) -> bool {
    let (case, sender) = (view.case, view.suspect.sender);
    let begun = case.entries.iter().take(i).all(|e| !e.has(tcp::SYN)) && case.ordinary_before(sender, i).next().is_none();
    let Some(r) = case.entries.get(i).filter(|_| begun) else { return false };
    let same_stream = |e: &Entry| !e.is_rst() && !e.has(tcp::SYN) && ahead(e.seq, r.seq).abs() < SAME_STREAM;
    let goes_on = case.of(sender).any(|(j, e)| j > i && same_stream(e));
    let resets = |until: usize| case.of(sender).filter(|(j, e)| *j <= until && e.is_rst()).count();
    // With their copies: of resets they are not told apart, and a capture that has every packet twice has those twice as well.
    let asks = |e: &&Entry| e.direction() == sender.other() && !e.is_rst() && !e.is(fact::ICMP);
    let asked = |until: usize| case.entries.iter().take(until).filter(asks).count();
    let unasked = packets(view).any(|(j, _)| resets(j) > asked(j));
    !goes_on && !unasked
}
