//! Tunnels inside UDP, by their assigned ports and the fields that have only one value.
//!
//! Only the destination's port counts: the source's is a hash of what is inside (RFC 7348 section 5, RFC 8926 section 3.3).

use super::{Tunnel, link};
use std::ops::Range;

pub const VXLAN: u16 = 4789;
pub const GENEVE: u16 = 6081;
/// 3GPP TS 29.281 section 4.4.2.
pub const GTP_U: u16 = 2152;

const UDP_HEADER: usize = 8;
/// Of VXLAN and Geneve, and of GTP-U without optional fields.
const HEADER: usize = 8;
/// More extension headers than 3GPP TS 29.281 defines.
const MAX_EXTENSIONS: usize = 8;

/// What a datagram carries.
pub struct Carried {
    pub tunnel: Tunnel,
    /// Of the inner IP header, from the datagram's UDP header.
    pub ip_at: usize,
    /// MAC addresses of an inner frame, from the UDP header.
    pub macs: Option<Range<usize>>,
    /// What tells subscribers apart, from the UDP header: the endpoint's identifier, options.
    pub identifiers: Option<Range<usize>>,
}

/// Whether a datagram to this port may be a tunnel's.
pub fn is_port(port: u16) -> bool {
    matches!(port, VXLAN | GENEVE | GTP_U)
}

/// Reads a datagram from its UDP header on. None if it is no tunnel's, or was cut off before the inner IP header.
pub fn carried(udp: &[u8]) -> Option<Carried> {
    let &[_, _, a, b, ..] = udp.first_chunk::<UDP_HEADER>()?;
    match u16::from_be_bytes([a, b]) {
        VXLAN => vxlan(udp),
        GENEVE => geneve(udp),
        GTP_U => gtp_u(udp),
        _ => None,
    }
}

fn header(udp: &[u8]) -> Option<&[u8; HEADER]> {
    udp.get(UDP_HEADER..)?.first_chunk()
}

/// A frame or packet of an EtherType at `at`.
fn inside(udp: &[u8], at: usize, kind: u16) -> Option<(usize, Option<Range<usize>>)> {
    const TRANSPARENT_ETHERNET: u16 = 0x6558;
    if kind == TRANSPARENT_ETHERNET {
        return Some((link::ethernet(udp, at).ok()?.at, Some(at..at + 12)));
    }
    Some((link::ether_type(udp, at, kind, None).ok()?.at, None))
}

/// RFC 7348: the valid-VNI flag and zero reserved octets, then a frame.
fn vxlan(udp: &[u8]) -> Option<Carried> {
    let &[0x08, 0, 0, 0, _, _, _, 0] = header(udp)? else { return None };
    let (ip_at, macs) = inside(udp, UDP_HEADER + HEADER, 0x6558)?;
    Some(Carried { tunnel: Tunnel::Vxlan, ip_at, macs, identifiers: None })
}

/// RFC 8926: version 0, options of a length given in words, a reserved octet of zero.
fn geneve(udp: &[u8]) -> Option<Carried> {
    let &[first, flags, high, low, _, _, _, 0] = header(udp)? else { return None };
    if first >> 6 != 0 || flags & 0x3f != 0 {
        return None;
    }
    let after = UDP_HEADER + HEADER + usize::from(first & 0x3f) * 4;
    let (ip_at, macs) = inside(udp, after, u16::from_be_bytes([high, low]))?;
    Some(Carried { tunnel: Tunnel::Geneve, ip_at, macs, identifiers: Some(UDP_HEADER + HEADER..after) })
}

/// 3GPP TS 29.281: a G-PDU of version 1 that fills its datagram, whose payload is IP.
fn gtp_u(udp: &[u8]) -> Option<Carried> {
    const G_PDU: u8 = 0xff;
    let &[flags, G_PDU, high, low, ..] = header(udp)? else { return None };
    let udp_len = udp.get(4..6).and_then(|l| l.first_chunk()).map(|l| usize::from(u16::from_be_bytes(*l)))?;
    let fills = usize::from(u16::from_be_bytes([high, low])) + UDP_HEADER + HEADER == udp_len;
    // Version 1, no charging protocol, the reserved bit.
    if flags & 0xf8 != 0x30 || !fills {
        return None;
    }
    let mut at = UDP_HEADER + HEADER;
    if flags & 0x07 != 0 {
        // Sequence number, N-PDU number and kind of the next header are there all together, or not at all (section 5.1).
        let mut next = if flags & 0x04 != 0 { *udp.get(at + 3)? } else { 0 };
        at += 4;
        for _ in 0..MAX_EXTENSIONS {
            if next == 0 {
                break;
            }
            // The length counts words, itself and the next header's kind among them.
            let words = usize::from(*udp.get(at)?).max(1);
            at += words * 4;
            next = *udp.get(at - 1)?;
        }
        if next != 0 {
            return None;
        }
    }
    let version = udp.get(at)? >> 4;
    // Not user data of another kind (Ethernet, unstructured).
    matches!(version, 4 | 6).then_some(Carried { tunnel: Tunnel::GtpU, ip_at: at, macs: None, identifiers: Some(12..16) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(port: u16, body: &[&[u8]]) -> Vec<u8> {
        let body = body.concat();
        [&[0xc0, 1][..], &port.to_be_bytes(), &(8 + body.len() as u16).to_be_bytes(), &[0, 0], &body].concat()
    }

    fn told(udp: &[u8]) -> Option<(&'static str, usize)> {
        carried(udp).map(|c| (c.tunnel.name(), c.ip_at))
    }

    const IP: [u8; 20] = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];

    #[test]
    fn headers_of_every_length() {
        let geneve = |words: u8, flags: u8| datagram(GENEVE, &[&[words, flags, 8, 0, 0, 0, 7, 0], &vec![0; usize::from(words) * 4], &IP]);
        assert_eq!(told(&geneve(0, 0)), Some(("geneve", 16)));
        assert_eq!(told(&geneve(3, 0x40)), Some(("geneve", 28)));
        assert_eq!(told(&geneve(0, 1)), None, "a reserved bit");
        let gtp = |flags: u8, more: &[u8]| {
            let length = (more.len() as u16 + 20).to_be_bytes();
            datagram(GTP_U, &[&[flags, 0xff], &length, &[0, 0, 0, 9], more, &IP])
        };
        assert_eq!(told(&gtp(0x30, &[])), Some(("gtp-u", 16)));
        assert_eq!(told(&gtp(0x32, &[0, 1, 0, 0])), Some(("gtp-u", 20)));
        assert_eq!(told(&gtp(0x34, &[0, 0, 0, 0x85, 1, 0, 9, 0])), Some(("gtp-u", 24)));
        assert_eq!(told(&gtp(0x34, &[0, 0, 0, 0x85, 2, 0, 9, 0, 0, 0, 0, 0x40, 1, 0, 0, 0])), Some(("gtp-u", 32)));
        assert_eq!(told(&gtp(0x50, &[])), None, "version 2 is the control plane's");
        let mut longer = gtp(0x30, &[]);
        longer.push(0);
        longer[5] += 1;
        assert_eq!(told(&longer), None, "it does not fill its datagram");
    }

    #[test]
    fn lengths_of_nothing_end() {
        for next in 1..=u8::MAX {
            let udp = datagram(GTP_U, &[&[0x34, 0xff, 0, 240, 0, 0, 0, 9, 0, 0, 0, next], &[0, 0, 0, next].repeat(59)]);
            assert_eq!(told(&udp), None);
        }
    }
}
