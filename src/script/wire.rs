//! Drafts of packets and the bytes they become: IPv4 and IPv6, TCP, UDP, ICMP.
//!
//! Written by hand and not with a crate, because half of what is drafted here is wrong on purpose.

use std::net::{IpAddr, SocketAddr};

/// What follows the IP header.
#[derive(Clone, Debug)]
pub enum Body {
    Tcp {
        seq: u32,
        ack: u32,
        /// The twelve bits after the data offset.
        flags: u16,
        window: u16,
        /// Padded to a multiple of four when encoded.
        options: Vec<u8>,
    },
    Udp,
    /// ICMP or ICMPv6, by the addresses; the draft's payload is the packet it quotes.
    Icmp {
        kind: u8,
        code: u8,
        /// The second header word (next-hop MTU, unused).
        rest: u32,
    },
}

/// A packet about to be sent. Everything can be changed, and what is changed stays changed.
#[derive(Clone, Debug)]
pub struct Draft {
    pub src: SocketAddr,
    pub dst: SocketAddr,
    pub ttl: u8,
    pub ip_id: u16,
    pub df: bool,
    pub tos: u8,
    pub body: Body,
    pub payload: Vec<u8>,
    /// Flips the transport checksum.
    pub bad_checksum: bool,
}

impl Draft {
    /// A TCP draft's flags; 0 for others.
    pub fn flags(&self) -> u16 {
        if let Body::Tcp { flags, .. } = self.body { flags } else { 0 }
    }

    /// Changes TCP flags.
    pub fn set_flags(&mut self, new: u16) {
        if let Body::Tcp { flags, .. } = &mut self.body {
            *flags = new;
        }
    }

    /// Changes the TCP window.
    pub fn set_window(&mut self, new: u16) {
        if let Body::Tcp { window, .. } = &mut self.body {
            *window = new;
        }
    }

    /// Changes the TCP sequence number.
    pub fn set_seq(&mut self, new: u32) {
        if let Body::Tcp { seq, .. } = &mut self.body {
            *seq = new;
        }
    }

    /// Changes the TCP acknowledgement.
    pub fn set_ack(&mut self, new: u32) {
        if let Body::Tcp { ack, .. } = &mut self.body {
            *ack = new;
        }
    }

    /// Changes the TCP options.
    pub fn set_options(&mut self, new: &[u8]) {
        if let Body::Tcp { options, .. } = &mut self.body {
            *options = new.to_vec();
        }
    }

    /// The IP packet.
    pub fn encode(&self) -> Vec<u8> {
        let v6 = self.src.is_ipv6();
        let (protocol, mut segment, checksum_at) = match &self.body {
            Body::Tcp { seq, ack, flags, window, options } => (6, self.tcp(*seq, *ack, *flags, *window, options), 16),
            Body::Udp => (17, self.udp(), 6),
            Body::Icmp { kind, code, rest } => {
                let head = [*kind, *code, 0, 0];
                (if v6 { 58 } else { 1 }, [&head[..], &rest.to_be_bytes(), &self.payload].concat(), 2)
            }
        };
        let pseudo = if protocol == 1 { 0 } else { pseudo_header(self.src.ip(), self.dst.ip(), protocol, segment.len()) };
        let mut checksum = fold(pseudo + sum(&segment));
        if protocol == 17 && checksum == 0 {
            checksum = 0xffff;
        }
        if self.bad_checksum {
            checksum ^= 0x5555;
        }
        segment[checksum_at..checksum_at + 2].copy_from_slice(&checksum.to_be_bytes());
        [self.ip_header(protocol, segment.len()), segment].concat()
    }

    fn ip_header(&self, protocol: u8, length: usize) -> Vec<u8> {
        let length = u16::try_from(length).expect("scripted packets are no jumbograms");
        match (self.src.ip(), self.dst.ip()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let mut header = vec![0x45, self.tos];
                header.extend((length + 20).to_be_bytes());
                header.extend(self.ip_id.to_be_bytes());
                header.extend([if self.df { 0x40 } else { 0 }, 0, self.ttl, protocol, 0, 0]);
                header.extend(src.octets());
                header.extend(dst.octets());
                let checksum = fold(sum(&header));
                header[10..12].copy_from_slice(&checksum.to_be_bytes());
                header
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let mut header = (0x6000_0000 | u32::from(self.tos) << 20).to_be_bytes().to_vec();
                header.extend(length.to_be_bytes());
                header.extend([protocol, self.ttl]);
                header.extend(src.octets());
                header.extend(dst.octets());
                header
            }
            _ => panic!("a packet goes from one IP version to the same"),
        }
    }

    fn tcp(&self, seq: u32, ack: u32, flags: u16, window: u16, options: &[u8]) -> Vec<u8> {
        let mut options = options.to_vec();
        options.resize(options.len().next_multiple_of(4), 0);
        let offset = (20 + options.len()) as u16 / 4;
        let mut out = self.src.port().to_be_bytes().to_vec();
        out.extend(self.dst.port().to_be_bytes());
        out.extend(seq.to_be_bytes());
        out.extend(ack.to_be_bytes());
        out.extend((offset << 12 | flags & 0x0fff).to_be_bytes());
        out.extend(window.to_be_bytes());
        out.extend([0; 4]);
        out.extend(options);
        out.extend(&self.payload);
        out
    }

    fn udp(&self) -> Vec<u8> {
        let mut out = self.src.port().to_be_bytes().to_vec();
        out.extend(self.dst.port().to_be_bytes());
        out.extend((self.payload.len() as u16 + 8).to_be_bytes());
        out.extend([0, 0]);
        out.extend(&self.payload);
        out
    }
}

fn pseudo_header(src: IpAddr, dst: IpAddr, protocol: u8, length: usize) -> u64 {
    let octets = |ip| match ip {
        IpAddr::V4(a) => sum(&a.octets()),
        IpAddr::V6(a) => sum(&a.octets()),
    };
    octets(src) + octets(dst) + u64::from(protocol) + length as u64
}

/// Sum of 16-bit words (RFC 1071), not yet folded.
pub fn sum(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<2>();
    words.iter().map(|w| u64::from(u16::from_be_bytes(*w))).sum::<u64>() + tail.first().map_or(0, |b| u64::from(*b) << 8)
}

/// The checksum of a sum.
pub fn fold(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    !(total as u16)
}
