//! Steps of the capturing host's clock, proved by packets that cannot have come when they are said to have come.
//!
//! That time runs backwards in a file proves nothing: writers with several queues, merged files and tools that sort badly do it, and
//! those frames are counted as out of order. A step is proved within a conversation. Backwards: a packet that acknowledges, echoes
//! or answers what is stamped later than itself. Forwards: both ends' own clocks (RFC 7323 timestamps) saw much less time pass.

use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::flow::entry::{Entry, fact};
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::limits::CLOCK_STEPS;

/// A step of the clock, between two frames of one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockStep {
    /// The first frame stamped after it, and the last before.
    pub frame: u64,
    pub after: u64,
    /// What `after` was stamped.
    pub time: Timestamp,
    /// By how much at least the clock was set, ns; negative is back.
    pub step: i64,
    /// First frame of the flow that shows it.
    pub flow: u64,
}

/// ntpd sets the clock from 128 ms on and bends it below; queues of one host differ by less than a tenth of this.
const BACK_NS: i64 = 100_000_000;
/// Timestamps tick once a second at the slowest (RFC 7323 section 5.4), and a rate is only known to a few per cent.
const AHEAD_NS: i64 = 1_000_000_000;
/// Rules that measure how long nothing came, and all that measure time.
const WAITING: [&str; 5] = ["trigger-then-silence", "tail-then-silence", "answer-then-silence", "syn-then-silence", "dark-after-answer"];
pub const CLOCKED: [&str; 9] = [
    "too-early",
    "trigger-then-silence",
    "tail-then-silence",
    "answer-then-silence",
    "syn-then-silence",
    "dark-after-answer",
    "reset-ladder",
    "byte-limit",
    "rate-ceiling",
];

/// Every step that a flow proves.
pub fn find(case: &Case<'_>) -> impl Iterator<Item = ClockStep> {
    let flow = case.entries.first().map_or(0, |e| e.frame);
    let pairs = case.entries.iter().zip(case.entries.iter().skip(1)).enumerate();
    pairs.filter_map(move |(i, (before, e))| {
        let passed = e.time.since(before.time);
        let step = if passed <= -BACK_NS {
            is_behind_its_cause(case, i + 1, e).then_some(passed)
        } else if passed >= AHEAD_NS {
            unseen_by_both(case, i + 1)
        } else {
            None
        }?;
        Some(ClockStep { frame: e.frame, after: before.frame, time: before.time, step, flow })
    })
}

/// Whether a packet is stamped well before something it can only have followed.
fn is_behind_its_cause(case: &Case<'_>, i: usize, e: &Entry) -> bool {
    let behind = |cause: Timestamp| e.time.since(cause) <= -BACK_NS;
    if e.is(fact::ICMP) || e.is_rst() {
        return false;
    }
    if !e.is_tcp() {
        let mut queries = case.of(case.client).map(|(_, q)| q.time);
        return case.flow.key.transaction.is_some()
            && e.direction() == case.server()
            && case.of(case.client).next().is_some()
            && queries.all(behind);
    }
    // A SYN acknowledges nothing of this connection that a forger would have to know.
    let earlier = || case.entries.iter().take(i);
    let acknowledges = case.highest_ack(e.direction(), i).is_none_or(|highest| ahead(e.ack, highest) > 0)
        && earlier().any(|o| o.direction() != e.direction() && o.is_tcp() && o.seq_end() != o.seq && o.seq_end() == e.ack)
        && case.sent_at(e.direction(), e.ack).is_some_and(behind);
    let last = earlier().rev().find(|o| o.direction() == e.direction() && o.is_tcp() && o.timestamps().is_some());
    let ticks = last.and_then(|o| Some((o.timestamps()?.0, e.timestamps()?.0, o.time)));
    acknowledges || ticks.is_some_and(|(then, now, at)| ahead(now, then) > 0 && behind(at))
}

/// How much more time passed before entry `i` by the capture than by the clocks of both ends.
fn unseen_by_both(case: &Case<'_>, i: usize) -> Option<i64> {
    let one = unseen(case, i, Direction::FromLow)?;
    let other = unseen(case, i, Direction::FromHigh)?;
    let differ = (one - other).abs();
    (one.min(other) >= AHEAD_NS && differ <= one.max(other) / 5).then(|| one.min(other))
}

