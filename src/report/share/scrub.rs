//! Packets as they may be shown: other addresses, no MAC addresses, of payload what says what was asked for. Lengths stay, and
//! checksums are as right or as wrong as they were.

use super::checksums::adjust;
use super::names::Names;
use super::streams::{Segment, Streams};
use super::{dns, http, text};
use crate::app::quic;
use crate::capture::{Frame, LinkType};
use crate::flow::key::FlowKey;
use crate::packet::ip::{self, Ip};
use crate::packet::{Transport, link};
use crate::reread::Wanted;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::rc::Rc;

/// Scrubs the packets of one plan: first each is learned, then each is cleaned, in the same order.
pub struct Scrub<'n> {
    names: &'n Names,
    streams: Streams,
    /// Bodies of datagrams that came in pieces, by the frame of each piece.
    datagrams: BTreeMap<u64, Rc<Vec<u8>>>,
}

/// What stands in front of a payload.
struct Place<'p> {
    protocol: u8,
    ports: [u16; 2],
    payload: &'p [u8],
}

impl<'n> Scrub<'n> {
    pub fn new(names: &'n Names) -> Scrub<'n> {
        Scrub { names, streams: Streams::default(), datagrams: BTreeMap::new() }
    }

    /// First reading.
    pub fn learn(&mut self, wanted: &Wanted<'_>) {
        if let Some(segment) = segment(wanted) {
            self.streams.learn(&segment);
        }
        if wanted.pieces.len() > 1 {
            // The whole datagram is an IP packet without a link header.
            let whole = Frame { bytes: wanted.datagram, link: LinkType(101), ..*wanted.frame };
            let clean = self.scrub(&whole, &mut |place| self.datagram(place));
            let header = if clean.first().is_some_and(|b| b >> 4 == 6) { 40 } else { 20 };
            let body = Rc::new(clean.get(header..).unwrap_or_default().to_vec());
            self.datagrams.extend(wanted.pieces.iter().map(|n| (*n, Rc::clone(&body))));
        }
    }

    /// Segments whose streams could not be kept.
    pub fn left_out(&self) -> u64 {
        self.streams.left_out
    }

    /// Between the readings.
    pub fn settle(&mut self) {
        self.streams.settle(self.names);
    }

    /// Second reading: the frame's bytes. `forged` are the packets a finding is about.
    pub fn clean(&mut self, wanted: &Wanted<'_>, forged: bool) -> Vec<u8> {
        if let Some(body) = self.datagrams.get(&wanted.number).cloned() {
            return self.piece(wanted.frame, &body);
        }
        let shown = segment(wanted).map(|s| {
            let shown = self.streams.show(self.names, &s);
            let page = forged && !crate::app::tls::looks_like_record(s.payload);
            if page { self.page(s.payload) } else { shown }
        });
        self.scrub(wanted.frame, &mut |place| match (&shown, place.protocol) {
            (Some(shown), 6) => shown.clone(),
            (None, 6) => vec![0; place.payload.len()],
            _ => self.datagram(place),
        })
    }

    /// What a box put in, as it was.
    fn page(&self, payload: &[u8]) -> Vec<u8> {
        http::clean(self.names, payload, http::Keep::Page).unwrap_or_else(|| {
            let mut page = payload.to_vec();
            text::blot(self.names, &mut page);
            page
        })
    }

    fn datagram(&self, place: &Place<'_>) -> Vec<u8> {
        if crate::app::dns::quick_txid(place.payload).is_some() || (place.ports.contains(&53) && place.payload.len() >= 12) {
            return dns::clean(self.names, place.payload);
        }
        quic_shown(place.payload)
    }

    /// A fragment, with its part of the datagram's body.
    fn piece(&self, frame: &Frame<'_>, body: &[u8]) -> Vec<u8> {
        let mut out = self.scrub(frame, &mut |place| vec![0; place.payload.len()]);
        let Ok(start) = link::network(frame.link, frame.bytes) else { return out };
        if let Ok(header) = ip::header(frame.bytes, start.at)
            && let (Some(fragment), Some(range)) = (header.fragment, range_in(frame.bytes, header.body))
            && let Some(part) = body.get(fragment.offset as usize..).and_then(|b| b.get(..range.len()))
            && let Some(place) = out.get_mut(range)
        {
            place.copy_from_slice(part);
        }
        out
    }

    fn scrub(&self, frame: &Frame<'_>, payload: &mut dyn FnMut(&Place<'_>) -> Vec<u8>) -> Vec<u8> {
        let mut new = frame.bytes.to_vec();
        let old = frame.bytes;
        let macs = match frame.link.0 {
            1 => 0..12,
            // Linux cooked: the sender's address, of up to eight octets.
            113 => 6..14,
            276 => 12..20,
            _ => 0..0,
        };
        zero(&mut new, macs);
        match link::network(frame.link, old) {
            Ok(start) => {
                if let Some(macs) = pseudo_wire(frame.link, old) {
                    zero(&mut new, macs);
                }
                self.ip(old, &mut new, start.at, payload);
            }
            Err(_) => new.get_mut(14..).unwrap_or_default().fill(0),
        }
        new
    }

