//! Which bare resets nothing of the other end's can have drawn.

use super::{HONEST_SHARE, sender_rtt};
use crate::detect::case::Case;
use crate::detect::rules::View;
use crate::flow::entry::Entry;
use crate::packet::tcp;

/// Bare resets of the suspect's side, by entry, that answer nothing.
///
/// A host without such a connection, or no longer with one, resets each segment by what that segment acknowledges. So every honest one
/// needs a segment of its own that acknowledges up to its number, came the shortest round trip before or more, and did not reach a live
/// connection. Where the capture misses packets, or the transcript does, what drew them may be among those: there none is held to it.
pub fn undrawn(view: &View<'_>) -> Vec<usize> {
    let (case, sender) = (view.case, view.suspect.sender);
    let resets = || case.of(sender).filter(|(_, r)| r.is_rst() && !r.has(tcp::ACK));
    // One reset alone is counted by no rule, and most are.
    let alone = view.suspect.packets.len() < 2;
    if alone || view.around.lossy || resets().next().is_none() || case.of(sender.other()).next().is_none() {
        return Vec::new();
    }
    // What acknowledges something, with how many segments of it are left.
    let asking = case.of(sender.other()).filter(|(_, e)| e.has(tcp::ACK) && !e.is_rst());
    let mut asking: Vec<(&Entry, u32)> = asking.map(|(_, e)| (e, segments(case, e))).collect();
    let shortest = sender_rtt(view).unwrap_or(0);
    let grain = grain(case);
    let mut answer = |i: usize, r: &Entry| {
        let alive = last_heard(view, i).unwrap_or(i64::MIN);
        let drew =
            |e: &Entry| e.ack == r.seq && e.time.0 >= alive && (r.time.since(e.time) + grain) as f64 >= shortest as f64 * HONEST_SHARE;
        let found = asking.iter_mut().find(|(e, left)| *left > 0 && drew(e));
        found.map(|(_, left)| *left -= 1).is_some()
    };
    resets().filter(|(i, r)| !left_out(case, *i, r) && !answer(*i, r)).map(|(i, _)| i).collect()
}

/// Before when whatever was sent met a live connection: its side has spoken since.
fn last_heard(view: &View<'_>, i: usize) -> Option<i64> {
    /// What a host takes to say something, and a queue.
    const SLACK_NS: i64 = 50_000_000;
    let (case, sender) = (view.case, view.suspect.sender);
    let rtt = case.rtt[sender.index()].max(sender_rtt(view)).unwrap_or(200_000_000);
    // A SYN/ACK is said by none yet.
    let said = case.ordinary_before(sender, i).rfind(|(_, e)| !e.is_syn_ack() && !e.is_syn())?.1;
    Some(said.time.0 - 2 * rtt - SLACK_NS)
}

/// How coarse the capture's clock is: what is stamped alike may lie so far apart.
pub fn grain(case: &Case<'_>) -> i64 {
    /// Fewer packets may stand there by chance.
    const LEAST: usize = 4;
    let round = |grain: i64| case.entries.len() >= LEAST && case.entries.iter().all(|e| e.time.0 % grain == 0);
    [1_000_000_000, 100_000_000, 10_000_000, 1_000_000].into_iter().find(|grain| round(*grain)).unwrap_or(0)
}

/// How many segments a packet of TCP was on the way: network cards cut what was captured as one.
fn segments(case: &Case<'_>, e: &Entry) -> u32 {
    /// What Ethernet has room for, where none was offered.
    const USUAL: u32 = 1460;
    let offered = Some(u32::from(case.flow.mss[e.direction().other().index()])).filter(|mss| *mss > 0).unwrap_or(USUAL);
    let room = offered.saturating_sub(u32::from(e.header_len).saturating_sub(20)).max(1);
    e.payload_len.div_ceil(room).max(1)
}

/// Whether packets are missing from the transcript in the round trip before entry `i`.
fn left_out(case: &Case<'_>, i: usize, r: &Entry) -> bool {
    const LONG_NS: i64 = 100_000_000;
    let reach = LONG_NS + case.rtt.iter().flatten().copied().max().unwrap_or(0);
    let recent = case.entries.iter().zip(&case.left_out).take(i + 1).rev();
    recent.take_while(|(e, _)| r.time.since(e.time) <= reach).any(|(_, left)| *left > 0)
}
