//! A bulk transfer as its packets show it: how much, how fast, how evenly, and whether it stopped in the middle.

use super::case::Case;
use crate::flow::entry::Entry;
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

/// A direction of a TCP flow that carried data in bulk.
#[derive(Clone, PartialEq, Debug)]
pub struct Transfer {
    /// Who sent it.
    pub sender: Direction,
    /// Octets of payload without repetitions, and packets that carried any.
    pub bytes: u64,
    pub packets: u64,
    /// From the first to the last data packet, ns.
    pub duration: i64,
    /// Octets a second between the first packets and the last; what came first may have been a burst that was let through.
    pub rate: f64,
    /// The middle and the end ran at the same rate.
    pub steady: bool,
    /// Most segments were as large as the largest: the sender had more to send all the time.
    pub full: bool,
    /// Segments that were looked at.
    pub sampled: usize,
}

/// Fewer packets are a message, not a transfer.
pub const PACKETS: u64 = 5;
/// Rates that differ by more than this between middle and end are no even flow; a bucket that is refilled in steps stays within it.
const EVEN: f64 = 3.0;

impl Transfer {
    /// The side that sent more.
    pub fn sender(case: &Case<'_>) -> Direction {
        let sides = &case.flow.sides;
        let busier = |a: Direction, b: Direction| sides[a.index()].payload_bytes >= sides[b.index()].payload_bytes;
        if busier(case.server(), case.client) { case.server() } else { case.client }
    }

    /// The busier direction of a connection, if it carried at least [`PACKETS`] data packets.
    pub fn of(case: &Case<'_>) -> Option<Transfer> {
        let sender = Transfer::sender(case);
        let profile = &case.flow.sides[sender.index()];
        if case.flow.key.protocol != 6 || profile.data_packets < PACKETS {
            return None;
        }
        let data = data(case, sender);
        let (first, last) = (data.first()?.1, data.last()?.1);
        let bytes = distinct(case, sender, &data, profile.payload_bytes);
        let (rate, steady) = rate(case, &data, bytes);
        let largest = data.iter().map(|(_, e)| e.payload_len).max()?;
        let full = data.iter().filter(|(_, e)| e.payload_len == largest).count() * 2 >= data.len();
        Some(Transfer {
            sender,
            bytes,
            packets: profile.data_packets,
            duration: last.time.since(first.time),
            rate,
            steady,
            full,
            sampled: data.len(),
        })
    }

    /// Segments that filled a hole left by a lost one, among those that were looked at: behind one that was sent later.
    pub fn late(&self, case: &Case<'_>) -> usize {
        if case.course(self.sender).in_order {
            return 0;
        }
        let data = data(case, self.sender);
        let mut late = 0;
        let mut highest: Option<u32> = None;
        for (n, (_, e)) in data.iter().enumerate() {
            if is_gap(case, &data, n) {
                highest = None;
            }
            match highest {
                Some(seen) if ahead(seen, e.seq_end()) >= 0 => late += 1,
                _ => highest = Some(e.seq_end()),
            }
        }
        late
    }

    /// Round trip late in the transfer above the shortest, ns, as the echoed timestamps show: data that waited in a queue.
    ///
    /// A sender that pauses echoes what it heard before the pause, so an old echo alone is none: only where the receiver has sent
    /// several packets since was the echo under way that long.
    pub fn queueing(&self, case: &Case<'_>) -> Option<i64> {
        const UNDER_WAY: usize = 3;
        let mut sent: Vec<(u32, i64)> = Vec::new();
        let (mut least, mut late) = (None, Vec::new());
        for e in case.entries.iter().filter(|e| e.is_tcp() && !e.is_rst()) {
            let Some((value, echo)) = e.timestamps() else { continue };
            if e.direction() != self.sender {
                if sent.last().is_none_or(|(v, _)| *v != value) {
                    sent.push((value, e.time.0));
                }
                continue;
            }
            let Some((newer, (_, at))) = sent.iter().rev().enumerate().find(|(_, (v, _))| *v == echo) else { continue };
            let age = e.time.0 - at;
            least = Some(least.map_or(age, |l: i64| l.min(age)));
            if newer >= UNDER_WAY {
                late.push(age);
            }
        }
        // The middle one of the last: one packet may have waited for anything.
        let third = late.len() / 3;
        let mut end = late.split_off(late.len() - third);
        end.sort_unstable();
        end.get(end.len() / 2).zip(least).map(|(middle, least)| middle - least)
    }

