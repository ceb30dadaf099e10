//! DNS messages are kept: they are what was asked and answered. What they say of the client beside that goes: client subnets, cookies
//! and device numbers in EDNS options, and the client's own address in answers and in the names of reverse lookups.

use super::names::Names;
use super::text;
use std::net::IpAddr;

const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const DNAME: u16 = 39;
const OPT: u16 = 41;
/// DAU, DHU, N3U, EXPIRE, TCP keepalive, padding and extended errors say nothing of who asks.
const KEPT_OPTIONS: [u16; 7] = [5, 6, 7, 9, 11, 12, 15];

/// A message as it may be shown, of the same length.
pub fn clean(names: &Names, message: &[u8]) -> Vec<u8> {
    let mut out = message.to_vec();
    let at = records(names, message, &mut out).unwrap_or(0).max(12);
    // What cannot be read is not looked into, but an address in it would be one all the same.
    packed(names, &mut out, at);
    out
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..)?.first_chunk::<2>().copied()?))
}

/// Walks questions and records; where the walk ended.
fn records(names: &Names, message: &[u8], out: &mut [u8]) -> Option<usize> {
    /// As many as are read when judging.
    const MOST: u16 = 64;
    let count = |n: usize| be16(message, 4 + 2 * n).map(|c| c.min(MOST));
    let mut at = 12;
    for _ in 0..count(0)? {
        at = name(names, message, out, at)? + 4;
    }
    for _ in 0..(count(1)? + count(2)? + count(3)?) {
        let Some(end) = record(names, message, out, at) else { break };
        at = end;
    }
    Some(at)
}

fn record(names: &Names, message: &[u8], out: &mut [u8], at: usize) -> Option<usize> {
    let at = name(names, message, out, at)?;
    let (kind, length) = (be16(message, at)?, usize::from(be16(message, at + 8)?));
    let (from, end) = (at + 10, (at + 10 + length).min(message.len()));
    match kind {
        A | AAAA => address(names, out.get_mut(from..end)?),
        NS | CNAME | PTR | DNAME => drop(name(names, message, out, from)),
        MX => drop(name(names, message, out, from + 2)),
        SRV => drop(name(names, message, out, from + 6)),
        TXT => text::blot(names, out.get_mut(from..end)?),
        OPT => options(out.get_mut(from..end)?),
        _ => packed(names, out.get_mut(..end)?, from),
    }
    Some(end)
}

fn address(names: &Names, data: &mut [u8]) {
    let given = match *data {
        [a, b, c, d] => IpAddr::from([a, b, c, d]),
        _ => match <[u8; 16]>::try_from(&*data) {
            Ok(octets) => IpAddr::from(octets),
            Err(_) => return,
        },
    };
    match names.of(given) {
        IpAddr::V4(a) => data.copy_from_slice(&a.octets()),
        IpAddr::V6(a) => data.copy_from_slice(&a.octets()),
    }
}

/// Blots clients' addresses out of the labels at `at`; where the name ends, its pointer included.
fn name(names: &Names, message: &[u8], out: &mut [u8], mut at: usize) -> Option<usize> {
    let mut places = Vec::new();
    let mut written = Vec::new();
    loop {
        let length = *message.get(at)?;
        at += 1;
        match length {
            0 => break,
            1..=63 => {
                let label = at..at + usize::from(length);
                written.extend_from_slice(message.get(label.clone())?);
                places.extend(label.map(Some));
                // Between labels there is a dot when a name is written, and a length in the message.
                written.push(b'.');
                places.push(None);
                at += usize::from(length);
            }
            _ => {
                at += 1;
                break;
            }
        }
    }
    text::blot(names, &mut written);
    for (byte, place) in written.iter().zip(places) {
        if let Some(slot) = place.and_then(|at| out.get_mut(at)) {
            *slot = *byte;
        }
    }
    Some(at)
}

