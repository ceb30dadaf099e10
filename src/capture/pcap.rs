//! Classic pcap: a file header, then records of a 16- or 24-byte header and the bytes.

use super::byte_order::ByteOrder;
use super::records::{Plausible, Record};
use super::{Frame, LinkType, Timestamp};

/// Wiretap's and libpcap's limit for ordinary link types; a longer record is a broken length, not a packet.
const MAX_CAPLEN: u32 = 262_144;
/// Their limit for the link types with huge frames (USB, D-Bus), and ours for a snap length that claims more.
const MAX_CAPLEN_EVER: u32 = 128 << 20;
/// Two records of one window further apart than this (400 days) are not taken for neighbours when *guessing* where a record
/// starts. A file that really jumps so far is walked in order instead.
const MAX_JUMP: i64 = 400 * 86_400 * 1_000_000_000;
/// Some writers count a trailer in the captured length but not in the length on the wire; guesses allow for this much of it.
const TRAILER_TOLERANCE: u32 = 64;

/// The variants of the format, named by their magic number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Variant {
    Standard,
    /// Alexey Kuznetsov's patched libpcap: interface index, protocol and packet type in each record.
    Modified,
    /// netsniff-ng's, by Daniel Borkmann: the same extra eight bytes with nanoseconds.
    Borkmann,
    /// Ixia's "lcap": four more bytes in the file header.
    Ixia,
}

/// Order of the two lengths in a record header: exchanged before version 2.3, either way in 2.3, and in DG/UX's 543.0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    SmallerIsCaptured,
}

/// What the file header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub order: ByteOrder,
    pub variant: Variant,
    pub nanoseconds: bool,
    pub link: LinkType,
    /// As written; zero means no limit.
    pub snaplen: u32,
    /// Size of the file header.
    pub size: usize,
    lengths: Lengths,
    record_header: usize,
    max_caplen: u32,
}

impl Header {
    /// Does the file start like this format? `Err` names what it is instead of a header we can read.
    pub fn parse(bytes: &[u8]) -> Option<Result<Header, String>> {
        let (order, magic) = [ByteOrder::Little, ByteOrder::Big]
            .into_iter()
            .filter_map(|order| Some((order, order.u32(bytes, 0)?)))
            .find(|(_, magic)| [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34, 0xa1e2_cb12, 0x1c00_01ac, 0x1c00_01ab].contains(magic))?;
        Some(Self::after_magic(bytes, order, magic))
    }

    fn after_magic(bytes: &[u8], order: ByteOrder, magic: u32) -> Result<Header, String> {
        let (variant, nanoseconds) = match magic {
            0xa1b2_cd34 => (Variant::Modified, false),
            0xa1e2_cb12 => (Variant::Borkmann, true),
            0x1c00_01ac => (Variant::Ixia, true),
            0x1c00_01ab => (Variant::Ixia, false),
            other => (Variant::Standard, other == 0xa1b2_3c4d),
        };
        let (size, record_header) = match variant {
            Variant::Standard => (24, 16),
            Variant::Modified | Variant::Borkmann => (24, 24),
            Variant::Ixia => (28, 16),
        };
        let fields = (order.u16(bytes, 4), order.u16(bytes, 6), order.u32(bytes, 16), order.u32(bytes, 20));
        let (Some(major), Some(minor), Some(snaplen), Some(network)) = fields else {
            return Err("a pcap file cut short inside its header".into());
        };
        if bytes.len() < size {
            return Err("a pcap file cut short inside its header".into());
        }
        let lengths = match (major, minor) {
            (0 | 1, _) => {
                return Err(format!("pcap version {major}.{minor}, older than any that was published"));
            }
            (2, 0..=2) | (543, _) => Lengths::WireFirst,
            (2, 3) => Lengths::SmallerIsCaptured,
            _ => Lengths::CapturedFirst,
        };
        // AIX writes version 2.2 with interface types instead of link types, and nanoseconds.
        let aix = match (magic, major, minor, network) {
            (0xa1b2_c3d4, 2, 2, 6) => Some(1),
            (0xa1b2_c3d4, 2, 2, 9) => Some(6),
            (0xa1b2_c3d4, 2, 2, 15) => Some(10),
            (0xa1b2_c3d4, 2, 2, 24) => Some(0),
            _ => None,
        };
        Ok(Header {
            order,
            variant,
            nanoseconds: nanoseconds || aix.is_some(),
            // The upper half tells the length of the frame check sequence.
            link: LinkType(aix.unwrap_or(network as u16)),
            snaplen,
            size,
            lengths,
            record_header,
            // USB (189, 220, 249, 266, 288) and D-Bus (231) frames are not bound by what an Ethernet could carry.
            max_caplen: match network as u16 {
                189 | 220 | 231 | 249 | 266 | 288 => MAX_CAPLEN_EVER,
                _ => snaplen.clamp(MAX_CAPLEN, MAX_CAPLEN_EVER),
            },
        })
    }