    /// The receiver, late in the transfer, closed its window: it was the one that could not take more.
    pub fn is_closed(&self, case: &Case<'_>) -> bool {
        /// Enough acknowledgements to see a receiver that reads slowly.
        const LAST: usize = 8;
        let Some((_, last)) = case.of(self.sender).rfind(is_data) else { return false };
        let acks = case.of(self.sender.other()).filter(|(_, e)| e.has(tcp::ACK) && !e.has(tcp::SYN) && !e.is_rst() && e.time <= last.time);
        acks.rev().take(LAST).any(|(_, e)| e.window == 0)
    }
}

/// The packets of a side that carry its data.
fn data<'c>(case: &'c Case<'_>, sender: Direction) -> Vec<(usize, &'c Entry)> {
    // As many as the sums say, or the packets kept.
    let mut data = Vec::with_capacity(case.entries.len().min(case.flow.sides[sender.index()].data_packets as usize));
    data.extend(case.of(sender).filter(is_data));
    data
}

fn is_data((_, e): &(usize, &Entry)) -> bool {
    e.payload_len > 0 && !e.is_rst()
}

/// Octets sent, without repetitions as far as sequence numbers tell.
fn distinct(case: &Case<'_>, sender: Direction, data: &[(usize, &Entry)], sent: u64) -> u64 {
    let highest = data.iter().map(|(_, e)| e.seq_end()).reduce(|a, b| if ahead(b, a) > 0 { b } else { a });
    match case.starts[sender.index()].zip(highest) {
        // Beyond half the sequence space numbers say nothing.
        Some((start, end)) if sent < 1 << 31 => sent.min(u64::from(end.wrapping_sub(start))),
        _ => sent,
    }
}

/// The rate between the first packets kept and the last, and whether the last came at the same one.
fn rate(case: &Case<'_>, data: &[(usize, &Entry)], bytes: u64) -> (f64, bool) {
    // The gap in the transcript parts the beginning from the end; a short flow is cut in thirds.
    let gap = if case.flow.transcript.has_gaps() { (1..data.len()).find(|n| is_gap(case, data, *n)) } else { None };
    let (begin, end) = match gap {
        Some(at) if at > 0 => (at - 1, at),
        _ => (data.len() / 3, data.len() * 2 / 3),
    };
    let sum = |list: &[(usize, &Entry)]| list.iter().map(|(_, e)| u64::from(e.payload_len)).sum::<u64>();
    let (Some((_, from)), Some((_, to)), Some((_, last))) = (data.get(begin), data.get(end), data.last()) else { return (0.0, false) };
    let head = sum(data.get(..=begin).unwrap_or_default());
    let tail = sum(data.get(end + 1..).unwrap_or_default());
    let seconds = |a: &Entry, b: &Entry| b.time.since(a.time) as f64 / 1e9;
    let middle_rate = bytes.saturating_sub(head + tail) as f64 / seconds(from, to).max(1e-6);
    let tail_rate = tail as f64 / seconds(to, last).max(1e-6);
    let even = middle_rate <= tail_rate * EVEN && tail_rate <= middle_rate * EVEN;
    let whole = (bytes.saturating_sub(head)) as f64 / seconds(from, last).max(1e-6);
    (whole, even && end > begin && tail > 0)
}

/// Whether packets were left out between a data packet and the one before it.
fn is_gap(case: &Case<'_>, data: &[(usize, &Entry)], n: usize) -> bool {
    let (Some((from, _)), Some((to, _))) = (n.checked_sub(1).and_then(|before| data.get(before)), data.get(n)) else { return false };
    case.left_out.get(from + 1..=*to).unwrap_or_default().iter().any(|left| *left > 0)
}
