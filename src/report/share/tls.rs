//! TLS: the frame of every record, the hellos without what is random in them, the server's certificates, alerts. All else is zero.

use super::names::Names;
use super::text;
use crate::app::pieces::Pieces;
use crate::app::tls::{client, extensions, looks_like_record};
use crate::app::tls_records::{Handshake, Records};
use std::ops::Range;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
/// Extensions that list what a program can do, and the name; all others may hold what is random or personal.
const KEPT: [u16; 15] = [0, 1, 5, 10, 11, 13, 16, 18, 22, 23, 27, 28, 43, 45, 50];
const SERVER_NAME: u16 = 0;
const KEY_SHARE: u16 = 51;
/// The random of a HelloRetryRequest (RFC 8446 section 4.1.3): it is what makes one.
const RETRY: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];

/// A stream as it may be shown, as long as what is known of it; `None` if it does not begin with a record.
pub fn clean(names: &Names, pieces: &Pieces) -> Option<Vec<u8>> {
    let mut out = vec![0; pieces.end() as usize];
    let mut at = 0;
    while let Some(header) = pieces.array::<5>(at).filter(|h| looks_like_record(h)) {
        let [kind, _, _, high, low] = header;
        let length = u32::from(u16::from_be_bytes([high, low]));
        put(&mut out, at, &header);
        let body = at.saturating_add(5)..at.saturating_add(5 + length);
        // ChangeCipherSpec, and an alert in clear.
        if (kind, length) == (20, 1) || (kind, length) == (21, 2) {
            put(&mut out, body.start, &pieces.copy(body.clone()));
        }
        at = body.end;
    }
    if at == 0 {
        return None;
    }
    let mut shown = Shown { out, handshake: Records::walk(pieces).handshake };
    shown.messages(names);
    if pieces.has_gap() {
        shown.name_behind_a_gap(names, pieces);
    }
    Some(shown.out)
}

fn put(out: &mut [u8], at: u32, bytes: &[u8]) {
    let at = at as usize;
    let end = (at + bytes.len()).min(out.len());
    if let Some(place) = out.get_mut(at..end) {
        place.copy_from_slice(bytes.get(..place.len()).unwrap_or_default());
    }
}

struct Shown {
    out: Vec<u8>,
    handshake: Handshake,
}

impl Shown {
    fn keep(&mut self, range: Range<usize>) {
        for i in range.start..range.end.min(self.handshake.len()) {
            if let (Some(byte), Some(at)) = (self.handshake.u8(i), self.handshake.stream_at(i)) {
                put(&mut self.out, at, &[byte]);
            }
        }
    }

    fn messages(&mut self, names: &Names) {
        let mut at = 0;
        let mut from_client = false;
        while let (Some(kind), Some(length)) = (self.handshake.u8(at), self.handshake.u24(at + 1)) {
            let body = at + 4..at + 4 + length;
            self.keep(at..at + 4);
            match kind {
                CLIENT_HELLO => {
                    from_client = true;
                    self.hello(names, body.clone());
                }
                SERVER_HELLO => self.hello(names, body.clone()),
                // A client's certificate is the client's name.
                CERTIFICATE if !from_client => self.keep(body.clone()),
                _ => {}
            }
            at = body.end;
        }
        // The head of a message whose head is cut.
        self.keep(at..at + 4);
    }

    /// Version, random, session identifier, then what is offered or chosen, and the extensions.
    fn hello(&mut self, names: &Names, body: Range<usize>) {
        let client = body.start.checked_sub(4).and_then(|at| self.handshake.u8(at)) == Some(CLIENT_HELLO);
        let random = body.start + 2;
        self.keep(body.start..random);
        if self.handshake.get(random, RETRY.len()) == Some(&RETRY) {
            self.keep(random..random + 32);
        }
        let session = random + 32;
        self.keep(session..session + 1);
        let Some(length) = self.handshake.u8(session) else { return };
        let mut at = session + 1 + usize::from(length);
        let from = at;
        if client {
            let Some(ciphers) = self.handshake.u16(at) else { return self.keep(from..from + 2) };
            at += 2 + usize::from(ciphers);
            let Some(compressions) = self.handshake.u8(at) else { return self.keep(from..at.min(body.end)) };
            at += 1 + usize::from(compressions);
        } else {
            at += 3;
        }
        let at = at.min(body.end);
        self.keep(from..(at + 2).min(body.end));
        let list = extensions(&self.handshake, at, body.end);
        for extension in list {
            self.keep(extension.at - 4..extension.at);
            let body = extension.at..extension.at + extension.len;
            match extension.kind {
                SERVER_NAME => self.name(names, body),
                kind if KEPT.contains(&kind) => self.keep(body),
                KEY_SHARE => self.key_share(body, client),
                _ => {}
            }
        }
    }

