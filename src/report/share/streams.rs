//! The beginnings of streams: what may be shown of a segment is known only from the bytes before it.
//!
//! Filled by a first reading of the evidence's packets, asked by the second. Where segments contradict one another (a forgery, a decoy in
//! front of the real message) there are several versions of a stream, each of segments that agree.

use super::names::Names;
use super::{dns, http, tls};
use crate::app::dns::quick_txid;
use crate::app::pieces::Pieces;
use crate::flow::key::{Direction, FlowKey};
use crate::limits::{HEAD_BYTES, SHARED_STREAMS};
use std::collections::BTreeMap;

/// One direction of a connection.
type Side = (FlowKey, Direction);

/// A TCP segment of it.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    pub side: Side,
    pub syn: bool,
    pub seq: u32,
    pub payload: &'a [u8],
    /// A port of the connection is DNS's.
    pub dns: bool,
}

#[derive(Default)]
struct Stream {
    /// Number of its SYN, and of its first byte.
    syn: Option<u32>,
    start: u32,
    dns: bool,
    versions: Vec<Version>,
}

/// A decoy, the message and an injected answer, each with two beginnings; more are somebody's game.
const VERSIONS: usize = 6;

/// Segments of a stream that agree.
#[derive(Default)]
struct Version {
    said: Vec<u8>,
    known: Vec<bool>,
    /// What may be shown, once all segments are there.
    shown: Option<Vec<u8>>,
}

impl Version {
    /// Takes a segment in, unless it contradicts what is there.
    fn takes(&mut self, offset: usize, payload: &[u8]) -> bool {
        let end = (offset + payload.len()).min(HEAD_BYTES);
        let payload = payload.get(..end.saturating_sub(offset)).unwrap_or_default();
        let length = self.said.len().max(end);
        let there = self.said.iter().zip(&self.known).skip(offset).zip(payload);
        if there.into_iter().any(|((said, known), byte)| *known && said != byte) {
            return false;
        }
        self.said.resize(length, 0);
        self.known.resize(length, false);
        if let (Some(said), Some(known)) = (self.said.get_mut(offset..end), self.known.get_mut(offset..end)) {
            said.copy_from_slice(payload);
            known.fill(true);
        }
        true
    }

    /// Its beginning.
    fn before(&self, offset: usize) -> Version {
        let beginning = |length: usize| ..offset.min(length);
        Version {
            said: self.said.get(beginning(self.said.len())).unwrap_or_default().to_vec(),
            known: self.known.get(beginning(self.known.len())).unwrap_or_default().to_vec(),
            shown: None,
        }
    }

    /// The stretches of it that are known.
    fn pieces(&self) -> Pieces<'_> {
        let mut at = 0;
        let runs = self.known.chunk_by(|a, b| a == b).filter_map(|run| {
            let from = at;
            at += run.len();
            run.first().copied().unwrap_or(false).then(|| (from as u32, self.said.get(from..at).unwrap_or_default()))
        });
        Pieces::from_segments(runs.collect::<Vec<_>>())
    }

    /// A segment that this version says, as it may be shown.
    fn show(&self, offset: usize, payload: &[u8]) -> Option<&[u8]> {
        let range = offset..offset + payload.len();
        let shown = self.shown.as_ref()?.get(range.clone())?;
        (self.said.get(range) == Some(payload)).then_some(shown)
    }
}

/// The streams of a plan.
#[derive(Default)]
pub struct Streams {
    list: BTreeMap<Side, Vec<Stream>>,
    /// Which of a side's streams is on.
    current: BTreeMap<Side, usize>,
    octets: usize,
    /// Segments that found no room.
    pub left_out: u64,
}

impl Streams {
    /// The stream a segment is part of, and its place in it. A SYN with another number begins another one, and so does the first packet.
    fn of(&mut self, s: &Segment<'_>) -> Option<(&mut Stream, u32)> {
        let list = self.list.entry(s.side).or_default();
        let start = s.seq.wrapping_add(u32::from(s.syn));
        let current = match self.current.get(&s.side) {
            Some(n) if !(s.syn && list.get(*n).is_some_and(|stream| stream.syn != Some(s.seq))) => *n,
            Some(n) => n + 1,
            None => 0,
        };
        self.current.insert(s.side, current);
        if list.len() <= current {
            list.push(Stream { syn: s.syn.then_some(s.seq), start, dns: s.dns, ..Stream::default() });
        }
        let stream = list.get_mut(current)?;
        let offset = start.wrapping_sub(stream.start);
        ((offset as usize) < HEAD_BYTES).then_some((stream, offset))
    }

    /// First reading: takes a segment in.
    pub fn learn(&mut self, s: &Segment<'_>) {
        let room = self.octets < SHARED_STREAMS;
        let Some((stream, offset)) = self.of(s) else { return };
        if s.payload.is_empty() {
            return;
        }
        if !room {
            self.left_out += 1;
            return;
        }
        let mut taken = false;
        for version in &mut stream.versions {
            taken |= version.takes(offset as usize, s.payload);
        }
        if !taken && stream.versions.len() < VERSIONS {
            // What stands before it was not contradicted, and may belong to either.
            let before = stream.versions.first().map(|first| first.before(offset as usize)).filter(|v| !v.said.is_empty());
            for mut version in before.into_iter().chain([Version::default()]) {
                version.takes(offset as usize, s.payload);
                stream.versions.push(version);
            }
        }
        self.octets += s.payload.len();
    }

