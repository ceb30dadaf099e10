//! Orders the kept payload of a direction and finds where two packets claim the same bytes (races).

use super::entry::Entry;
use super::record::Head;

/// Kept payload laid on the stream: pieces start at 0 for the first byte after the SYN.
#[derive(Debug, Default)]
pub struct Laid<'f> {
    /// Offset in the stream, frame, bytes; in order of arrival.
    pub pieces: Vec<(u32, u64, &'f [u8])>,
}

/// Lays a direction's kept payload relative to `start`, the sequence number of its first byte.
///
/// Payload from before `start` (old duplicates) or absurdly far behind it is left out.
pub fn lay(head: &Head, start: u32) -> Laid<'_> {
    /// As far ahead as anything in the first message can be.
    const REACH: u32 = 1 << 20;
    let pieces = head
        .segments
        .iter()
        .filter_map(|s| {
            let offset = s.seq.wrapping_sub(start);
            (offset < REACH).then(|| (offset, s.frame, head.slice(s)))
        })
        .collect();
    Laid { pieces }
}

impl Laid<'_> {
    /// Frame of the packet that brings the last byte of `0..end` not yet covered by earlier packets: the one that completes it.
    pub fn completed_by(&self, end: u32) -> Option<u64> {
        let mut covered: Vec<(u32, u32)> = Vec::new();
        for (offset, frame, bytes) in &self.pieces {
            covered.push((*offset, offset + bytes.len() as u32));
            covered.sort_unstable();
            let mut reach = 0;
            for (a, b) in &covered {
                if *a > reach {
                    break;
                }
                reach = reach.max(*b);
            }
            if reach >= end {
                return Some(*frame);
            }
        }
        None
    }

    /// Frame that carries the byte at `offset` first.
    pub fn carrier(&self, offset: u32) -> Option<u64> {
        self.pieces.iter().find(|(o, _, b)| *o <= offset && offset < o + b.len() as u32).map(|(_, f, _)| *f)
    }
}

/// Two packets of one side that claim different bytes for the same sequence numbers. The first one wins at most receivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Race {
    pub winner: u64,
    pub loser: u64,
    /// First sequence number at which they differ.
    pub seq: u32,
}

/// Races a flow keeps: one is proof enough, eight show a pattern.
pub const MAX_RACES: usize = 8;

/// Finds races among a direction's kept payload.
pub fn races(head: &Head) -> Vec<Race> {
    let mut found = Vec::new();
    for (i, later) in head.segments.iter().enumerate() {
        for earlier in head.segments.iter().take(i) {
            if let Some(seq) = differs(earlier.seq, head.slice(earlier), later.seq, head.slice(later)) {
                found.push(Race { winner: earlier.frame, loser: later.frame, seq });
                if found.len() == MAX_RACES {
                    return found;
                }
                break;
            }
        }
    }
    found
}

/// First sequence number where two stretches overlap and differ.
fn differs(a_seq: u32, a: &[u8], b_seq: u32, b: &[u8]) -> Option<u32> {
    let ahead = b_seq.wrapping_sub(a_seq);
    let (skip_a, skip_b) = if (ahead as usize) < a.len() {
        (ahead as usize, 0)
    } else {
        let behind = a_seq.wrapping_sub(b_seq) as usize;
        if behind >= b.len() {
            return None;
        }
        (0, behind)
    };
    let pairs = a.iter().skip(skip_a).zip(b.iter().skip(skip_b));
    pairs.enumerate().find(|(_, (x, y))| x != y).map(|(i, _)| a_seq.wrapping_add((skip_a + i) as u32))
}

/// Signed distance between sequence numbers: how far `a` is ahead of `b`.
pub fn ahead(a: u32, b: u32) -> i64 {
    i64::from(a.wrapping_sub(b) as i32)
}

/// Whether two entries are the same packet captured twice (a mirror port, an interface and its bridge): everything the sender wrote
/// is equal, the TTL differs by at most the hops between the two taps, and hardly any time has passed.
pub fn is_copy(first: &Entry, again: &Entry) -> bool {
    /// Taps of one host or one switch; a retransmission cannot be that fast.
    const NS: i64 = 3_000_000;
    /// Taps at both ends of a slow line, where packets have numbers of their own.
    const NUMBERED_NS: i64 = 10_000_000;
    /// Hops between two taps. Forged datagrams have little that tells one from the next.
    const NEAR: u8 = 4;
    const FAR: u8 = 8;
    let gap = again.time.since(first.time);
    // What is said again travels as far as before, give or take.
    let hops = first.ttl.abs_diff(again.ttl);
    let (apart, far) = if first.is_tcp() { (hops > 0, FAR) } else { (false, NEAR) };
    let most = if apart || first.ip_id().is_some_and(|id| id != 0) { NUMBERED_NS } else { NS };
    let mask = !(crate::flow::entry::fact::CHECKSUM_BAD
        | crate::flow::entry::fact::CHECKSUM_GOOD
        | crate::flow::entry::fact::TUNNEL
        | crate::flow::entry::fact::CUT);
    (0..=most).contains(&gap)
        && first.direction() == again.direction()
        && (first.seq, first.ack, first.flags, first.window, first.payload_len)
            == (again.seq, again.ack, again.flags, again.window, again.payload_len)
        && (first.tsval, first.tsecr, first.ip_id, first.header_len) == (again.tsval, again.tsecr, again.ip_id, again.header_len)
        && first.facts & mask == again.facts & mask
        && first.peek == again.peek
        && hops <= far
}
