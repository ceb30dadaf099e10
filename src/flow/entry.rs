//! One packet as a flow remembers it, and the compact record that carries a packet from dissecting to absorbing.

use super::key::{Direction, Fingerprint};
use crate::capture::Timestamp;
use crate::packet::{Packet, Transport, tcp};
use std::net::IpAddr;

/// Bits beside the TCP flags.
pub mod fact {
    /// Sent by the higher endpoint of the key.
    pub const FROM_HIGH: u16 = 1;
    pub const DONT_FRAGMENT: u16 = 1 << 1;
    /// The IP header has an identification (IPv4).
    pub const HAS_ID: u16 = 1 << 2;
    pub const TIMESTAMPS: u16 = 1 << 3;
    /// Captured payload is shorter than it was on the wire.
    pub const CUT: u16 = 1 << 4;
    /// Some TCP option is present.
    pub const OPTIONS: u16 = 1 << 5;
    pub const CHECKSUM_BAD: u16 = 1 << 6;
    pub const CHECKSUM_GOOD: u16 = 1 << 7;
    pub const UDP: u16 = 1 << 8;
    /// An ICMP error about this flow; its `seq` holds kind and code, its payload the address of its sender.
    pub const ICMP: u16 = 1 << 9;
    /// Put together from fragments; its bytes lie in the side buffer.
    pub const REASSEMBLED: u16 = 1 << 10;
    /// Does not match the capture filter: only counted for stream numbers.
    pub const HIDDEN: u16 = 1 << 11;
    /// TCP MD5 option (RFC 2385).
    pub const MD5: u16 = 1 << 12;
    pub const IPV6: u16 = 1 << 13;
    pub const TUNNEL: u16 = 1 << 14;
    pub const SACK_PERMITTED: u16 = 1 << 15;
}

/// A dissected packet on its way to its shard: 64 bytes, one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    pub time: i64,
    pub fingerprint_low: u64,
    pub fingerprint_high: u32,
    pub seq: u32,
    pub ack: u32,
    pub tsval: u32,
    pub tsecr: u32,
    /// Number of the frame within its chunk.
    pub index: u32,
    /// Where the frame (or the reassembled packet) starts in the window's bytes.
    pub at: u32,
    /// Payload length on the wire.
    pub payload_len: u32,
    pub window: u16,
    pub ip_id: u16,
    pub flags: u16,
    pub facts: u16,
    /// Payload start, counted from `at`, and how much of it was captured.
    pub payload_at: u16,
    pub payload_captured: u16,
    pub ttl: u8,
    pub tos: u8,
    /// IP header start, counted from `at`.
    pub ip_at: u8,
    /// Length of the TCP header, options included.
    pub header_len: u8,
}

const _: () = assert!(size_of::<Record>() == 64);

/// Where a packet belongs: its direction in the flow, the key's fingerprint, the DNS transaction.
pub type Placed = (Direction, Fingerprint, Option<u16>);

impl Record {
    /// `None` when encapsulation pushes the IP header beyond 255 octets, which no real link does.
    #[inline(always)]
    pub fn new(
        packet: &Packet<'_>,
        (direction, fingerprint, transaction): Placed,
        time: Timestamp,
        at: u32,
        frame: &[u8],
    ) -> Option<Record> {
        let payload_at = (packet.payload.as_ptr() as usize).wrapping_sub(frame.as_ptr() as usize);
        let mut facts = 0;
        facts |= fact::FROM_HIGH * u16::from(direction == Direction::FromHigh);
        facts |= fact::DONT_FRAGMENT * u16::from(packet.ip.dont_fragment);
        facts |= fact::HAS_ID * u16::from(packet.ip.id.is_some());
        facts |= fact::CUT * u16::from((packet.payload.len() as u32) < packet.payload_len);
        facts |= fact::IPV6 * u16::from(packet.src.ip.is_ipv6());
        facts |= fact::TUNNEL * u16::from(packet.tunnel.is_some());
        let mut record = Record {
            time: time.0,
            fingerprint_low: fingerprint.low,
            fingerprint_high: fingerprint.high,
            seq: 0,
            ack: 0,
            tsval: 0,
            tsecr: 0,
            index: 0,
            at,
            payload_len: packet.payload_len,
            window: 0,
            ip_id: packet.ip.id.unwrap_or(0),
            flags: 0,
            facts,
            payload_at: u16::try_from(payload_at).unwrap_or(0),
            payload_captured: if payload_at <= usize::from(u16::MAX) { packet.payload.len().min(usize::from(u16::MAX)) as u16 } else { 0 },
            ttl: packet.ip.ttl,
            tos: packet.ip.tos,
            ip_at: u8::try_from(packet.ip_at).ok()?,
            header_len: 0,
        };
        match packet.transport {
            Transport::Tcp(t) => record.tcp(&t),
            Transport::Udp => {
                record.facts |= fact::UDP;
                if let Some(id) = transaction {
                    (record.seq, record.ack) = (u32::from(id), 1);
                }
            }
            Transport::IcmpError(e) => {
                record.facts |= fact::ICMP | if e.quoted_protocol == 17 { fact::UDP } else { 0 };
                record.seq = u32::from(e.version) << 24 | u32::from(e.kind) << 16 | u32::from(e.code) << 8;
                record.ack = e.quoted_seq;
                record.window = e.mtu.unwrap_or(0);
                record.payload_captured = 0;
                record.payload_len = 0;
            }
        }
        Some(record)
    }

    /// Of a tunnel's datagram, which only stream numbers need to know of; `around` it are so many others.
    pub fn of_carrier(self, around: u8) -> Record {
        Record { facts: self.facts | fact::HIDDEN, header_len: around + 1, ..self }
    }

