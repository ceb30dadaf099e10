//! Per-direction sums and extremes of a flow: each part associative, so profiles merge.

use super::entry::{Entry, fact};
use crate::capture::Timestamp;

/// Distinct TTLs remembered, in order of appearance: a genuine path shows one to three, each injector adds one.
pub const TTLS: usize = 6;

/// One direction of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    pub packets: u64,
    /// Octets of IP payload on the wire, headers of TCP not counted.
    pub payload_bytes: u64,
    pub data_packets: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// TCP flags seen, all of them together.
    pub flags: u16,
    /// The first distinct TTLs and how often each was seen.
    pub ttls: [(u8, u32); TTLS],
    /// Resets seen.
    pub resets: u32,
    /// Packets cut by the snap length.
    pub cut: u64,
}

impl Profile {
    pub fn absorb(&mut self, e: &Entry) {
        self.packets += 1;
        self.payload_bytes += u64::from(e.payload_len);
        self.data_packets += u64::from(e.payload_len > 0);
        self.first.get_or_insert(e.time);
        self.last = Some(e.time);
        self.cut += u64::from(e.is(fact::CUT));
        if e.is_tcp() {
            self.flags |= e.flags;
            self.resets += u32::from(e.is_rst());
        }
        if !e.is(fact::ICMP) {
            self.count_ttl(e.ttl, 1);
        }
    }

    fn count_ttl(&mut self, ttl: u8, n: u32) {
        for slot in &mut self.ttls {
            if slot.1 == 0 {
                *slot = (ttl, n);
                return;
            }
            if slot.0 == ttl {
                slot.1 = slot.1.saturating_add(n);
                return;
            }
        }
    }

    /// `self` then `later`.
    pub fn merge(&mut self, later: &Profile) {
        self.packets += later.packets;
        self.payload_bytes += later.payload_bytes;
        self.data_packets += later.data_packets;
        self.first = self.first.or(later.first);
        self.last = later.last.or(self.last);
        self.flags |= later.flags;
        self.resets += later.resets;
        self.cut += later.cut;
        for (ttl, n) in later.ttls.iter().filter(|t| t.1 > 0) {
            self.count_ttl(*ttl, *n);
        }
    }
}
