//! One end of a connection: its numbers, its clock, and what it has sent and not seen acknowledged.

use crate::packet::tcp::{ACK, FIN, SYN};
use crate::script::random::Random;
use crate::script::{Body, Draft, Host, IpId};
use std::net::SocketAddr;

/// A segment in flight.
#[derive(Clone, Debug)]
pub struct Segment {
    pub seq: u32,
    pub flags: u16,
    pub payload: Vec<u8>,
}

impl Segment {
    pub fn end(&self) -> u32 {
        sequence_end(self.seq, self.flags, self.payload.len())
    }
}

/// One past the last sequence number a segment takes.
pub fn sequence_end(seq: u32, flags: u16, payload: usize) -> u32 {
    seq.wrapping_add(payload as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0))
}

/// One end of a connection.
#[derive(Clone, Debug)]
pub struct End {
    pub host: Host,
    pub at: SocketAddr,
    pub isn: u32,
    /// Next number to send.
    pub next: u32,
    /// Next number expected.
    pub expected: u32,
    /// Local time in nanoseconds.
    pub now: i64,
    pub flight: Vec<Segment>,
    pub vlan: Option<u16>,
    held: Vec<(u32, u32)>,
    clock: u32,
    echo: u32,
    /// Both ends agreed on timestamps.
    pub stamping: bool,
    id: u16,
}

impl End {
    pub fn new(host: &Host, port: u16, now: i64, random: &mut Random) -> End {
        let isn = random.double_word();
        End {
            host: host.clone(),
            at: SocketAddr::new(host.ip, port),
            isn,
            next: isn,
            expected: 0,
            now,
            flight: Vec::new(),
            vlan: None,
            held: Vec::new(),
            clock: random.double_word() >> 1,
            echo: 0,
            stamping: host.timestamps,
            id: random.word(),
        }
    }

    /// Payload a segment can carry.
    pub fn room(&self, peer_mss: u16) -> usize {
        usize::from(self.host.mss.min(peer_mss)) - if self.stamping { 12 } else { 0 }
    }

    /// A packet of this end with everything as its system would have it.
    pub fn draft(&mut self, to: SocketAddr, flags: u16, seq: u32, payload: &[u8]) -> Draft {
        let ack = if flags & ACK != 0 { self.expected } else { 0 };
        let window = if flags & SYN != 0 { self.host.syn_window } else { self.host.window };
        let ip_id = self.next_id(flags);
        let body = Body::Tcp { seq, ack, flags, window, options: self.options(flags) };
        let ttl = self.host.seen_ttl();
        Draft { src: self.at, dst: to, ttl, ip_id, df: self.host.df, tos: 0, body, payload: payload.to_vec(), bad_checksum: false }
    }

    fn next_id(&mut self, flags: u16) -> u16 {
        match self.host.ip_id {
            IpId::Fixed(id) => id,
            IpId::Global => self.host.next_global(),
            // Linux answers a SYN before the connection has a counter.
            IpId::PerConnection if flags & (SYN | ACK) == SYN | ACK => 0,
            IpId::PerConnection => {
                self.id = self.id.wrapping_add(1);
                self.id
            }
            IpId::Random => {
                self.id = self.id.wrapping_mul(25_173).wrapping_add(13_849);
                self.id
            }
        }
    }

    fn options(&self, flags: u16) -> Vec<u8> {
        let stamp = self.timestamps();
        if flags & SYN == 0 {
            return if self.stamping { [&[1, 1, 8, 10][..], &stamp].concat() } else { Vec::new() };
        }
        let mss = self.host.mss.to_be_bytes();
        let mut out = vec![2, 4, mss[0], mss[1]];
        match (self.stamping, self.host.window_scale) {
            (true, scale) => {
                out.extend([4, 2, 8, 10]);
                out.extend(stamp);
                out.extend(scale.map(|shift| [1, 3, 3, shift]).iter().flatten());
            }
            (false, Some(shift)) => out.extend([1, 3, 3, shift, 1, 1, 4, 2]),
            (false, None) => {}
        }
        out
    }

    /// TSval and TSecr now: a clock of milliseconds, as Linux has.
    pub fn timestamps(&self) -> [u8; 8] {
        let value = self.clock.wrapping_add((self.now / 1_000_000) as u32);
        let mut out = [0; 8];
        out[..4].copy_from_slice(&value.to_be_bytes());
        out[4..].copy_from_slice(&self.echo.to_be_bytes());
        out
    }

    /// Takes in a packet of the other end.
    pub fn absorb(&mut self, draft: &Draft) {
        let Body::Tcp { seq, ack, flags, options, .. } = &draft.body else { return };
        if let Some(at) = options.windows(2).position(|pair| pair == [8, 10]) {
            self.echo = options.get(at + 2..at + 6).map_or(0, |v| u32::from_be_bytes([v[0], v[1], v[2], v[3]]));
        }
        if flags & SYN != 0 {
            self.expected = *seq;
        }
        if flags & ACK != 0 {
            self.flight.retain(|segment| (segment.end().wrapping_sub(*ack) as i32) > 0);
        }
        self.held.push((*seq, sequence_end(*seq, *flags, draft.payload.len())));
        while let Some(i) = self.held.iter().position(|(from, _)| from.wrapping_sub(self.expected) as i32 <= 0) {
            let (_, to) = self.held.swap_remove(i);
            if to.wrapping_sub(self.expected) as i32 > 0 {
                self.expected = to;
            }
        }
    }
}
