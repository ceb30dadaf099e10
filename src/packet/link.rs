//! Link layers: where does the network header start, and which one is it?
//!
//! Own code because etherparse has no SLL2, NULL/LOOP or PPP; each header here is a handful of bytes.

use super::Skip;
use crate::capture::LinkType;
use std::ops::Range;

/// Where the IP header starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetworkStart {
    pub at: usize,
    pub vlan: Option<u16>,
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// C-VLAN, S-VLAN and the two pre-standard QinQ tags.
const VLAN_TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// Netfilter's log, as Android's and routers' firewalls write it; Apple's capture of all interfaces. Both headers tell of the machine.
pub const NFLOG: u16 = 239;
pub const PKTAP: u16 = 258;
/// More stacked tags or labels than any network uses.
const MAX_TAGS: usize = 8;

fn be16(bytes: &[u8], at: usize) -> Result<u16, Skip> {
    match bytes.get(at..at + 2) {
        Some(&[a, b]) => Ok(u16::from_be_bytes([a, b])),
        _ => Err(Skip::Cut),
    }
}

fn byte(bytes: &[u8], at: usize) -> Result<u8, Skip> {
    bytes.get(at).copied().ok_or(Skip::Cut)
}

/// Finds the network header behind a link header.
pub fn network(link: LinkType, bytes: &[u8]) -> Result<NetworkStart, Skip> {
    match link.0 {
        1 => ethernet(bytes, 0),
        // BSD loopback: address family in the capturing host's order (NULL) or big-endian (LOOP).
        0 | 108 => null(bytes),
        // RAW: the LINKTYPE number, the DLT numbers some writers leak, and the fixed-version ones.
        101 | 12 | 14 | 228 | 229 => raw(bytes, 0, None),
        9 | 50 | 51 => ppp(link.0, bytes),
        // Cisco HDLC: address, control, EtherType.
        104 => ether_type(bytes, 4, be16(bytes, 2)?, None),
        166 => {
            // PPP with a direction pseudo-header (LINKTYPE_PPP_PPPD): one octet, then the PPP frame.
            ppp_frame(bytes, 1, None)
        }
        113 => ether_type(bytes, 16, be16(bytes, 14)?, None),
        276 => ether_type(bytes, 20, be16(bytes, 0)?, None),
        219 => ether_type(bytes, 0, ETHERTYPE_IPV4, None),
        NFLOG => raw(bytes, nflog(bytes)?.1, None),
        PKTAP => {
            let (length, link) = pktap(bytes)?;
            let inner = network(link, bytes.get(length..).ok_or(Skip::Cut)?)?;
            Ok(NetworkStart { at: length + inner.at, ..inner })
        }
        other => Err(Skip::LinkType(other)),
    }
}

/// An Ethernet frame at `at`; also what VXLAN and transparent-Ethernet GRE carry.
pub fn ethernet(bytes: &[u8], at: usize) -> Result<NetworkStart, Skip> {
    ether_type(bytes, at + 14, be16(bytes, at + 12)?, None)
}

/// Follows an EtherType through VLAN tags, MPLS labels, PPPoE and SNAP to IP.
pub fn ether_type(bytes: &[u8], mut at: usize, mut kind: u16, mut vlan: Option<u16>) -> Result<NetworkStart, Skip> {
    for _ in 0..MAX_TAGS {
        match kind {
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => return Ok(NetworkStart { at, vlan }),
            tag if VLAN_TAGS.contains(&tag) => {
                let tci = be16(bytes, at)?;
                vlan = vlan.or(Some(tci & 0x0fff));
                kind = be16(bytes, at + 2)?;
                at += 4;
            }
            0x8847 | 0x8848 => return mpls(bytes, at, vlan),
            0x8864 => {
                // PPPoE session: 6 octets, then the PPP protocol.
                return ppp_protocol(bytes, at + 6, vlan);
            }
            length if length <= 1500 => return llc(bytes, at, vlan).map_err(|_| Skip::EtherType(0)),
            other => return Err(Skip::EtherType(other)),
        }
    }
    Err(Skip::TooDeep)
}

fn llc(bytes: &[u8], at: usize, vlan: Option<u16>) -> Result<NetworkStart, Skip> {
    // 802.2 LLC with SNAP: aa aa 03, OUI 00 00 00, EtherType.
    match bytes.get(at..at + 6) {
        Some([0xaa, 0xaa, 3, 0, 0, 0]) => match be16(bytes, at + 6)? {
            kind if kind > 1500 => ether_type(bytes, at + 8, kind, vlan),
            _ => Err(Skip::EtherType(0)),
        },
        _ => Err(Skip::EtherType(0)),
    }
}

fn mpls(bytes: &[u8], mut at: usize, vlan: Option<u16>) -> Result<NetworkStart, Skip> {
    for _ in 0..MAX_TAGS {
        let bottom = byte(bytes, at + 2)? & 1 == 1;
        at += 4;
        if bottom {
            // The payload type is not carried: tell IP by its version, a pseudo-wire control word by its zero nibble.
            return match byte(bytes, at)? >> 4 {
                4 | 6 => Ok(NetworkStart { at, vlan }),
                0 => ethernet(bytes, at + 4),
                _ => Err(Skip::Malformed("MPLS payload is not IP")),
            };
        }
    }
    Err(Skip::TooDeep)
}