/// EDNS options: code, length, data.
fn options(data: &mut [u8]) {
    let mut at = 0;
    while let (Some(code), Some(length)) = (be16(data, at), be16(data, at + 2)) {
        let end = (at + 4 + usize::from(length)).min(data.len());
        if !KEPT_OPTIONS.contains(&code) {
            // Of a client subnet the family stays, so that the option stays well formed.
            let from = if code == 8 { (at + 8).min(end) } else { at + 4 };
            data.get_mut(from..end).unwrap_or_default().fill(0);
        }
        at = end;
    }
}

/// Clients' addresses as octets, anywhere behind `at`.
fn packed(names: &Names, out: &mut [u8], at: usize) {
    for i in at..out.len() {
        let v6 = out.get(i..).and_then(|b| b.first_chunk::<16>()).copied().map(IpAddr::from).and_then(|a| names.of_known(a));
        let v4 = out.get(i..).and_then(|b| b.first_chunk::<4>()).copied().map(IpAddr::from).and_then(|a| names.of_known(a));
        let size = if v6.is_some() { 16 } else { 4 };
        if let (Some(_), Some(place)) = (v6.or(v4), out.get_mut(i..i + size)) {
            address(names, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::for_tests;
    use super::*;

    /// `name type class ttl length data` behind a question for the same name.
    fn message(labels: &[&str], kind: u16, data: &[u8]) -> Vec<u8> {
        let mut m = vec![0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        for label in labels {
            m.push(label.len() as u8);
            m.extend_from_slice(label.as_bytes());
        }
        m.extend([0, 0, 1, 0, 1, 0xc0, 12]);
        m.extend(kind.to_be_bytes());
        m.extend([0, 1, 0, 0, 0, 60]);
        m.extend((data.len() as u16).to_be_bytes());
        m.extend_from_slice(data);
        m
    }

    #[test]
    fn the_client_is_taken_out_and_the_rest_stays() {
        let names = for_tests(&["192.168.1.20"]);
        let other = names.of("192.168.1.20".parse().unwrap());
        let m = message(&["example", "org"], A, &[192, 168, 1, 20]);
        let clean_m = clean(&names, &m);
        assert_eq!(clean_m[..m.len() - 4], m[..m.len() - 4]);
        assert_eq!(IpAddr::from(<[u8; 4]>::try_from(&clean_m[m.len() - 4..]).unwrap()), other);
        let m = message(&["example", "org"], A, &[45, 60, 70, 80]);
        assert_eq!(clean(&names, &m), m);
        let m = message(&["20", "1", "168", "192", "in-addr", "arpa"], PTR, b"\x03foo\0");
        let clean_m = clean(&names, &m);
        assert_eq!(&clean_m[12..25], b"\x02xx\x01x\x03xxx\x03xxx");
        assert_eq!(clean_m[25..], m[25..]);
    }

    #[test]
    fn options_that_tell_of_the_client_are_emptied() {
        let names = for_tests(&[]);
        let m = message(&["a"], OPT, b"\0\x08\0\x08\0\x01\x18\0\xc0\xa8\x01\0\0\x0a\0\x02ab\0\x0c\0\x01\x07");
        let clean_m = clean(&names, &m);
        assert!(clean_m.ends_with(b"\0\x08\0\x08\0\x01\x18\0\0\0\0\0\0\x0a\0\x02\0\0\0\x0c\0\x01\x07"));
    }

    #[test]
    fn hostile_messages_only_get_shorter_looks() {
        let names = for_tests(&["192.168.1.20"]);
        let m = message(&["example"], A, &[192, 168, 1, 20]);
        for cut in 0..m.len() {
            assert_eq!(clean(&names, &m[..cut]).len(), cut);
        }
        for at in 0..m.len() {
            for value in [0, 63, 0xc0, 0xff] {
                let mut bad = m.clone();
                bad[at] = value;
                assert_eq!(clean(&names, &bad).len(), m.len());
            }
        }
    }
}
