//! IPv4 and IPv6, extension headers, and the tunnels that put IP into IP.

use super::{Endpoint, IpFacts, MAX_ENCAPSULATIONS, Packet, Skip, Transport, Tunnel, icmp, link, tcp, udp_tunnel};
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};
use std::net::IpAddr;

/// IPv6 extension headers followed before giving up; RFC 8200 lists fewer kinds than this.
const MAX_EXTENSIONS: usize = 8;

/// An IP header and what it carries.
#[derive(Clone, Copy, Debug)]
pub struct Ip<'a> {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub facts: IpFacts,
    pub protocol: u8,
    /// Captured payload, cut to the length the header gives (Ethernet padding is not payload).
    pub body: &'a [u8],
    /// Payload length on the wire.
    pub body_len: u32,
    pub fragment: Option<Fragment>,
}

/// Fragmentation fields of a fragment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    pub id: u32,
    /// In octets.
    pub offset: u32,
    pub more: bool,
}

/// Reads the IP header at `at`.
pub fn header(bytes: &[u8], at: usize) -> Result<Ip<'_>, Skip> {
    let rest = bytes.get(at..).ok_or(Skip::Cut)?;
    match rest.first().map(|b| b >> 4) {
        Some(4) => v4(rest),
        Some(6) => v6(rest),
        Some(_) => Err(Skip::Malformed("IP version")),
        None => Err(Skip::Cut),
    }
}

fn v4(rest: &[u8]) -> Result<Ip<'_>, Skip> {
    let h = Ipv4HeaderSlice::from_slice(rest).map_err(|e| match e {
        etherparse::err::ipv4::HeaderSliceError::Len(_) => Skip::Cut,
        etherparse::err::ipv4::HeaderSliceError::Content(_) => Skip::Malformed("IPv4 header length"),
    })?;
    let header_len = h.slice().len();
    let after = rest.get(header_len..).unwrap_or_default();
    // Segmentation offload leaves a total length of 0: take what the frame holds.
    let total = match h.total_len() {
        0 => rest.len() as u32,
        n => u32::from(n),
    };
    let body_len = total.checked_sub(header_len as u32).ok_or(Skip::Malformed("IPv4 total length"))?;
    let body = after.get(..body_len as usize).unwrap_or(after);
    let fragment = h.is_fragmenting_payload().then(|| Fragment {
        id: u32::from(h.identification()),
        offset: u32::from(h.fragments_offset().value()) * 8,
        more: h.more_fragments(),
    });
    let tos = rest.get(1).copied().unwrap_or(0);
    Ok(Ip {
        src: IpAddr::V4(h.source_addr()),
        dst: IpAddr::V4(h.destination_addr()),
        facts: IpFacts { ttl: h.ttl(), id: Some(h.identification()), dont_fragment: h.dont_fragment(), tos, total_len: total },
        protocol: h.protocol().0,
        body,
        body_len,
        fragment,
    })
}

fn v6(rest: &[u8]) -> Result<Ip<'_>, Skip> {
    let h = Ipv6HeaderSlice::from_slice(rest).map_err(|e| match e {
        etherparse::err::ipv6::HeaderSliceError::Len(_) => Skip::Cut,
        etherparse::err::ipv6::HeaderSliceError::Content(_) => Skip::Malformed("IPv6 version"),
    })?;
    let after = rest.get(h.slice().len()..).unwrap_or_default();
    // A payload length of 0 is a jumbogram or offload: take what the frame holds.
    let mut body_len = match h.payload_length() {
        0 => after.len() as u32,
        n => u32::from(n),
    };
    let mut body = after.get(..body_len as usize).unwrap_or(after);
    let mut protocol = h.next_header().0;
    let mut fragment = None;
    for _ in 0..MAX_EXTENSIONS {
        let length = match protocol {
            // Hop-by-hop, routing, destination options, mobility, HIP, shim6: length in 8-octet units, not counting the first.
            0 | 43 | 60 | 135 | 139 | 140 => (usize::from(*body.get(1).ok_or(Skip::Cut)?) + 1) * 8,
            44 => {
                let Some(&[next, _, a, b, i, j, k, l]) = body.first_chunk::<8>() else { return Err(Skip::Cut) };
                let word = u16::from_be_bytes([a, b]);
                let frag = Fragment { id: u32::from_be_bytes([i, j, k, l]), offset: u32::from(word & !7), more: word & 1 == 1 };
                // An atomic fragment (RFC 6946) is a whole packet.
                if frag.offset != 0 || frag.more {
                    fragment = Some(frag);
                }
                protocol = next;
                body = body.get(8..).unwrap_or_default();
                body_len = body_len.saturating_sub(8);
                if fragment.is_some() {
                    break;
                }
                continue;
            }
            // Authentication header: length in 4-octet units, minus two.
            51 => (usize::from(*body.get(1).ok_or(Skip::Cut)?) + 2) * 4,
            _ => break,
        };
        protocol = *body.first().ok_or(Skip::Cut)?;
        body = body.get(length..).ok_or(Skip::Cut)?;
        body_len = body_len.checked_sub(length as u32).ok_or(Skip::Malformed("IPv6 extension header length"))?;
    }
    Ok(Ip {
        src: IpAddr::V6(h.source_addr()),
        dst: IpAddr::V6(h.destination_addr()),
        facts: IpFacts {
            ttl: h.hop_limit(),
            id: None,
            dont_fragment: true,
            tos: h.traffic_class(),
            total_len: u32::from(h.payload_length()) + 40,
        },
        protocol,
        body,
        body_len,
        fragment,
    })
}