    /// An IP packet at `at`, and those inside it.
    fn ip(&self, old: &[u8], new: &mut [u8], at: usize, payload: &mut dyn FnMut(&Place<'_>) -> Vec<u8>) {
        let parsed = ip::header(old, at).ok().and_then(|ip| range_in(old, ip.body).map(|body| (ip, body)));
        let Some((header, body)) = parsed else { return zero(new, at..old.len()) };
        // Padding of the link, and whatever a card had in its buffer.
        zero(new, body.end..old.len());
        let inner = if header.fragment.is_none() { ip::tunnelled(old, &header).ok().flatten() } else { None };
        let ends = [header.src, header.dst].map(|a| if inner.is_some() { self.names.outer(a) } else { self.names.of(a) });
        rewrite(old, new, at, body.start, ends);
        let pseudo = Pseudo { before: [header.src, header.dst], after: ends };
        if let Some((next, _)) = inner {
            // MAC addresses of an inner frame: VXLAN, GRE and ERSPAN carry whole ones, right before the inner packet.
            if let Some(macs) = inner_macs(old, &header, body.start, next) {
                zero(new, macs);
            }
            self.ip(old, new, next, payload);
            if header.protocol == 17 {
                pseudo.udp(old, new, &body);
            }
            return;
        }
        self.transport(old, new, (&header, &body, &pseudo), payload);
    }

    fn transport(
        &self,
        old: &[u8],
        new: &mut [u8],
        (header, body, pseudo): (&Ip<'_>, &Range<usize>, &Pseudo),
        payload: &mut dyn FnMut(&Place<'_>) -> Vec<u8>,
    ) {
        let later = header.fragment.is_some_and(|f| f.offset != 0);
        let ports = match header.body.first_chunk::<4>() {
            Some(&[a, b, c, d]) => [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])],
            None => [0, 0],
        };
        let head = match header.protocol {
            _ if later => 0,
            6 => usize::from(header.body.get(12).map_or(0, |b| b >> 4)) * 4,
            17 | 1 | 58 => 8,
            _ => 0,
        };
        let from = (body.start + head).min(body.end);
        match header.protocol {
            6 | 17 => {
                let place = Place { protocol: header.protocol, ports, payload: old.get(from..body.end).unwrap_or_default() };
                let shown = payload(&place);
                if let Some(slot) = new.get_mut(from..body.end).filter(|slot| slot.len() == shown.len()) {
                    slot.copy_from_slice(&shown);
                } else {
                    zero(new, from..body.end);
                }
            }
            1 | 58 => self.quoted(old, new, from..body.end),
            _ => zero(new, from..body.end),
        }
        match header.protocol {
            _ if later => {}
            6 => {
                options(new.get_mut((body.start + 20).min(from)..from).unwrap_or_default());
                adjust(old, new, body.clone(), body.start + 16, Some(pseudo));
            }
            17 => pseudo.udp(old, new, body),
            1 => adjust(old, new, body.clone(), body.start + 2, None),
            58 => adjust(old, new, body.clone(), body.start + 2, Some(pseudo)),
            _ => {}
        }
    }

    /// The packet an ICMP message quotes: its headers are treated like headers, of its payload a transaction id is left.
    fn quoted(&self, old: &[u8], new: &mut [u8], range: Range<usize>) {
        let seen = old.get(..range.end).unwrap_or_default();
        let parsed = ip::header(seen, range.start).ok().and_then(|ip| range_in(old, ip.body).map(|body| (ip, body)));
        let Some((header, body)) = parsed else { return zero(new, range) };
        let ends = [header.src, header.dst].map(|a| self.names.of(a));
        rewrite(old, new, range.start, body.start, ends);
        let pseudo = Pseudo { before: [header.src, header.dst], after: ends };
        let kept = match header.protocol {
            6 => usize::from(header.body.get(12).map_or(8, |b| b >> 4) * 4).max(8),
            17 => 10,
            _ => 0,
        };
        let kept = (body.start + kept).min(body.end);
        if header.protocol == 6 {
            options(new.get_mut((body.start + 20).min(kept)..kept).unwrap_or_default());
        }
        zero(new, kept..range.end);
        match header.protocol {
            6 => adjust(old, new, body.clone(), body.start + 16, Some(&pseudo)),
            17 => pseudo.udp(old, new, &body),
            _ => {}
        }
    }
}

/// Addresses of a pseudo-header, before and after.
pub(super) struct Pseudo {
    pub before: [IpAddr; 2],
    pub after: [IpAddr; 2],
}

impl Pseudo {
    /// A checksum of zero is none.
    fn udp(&self, old: &[u8], new: &mut [u8], body: &Range<usize>) {
        let at = body.start + 6;
        if old.get(at..at + 2).is_none_or(|sum| sum == [0, 0]) {
            return;
        }
        adjust(old, new, body.clone(), at, Some(self));
        if let Some(sum) = new.get_mut(at..at + 2).filter(|sum| **sum == [0, 0]) {
            sum.fill(0xff);
        }
    }
}

fn segment<'w>(wanted: &Wanted<'w>) -> Option<Segment<'w>> {
    let packet = wanted.packet?;
    let Transport::Tcp(t) = packet.transport else { return None };
    let side = FlowKey::of(packet, None);
    let dns = [packet.src.port, packet.dst.port].contains(&53);
    Some(Segment { side, syn: t.flags & crate::packet::tcp::SYN != 0, seq: t.seq, payload: packet.payload, dns })
}