    /// How many are around a tunnel's datagram, if this is one.
    pub fn carrier(&self) -> Option<u8> {
        // No other datagram has a TCP header.
        (self.facts & (fact::UDP | fact::ICMP | fact::HIDDEN) == fact::UDP | fact::HIDDEN).then(|| self.header_len.checked_sub(1))?
    }

    #[inline]
    fn tcp(&mut self, t: &tcp::TcpFacts) {
        self.seq = t.seq;
        self.ack = t.ack;
        self.window = t.window;
        self.flags = t.flags;
        self.header_len = t.header_len;
        if let Some((value, echo)) = t.timestamps {
            self.tsval = value;
            self.tsecr = echo;
            self.facts |= fact::TIMESTAMPS;
        }
        self.facts |= fact::OPTIONS * u16::from(t.header_len > 20);
        self.facts |= fact::MD5 * u16::from(t.md5);
        self.facts |= fact::SACK_PERMITTED * u16::from(t.sack_permitted);
    }
}

/// Octets of payload remembered for every packet.
pub const PEEK: usize = 16;

/// A packet in a flow's transcript.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// 1-based over the whole capture, as Wireshark counts.
    pub frame: u64,
    /// Byte offset of the frame in the (uncompressed) capture.
    pub offset: u64,
    pub time: Timestamp,
    pub seq: u32,
    pub ack: u32,
    pub tsval: u32,
    pub tsecr: u32,
    pub payload_len: u32,
    pub window: u16,
    pub ip_id: u16,
    pub flags: u16,
    pub facts: u16,
    pub ttl: u8,
    pub tos: u8,
    pub header_len: u8,
    /// First octets of the payload: enough to tell a TLS record from an HTTP line from padding, and two packets from one another.
    pub peek: [u8; PEEK],
    /// How many octets of `peek` hold payload.
    pub peek_len: u8,
}

impl Entry {
    /// An entry with nothing in it, to be filled in.
    pub const fn blank() -> Entry {
        Entry {
            frame: 0,
            offset: 0,
            time: Timestamp(0),
            seq: 0,
            ack: 0,
            tsval: 0,
            tsecr: 0,
            payload_len: 0,
            window: 0,
            ip_id: 0,
            flags: 0,
            facts: 0,
            ttl: 0,
            tos: 0,
            header_len: 0,
            peek: [0; PEEK],
            peek_len: 0,
        }
    }

    pub fn direction(&self) -> Direction {
        if self.is(fact::FROM_HIGH) { Direction::FromHigh } else { Direction::FromLow }
    }
    pub fn is(&self, bit: u16) -> bool {
        self.facts & bit != 0
    }
    pub fn is_tcp(&self) -> bool {
        self.facts & (fact::UDP | fact::ICMP) == 0
    }
    pub fn has(&self, flags: u16) -> bool {
        self.is_tcp() && self.flags & flags == flags
    }
    pub fn is_rst(&self) -> bool {
        self.has(tcp::RST)
    }
    pub fn is_syn(&self) -> bool {
        self.is_tcp() && self.flags & (tcp::SYN | tcp::ACK) == tcp::SYN
    }
    pub fn is_syn_ack(&self) -> bool {
        self.has(tcp::SYN | tcp::ACK)
    }
    pub fn ip_id(&self) -> Option<u16> {
        self.is(fact::HAS_ID).then_some(self.ip_id)
    }
    pub fn timestamps(&self) -> Option<(u32, u32)> {
        self.is(fact::TIMESTAMPS).then_some((self.tsval, self.tsecr))
    }
    /// Sequence number after this packet: payload, SYN and FIN count.
    pub fn seq_end(&self) -> u32 {
        let extra = u32::from(self.flags & tcp::SYN != 0) + u32::from(self.flags & tcp::FIN != 0);
        self.seq.wrapping_add(self.payload_len).wrapping_add(extra)
    }
    pub fn peek(&self) -> &[u8] {
        self.peek.get(..usize::from(self.peek_len)).unwrap_or_default()
    }
    /// SYN, FIN, RST and ICMP errors: what the transcript keeps its neighbours for.
    pub fn is_control(&self) -> bool {
        self.is(fact::ICMP) || (self.is_tcp() && self.flags & (tcp::SYN | tcp::FIN | tcp::RST) != 0)
    }
    /// Version, type and code of an ICMP error.
    pub fn icmp(&self) -> Option<(u8, u8, u8)> {
        self.is(fact::ICMP).then_some(((self.seq >> 24) as u8, (self.seq >> 16) as u8, (self.seq >> 8) as u8))
    }
    /// Whether it is an ICMP error of `host` itself, saying that nobody listens on the port.
    pub fn is_refusal_of(&self, host: IpAddr) -> bool {
        let sender = || match self.peek() {
            [a, b, c, d] => host == IpAddr::from([*a, *b, *c, *d]),
            bytes => <[u8; 16]>::try_from(bytes).is_ok_and(|b| host == IpAddr::from(b)),
        };
        matches!(self.icmp(), Some((4, 3, 3) | (6, 1, 4))) && sender()
    }
    /// A letter for each flag, as tcpdump prints them.
    pub fn flag_letters(&self) -> String {
        let letters = [
            (tcp::FIN, 'F'),
            (tcp::SYN, 'S'),
            (tcp::RST, 'R'),
            (tcp::PSH, 'P'),
            (tcp::URG, 'U'),
            (0x40, 'E'),
            (0x80, 'W'),
            (tcp::ACK, '.'),
        ];
        letters.iter().filter(|(bit, _)| self.flags & bit != 0).map(|(_, c)| c).collect()
    }
}