fn null(bytes: &[u8]) -> Result<NetworkStart, Skip> {
    let family = match bytes.get(..4) {
        Some(&[a, b, c, d]) => [a, b, c, d],
        _ => return Err(Skip::Cut),
    };
    // AF_INET is 2 everywhere; AF_INET6 is 10, 23, 24, 28 or 30 by system. Either byte order.
    let value = match family {
        [0, 0, 0, v] | [v, 0, 0, 0] => v,
        _ => return Err(Skip::Malformed("NULL/LOOP address family")),
    };
    match value {
        2 | 10 | 23 | 24 | 28 | 30 => Ok(NetworkStart { at: 4, vlan: None }),
        other => Err(Skip::EtherType(u16::from(other))),
    }
}

type Order = fn([u8; 2]) -> u16;

/// Attributes of a logged packet: kind, and where the value stands. Lengths and kinds are in the order of the machine that wrote the file.
fn attributes(bytes: &[u8], order: Order) -> impl Iterator<Item = (u16, Range<usize>)> {
    let mut at = 4;
    std::iter::from_fn(move || {
        let &[a, b, c, d] = bytes.get(at..)?.first_chunk()?;
        let length = usize::from(order([a, b]));
        let value = at + 4..at + length.max(4);
        // Each begins at a multiple of four octets.
        at = value.end.next_multiple_of(4);
        Some((order([c, d]), value))
    })
}

const LOGGED_PACKET: u16 = 9;

/// The order that leads to a packet, and where that starts.
fn nflog(bytes: &[u8]) -> Result<(Order, usize), Skip> {
    let start = |order: Order| attributes(bytes, order).find(|(kind, _)| *kind == LOGGED_PACKET).map(|(_, value)| (order, value.start));
    start(u16::from_le_bytes).or_else(|| start(u16::from_be_bytes)).ok_or(Skip::Cut)
}

/// What a link header says of machines: their MAC addresses, names of interfaces and processes, users, marks.
pub fn machine(link: LinkType, bytes: &[u8]) -> Vec<Range<usize>> {
    let one = |range| std::iter::once(range).collect();
    match link.0 {
        1 => one(0..12),
        // Linux cooked: the sender's address, of up to eight octets.
        113 => one(6..14),
        276 => one(12..20),
        NFLOG => {
            let Ok((order, start)) = nflog(bytes) else { return Vec::new() };
            attributes(bytes, order).take_while(|(_, value)| value.start < start).map(|(_, value)| value).collect()
        }
        PKTAP => {
            let Ok((length, inner)) = pktap(bytes) else { return Vec::new() };
            let behind = machine(inner, bytes.get(length..).unwrap_or_default());
            std::iter::once(12..length).chain(behind.into_iter().map(|r| length + r.start..length + r.end)).collect()
        }
        _ => Vec::new(),
    }
}

/// A header that begins with its length and, in its third word, names the link type of what follows; only little-endian systems write it.
fn pktap(bytes: &[u8]) -> Result<(usize, LinkType), Skip> {
    let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.first_chunk()).map(|b| u32::from_le_bytes(*b)).ok_or(Skip::Cut);
    let (length, link) = (word(0)? as usize, word(8)?);
    let link = u16::try_from(link).ok().filter(|l| *l != PKTAP && length >= 12).ok_or(Skip::Malformed("PKTAP header"))?;
    Ok((length, LinkType(link)))
}

fn raw(bytes: &[u8], at: usize, vlan: Option<u16>) -> Result<NetworkStart, Skip> {
    match byte(bytes, at)? >> 4 {
        4 | 6 => Ok(NetworkStart { at, vlan }),
        _ => Err(Skip::Malformed("raw IP version")),
    }
}

fn ppp(link: u16, bytes: &[u8]) -> Result<NetworkStart, Skip> {
    if link == 51 && bytes.first() == Some(&0x11) {
        // LINKTYPE_PPP_ETHER: a PPPoE session header comes first.
        return ppp_protocol(bytes, 6, None);
    }
    // Where HDLC framing is said, Cisco's may be meant, which has addresses of its own.
    if link == 50 && matches!(bytes.first(), Some(0x0f | 0x8f)) {
        return ether_type(bytes, 4, be16(bytes, 2)?, None);
    }
    ppp_frame(bytes, 0, None)
}

fn ppp_frame(bytes: &[u8], at: usize, vlan: Option<u16>) -> Result<NetworkStart, Skip> {
    // HDLC address and control octets may be there or compressed away.
    let at = if bytes.get(at..at + 2) == Some(&[0xff, 0x03]) { at + 2 } else { at };
    ppp_protocol(bytes, at, vlan)
}

fn ppp_protocol(bytes: &[u8], at: usize, vlan: Option<u16>) -> Result<NetworkStart, Skip> {
    let first = byte(bytes, at)?;
    // Protocol-field compression drops the leading zero octet (RFC 1661 section 6.5: odd first octet).
    let (protocol, at) = if first & 1 == 1 { (u16::from(first), at + 1) } else { (be16(bytes, at)?, at + 2) };
    match protocol {
        0x0021 | 0x0057 => Ok(NetworkStart { at, vlan }),
        0x0281 | 0x0283 => mpls(bytes, at, vlan),
        other => Err(Skip::EtherType(other)),
    }
}
