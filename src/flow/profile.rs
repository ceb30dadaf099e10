//! Per-direction sums of a flow: each part associative, so profiles merge.

use super::entry::{Entry, fact};

/// One direction of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    pub packets: u64,
    /// Octets of IP payload on the wire, headers of TCP not counted.
    pub payload_bytes: u64,
    pub data_packets: u64,
    /// Packets cut by the snap length.
    pub cut: u64,
    /// Resets seen.
    pub resets: u32,
    /// TCP flags seen, all of them together.
    pub flags: u16,
}

impl Profile {
    pub fn absorb(&mut self, e: &Entry) {
        self.packets += 1;
        self.payload_bytes += u64::from(e.payload_len);
        self.data_packets += u64::from(e.payload_len > 0);
        self.cut += u64::from(e.is(fact::CUT));
        if e.is_tcp() {
            self.flags |= e.flags;
            self.resets += u32::from(e.is_rst());
        }
    }

    /// `self` then `later`.
    pub fn merge(&mut self, later: &Profile) {
        self.packets += later.packets;
        self.payload_bytes += later.payload_bytes;
        self.data_packets += later.data_packets;
        self.cut += later.cut;
        self.resets += later.resets;
        self.flags |= later.flags;
    }
}
