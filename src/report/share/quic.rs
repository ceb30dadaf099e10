//! QUIC: Initials whole, because the name in them can be read only with all of their bytes; of other packets the form.

use crate::app::quic;
use std::ops::Range;

/// A datagram as it may be shown, of whatever protocol: what is not QUIC keeps its first octet.
pub fn clean(payload: &[u8]) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A long header of version 1 with connection identifiers of two octets, and so many octets behind its length.
    fn long(first: u8, token: &[u8], body: usize) -> Vec<u8> {
        let mut p = vec![first, 0, 0, 0, 1, 2, 7, 7, 2, 8, 8];
        p.extend_from_slice(token);
        p.extend([0x40, body as u8]);
        p.extend(std::iter::repeat_n(0x5a, body));
        p
    }

    #[test]
    fn initials_stay_and_what_follows_is_its_header() {
        let (initial, handshake) = (long(0xc0, &[0], 40), long(0xe0, &[], 30));
        let datagram = [initial.clone(), handshake.clone(), vec![0x4f, 1, 2, 3]].concat();
        let shown = clean(&datagram);
        assert_eq!(shown.len(), datagram.len());
        assert_eq!(shown[..initial.len()], initial);
        let behind = &shown[initial.len()..];
        assert_eq!(behind[..13], handshake[..13]);
        assert!(behind[13..handshake.len()].iter().all(|b| *b == 0));
        assert_eq!(behind[handshake.len()..], [0x4f, 0, 0, 0]);
    }

    #[test]
    fn anything_else_is_zero() {
        assert_eq!(clean(b"hello there"), [b"h".as_slice(), &[0; 10]].concat());
        assert!(clean(b"").is_empty());
        let cut = long(0xc0, &[0], 40);
        for end in 0..cut.len() {
            assert_eq!(clean(&cut[..end]).len(), end);
        }
    }
}
