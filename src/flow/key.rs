//! What makes packets one flow: the order-free 5-tuple, and for DNS over UDP the transaction id.
//!
//! The VLAN is deliberately not part of the key: taps tag the two directions differently, and a flow split by its tags would look
//! one-sided and broken. Copies of a packet under two tags are collapsed as duplicates while judging.

use crate::packet::{Endpoint, Packet, Transport};
use std::net::IpAddr;

/// Key of a flow. `low <= high`, so both directions have the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct FlowKey {
    pub low: Endpoint,
    pub high: Endpoint,
    /// IP protocol number, 6 or 17.
    pub protocol: u8,
    /// DNS transaction id: a forwarder on one port carries thousands of transactions.
    pub transaction: Option<u16>,
}

/// Which way a packet went, as a fact: from the lower endpoint or from the higher one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Direction {
    FromLow,
    FromHigh,
}

impl Direction {
    pub fn other(self) -> Direction {
        match self {
            Direction::FromLow => Direction::FromHigh,
            Direction::FromHigh => Direction::FromLow,
        }
    }
    pub fn index(self) -> usize {
        match self {
            Direction::FromLow => 0,
            Direction::FromHigh => 1,
        }
    }
}

impl FlowKey {
    /// Key and direction of a packet. An ICMP error belongs to the flow it quotes and travels against the quoted packet.
    pub fn of(packet: &Packet<'_>, transaction: Option<u16>) -> (FlowKey, Direction) {
        let (src, dst, protocol, transaction) = ends(packet, transaction);
        FlowKey::new(src, dst, protocol, transaction)
    }

    /// Orders the endpoints.
    pub fn new(src: Endpoint, dst: Endpoint, protocol: u8, transaction: Option<u16>) -> (FlowKey, Direction) {
        if src <= dst {
            (FlowKey { low: src, high: dst, protocol, transaction }, Direction::FromLow)
        } else {
            (FlowKey { low: dst, high: src, protocol, transaction }, Direction::FromHigh)
        }
    }

    /// The endpoint that sends in `direction`.
    pub fn sender(&self, direction: Direction) -> Endpoint {
        match direction {
            Direction::FromLow => self.low,
            Direction::FromHigh => self.high,
        }
    }
}

/// Sender, receiver, protocol and transaction that make a packet's key.
type Ends = (Endpoint, Endpoint, u8, Option<u16>);

#[inline(always)]
fn ends(packet: &Packet<'_>, transaction: Option<u16>) -> Ends {
    match packet.transport {
        Transport::Tcp(_) => (packet.src, packet.dst, 6, None),
        Transport::Udp => (packet.src, packet.dst, 17, transaction),
        Transport::IcmpError(e) => (e.quoted_dst, e.quoted_src, e.quoted_protocol, e.transaction()),
    }
}

/// 96 bits that stand for a key in the table: under a random seed two keys of a crafted capture cannot be made to collide, and at
/// 96 bits chance does not either (1e-12 for a hundred million flows).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Fingerprint {
    pub low: u64,
    pub high: u32,
}

/// Number of shards. Fixed, so that output cannot depend on the number of threads: enough to keep as many cores at work as share one
/// memory, and few enough that each has some dozens of packets in every window. With 256 a thread fetched a shard's tables for twenty,
/// and both took a sixth longer and a fifth more memory.
pub const SHARDS: usize = 64;

/// Hashes keys: with a fixed seed to deal flows to shards, with a random one for the tables.
#[derive(Clone, Copy, Debug)]
pub struct Hasher {
    seed: [u64; 4],
}

/// Two halves of a 64x64 multiplication folded: the mixing step of the wyhash family.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// Digits of pi, e and the like: for dealing to shards any odd numbers do.
const FIXED: [u64; 5] = [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0x2545_f491_4f6c_dd1d, 0xd6e8_feb8_6659_fd93];

/// Above every IP protocol number that has ports.
const TRANSACTION: u64 = 0x80;

fn wide(ip: IpAddr) -> u128 {
    match ip {
        // No IPv6 address of a packet: those of this prefix are for programs' own use.
        IpAddr::V4(x) => u128::from(x.to_bits()) | 0xffff << 32 | 1 << 127,
        IpAddr::V6(x) => x.to_bits(),
    }
}