/// Dissects from the IP header at `at`, through tunnels, to the transport.
pub fn dissect(bytes: &[u8], mut at: usize, vlan: Option<u16>) -> Result<Packet<'_>, Skip> {
    let mut tunnel = None;
    for _ in 0..MAX_ENCAPSULATIONS {
        let ip = header(bytes, at)?;
        if ip.fragment.is_some() {
            return Err(Skip::Fragment);
        }
        match tunnelled(bytes, &ip)? {
            Some((next, kind)) => {
                at = next;
                tunnel = Some(kind);
            }
            None => return transport(&ip, at, vlan, tunnel),
        }
    }
    Err(Skip::TooDeep)
}

/// The datagrams, from the outside in, that carry the rest of a packet.
pub fn carriers(bytes: &[u8], mut at: usize) -> impl Iterator<Item = Packet<'_>> {
    let steps = std::iter::from_fn(move || {
        let ip = header(bytes, at).ok().filter(|ip| ip.fragment.is_none())?;
        let here = at;
        at = tunnelled(bytes, &ip).ok().flatten()?.0;
        Some((ip, here))
    });
    let datagrams = steps.take(MAX_ENCAPSULATIONS.into()).filter(|(ip, _)| ip.protocol == 17);
    datagrams.filter_map(|(ip, at)| transport(&ip, at, None, None).ok())
}

/// The transport of an IP packet that is no tunnel.
pub fn transport<'a>(ip: &Ip<'a>, ip_at: usize, vlan: Option<u16>, tunnel: Option<Tunnel>) -> Result<Packet<'a>, Skip> {
    let mut lying = false;
    let (src_port, dst_port, transport, header_len) = match ip.protocol {
        6 => {
            let (facts, src, dst) = tcp::header(ip.body)?;
            (src, dst, Transport::Tcp(facts), usize::from(facts.header_len))
        }
        17 => {
            let Some(&[a, b, c, d, e, f, _, _]) = ip.body.first_chunk::<8>() else { return Err(Skip::Cut) };
            let length = u32::from(u16::from_be_bytes([e, f]));
            // The ports are there whatever the length claims, and Wireshark counts the conversation; the payload is not to be trusted.
            lying = length != 0 && (length < 8 || length > ip.body_len);
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), Transport::Udp, 8)
        }
        1 | 58 => {
            let error = icmp::error(ip)?;
            (0, 0, Transport::IcmpError(error), ip.body.len().min(8))
        }
        other => return Err(Skip::IpProtocol(other)),
    };
    let payload = ip.body.get(header_len..).filter(|_| !lying).unwrap_or_default();
    Ok(Packet {
        src: Endpoint { ip: ip.src, port: src_port },
        dst: Endpoint { ip: ip.dst, port: dst_port },
        ip: ip.facts,
        transport,
        payload,
        payload_len: if lying { 0 } else { ip.body_len.saturating_sub(header_len as u32) },
        vlan,
        tunnel,
        ip_at,
    })
}

/// Where the inner IP header of a tunnel packet starts; `None` if it is no tunnel.
pub fn tunnelled(bytes: &[u8], ip: &Ip<'_>) -> Result<Option<(usize, Tunnel)>, Skip> {
    let Some(body_at) = offset_in(bytes, ip.body) else { return Ok(None) };
    match ip.protocol {
        4 => Ok(Some((body_at, Tunnel::IpInIp))),
        41 => Ok(Some((body_at, Tunnel::SixInFour))),
        47 => gre(bytes, body_at).map(|at| Some((at, Tunnel::Gre))),
        17 => Ok(udp_tunnel::carried(ip.body).map(|c| (body_at + c.ip_at, c.tunnel))),
        _ => Ok(None),
    }
}

fn offset_in(outer: &[u8], part: &[u8]) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(outer.as_ptr() as usize)
}

/// GRE version 0 (RFC 2784, 2890) and the enhanced version 1 that PPTP uses.
fn gre(bytes: &[u8], at: usize) -> Result<usize, Skip> {
    let Some(&[flags, version, kind_high, kind_low]) = bytes.get(at..at + 4) else { return Err(Skip::Cut) };
    let kind = u16::from_be_bytes([kind_high, kind_low]);
    let mut next = at + 4;
    for (bit, size) in [(0x80, 4), (0x20, 4), (0x10, 4)] {
        if flags & bit != 0 {
            next += size;
        }
    }
    if version & 7 == 1 {
        if version & 0x80 != 0 {
            next += 4;
        }
        let start = link::network(crate::capture::LinkType(9), bytes.get(next..).ok_or(Skip::Cut)?)?;
        return Ok(next + start.at);
    }
    match kind {
        0x6558 => link::ethernet(bytes, next).map(|s| s.at),
        // ERSPAN type II: 8 octets, then Ethernet; without the GRE sequence number there is no ERSPAN header.
        0x88be if flags & 0x10 != 0 => link::ethernet(bytes, next + 8).map(|s| s.at),
        0x88be => link::ethernet(bytes, next).map(|s| s.at),
        kind => link::ether_type(bytes, next, kind, None).map(|s| s.at),
    }
}
