//! The usual frame, read without detours: one IP header without extensions behind any link header, TCP or UDP, nothing that contradicts
//! itself.
//!
//! Nearly every frame of a capture is one. Anything else goes the long way, [`super::dissect`], which says the same of usual frames
//! too (a test compares them): what is saved are the choices, not the checks.

use super::link::{self, NetworkStart};
use super::{Endpoint, IpFacts, Packet, Transport, tcp, udp_tunnel};
use crate::capture::Frame;
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};
use std::net::IpAddr;

/// Who wants the packets. The calls are meant to be inlined: each then knows its IP version and its transport.
pub trait Take {
    fn take(&mut self, packet: &Packet<'_>);
}

const ETHERNET: u16 = 1;
const ETHERNET_HEADER: usize = 14;
const TCP: u8 = 6;
const UDP: u8 = 17;
const UDP_HEADER: usize = 8;

/// Hands a usual frame over and returns true; leaves any other alone. This is for Ethernet with IP right behind it, where most are.
#[inline(always)]
pub fn take<T: Take>(frame: &Frame<'_>, taker: &mut T) -> bool {
    const START: NetworkStart = NetworkStart { at: ETHERNET_HEADER, vlan: None };
    if frame.link.0 != ETHERNET {
        return false;
    }
    let Some((ethernet, rest)) = frame.bytes.split_at_checked(ETHERNET_HEADER) else { return false };
    match ethernet {
        [.., 0x08, 0x00] => v4(rest, START, taker),
        [.., 0x86, 0xdd] => v6(rest, START, taker),
        _ => false,
    }
}

/// The same of a frame with tags or another link header.
#[inline(always)]
pub fn take_elsewhere<T: Take>(frame: &Frame<'_>, taker: &mut T) -> bool {
    let Ok(start) = link::network(frame.link, frame.bytes) else { return false };
    if frame.link.0 == ETHERNET && start.at == ETHERNET_HEADER {
        // Not there, then: that was looked at.
        return false;
    }
    let rest = frame.bytes.get(start.at..).unwrap_or_default();
    match rest.first().map(|octet| octet >> 4) {
        Some(4) => v4(rest, start, taker),
        Some(6) => v6(rest, start, taker),
        _ => false,
    }
}

#[inline(always)]
fn v4(rest: &[u8], start: NetworkStart, taker: &mut impl Take) -> bool {
    let Ok(h) = Ipv4HeaderSlice::from_slice(rest) else { return false };
    let header_len = usize::from(h.ihl()) * 4;
    let total = usize::from(h.total_len());
    // A length of 0 comes from segmentation offload.
    if total < header_len || h.is_fragmenting_payload() {
        return false;
    }
    let Some(body) = rest.get(header_len..total.min(rest.len())) else { return false };
    let ip = IpFacts {
        ttl: h.ttl(),
        id: Some(h.identification()),
        dont_fragment: h.dont_fragment(),
        tos: rest.get(1).copied().unwrap_or(0),
        total_len: total as u32,
    };
    let ends = (IpAddr::V4(h.source_addr()), IpAddr::V4(h.destination_addr()));
    transport(h.protocol().0, start, ends, ip, (body, (total - header_len) as u32), taker)
}

#[inline(always)]
fn v6(rest: &[u8], start: NetworkStart, taker: &mut impl Take) -> bool {
    let Ok(h) = Ipv6HeaderSlice::from_slice(rest) else { return false };
    let length = usize::from(h.payload_length());
    let Some(after) = rest.get(h.slice().len()..).filter(|_| length != 0) else { return false };
    let body = after.get(..length).unwrap_or(after);
    let ip = IpFacts {
        ttl: h.hop_limit(),
        id: None,
        dont_fragment: true,
        tos: h.traffic_class(),
        total_len: u32::from(h.payload_length()) + 40,
    };
    // As sixteen octets each: put together from single ones they would be moved as single ones.
    let address = |at: usize| rest.get(at..)?.first_chunk::<16>().map(|octets| IpAddr::from(*octets));
    let (Some(src), Some(dst)) = (address(8), address(24)) else { return false };
    transport(h.next_header().0, start, (src, dst), ip, (body, length as u32), taker)
}

#[inline(always)]
fn transport(
    protocol: u8,
    start: NetworkStart,
    (src, dst): (IpAddr, IpAddr),
    ip: IpFacts,
    (body, body_len): (&[u8], u32),
    taker: &mut impl Take,
) -> bool {
    let packet = |src_port, dst_port, transport, header_len: usize| Packet {
        src: Endpoint { ip: src, port: src_port },
        dst: Endpoint { ip: dst, port: dst_port },
        ip,
        transport,
        payload: body.get(header_len..).unwrap_or_default(),
        payload_len: body_len.saturating_sub(header_len as u32),
        vlan: start.vlan,
        tunnel: None,
        ip_at: start.at,
    };
    match protocol {
        TCP => {
            let Ok((facts, src_port, dst_port)) = tcp::header(body) else { return false };
            taker.take(&packet(src_port, dst_port, Transport::Tcp(facts), usize::from(facts.header_len)));
            true
        }
        UDP => {
            let Some(&[a, b, c, d, e, f, _, _]) = body.first_chunk::<UDP_HEADER>() else { return false };
            let (src_port, dst_port) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let length = u32::from(u16::from_be_bytes([e, f]));
            // What a tunnel carries is the long way's business.
            if udp_tunnel::is_port(dst_port) || (length != 0 && (length < UDP_HEADER as u32 || length > body_len)) {
                return false;
            }
            taker.take(&packet(src_port, dst_port, Transport::Udp, UDP_HEADER));
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{LinkType, Timestamp};
    use crate::packet::dissect;
    use crate::script::{Host, Rtt, Script, Side, dns::Query, link::Link};
    use proptest::prelude::*;

    struct Told(Option<String>);

    impl Take for Told {
        fn take(&mut self, packet: &Packet<'_>) {
            self.0 = Some(format!("{packet:?}"));
        }
    }

    fn frame((link, bytes): &(u16, Vec<u8>)) -> Frame<'_> {
        Frame { time: Timestamp(0), link: LinkType(*link), interface: 0, wire_len: bytes.len() as u32, bytes }
    }

    /// TCP and UDP over both IP versions, with tags and without, behind several link headers.
    fn frames() -> Vec<(u16, Vec<u8>)> {
        let links = [(1, Link::Ethernet), (101, Link::Raw), (113, Link::Cooked), (276, Link::Cooked2), (0, Link::Null)];
        links.into_iter().flat_map(|(number, link)| behind(link).into_iter().map(move |bytes| (number, bytes))).collect()
    }

    fn behind(link: Link) -> Vec<Vec<u8>> {
        let mut s = Script::new();
        s.link(link);
        for (client, server) in [("10.0.0.1", "45.0.0.1"), ("fd00:1234::1", "2a0b:7080::1")] {
            let (client, server) = (Host::linux(client), Host::linux(server).hops(9));
            s.tcp(&client, 40_000, &server, 443, Rtt::ms(20.0)).handshake().hello("www.example.org").close();
            s.tcp(&client, 40_002, &server, 443, Rtt::ms(20.0)).vlan(Side::Client, 7).vlan(Side::Server, 8).handshake();
            let q = Query::a("www.example.org");
            s.udp(&client, 40_001, &server, 53, Rtt::ms(20.0)).ask(&q).answer(&q.answer().addresses(&["45.60.70.80"]));
        }
        s.frames().into_iter().map(|f| f.bytes).collect()
    }

    #[test]
    fn usual_frames_are_taken() {
        for of in frames() {
            let tagged = of.1.get(12..14) == Some(&[0x81, 0]);
            assert_eq!(take(&frame(&of), &mut Told(None)), of.0 == 1 && !tagged, "{of:?}");
            assert_eq!(take_elsewhere(&frame(&of), &mut Told(None)), of.0 != 1 || tagged, "{of:?}");
            assert!(!take_elsewhere(&Frame { link: LinkType(105), ..frame(&of) }, &mut Told(None)));
        }
    }

    proptest! {
        /// Whatever is changed in a frame or cut off it: what is taken reads as the long way reads it.
        #[test]
        fn both_ways_agree(n in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), octet in any::<u8>(), cut in 0..80usize) {
            let all = frames();
            let mut of = n.get(&all).clone();
            let bytes = &mut of.1;
            // The headers are where it matters.
            let at = at.index(bytes.len().min(80));
            bytes[at] = octet;
            bytes.truncate(bytes.len() - cut.saturating_sub(40));
            let frame = frame(&of);
            let told = [take::<Told>, take_elsewhere::<Told>].map(|take| {
                let mut told = Told(None);
                take(&frame, &mut told).then_some(told.0)
            });
            for told in told.into_iter().flatten() {
                prop_assert_eq!(told, dissect(&frame).ok().map(|p| format!("{p:?}")));
            }
        }
    }
}
