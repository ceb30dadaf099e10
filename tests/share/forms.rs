//! What must not be found, in every form in which it could be written.

use interloper::capture::{Capture, LinkType, OpenOptions};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

/// Whether one list of bytes stands in another.
pub fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|w| w == wanted)
}

/// What a capture says of its clients.
pub struct Secrets {
    pub clients: Vec<IpAddr>,
    pub randoms: BTreeSet<Vec<u8>>,
    macs: BTreeSet<[u8; 6]>,
}

impl Secrets {
    /// Reads a capture's MAC addresses and the randoms of its hellos; `clients` are those of its flows.
    pub fn of<'a>(capture: &Path, clients: impl Iterator<Item = &'a str>) -> Secrets {
        let clients: BTreeSet<IpAddr> = clients.map(|c| c.parse().unwrap()).collect();
        // Loopback and multicast are nobody's.
        let clients = clients.into_iter().filter(|a| !a.is_loopback() && !a.is_multicast() && !a.is_unspecified()).collect();
        let mut secrets = Secrets { clients, randoms: BTreeSet::new(), macs: BTreeSet::new() };
        let mut capture = Capture::open(capture, &OpenOptions::default()).unwrap();
        capture.for_each_frame(|_, _, frame| {
            let at: &[usize] = match frame.link {
                LinkType(1) => &[0, 6],
                LinkType(113) => &[6],
                LinkType(276) => &[12],
                _ => &[],
            };
            let mac = |at: &usize| frame.bytes.get(*at..*at + 6).and_then(|m| <[u8; 6]>::try_from(m).ok());
            // Zero is nobody's, and all ones everybody's.
            secrets.macs.extend(at.iter().filter_map(mac).filter(|m| m.iter().any(|b| *b != m[0])));
            secrets.randoms.extend(randoms(frame.bytes));
        });
        secrets
    }

    /// Panics if an output has any of it.
    pub fn check(&self, bytes: &[u8], what: &str) {
        for client in &self.clients {
            for (form, written) in forms(*client) {
                let found = bytes.windows(written.len()).enumerate().filter(|(_, w)| w.eq_ignore_ascii_case(&written)).any(|(at, _)| {
                    // Part of a longer number it is another address.
                    let part = |b: Option<&u8>| form != "octets" && b.is_some_and(|b| b.is_ascii_hexdigit());
                    !part(at.checked_sub(1).and_then(|i| bytes.get(i))) && !part(bytes.get(at + written.len()))
                });
                assert!(!found, "{what}: {client} as {form}");
            }
        }
        for mac in &self.macs {
            let digits = |mark: &str| mac.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(mark);
            assert!(!contains(bytes, mac), "{what}: {}", digits(":"));
            for mark in [":", "-", ""] {
                let written = digits(mark);
                let lower = bytes.to_ascii_lowercase();
                assert!(!contains(&lower, written.as_bytes()), "{what}: {written}");
            }
        }
        for random in &self.randoms {
            assert!(!contains(bytes, random), "{what}: random {random:02x?}");
        }
        assert!(!contains(bytes, b"Mozilla/5.0"), "{what}: a browser's name");
    }
}

/// An address as text, as a name, as digits and as octets.
fn forms(address: IpAddr) -> Vec<(&'static str, Vec<u8>)> {
    let text = |form, written: String| (form, written.into_bytes());
    match address {
        IpAddr::V4(a) => {
            let octets = a.octets();
            let [a, b, c, d] = octets;
            let little: Vec<u8> = octets.iter().rev().copied().collect();
            vec![
                text("text", format!("{a}.{b}.{c}.{d}")),
                text("a reverse name", format!("{d}.{c}.{b}.{a}")),
                text("dashes", format!("{a}-{b}-{c}-{d}")),
                text("digits", format!("{a:02x}{b:02x}{c:02x}{d:02x}")),
                text("digits, little-endian", format!("{d:02x}{c:02x}{b:02x}{a:02x}")),
                text("a number", u32::from_be_bytes(octets).to_string()),
                ("octets", octets.to_vec()),
                ("octets", little),
            ]
        }
        IpAddr::V6(a) => {
            let digits: String = a.octets().iter().map(|b| format!("{b:02x}")).collect();
            let full: Vec<String> = a.segments().iter().map(|s| format!("{s:04x}")).collect();
            let reverse: Vec<String> = digits.chars().rev().map(String::from).collect();
            vec![
                text("text", a.to_string()),
                text("text in full", full.join(":")),
                text("a reverse name", reverse.join(".")),
                text("digits", digits),
                ("octets", a.octets().to_vec()),
                ("octets", a.octets().iter().rev().copied().collect()),
            ]
        }
    }
}

/// The randoms of hellos that begin in a frame, but for the one that makes a HelloRetryRequest.
fn randoms(frame: &[u8]) -> Vec<Vec<u8>> {
    let hello = |w: &&[u8]| w[0] == 0x16 && w[1] == 3 && matches!(w[5], 1 | 2) && w[6] == 0 && w[9] == 3;
    let random = |w: &[u8]| w[11..43].to_vec();
    frame.windows(43).filter(hello).map(random).filter(|r| !r.starts_with(&[0xcf, 0x21, 0xad, 0x74]) && r.iter().any(|b| *b != 0)).collect()
}