    /// Between the readings: works out what may be shown.
    pub fn settle(&mut self, names: &Names) {
        self.current.clear();
        for stream in self.list.values_mut().flatten() {
            for version in &mut stream.versions {
                version.shown = show(names, &version.pieces(), stream.dns);
            }
        }
    }

    /// Second reading: a segment's payload as it may be shown.
    pub fn show(&mut self, names: &Names, s: &Segment<'_>) -> Vec<u8> {
        let stream = self.of(s);
        // A request behind another one on the same connection is read by itself.
        if let Some(shown) = http::clean(names, s.payload, http::Keep::Head) {
            return shown;
        }
        // What fits several versions is read in the one that makes the most of it.
        let same = stream.and_then(|(stream, offset)| {
            let shown = stream.versions.iter().filter_map(|version| version.show(offset as usize, s.payload));
            shown.max_by_key(|shown| shown.iter().filter(|b| **b != 0).count()).map(<[u8]>::to_vec)
        });
        same.or_else(|| show(names, &Pieces::whole(s.payload), s.dns)).unwrap_or_else(|| vec![0; s.payload.len()])
    }
}

/// What may be shown of a stream, as long as what is known of it; `None` of what is in no protocol that is read.
fn show(names: &Names, pieces: &Pieces, dns: bool) -> Option<Vec<u8>> {
    if let Some(shown) = tls::clean(names, pieces) {
        return Some(shown);
    }
    let prefix = pieces.prefix();
    let mut shown = http::clean(names, &prefix, http::Keep::Head).or_else(|| dns.then(|| messages(names, &prefix)))?;
    shown.resize(pieces.end() as usize, 0);
    Some(shown)
}

/// DNS over TCP: a length before each message.
fn messages(names: &Names, stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stream.len());
    while let Some(&[high, low]) = stream.get(out.len()..).and_then(|s| s.first_chunk::<2>()) {
        let from = out.len() + 2;
        let end = (from + usize::from(u16::from_be_bytes([high, low]))).min(stream.len());
        out.extend([high, low]);
        let message = stream.get(from..end).unwrap_or_default();
        // Much else travels on port 53.
        match quick_txid(message) {
            Some(_) => out.extend(dns::clean(names, message)),
            None => out.resize(end.max(out.len()), 0),
        }
    }
    out.resize(stream.len(), 0);
    out
}

#[cfg(test)]
mod tests {
    use super::super::names::for_tests;
    use super::*;
    use crate::packet::Endpoint;

    fn side() -> Side {
        let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
        FlowKey::new(end("192.168.1.20", 40_000), end("45.60.70.80", 80), 6, None)
    }

    fn shown(segments: &[(bool, u32, &[u8])]) -> Vec<String> {
        let names = for_tests(&["192.168.1.20"]);
        let mut streams = Streams::default();
        let all = || segments.iter().map(|(syn, seq, payload)| Segment { side: side(), syn: *syn, seq: *seq, payload, dns: false });
        all().for_each(|s| streams.learn(&s));
        streams.settle(&names);
        all().map(|s| String::from_utf8_lossy(&streams.show(&names, &s)).into_owned()).collect()
    }

    #[test]
    fn a_head_in_two_segments_in_any_order_and_again() {
        let (a, b) = (&b"GET /a?b=c HTTP/1.1\r\nCookie: i"[..], &b"d=1\r\nHost: x.example\r\n\r\nbody"[..]);
        let second = 11 + a.len() as u32;
        let expected = ["", "GET /a?xxx HTTP/1.1\r\nCookie: x", "xxx\r\nHost: x.example\r\n\r\n\0\0\0\0"];
        assert_eq!(shown(&[(true, 10, b""), (false, 11, a), (false, second, b)]), expected);
        let turned = shown(&[(true, 10, b""), (false, second, b), (false, 11, a), (false, second, b)]);
        assert_eq!(turned, ["", expected[2], expected[1], expected[2]]);
    }

    #[test]
    fn a_decoy_does_not_hide_the_message_behind_it() {
        let (a, b) = (&b"GET / HTTP/1.1\r\nHo"[..], &b"st: real.example\r\nX: y\r\n\r\n"[..]);
        let decoy = b"GET / HTTP/1.1\r\nHost: decoy.example\r\n\r\n";
        let second = 11 + a.len() as u32;
        let said = shown(&[(true, 10, b""), (false, 11, decoy), (false, 11, a), (false, second, b), (false, 11, decoy)]);
        assert_eq!(said[1], String::from_utf8_lossy(decoy));
        assert_eq!(said[3], "st: real.example\r\nX: x\r\n\r\n");
        assert_eq!(said[4], said[1]);
        // Its beginning comes last.
        let (c, d) = (&b"POST / HT"[..], &b"TP/1.1\r\nHost: real.example\r\n\r\n"[..]);
        let said = shown(&[(true, 10, b""), (false, 11, decoy), (false, 11 + c.len() as u32, d), (false, 11, c)]);
        assert_eq!(said[2], String::from_utf8_lossy(d));
        assert_eq!(said[3], "POST / HT");
    }

    #[test]
    fn another_version_and_another_connection_are_looked_at_alone() {
        let said = shown(&[
            (true, 10, b""),
            (false, 11, b"GET / HTTP/1.1\r\n\r\n"),
            (false, 11, b"secret that differs"),
            (true, 900, b""),
            (false, 901, b"more of a secret"),
        ]);
        assert_eq!(said[2], "\0".repeat(19));
        assert_eq!(said[4], "\0".repeat(16));
    }
}