/// The same for one end; `None` where its clock tells nothing.
fn unseen(case: &Case<'_>, i: usize, side: Direction) -> Option<i64> {
    let told = |e: &Entry| e.timestamps().map(|(value, _)| (e.time.0, value));
    let ticking = |e: &&Entry| e.direction() == side && e.is_tcp() && !e.is_rst() && e.timestamps().is_some();
    let before = || case.entries.iter().take(i).filter(ticking).filter_map(told);
    let after = || case.entries.iter().skip(i).filter(ticking).filter_map(told);
    let (last, first) = (before().next_back()?, after().next()?);
    let rate = rate(before().next()?, last).or_else(|| rate(first, after().next_back()?))?;
    let ticks = ahead(first.1, last.1);
    let passed = first.0.saturating_sub(last.0);
    let counted = (ticks as f64 / rate * 1e9) as i64;
    // More than half is missing: what the rate is not exactly known to does not come to that.
    (ticks >= 0 && counted < passed / 2).then(|| passed - counted)
}

/// Ticks a second over a stretch that is long enough to tell.
fn rate(from: (i64, u32), to: (i64, u32)) -> Option<f64> {
    const LONG_NS: i64 = 200_000_000;
    const TICKS: i64 = 20;
    let (passed, ticks) = (to.0.saturating_sub(from.0), ahead(to.1, from.1));
    (passed >= LONG_NS && ticks >= TICKS).then(|| ticks as f64 * 1e9 / passed as f64)
}

/// Steps as they were, and how many more than the bound: what several flows saw of one is one, told by those who saw it most narrowly.
pub fn distinct(seen: &[ClockStep]) -> (Vec<ClockStep>, u64) {
    let mut seen = seen.to_vec();
    // Each lies in (after, frame]: taken by their ends, one that begins before the last one taken ended is the same.
    seen.sort_unstable();
    let mut steps: Vec<ClockStep> = Vec::new();
    for step in seen {
        match steps.last_mut() {
            Some(last) if step.after < last.frame && (step.step < 0) == (last.step < 0) => {
                if step.frame - step.after < last.frame - last.after {
                    // The end stays: it is what others are compared with.
                    *last = ClockStep { frame: last.frame, ..step };
                }
            }
            _ => steps.push(step),
        }
    }
    let more = steps.len().saturating_sub(CLOCK_STEPS) as u64;
    steps.truncate(CLOCK_STEPS);
    (steps, more)
}

impl ClockStep {
    /// Whether what a rule says of a flow is measured across it: between the flow's packets, or in the silence behind them.
    pub fn spoils(&self, rule: &str, case: &Case<'_>) -> bool {
        /// No silence is waited for longer.
        const WAITED_NS: i64 = 60_000_000_000;
        if !CLOCKED.contains(&rule) {
            return false;
        }
        let (Some(first), Some(last)) = (case.entries.first(), case.entries.last()) else { return false };
        let within = self.frame > first.frame && self.after < last.frame;
        within || (WAITING.contains(&rule) && self.after >= last.frame && self.time.since(last.time) < WAITED_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(after: u64, frame: u64, step: i64) -> ClockStep {
        ClockStep { frame, after, time: Timestamp(0), step, flow: after }
    }

    #[test]
    fn what_several_flows_saw_is_one_step() {
        let (steps, _) = distinct(&[seen(10, 40, -9), seen(22, 25, -7), seen(5, 24, -8), seen(60, 70, -3), seen(61, 90, 5)]);
        let told: Vec<_> = steps.iter().map(|s| (s.after, s.frame, s.step)).collect();
        // The first three overlap; the last goes the other way.
        assert_eq!(told, [(22, 24, -7), (60, 70, -3), (61, 90, 5)]);
    }

    #[test]
    fn the_order_of_flows_does_not_matter() {
        let mut all = [seen(1, 9, -2), seen(3, 5, -1), seen(4, 12, -3), seen(20, 21, -4)];
        let forwards = distinct(&all);
        all.reverse();
        assert_eq!(forwards, distinct(&all));
    }
}
