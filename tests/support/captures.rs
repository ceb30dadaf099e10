//! Captures built byte by byte, in either byte order, for tests.
#![allow(dead_code)]

/// Writes integers in one byte order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    Little,
    Big,
}

impl Order {
    pub fn u16(self, value: u16) -> [u8; 2] {
        if self == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    pub fn u32(self, value: u32) -> [u8; 4] {
        if self == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    pub fn u64(self, value: u64) -> [u8; 8] {
        if self == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }
}

/// A classic pcap file under construction.
pub struct Pcap {
    pub order: Order,
    pub bytes: Vec<u8>,
    /// Extra bytes in each record header.
    pub extra: usize,
}

impl Pcap {
    pub fn new(order: Order, magic: u32, snaplen: u32, network: u32) -> Pcap {
        Pcap::version(order, magic, (2, 4), snaplen, network)
    }

    pub fn version(order: Order, magic: u32, (major, minor): (u16, u16), snaplen: u32, network: u32) -> Pcap {
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend_from_slice(&order.u16(major));
        bytes.extend_from_slice(&order.u16(minor));
        for field in [0, 0, snaplen, network] {
            bytes.extend_from_slice(&order.u32(field));
        }
        let extra = if matches!(magic, 0xa1b2_cd34 | 0xa1e2_cb12) { 8 } else { 0 };
        if matches!(magic, 0x1c00_01ac | 0x1c00_01ab) {
            bytes.extend_from_slice(&[0; 4]);
        }
        Pcap { order, bytes, extra }
    }

    pub fn header(&mut self, seconds: u32, fraction: u32, caplen: u32, len: u32) -> &mut Pcap {
        for field in [seconds, fraction, caplen, len] {
            self.bytes.extend_from_slice(&self.order.u32(field));
        }
        self.bytes.extend(std::iter::repeat_n(0, self.extra));
        self
    }

    pub fn record(&mut self, seconds: u32, fraction: u32, data: &[u8]) -> &mut Pcap {
        self.header(seconds, fraction, data.len() as u32, data.len() as u32);
        self.bytes.extend_from_slice(data);
        self
    }
}

/// A pcapng file under construction.
pub struct Pcapng {
    pub order: Order,
    pub bytes: Vec<u8>,
}

impl Pcapng {
    /// With a section header, but no interface yet.
    pub fn new(order: Order) -> Pcapng {
        let mut file = Pcapng { order, bytes: Vec::new() };
        file.section(order);
        file
    }

    pub fn block(&mut self, kind: u32, body: &[u8]) -> &mut Pcapng {
        let padded = body.len().next_multiple_of(4);
        let total = self.order.u32(padded as u32 + 12);
        self.bytes.extend_from_slice(&self.order.u32(kind));
        self.bytes.extend_from_slice(&total);
        self.bytes.extend_from_slice(body);
        self.bytes.extend(std::iter::repeat_n(0, padded - body.len()));
        self.bytes.extend_from_slice(&total);
        self
    }

    pub fn section(&mut self, order: Order) -> &mut Pcapng {
        self.order = order;
        let body = [&order.u32(0x1a2b_3c4d)[..], &order.u16(1), &order.u16(0), &order.u64(u64::MAX)].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    pub fn interface(&mut self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> &mut Pcapng {
        let mut body = [&self.order.u16(link)[..], &self.order.u16(0), &self.order.u32(snaplen)].concat();
        for (code, value) in options {
            body.extend_from_slice(&self.order.u16(*code));
            body.extend_from_slice(&self.order.u16(value.len() as u16));
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            body.extend_from_slice(&[0; 4]);
        }
        self.block(1, &body)
    }

    pub fn enhanced(&mut self, interface: u32, ticks: u64, data: &[u8]) -> &mut Pcapng {
        self.enhanced_cut(interface, ticks, data, data.len() as u32)
    }

    /// A packet of which the snap length left less than was on the wire.
    pub fn enhanced_cut(&mut self, interface: u32, ticks: u64, data: &[u8], wire_len: u32) -> &mut Pcapng {
        let fields = [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, wire_len];
        let body = [&fields.map(|field| self.order.u32(field)).concat(), data].concat();
        self.block(6, &body)
    }

    pub fn simple(&mut self, wire_len: u32, data: &[u8]) -> &mut Pcapng {
        let body = [&self.order.u32(wire_len)[..], data].concat();
        self.block(3, &body)
    }

    /// The obsolete packet block.
    pub fn packet(&mut self, interface: u16, ticks: u64, data: &[u8]) -> &mut Pcapng {
        let mut body = [self.order.u16(interface), self.order.u16(0)].concat();
        let length = data.len() as u32;
        for field in [(ticks >> 32) as u32, ticks as u32, length, length] {
            body.extend_from_slice(&self.order.u32(field));
        }
        body.extend_from_slice(data);
        self.block(2, &body)
    }
}

/// Bytes that differ from packet to packet, of lengths that do, too.
pub fn payload(index: u32, longest: u32) -> Vec<u8> {
    let mut state = index.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let length = next() % longest.max(1) + 1;
    (0..length).map(|_| next() as u8).collect()
}

/// A pcap of `count` packets.
pub fn pcap(order: Order, magic: u32, count: u32, longest: u32) -> Vec<u8> {
    let mut file = Pcap::new(order, magic, 262_144, 1);
    for index in 0..count {
        file.record(1_600_000_000 + index / 100, index % 100 * 1_000, &payload(index, longest));
    }
    file.bytes
}

/// A pcapng of `count` packets on two interfaces.
pub fn pcapng(order: Order, count: u32, longest: u32) -> Vec<u8> {
    let mut file = Pcapng::new(order);
    file.interface(1, 0, &[(9, &[9])]).interface(1, 262_144, &[]);
    for index in 0..count {
        let ticks = (1_600_000_000_000_000 + u64::from(index) * 500) * if index % 2 == 0 { 1_000 } else { 1 };
        file.enhanced(index % 2, ticks, &payload(index, longest));
    }
    file.bytes
}
