//! pcapng: blocks that carry their own length in front and behind, grouped in sections with their own byte order and interfaces.

use super::byte_order::ByteOrder;
use super::interface::{Interface, Resolution};
use super::records::{Plausible, Record};
use super::{Frame, LinkType, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The section header's type, a palindrome so that it can be read before the byte order is known.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Type, length, length again.
const FRAMING: usize = 12;
/// A section with more interfaces than this is hostile: each costs 12 bytes of file and more than that of memory.
const MAX_INTERFACES: usize = 65_536;
/// Wiretap's limit; longer packets exist in USB captures.
const MAX_CAPLEN: u32 = 128 << 20;

/// Longer blocks are read, but not believed when guessing: most such lengths are noise.
const MAX_PLAUSIBLE: u32 = 1 << 20;
/// The longest block without a packet that is skipped unseen; key logs and name tables are far smaller.
const MAX_SKIPPED: usize = 256 << 20;
/// Room for a packet block's header and options (comments, mostly) beside the packet itself.
const MAX_OPTIONS: usize = 128 << 10;

/// The current section: how to read it and its interfaces.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub order: ByteOrder,
    pub interfaces: Vec<Interface>,
    pub seen: Seen,
}

/// What the interfaces of all sections so far say, for the description of the capture.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub link_types: BTreeSet<LinkType>,
    pub snaplen: u32,
    pub finest: Option<Resolution>,
    pub sections: u64,
}

impl Seen {
    fn add(&mut self, interface: &Interface) {
        self.link_types.insert(interface.link);
        self.snaplen = self.snaplen.max(interface.snaplen);
        let finer = self.finest.is_none_or(|finest| interface.resolution.bits() > finest.bits());
        if finer {
            self.finest = Some(interface.resolution);
        }
    }
}

impl Section {
    /// The section whose header starts the bytes, without interfaces; `None` if it is no section header.
    pub fn parse(bytes: &[u8]) -> Option<Section> {
        let starts = ByteOrder::Little.u32(bytes, 0)? == SECTION_HEADER;
        let order = section_order(bytes, 0)?;
        starts.then(|| Section { order, interfaces: Vec::new(), seen: Seen::default() })
    }
}

fn section_order(bytes: &[u8], pos: usize) -> Option<ByteOrder> {
    let at = pos.checked_add(8)?;
    [ByteOrder::Little, ByteOrder::Big].into_iter().find(|order| order.u32(bytes, at) == Some(BYTE_ORDER_MAGIC))
}

/// Does Wireshark give a block of this type a frame number although it is no packet? Custom blocks, systemd's journal and
/// Sysdig's events do get one.
fn numbered(kind: u32) -> bool {
    matches!(kind, 9 | 0xbad | 0x4000_0bad | 0x204 | 0x216 | 0x221)
}

/// Block types that a guess accepts: all that common writers produce.
fn known(kind: u32) -> bool {
    numbered(kind) || matches!(kind, SECTION_HEADER | 1..=8 | 10 | 0x201..=0x222)
}

/// Type, order, length as written and length with padding. `None` while the bytes are too few.
fn framing(section: &Section, bytes: &[u8], pos: usize) -> Option<Result<(u32, ByteOrder, u32, usize), String>> {
    let kind = section.order.u32(bytes, pos)?;
    let order = if kind == SECTION_HEADER {
        // Twelve bytes are needed to tell the order; fewer are no block anyway.
        bytes.get(pos..pos.checked_add(FRAMING)?)?;
        match section_order(bytes, pos) {
            Some(order) => order,
            None => return Some(Err("a section header of unknown byte order".into())),
        }
    } else {
        section.order
    };
    let written = order.u32(bytes, pos.checked_add(4)?)?;
    if (written as usize) < FRAMING {
        return Some(Err(format!("a block of {written} bytes, less than its own framing")));
    }
    // Some writers leave the padding out of the length; Wireshark reads those, so do we.
    Some(Ok((kind, order, written, (written as usize).next_multiple_of(4))))
}

/// Reads the block at `pos`; a section or interface block changes `section`. `previous` is the time a packet without one gets.
#[inline]
pub(super) fn record<'a>(section: &mut Arc<Section>, bytes: &'a [u8], pos: usize, previous: Option<Timestamp>) -> Record<'a> {
    let (kind, order, written, length) = match framing(section, bytes, pos) {
        None => {
            return Record::Cut { needs: 0, packet: false };
        }
        Some(Err(text)) => return Record::Bad { text },
        Some(Ok(framing)) => framing,
    };
    let packet = numbered(kind) || matches!(kind, PACKET | SIMPLE_PACKET | ENHANCED_PACKET);
    let next = pos + length;
    let Some(block) = bytes.get(pos..next) else {
        return Record::Cut { needs: length as u64, packet };
    };
    let trailer = order.u32(block, length - 4);
    if trailer != Some(written) {
        let text = format!("a block whose lengths differ ({written} in front, {} behind)", trailer.unwrap_or(0));
        return Record::Bad { text };
    }
    match kind {
        ENHANCED_PACKET | PACKET => timed_packet(section, block, (pos, next), kind),
        SIMPLE_PACKET => simple_packet(section, block, (pos, next), previous),
        INTERFACE => {
            let section = Arc::make_mut(section);
            if section.interfaces.len() >= MAX_INTERFACES {
                return Record::Faulty { next, text: format!("more than {MAX_INTERFACES} interfaces") };
            }
            match Interface::parse(order, block) {
                Some(interface) => {
                    section.seen.add(&interface);
                    section.interfaces.push(interface);
                }
                None => {
                    return Record::Faulty { next, text: "an interface block too short".into() };
                }
            }
            Record::Skip { next }
        }
        SECTION_HEADER => {
            // In place, so that a file of nothing but section headers does not copy what was seen again and again.
            let section = Arc::make_mut(section);
            section.order = order;
            section.interfaces.clear();
            section.seen.sections += 1;
            Record::Skip { next }
        }
        _ if numbered(kind) => Record::Numbered { next },
        _ => Record::Skip { next },
    }
}

