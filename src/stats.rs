//! A counter for everything skipped, capped or evicted. Merges by addition.

use crate::packet::Skip;
use std::collections::BTreeMap;

/// Counters of a run, or of a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub packets: u64,
    pub bytes: u64,
    /// Frames that gave no packet, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// Frames shorter than they were on the wire.
    pub snaplen_cut: u64,
    pub fragments: u64,
    pub fragments_abandoned: u64,
    pub filtered: u64,
    /// Packets whose time lies before an earlier frame's.
    pub out_of_order: u64,
    pub bad_checksums: u64,
    pub flows: u64,
    pub evicted: u64,
    /// Packets of connections that had closed a while before, and connections past or closed that were forgotten for room.
    pub late_packets: u64,
    pub closed_forgotten: u64,
    pub streams_forgotten: u64,
    /// Packets nested deeper than a record can say.
    pub too_deep: u64,
}

impl Stats {
    /// Adds another part.
    pub fn merge(&mut self, other: &Stats) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        for (why, n) in &other.skipped {
            *self.skipped.entry(*why).or_default() += n;
        }
        self.snaplen_cut += other.snaplen_cut;
        self.fragments += other.fragments;
        self.fragments_abandoned += other.fragments_abandoned;
        self.filtered += other.filtered;
        self.out_of_order += other.out_of_order;
        self.bad_checksums += other.bad_checksums;
        self.flows += other.flows;
        self.evicted += other.evicted;
        self.late_packets += other.late_packets;
        self.closed_forgotten += other.closed_forgotten;
        self.streams_forgotten += other.streams_forgotten;
        self.too_deep += other.too_deep;
    }

    /// What was skipped, by name.
    pub fn skipped_names(&self) -> Vec<(String, u64)> {
        self.skipped.iter().map(|(why, n)| (why.to_string(), *n)).collect()
    }
}

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Skip::LinkType(n) => write!(f, "link type {n}"),
            Skip::EtherType(0) => write!(f, "802.3 without IP"),
            Skip::EtherType(0x0806) => write!(f, "ARP"),
            Skip::EtherType(0x88cc) => write!(f, "LLDP"),
            Skip::EtherType(n) => write!(f, "protocol type 0x{n:04x}"),
            Skip::IpProtocol(2) => write!(f, "IGMP"),
            Skip::IpProtocol(50) => write!(f, "ESP"),
            Skip::IpProtocol(132) => write!(f, "SCTP"),
            Skip::IpProtocol(n) => write!(f, "IP protocol {n}"),
            Skip::IcmpType(n) => write!(f, "ICMP type {n}"),
            Skip::Icmp6Type(n) => write!(f, "ICMPv6 type {n}"),
            Skip::Cut => write!(f, "cut before the ports"),
            Skip::Malformed(what) => write!(f, "malformed: {what}"),
            Skip::TooDeep => write!(f, "too many encapsulations"),
            Skip::Fragment => write!(f, "fragment"),
        }
    }
}