impl Hasher {
    /// A seed from the operating system, new in every run.
    pub fn random() -> Hasher {
        let mut bytes = [0u8; 32];
        // Without an entropy source the fixed seed still works; it only loses the defence against crafted collisions.
        let _ = getrandom::fill(&mut bytes);
        let mut seed = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];
        for (word, chunk) in seed.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word ^= u64::from_le_bytes(*chunk);
        }
        Hasher { seed }
    }

    /// Direction of a packet, shard (fixed) and fingerprint (seeded) of its key.
    ///
    /// The same as of [`FlowKey::of`], but without building the key: endpoints that are put in order in memory are read back in other
    /// pieces than they were written in, for which a processor waits.
    #[inline(always)]
    pub fn place(&self, packet: &Packet<'_>, transaction: Option<u16>) -> (Direction, usize, Fingerprint) {
        self.mix(ends(packet, transaction))
    }

    /// Fingerprint of the conversation that a key is part of: all transactions of a DNS port pair.
    pub fn conversation(&self, key: &FlowKey) -> Fingerprint {
        self.mix((key.low, key.high, key.protocol, None)).2
    }

    #[inline(always)]
    fn mix(&self, (src, dst, protocol, transaction): Ends) -> (Direction, usize, Fingerprint) {
        let ordered = match (src.ip, dst.ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits(), src.port) <= (b.to_bits(), dst.port),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), src.port) <= (b.to_bits(), dst.port),
            (a, _) => a.is_ipv4(),
        };
        let (low, high) = if ordered { (src.port, dst.port) } else { (dst.port, src.port) };
        let ports = u64::from(low) << 32 | u64::from(high) << 8 | u64::from(protocol);
        // Both transports of a DNS conversation share a shard: the transaction is not part of the shard.
        let tagged = transaction.map_or(ports, |id| ports | u64::from(id) << 48 | TRANSACTION);
        let [s, t, u, v] = self.seed;
        let (fixed, one, two) = match (src.ip, dst.ip) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let (a, b) = (u64::from(a.to_bits()), u64::from(b.to_bits()));
                let ips = if ordered { a << 32 | b } else { b << 32 | a };
                (fold(ips ^ FIXED[0], ports ^ FIXED[1]), fold(ips ^ s, tagged ^ t), fold(ips ^ u, tagged ^ v))
            }
            (a, b) => {
                let (a, b) = (wide(a), wide(b));
                let (x, y) = if ordered { (a, b) } else { (b, a) };
                let [a, b, c, d] = [x as u64, (x >> 64) as u64, y as u64, (y >> 64) as u64];
                let fixed = fold(a ^ FIXED[0], b ^ FIXED[1]) ^ fold(c ^ ports, d ^ FIXED[2]);
                let tail = fold(tagged ^ t, FIXED[3] ^ u);
                let one = fold(a ^ s, b ^ t).wrapping_add(fold(c ^ u, d ^ v));
                let two = fold(a ^ v, c ^ s).wrapping_add(fold(b ^ u, d ^ t));
                (fixed, one ^ tail, two ^ tail.rotate_left(32))
            }
        };
        let shard = (fold(fixed, FIXED[4]) >> 56) as usize;
        let low = fold(one, s | 1);
        let high = fold(two, u | 1);
        let direction = if ordered { Direction::FromLow } else { Direction::FromHigh };
        (direction, shard % SHARDS, Fingerprint { low, high: high as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::dissect;
    use crate::script::{Host, Rtt, Script, dns::Query};

    /// Packets of a conversation have one place and one key, and both tell its directions alike.
    #[test]
    fn a_place_is_that_of_the_key() {
        let hasher = Hasher::random();
        for (client, server) in [("10.0.0.1", "45.0.0.1"), ("45.0.0.1", "10.0.0.1"), ("fd00::1", "2a0b::1"), ("2a0b::1", "2a0b::1")] {
            let mut s = Script::new();
            let (client, server) = (Host::linux(client), Host::linux(server));
            let q = Query::a("www.example.org").id(7);
            s.udp(&client, 40_001, &server, 53, Rtt::ms(20.0)).ask(&q).answer(&q.answer().address("45.60.70.80"));
            let frames: Vec<_> = s.frames().into_iter().map(|f| f.bytes).collect();
            let places: Vec<_> = frames
                .iter()
                .map(|bytes| {
                    let frame = crate::capture::Frame {
                        time: crate::capture::Timestamp(0),
                        link: crate::capture::LinkType(1),
                        interface: 0,
                        wire_len: bytes.len() as u32,
                        bytes,
                    };
                    let packet = dissect(&frame).unwrap();
                    let (key, direction) = FlowKey::of(&packet, Some(7));
                    let (placed, shard, print) = hasher.place(&packet, Some(7));
                    assert_eq!(placed, direction);
                    assert_ne!(print, hasher.place(&packet, None).2);
                    assert_eq!(shard, hasher.place(&packet, None).1);
                    (key, shard, print)
                })
                .collect();
            assert_eq!(places[0], places[1]);
        }
    }
}