    fn name(&mut self, names: &Names, body: Range<usize>) {
        self.keep(body.clone());
        let places: Vec<usize> = body.filter_map(|i| self.handshake.stream_at(i)).map(|at| at as usize).collect();
        let mut written: Vec<u8> = places.iter().map(|at| self.out.get(*at).copied().unwrap_or(0)).collect();
        text::blot(names, &mut written);
        for (at, byte) in places.into_iter().zip(written) {
            put(&mut self.out, at as u32, &[byte]);
        }
    }

    /// Where the capture misses a part of a hello, its name is found by its looks: the extension's header and the name stay.
    fn name_behind_a_gap(&mut self, names: &Names, pieces: &Pieces) {
        const HEADER: u32 = 9;
        let Some((from, end)) = client(pieces).and_then(|side| side.hello?.sni_at) else { return };
        let from = from.saturating_sub(HEADER);
        let mut written = pieces.copy(from..end);
        text::blot(names, &mut written);
        put(&mut self.out, from, &written);
    }

    /// Groups and lengths; the keys themselves are new in every connection.
    fn key_share(&mut self, body: Range<usize>, client: bool) {
        let mut at = body.start;
        if client {
            self.keep(at..at + 2);
            at += 2;
        }
        while at + 4 <= body.end {
            self.keep(at..at + 4);
            let Some(length) = self.handshake.u16(at + 2) else { return };
            at += 4 + usize::from(length);
        }
        self.keep(at..body.end.min(at + 2));
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::for_tests;
    use super::*;
    use crate::app::tls;
    use crate::script::random::Random;
    use crate::script::tls::{Hello, server_flight_12};

    #[test]
    fn a_hello_keeps_its_name_and_fingerprint_and_nothing_random() {
        let hello = Hello::new("blocked.example.org").record(&mut Random::new(1));
        let out = clean(&for_tests(&[]), &Pieces::whole(&hello)).unwrap();
        assert_eq!(out.len(), hello.len());
        let read = |bytes: &[u8]| {
            let hello = tls::client(&Pieces::whole(bytes)).unwrap().hello.unwrap();
            (hello.ja4(), hello.offered(), hello.sni, hello.sni_at, hello.ech, hello.ciphers, hello.session_id_len, hello.stream_len)
        };
        assert!(read(&hello).0.is_some());
        assert_eq!(read(&hello), read(&out));
        assert!(out[11..43].iter().all(|b| *b == 0), "random");
        assert!(hello[11..43].iter().any(|b| *b != 0));
        // Two connections of one program look the same but for nothing.
        let other = Hello::new("blocked.example.org").record(&mut Random::new(2));
        assert_ne!(hello, other);
        assert_eq!(out, clean(&for_tests(&[]), &Pieces::whole(&other)).unwrap());
        // Behind a hole it is still the same bytes that stay.
        let part = clean(&for_tests(&[]), &Pieces::from_segments([(0, &hello[..60]), (70, &hello[70..])])).unwrap();
        let name = |bytes: &[u8]| tls::client(&Pieces::from_segments([(0, &bytes[..60]), (70, &bytes[70..])])).unwrap().hello.unwrap().sni;
        assert_eq!(name(&part).as_deref(), Some(&b"blocked.example.org"[..]));
        assert!(part[11..43].iter().all(|b| *b == 0), "random");
    }

    #[test]
    fn certificates_stay_and_what_is_no_record_is_none() {
        assert!(clean(&for_tests(&[]), &Pieces::whole(b"GET / HTTP/1.1\r\n")).is_none());
        let flight = server_flight_12(&mut Random::new(1));
        let out = clean(&for_tests(&[]), &Pieces::whole(&flight)).unwrap();
        assert_eq!(out.len(), flight.len());
        assert!(out[11..43].iter().all(|b| *b == 0), "random");
        let certificates = |bytes: &[u8]| tls::server(&Pieces::whole(bytes)).unwrap().certificates;
        assert_eq!(certificates(&out).len(), certificates(&flight).len());
    }
}