/// Where a part of a buffer lies in it.
fn range_in(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let at = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (at + part.len() <= whole.len()).then_some(at..at + part.len())
}

fn zero(bytes: &mut [u8], range: Range<usize>) {
    let end = range.end.min(bytes.len());
    bytes.get_mut(range.start.min(end)..end).unwrap_or_default().fill(0);
}

/// Writes an IP header's addresses, and empties its options: they can hold more of them.
fn rewrite(old: &[u8], new: &mut [u8], at: usize, body: usize, ends: [IpAddr; 2]) {
    match ends {
        [IpAddr::V4(src), IpAddr::V4(dst)] => {
            if let Some(slot) = new.get_mut(at + 12..at + 20) {
                slot.copy_from_slice(&[src.octets(), dst.octets()].concat());
            }
            // No operation: what was there is gone, its length is not.
            new.get_mut(at + 20..body).unwrap_or_default().fill(1);
            adjust(old, new, at..body, at + 10, None);
        }
        [IpAddr::V6(src), IpAddr::V6(dst)] => {
            if let Some(slot) = new.get_mut(at + 8..at + 40) {
                slot.copy_from_slice(&[src.octets(), dst.octets()].concat());
            }
            extensions(new, at, body);
        }
        _ => {}
    }
}

/// Contents of extension headers; a fragment's stay.
fn extensions(new: &mut [u8], at: usize, body: usize) {
    let mut kind = new.get(at + 6).copied().unwrap_or(59);
    let mut next = at + 40;
    while next + 2 <= body {
        let Some(&[following, length]) = new.get(next..).and_then(|b| b.first_chunk::<2>()) else { return };
        let size = match kind {
            44 => 8,
            51 => (usize::from(length) + 2) * 4,
            _ => (usize::from(length) + 1) * 8,
        };
        if kind != 44 {
            zero(new, next + 2..(next + size).min(body));
        }
        (kind, next) = (following, next + size);
    }
}