    pub fn name(&self) -> &'static str {
        match self.variant {
            Variant::Standard => "pcap",
            Variant::Modified => "pcap (modified)",
            Variant::Borkmann => "pcap (netsniff-ng)",
            Variant::Ixia => "pcap (Ixia lcap)",
        }
    }

    /// Seconds, fraction, captured length, length on the wire.
    #[inline]
    fn fields(&self, bytes: &[u8], pos: usize) -> Option<(u32, u32, u32, u32)> {
        let head = bytes.get(pos..)?.first_chunk::<16>()?;
        let seconds = self.order.u32(head, 0)?;
        let fraction = self.order.u32(head, 4)?;
        let first = self.order.u32(head, 8)?;
        let second = self.order.u32(head, 12)?;
        Some(match self.lengths {
            Lengths::CapturedFirst => (seconds, fraction, first, second),
            Lengths::WireFirst => (seconds, fraction, second, first),
            Lengths::SmallerIsCaptured => (seconds, fraction, first.min(second), first.max(second)),
        })
    }

    #[inline]
    fn time(&self, seconds: u32, fraction: u32) -> Timestamp {
        // A fraction of a million and more is what some writers produce; it simply counts on, as in Wireshark.
        let unit = if self.nanoseconds { 1 } else { 1_000 };
        Timestamp(i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * unit)
    }

    /// The packet at `pos` if all is as usual, with where its bytes start and where the next record does.
    #[inline(always)]
    pub fn frame<'a>(&self, bytes: &'a [u8], pos: usize) -> Option<(Frame<'a>, usize, usize)> {
        let (seconds, fraction, caplen, wire_len) = self.fields(bytes, pos)?;
        let at = pos + self.record_header;
        let next = at + caplen as usize;
        let data = bytes.get(at..next).filter(|_| caplen <= self.max_caplen)?;
        Some((Frame { time: self.time(seconds, fraction), link: self.link, interface: 0, wire_len, bytes: data }, at, next))
    }

    pub fn record<'a>(&self, bytes: &'a [u8], pos: usize) -> Record<'a> {
        if let Some((frame, at, next)) = self.frame(bytes, pos) {
            return Record::Frame { frame, at, next };
        }
        let Some((_, _, caplen, _)) = self.fields(bytes, pos) else {
            return Record::Cut { needs: 0, packet: true };
        };
        if caplen > self.max_caplen {
            let text = format!("a record of {caplen} bytes, more than the {} this capture can have", self.max_caplen);
            return Record::Bad { text };
        }
        Record::Cut { needs: (self.record_header + caplen as usize) as u64, packet: true }
    }

    /// See [`super::records::Context::plausible`]. Stricter than [`Header::record`], because a guess should rarely be wrong:
    /// an odd record that fails here is read all the same when it is reached in order.
    pub fn plausible(&self, bytes: &[u8], pos: usize, near: Option<Timestamp>) -> Plausible {
        let Some((seconds, fraction, caplen, wire_len)) = self.fields(bytes, pos) else {
            return Plausible::EndsInHeader;
        };
        // Hardly any place that is asked about gets further.
        if caplen.max(wire_len) > self.max_caplen {
            return Plausible::No;
        }
        let limit = if self.nanoseconds { 1_000_000_000 } else { 1_000_000 };
        let in_reach =
            |near: Timestamp| self.time(seconds, fraction).since(near).checked_abs().is_some_and(|distance| distance <= MAX_JUMP);
        // An empty record is legal, but a run of zero bytes must not look like a chain of them.
        if caplen == 0 || caplen > wire_len.saturating_add(TRAILER_TOLERANCE) || fraction >= limit || !near.is_none_or(in_reach) {
            return Plausible::No;
        }
        let next = pos + self.record_header + caplen as usize;
        if next <= bytes.len() { Plausible::Next(next) } else { Plausible::EndsInBody }
    }
}
