//! Addresses of clients in words and names: written in full, in the name of a reverse lookup, between dashes, as hexadecimal digits.

use super::names::Names;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// A sentence of ours: an address that stands alone becomes the one that stands for it; in a name it is blotted out.
pub fn sentence(names: &Names, text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (range, address) in addresses(bytes, names) {
        if range.start < at {
            continue;
        }
        out.extend_from_slice(bytes.get(at..range.start).unwrap_or_default());
        let word = bytes.get(range.clone()).unwrap_or_default();
        let alone = std::str::from_utf8(word).ok().and_then(|w| w.parse::<IpAddr>().ok()) == Some(address);
        let inside = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let before = range.start.checked_sub(1).and_then(|i| bytes.get(i));
        let after = bytes.get(range.end);
        let dotted = after == Some(&b'.') && inside(bytes.get(range.end + 1)) || before == Some(&b'.');
        if alone && !inside(before) && !inside(after) && !dotted {
            out.extend_from_slice(names.of(address).to_string().as_bytes());
        } else {
            out.extend(word.iter().map(|b| if b.is_ascii_hexdigit() { b'x' } else { *b }));
        }
        at = range.end;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    String::from_utf8_lossy(&out).into_owned()
}

/// Bytes of a message or a name: digits of clients' addresses are blotted out, the length stays.
pub fn blot(names: &Names, bytes: &mut [u8]) {
    let places = addresses(bytes, names);
    for (range, _) in places {
        for b in bytes.get_mut(range).unwrap_or_default().iter_mut().filter(|b| b.is_ascii_hexdigit()) {
            *b = b'x';
        }
    }
}

/// Places where a client's address is written, in order.
fn addresses(bytes: &[u8], names: &Names) -> Vec<(Range<usize>, IpAddr)> {
    let mut found = Vec::new();
    quads(bytes, names, &mut found);
    for run in runs(bytes, |b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')) {
        full(bytes, run.clone(), names, &mut found);
        nibbles(bytes, run, names, &mut found);
    }
    for run in runs(bytes, u8::is_ascii_hexdigit) {
        digits(bytes, run, names, &mut found);
    }
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    found
}

fn runs(bytes: &[u8], part: impl Fn(&u8) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (i, _) in bytes.iter().enumerate().filter(|(_, b)| part(b)) {
        match runs.last_mut() {
            Some(run) if run.end == i => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs
}

/// Four numbers with the same mark between them, in either order.
fn quads(bytes: &[u8], names: &Names, found: &mut Vec<(Range<usize>, IpAddr)>) {
    let numbers = runs(bytes, u8::is_ascii_digit);
    for four in numbers.windows(4) {
        let [a, .., d] = four else { continue };
        let mark = |pair: &[Range<usize>]| match pair {
            [x, y] if y.start == x.end + 1 => bytes.get(x.end).copied().filter(|b| matches!(b, b'.' | b'-' | b'_')),
            _ => None,
        };
        let marks: Vec<Option<u8>> = four.windows(2).map(mark).collect();
        if marks.iter().any(|m| m.is_none() || *m != marks.first().copied().flatten()) {
            continue;
        }
        let number = |r: &Range<usize>| std::str::from_utf8(bytes.get(r.clone())?).ok()?.parse::<u8>().ok();
        let octets: Vec<u8> = four.iter().filter_map(number).collect();
        let Ok(octets) = <[u8; 4]>::try_from(octets) else { continue };
        let mut reversed = octets;
        reversed.reverse();
        for octets in [octets, reversed] {
            let address = IpAddr::V4(Ipv4Addr::from(octets));
            if names.hides(address) {
                found.push((a.start..d.end, address));
                break;
            }
        }
    }
}

/// An IPv6 address as it is usually written.
fn full(bytes: &[u8], run: Range<usize>, names: &Names, found: &mut Vec<(Range<usize>, IpAddr)>) {
    let Some(text) = bytes.get(run.clone()).and_then(|b| std::str::from_utf8(b).ok()) else { return };
    if text.bytes().filter(|b| *b == b':').count() < 2 {
        return;
    }
    // A full stop or a colon behind it belongs to the sentence.
    for text in [text, text.trim_end_matches(['.', ':']), text.trim_matches(['.', ':'])] {
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            let start = run.start + (text.as_ptr() as usize).saturating_sub(bytes.get(run.start..).map_or(0, |b| b.as_ptr() as usize));
            if names.hides(IpAddr::V6(address)) {
                found.push((start..start + text.len(), IpAddr::V6(address)));
            }
            return;
        }
    }
}

/// The 32 digits of ip6.arpa, last first.
fn nibbles(bytes: &[u8], run: Range<usize>, names: &Names, found: &mut Vec<(Range<usize>, IpAddr)>) {
    const LONG: usize = 63;
    let Some(text) = bytes.get(run.clone()) else { return };
    for (at, window) in text.windows(LONG).enumerate() {
        let mut value = 0u128;
        let whole = window.iter().enumerate().all(|(i, b)| match (i % 2, (*b as char).to_digit(16)) {
            (0, Some(digit)) => {
                value |= u128::from(digit) << (i / 2 * 4);
                true
            }
            (1, _) => *b == b'.',
            _ => false,
        });
        let address = IpAddr::V6(Ipv6Addr::from(value));
        if whole && names.hides(address) {
            found.push((run.start + at..run.start + at + LONG, address));
        }
    }
}

/// Eight or 32 hexadecimal digits and nothing else.
fn digits(bytes: &[u8], run: Range<usize>, names: &Names, found: &mut Vec<(Range<usize>, IpAddr)>) {
    let Some(text) = bytes.get(run.clone()).and_then(|b| std::str::from_utf8(b).ok()) else { return };
    let address = match text.len() {
        8 => u32::from_str_radix(text, 16).ok().map(|v| IpAddr::V4(Ipv4Addr::from(v))),
        32 => u128::from_str_radix(text, 16).ok().map(|v| IpAddr::V6(Ipv6Addr::from(v))),
        _ => None,
    };
    if let Some(address) = address.filter(|a| names.hides(*a)) {
        found.push((run, address));
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::for_tests;
    use super::*;

    fn names() -> Names {
        for_tests(&["192.168.1.20", "2001:db8::20"])
    }

    #[test]
    fn a_sentence_gets_the_other_address() {
        let names = names();
        let v4 = names.of("192.168.1.20".parse().unwrap());
        let v6 = names.of("2001:db8::20".parse().unwrap());
        for (from, to) in [
            ("sent by 192.168.1.20, not 192.168.1.2", format!("sent by {v4}, not 192.168.1.2")),
            ("to 192.168.1.20:443.", format!("to {v4}:443.")),
            ("[2001:db8::20]:53 and 2001:db8:0:0::20.", format!("[{v6}]:53 and {v6}.")),
            ("20.1.168.192.in-addr.arpa", "xx.x.xxx.xxx.in-addr.arpa".to_owned()),
            ("192.168.1.20.nip.io, ip-192-168-1-20.internal", "xxx.xxx.x.xx.nip.io, ip-xxx-xxx-x-xx.internal".to_owned()),
            ("hc0a80114.example", "hxxxxxxxx.example".to_owned()),
            ("nothing here 1.2.3.4 ::1", "nothing here 1.2.3.4 ::1".to_owned()),
        ] {
            assert_eq!(sentence(&names, from), to, "{from}");
        }
    }

    #[test]
    fn blotting_keeps_the_length() {
        let names = names();
        let mut page = b"Your IP: 192.168.1.20 (2001:db8::20)".to_vec();
        blot(&names, &mut page);
        assert_eq!(page, b"Your IP: xxx.xxx.x.xx (xxxx:xxx::xx)");
        let mut arpa = b"0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa".to_vec();
        blot(&names, &mut arpa);
        assert!(arpa.starts_with(b"x.x.x.x.") && arpa.ends_with(b"x.ip6.arpa"));
    }
}
