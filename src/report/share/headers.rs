//! Headers as they may be shown: addresses replaced, options and extension headers emptied, MAC addresses of inner frames found.

use super::checksums::adjust;
use crate::capture::LinkType;
use crate::packet::ip::Ip;
use crate::packet::udp_tunnel;
use std::net::IpAddr;
use std::ops::Range;

/// Addresses of a pseudo-header, before and after.
pub(super) struct Pseudo {
    pub before: [IpAddr; 2],
    pub after: [IpAddr; 2],
}

impl Pseudo {
    /// A checksum of zero is none.
    pub(super) fn udp(&self, old: &[u8], new: &mut [u8], body: &Range<usize>) {
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

pub(super) fn zero(bytes: &mut [u8], range: Range<usize>) {
    let end = range.end.min(bytes.len());
    bytes.get_mut(range.start.min(end)..end).unwrap_or_default().fill(0);
}

/// Writes an IP header's addresses, and empties its options: they can hold more of them.
pub(super) fn rewrite(old: &[u8], new: &mut [u8], at: usize, body: usize, ends: [IpAddr; 2]) {
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
pub(super) fn pseudo_wire(link: LinkType, old: &[u8]) -> Option<Range<usize>> {
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
pub(super) fn inner_macs(old: &[u8], header: &Ip<'_>, body: usize, next: usize) -> Option<Range<usize>> {
    let at = match header.protocol {
        17 => return udp_tunnel::carried(header.body).and_then(|c| c.macs).map(|m| body + m.start..body + m.end),
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
pub(super) fn options(bytes: &mut [u8]) {
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
