//! Packets as they may be shown: other addresses, no MAC addresses, of payload what says what was asked for. Lengths stay, and
//! checksums are as right or as wrong as they were.

use super::checksums::adjust;
use super::headers::{Pseudo, inner_macs, options, pseudo_wire, rewrite, zero};
use super::names::Names;
use super::streams::{Segment, Streams};
use super::{dns, http, quic, text};
use crate::app::dns::quick_txid;
use crate::capture::{Frame, LinkType};
use crate::flow::key::FlowKey;
use crate::packet::ip::{self, Ip};
use crate::packet::{Transport, link, udp_tunnel};
use crate::reread::Wanted;
use std::collections::BTreeMap;
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
        // What is no message to the scan is none here: much else travels on port 53.
        match quick_txid(place.payload) {
            Some(_) => dns::clean(self.names, place.payload),
            None => quic::clean(place.payload),
        }
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
        link::machine(frame.link, old).into_iter().for_each(|range| zero(&mut new, range));
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
            // MAC addresses of an inner frame: tunnels of Ethernet carry whole ones, right before the inner packet.
            if let Some(macs) = inner_macs(old, &header, body.start, next) {
                zero(new, macs);
            }
            self.ip(old, new, next, payload);
            if header.protocol == 17 {
                if let Some(of) = udp_tunnel::carried(header.body).and_then(|c| c.identifiers) {
                    zero(new, body.start + of.start..body.start + of.end);
                }
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
        let head = match header.protocol {
            _ if later => 0,
            6 => usize::from(header.body.get(12).map_or(0, |b| b >> 4)) * 4,
            17 | 1 | 58 => 8,
            _ => 0,
        };
        let from = (body.start + head).min(body.end);
        match header.protocol {
            6 | 17 => {
                let place = Place { protocol: header.protocol, payload: old.get(from..body.end).unwrap_or_default() };
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