/// The MAC addresses of an Ethernet frame behind MPLS labels: what follows the last label does not begin like IP.
fn pseudo_wire(link: LinkType, old: &[u8]) -> Option<Range<usize>> {
    let be16 = |at: usize| old.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    if link.0 != 1 {
        return None;
    }
    let mut at = 12;
    while matches!(be16(at)?, 0x8100 | 0x88a8 | 0x9100 | 0x9200) {
        at += 4;
    }
    if !matches!(be16(at)?, 0x8847 | 0x8848) {
        return None;
    }
    at += 2;
    while old.get(at + 2)? & 1 == 0 {
        at += 4;
    }
    // A control word, then the frame.
    (old.get(at + 4)? >> 4 == 0).then_some(at + 8..at + 20)
}

/// Where the MAC addresses of an Ethernet frame inside a tunnel stand: behind the tunnel's header, before the EtherType and any tags.
fn inner_macs(old: &[u8], header: &Ip<'_>, body: usize, next: usize) -> Option<Range<usize>> {
    let at = match header.protocol {
        17 => body + 16,
        47 => {
            let &[flags, version, high, low] = old.get(body..)?.first_chunk::<4>()?;
            let kind = u16::from_be_bytes([high, low]);
            let words = [0x80, 0x20, 0x10].iter().filter(|bit| flags & **bit != 0).count();
            let after = body + 4 + words * 4;
            match kind {
                0x6558 if version & 7 == 0 => after,
                0x88be if flags & 0x10 != 0 => after + 8,
                0x88be => after,
                _ => return None,
            }
        }
        _ => return None,
    };
    (at + 12 <= next).then_some(at..at + 12)
}

/// TCP options that name somebody: keys, tokens and addresses of Multipath TCP, cookies of Fast Open, experiments.
fn options(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(kind) = bytes.get(at).copied() {
        let length = match kind {
            0 => return,
            1 => 1,
            _ => usize::from(bytes.get(at + 1).copied().unwrap_or(0)),
        };
        if kind > 1 && length < 2 {
            return;
        }
        match kind {
            // The subtype stays.
            30 => zero(bytes, at + 3..at + length),
            34 | 253 | 254 => zero(bytes, at + 2..at + length),
            _ => {}
        }
        at += length;
    }
}

/// QUIC: Initials whole, because their name can be read only from all of their bytes; of other packets the form.
fn quic_shown(payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; payload.len()];
    let mut keep = |range: Range<usize>| {
        if let (Some(slot), Some(bytes)) = (out.get_mut(range.clone()), payload.get(range)) {
            slot.copy_from_slice(bytes);
        }
    };
    let mut at = 0;
    while let Some(header) = payload.get(at..).and_then(quic::classify) {
        let end = at.saturating_add(header.end).min(payload.len());
        let shown = match header.kind {
            quic::Kind::Initial | quic::Kind::VersionNegotiation => end,
            _ => (at + header.packet_number_at).min(end),
        };
        keep(at..shown);
        if end <= at {
            break;
        }
        at = end;
    }
    // The first octet tells a long header from a short one.
    if at < payload.len() {
        keep(at..at + 1);
    }
    out
}