/// An enhanced packet block, or the obsolete packet block: they differ in the width of the interface number only.
#[inline]
fn timed_packet<'a>(section: &Section, block: &'a [u8], (pos, next): (usize, usize), kind: u32) -> Record<'a> {
    let order = section.order;
    let id = if kind == PACKET { order.u16(block, 8).map(u32::from) } else { order.u32(block, 8) };
    let fields = (id, order.u32(block, 12), order.u32(block, 16), order.u32(block, 20), order.u32(block, 24));
    let (Some(id), Some(high), Some(low), Some(caplen), Some(wire_len)) = fields else {
        return Record::Faulty { next, text: "a packet block too short".into() };
    };
    let Some(interface) = section.interfaces.get(id as usize) else {
        let text = format!("a packet of interface {id}, but the section has {}", section.interfaces.len());
        return Record::Faulty { next, text };
    };
    let data = block.get(28..block.len() - 4).and_then(|body| body.get(..caplen as usize));
    let Some(data) = data.filter(|_| caplen <= MAX_CAPLEN) else {
        return Record::Faulty { next, text: format!("a packet of {caplen} bytes in a block of {}", block.len()) };
    };
    let time = interface.time(u64::from(high) << 32 | u64::from(low));
    Record::Frame { frame: Frame { time, link: interface.link, interface: id, wire_len, bytes: data }, at: pos + 28, next }
}

/// A simple packet block: interface 0, no time, and a captured length to be worked out.
fn simple_packet<'a>(section: &Section, block: &'a [u8], (pos, next): (usize, usize), previous: Option<Timestamp>) -> Record<'a> {
    let Some(interface) = section.interfaces.first() else {
        return Record::Faulty { next, text: "a packet in a section without interfaces".into() };
    };
    let Some((wire_len, body)) = section.order.u32(block, 8).zip(block.get(12..block.len() - 4)) else {
        return Record::Faulty { next, text: "a packet block too short".into() };
    };
    let Some(time) = previous else {
        return Record::NeedsPrevious;
    };
    let limit = if interface.snaplen == 0 { wire_len } else { wire_len.min(interface.snaplen) };
    match body.get(..limit as usize) {
        Some(data) => {
            Record::Frame { frame: Frame { time, link: interface.link, interface: 0, wire_len, bytes: data }, at: pos + 12, next }
        }
        None => Record::Faulty { next, text: format!("a packet of {limit} bytes in a block of {}", block.len()) },
    }
}

/// See [`super::records::Context::plausible`].
pub(super) fn plausible(section: &Section, bytes: &[u8], pos: usize) -> Plausible {
    let (kind, order, written, length) = match framing(section, bytes, pos) {
        None => return Plausible::EndsInHeader,
        Some(Err(_)) => return Plausible::No,
        Some(Ok(framing)) => framing,
    };
    if !known(kind) || written % 4 != 0 || written > MAX_PLAUSIBLE {
        return Plausible::No;
    }
    let next = pos + length;
    match order.u32(bytes, next - 4) {
        None => Plausible::EndsInBody,
        Some(trailer) if trailer == written => Plausible::Next(next),
        Some(_) => Plausible::No,
    }
}

/// Where the block at `pos` says it ends.
pub(super) fn claimed_end(section: &Section, bytes: &[u8], pos: usize) -> Option<usize> {
    framing(section, bytes, pos)?.ok().map(|(_, _, _, length)| pos + length)
}

/// Can the length of the block at `pos` be true, as far as its first bytes show? Asked before skipping more than a window of a
/// stream, where the length behind the block cannot be looked up: a broken length must not swallow the rest of the capture.
pub(super) fn believable(section: &Section, bytes: &[u8], pos: usize) -> bool {
    let Some(Ok((kind, order, _, length))) = framing(section, bytes, pos) else {
        return false;
    };
    let captured = match kind {
        PACKET | ENHANCED_PACKET => order.u32(bytes, pos + 20),
        SIMPLE_PACKET => order.u32(bytes, pos + 8),
        // Name tables, key logs, custom blocks and the lists of Sysdig can be that long; interfaces and statistics cannot.
        4 | 9 | 10 | 0xbad | 0x4000_0bad | 0x201..=0x222 => return length <= MAX_SKIPPED,
        _ => return false,
    };
    captured.is_some_and(|captured| length <= captured as usize + MAX_OPTIONS && captured <= MAX_CAPLEN)
}
