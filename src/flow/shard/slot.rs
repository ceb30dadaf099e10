//! A live flow in its place: what it takes of a packet, and what that costs.

use super::WindowBytes;
use crate::capture::Timestamp;
use crate::flow::closing::Closing;
use crate::flow::entry::{Entry, Record, fact};
use crate::flow::key::Fingerprint;
use crate::flow::record::{Flow, begins_request, is_long_header};
use crate::flow::settle::{clear_part, settle};
use crate::flow::transcript::Sounded;
use crate::packet::{ip, tcp};

pub(super) struct Slot {
    /// The halves of its fingerprint, apart: what stands behind the shorter one would be lost to padding.
    low: u64,
    high: u32,
    /// Octets that the flow has on the heap.
    pub heap: u32,
    pub closing: Closing,
    /// Whether of a direction no more payload is kept, but for later requests.
    heard: [bool; 2],
    /// UDP without transactions.
    datagrams: bool,
    pub flow: Flow,
}

/// An eighth of a page: a segment of them is a size that allocators have.
const _: () = assert!(size_of::<Option<Slot>>() <= 512);

/// Data packets whose checksum is looked at: evasion tools spoil those of their decoys, which come early.
const CHECKED_DATA_PACKETS: u64 = 3;

impl Slot {
    #[inline(always)]
    pub fn new(print: Fingerprint, flow: Flow) -> Slot {
        let datagrams = flow.key.protocol != 6 && flow.key.transaction.is_none();
        Slot { low: print.low, high: print.high, heap: 0, closing: Closing::default(), heard: [false; 2], datagrams, flow }
    }

    #[inline(always)]
    pub fn print(&self) -> Fingerprint {
        Fingerprint { low: self.low, high: self.high }
    }

    /// Whether this is a packet's flow, and the packet goes on with it.
    #[inline(always)]
    pub fn takes(&self, record: &Record, entry: &Entry, clock: Timestamp) -> bool {
        let flow = &self.flow;
        self.print() == print_of(record)
            && record.facts & fact::HIDDEN == 0
            && !self.closing.is_over(clock.max(entry.time))
            && (flow.transcript.count() == 0 || !flow.is_ended_by(entry))
    }

    /// Whether the checksum of a side's next packet is looked at, and its payload read from one end to the other.
    #[inline(always)]
    pub fn is_checked(&self, from_high: bool) -> bool {
        self.flow.sides[usize::from(from_high)].data_packets < CHECKED_DATA_PACKETS
    }

    /// Adds a packet to the flow, and lets go of payload that is not needed any more. Returns by how much the flow grew, modulo 2^64,
    /// and what [`Flow::note`] does.
    #[inline(always)]
    pub fn take(&mut self, entry: &Entry, payload: &[u8]) -> (usize, Option<Sounded>) {
        let (flow, side) = (&mut self.flow, entry.direction().index());
        flow.hidden = false;
        let before = flow.transcript.heap();
        let sounded = flow.note(entry);
        let worth_hearing = match (self.datagrams, self.heard[side]) {
            (true, heard) => !heard && is_long_header(payload),
            (false, heard) => !heard || begins_request(payload),
        };
        // Most packets touch neither heads nor later requests, and the sum over those costs more than the packet.
        let now = if entry.payload_len > 0 && worth_hearing {
            self.hear(entry, payload)
        } else {
            self.heap as usize + flow.transcript.heap() - before
        };
        (now.wrapping_sub(std::mem::replace(&mut self.heap, now as u32) as usize), sounded)
    }

    /// Keeps what is needed of a packet's payload. Returns what the flow then has on the heap.
    fn hear(&mut self, entry: &Entry, payload: &[u8]) -> usize {
        let (flow, side) = (&mut self.flow, entry.direction().index());
        flow.hear(entry, clear_part(flow, side, payload));
        if entry.is_tcp() || is_long_header(payload) {
            settle(flow, side);
        }
        self.heard[side] = flow.heads[side].closed;
        flow.heap()
    }

    /// Whether the conversation closed with this packet, the flow's latest.
    #[inline(always)]
    pub fn closes(&mut self, entry: &Entry, clock: Timestamp) -> bool {
        !self.datagrams && self.closing.see(entry, &self.flow, clock)
    }
}

pub(super) fn print_of(record: &Record) -> Fingerprint {
    Fingerprint { low: record.fingerprint_low, high: record.fingerprint_high }
}

/// Notes the segment size that a SYN offers: the one option that packets behind it are measured by.
#[inline]
pub(super) fn offer(flow: &mut Flow, entry: &Entry, record: &Record, window: &WindowBytes<'_>) {
    if entry.flags & tcp::SYN == 0 || !entry.is_tcp() {
        return;
    }
    let header = ip::header(window.frame(record), usize::from(record.ip_at)).ok();
    let facts = header.and_then(|h| tcp::header(h.body).ok()).map(|(facts, ..)| facts);
    let mss = facts.and_then(|f| f.mss).unwrap_or(0);
    let known = &mut flow.mss[entry.direction().index()];
    *known = mss.max(*known);
}
