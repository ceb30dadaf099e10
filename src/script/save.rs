//! Scripts as capture files.

use super::Script;
use std::path::Path;

/// A file format. Times are microseconds unless the name says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    #[default]
    Pcap,
    PcapNanos,
    /// Written by a big-endian machine.
    PcapBig,
    Pcapng,
    PcapngNanos,
}

impl Format {
    /// File name extension.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Pcap | Format::PcapNanos | Format::PcapBig => "pcap",
            Format::Pcapng | Format::PcapngNanos => "pcapng",
        }
    }

    fn nanos(self) -> bool {
        matches!(self, Format::PcapNanos | Format::PcapngNanos)
    }
}

const SNAPLEN: u32 = 262_144;

impl Script {
    /// The whole file in a format.
    pub fn bytes(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Pcap | Format::PcapNanos | Format::PcapBig => self.pcap(format),
            Format::Pcapng | Format::PcapngNanos => self.pcapng(format),
        }
    }

    pub fn pcap_bytes(&self) -> Vec<u8> {
        self.bytes(Format::Pcap)
    }

    pub fn pcapng_bytes(&self) -> Vec<u8> {
        self.bytes(Format::Pcapng)
    }

    /// Writes a file.
    pub fn write(&self, path: &Path, format: Format) -> std::io::Result<()> {
        std::fs::write(path, self.bytes(format))
    }

    pub fn write_pcap(&self, path: &Path) -> std::io::Result<()> {
        self.write(path, Format::Pcap)
    }

    fn pcap(&self, format: Format) -> Vec<u8> {
        let word = |v: u32| if format == Format::PcapBig { v.to_be_bytes() } else { v.to_le_bytes() };
        let half = |v: u16| if format == Format::PcapBig { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = word(if format.nanos() { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }).to_vec();
        out.extend([half(2), half(4)].concat());
        out.extend([0, 0, self.snap.map_or(SNAPLEN, |s| s as u32), u32::from(self.link.number())].map(word).concat());
        for frame in self.frames() {
            let fraction = frame.time % 1_000_000_000 / if format.nanos() { 1 } else { 1000 };
            let head = [(frame.time / 1_000_000_000) as u32, fraction as u32, frame.bytes.len() as u32, frame.wire_len];
            out.extend(head.map(word).concat());
            out.extend(&frame.bytes);
        }
        out
    }

    fn pcapng(&self, format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        let mut block = |kind: u32, body: &[u8]| {
            let padded = body.len().next_multiple_of(4);
            let total = (padded as u32 + 12).to_le_bytes();
            out.extend(kind.to_le_bytes());
            out.extend(total);
            out.extend(body);
            out.resize(out.len() + padded - body.len(), 0);
            out.extend(total);
        };
        block(0x0a0d_0d0a, &[&0x1a2b_3c4du32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
        let snap = self.snap.map_or(SNAPLEN, |s| s as u32);
        let resolution = [9, 0, 1, 0, if format.nanos() { 9 } else { 6 }, 0, 0, 0, 0, 0, 0, 0];
        block(1, &[&self.link.number().to_le_bytes()[..], &[0, 0], &snap.to_le_bytes(), &resolution].concat());
        for frame in self.frames() {
            let ticks = (frame.time / if format.nanos() { 1 } else { 1000 }) as u64;
            let head = [0, (ticks >> 32) as u32, ticks as u32, frame.bytes.len() as u32, frame.wire_len];
            block(6, &[&head.map(u32::to_le_bytes).concat()[..], &frame.bytes].concat());
        }
        out
    }
}
