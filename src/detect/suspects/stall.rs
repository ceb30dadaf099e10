//! A transfer that stops in the middle: so much went through, then nothing.

use super::drop::{RETRANSMISSIONS, SILENCE_NS, SILENCE_RTTS};
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Stage, Suspect};
use crate::detect::transfer::Transfer;
use crate::flow::entry::Entry;
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

/// What went through before a stall begins where a handshake ends: certificates alone are a few thousand octets.
pub const BYTES: u64 = 8 * 1024;

/// A sender with more to send that says nothing for so long, and so many round trips, had stopped before its receiver closed.
const QUIET_NS: i64 = 500_000_000;
const QUIET_RTTS: i64 = 3;

/// A transfer that stopped.
pub struct Freeze {
    pub transfer: Transfer,
    /// The last data that went through, and what was sent after it in vain.
    pub last: usize,
    pub vain: Vec<usize>,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// The suspect: the busier direction stopped before its end.
pub fn find(case: &Case<'_>) -> Option<Suspect> {
    let freeze = freeze(case)?;
    let trigger = case.messages.requests.first().map(super::trigger).or_else(|| super::address_trigger(case));
    Some(Suspect {
        mechanism: Mechanism::Stall,
        stage: Stage::Later,
        trigger,
        sender: freeze.transfer.sender,
        packets: freeze.vain,
        answers: Vec::new(),
    })
}

/// Whether and where a transfer stopped: as its receiver sees it (nothing more comes), or as its sender does (nothing more is
/// acknowledged).
pub fn freeze(case: &Case<'_>) -> Option<Freeze> {
    // The sums first: most flows are too small, and every flow is asked.
    if case.flow.sides.iter().all(|s| s.payload_bytes < BYTES) {
        return None;
    }
    // Nor has stopped what was ended, as most are.
    let sender = Transfer::sender(case);
    if case.flow.sides[sender.index()].flags & (tcp::FIN | tcp::RST) != 0 {
        return None;
    }
    let rtt = case.rtt.iter().flatten().copied().min().unwrap_or(0);
    let enough = SILENCE_NS.max(SILENCE_RTTS * rtt);
    let (last, vain) = unheard(case, sender, enough).or_else(|| unacknowledged(case, sender, enough))?;
    let transfer = case.transfer().filter(|t| t.bytes >= BYTES && case.established())?.clone();
    let time = |i: usize| case.entries.get(i).map_or(case.flow.last, |e| e.time);
    let (from, until) = (time(last), vain.last().map_or(case.flow.last, |i| time(*i)));
    Some(Freeze { transfer, last, vain, from, until })
}

/// The sender was cut off: its last segment is a full one without PSH (it had more), and what the receiver says later finds no answer.
fn unheard(case: &Case<'_>, sender: Direction, enough: i64) -> Option<(usize, Vec<usize>)> {
    let (last, end) = case.of(sender).next_back()?;
    let receiver = sender.other();
    let vain: Vec<usize> = case.after(receiver, last).filter(|(_, e)| e.time.since(end.time) >= enough).map(|(i, _)| i).collect();
    if vain.is_empty() {
        return None;
    }
    let largest = case.of(sender).map(|(_, e)| e.payload_len).max()?;
    let data = case.of(sender).rfind(|(_, e)| e.payload_len > 0)?.1;
    // PSH marks the end of what the sender had. Offloading glues segments together: a last one of several hundred octets without it
    // is one of many as well.
    let more = !data.has(tcp::PSH) && (data.payload_len == largest || data.payload_len >= 512);
    // Who closes meanwhile may be why nothing more comes; not where nothing had come for a while, and the FIN is said again in vain.
    let rtt = case.rtt[sender.index()].unwrap_or(0);
    let excuses = |e: &Entry| {
        let waited = e.time.since(end.time);
        waited < enough && (e.is_rst() || (e.has(tcp::FIN) && (waited < QUIET_NS.max(QUIET_RTTS * rtt) || vain.len() < RETRANSMISSIONS)))
    };
    let soon = case.of(receiver).any(|(_, e)| excuses(e));
    (more && !soon).then_some((last, vain))
}

/// The receiver was cut off: segments are sent again and again, and nothing comes back.
fn unacknowledged(case: &Case<'_>, sender: Direction, enough: i64) -> Option<(usize, Vec<usize>)> {
    let receiver = sender.other();
    let (last, heard) = case.of(receiver).next_back()?;
    // What goes on being sent comes behind it; mostly nothing does.
    case.after(sender, last).nth(RETRANSMISSIONS - 1)?;
    if case.of(receiver).any(|(_, e)| e.is_rst() || e.has(tcp::FIN)) {
        return None;
    }
    let edge = case.of(receiver).filter(|(_, e)| e.has(tcp::ACK)).map(|(_, e)| e.ack).reduce(|a, b| if ahead(b, a) > 0 { b } else { a })?;
    let through = case.starts[sender.index()].map_or(0, |start| ahead(edge, start));
    if through < BYTES as i64 {
        return None;
    }
    let stuck = |e: &Entry| e.payload_len > 0 && ahead(e.seq, edge) <= 0 && ahead(e.seq_end(), edge) > 0;
    let vain: Vec<usize> = case.after(sender, last).filter(|(_, e)| stuck(e)).map(|(i, _)| i).collect();
    let until = vain.last().and_then(|i| case.entries.get(*i))?.time;
    (vain.len() >= RETRANSMISSIONS && until.since(heard.time) >= enough).then_some((last, vain))
}
