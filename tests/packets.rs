//! Whatever a packet is wrapped in, it is the same packet; and what is cut off is not made up.

#[path = "packets/wrapped.rs"]
mod wrapped;

use interloper::capture::{Frame, LinkType, Timestamp};
use interloper::packet::fragment::Reassembler;
use interloper::packet::{Endpoint, Packet, Skip, Transport, dissect, ip};
use interloper::script::{Body, Draft};
use wrapped::{Wrapped, ipv6_with, wraps};

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

/// A packet of two hosts in either version of IP, over TCP or UDP.
pub fn draft(v6: bool, protocol: u8) -> Draft {
    let [src, dst] = if v6 { ["[fd00::20]:40123", "[2001:db8::80]:8443"] } else { ["192.168.1.20:40123", "45.60.70.80:8443"] };
    let tcp = Body::Tcp { seq: 1000, ack: 2000, flags: 0x18, window: 502, options: vec![1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8] };
    let body = if protocol == TCP { tcp } else { Body::Udp };
    let payload = b"twenty-four octets here!".to_vec();
    let (src, dst) = (src.parse().unwrap(), dst.parse().unwrap());
    Draft { src, dst, ttl: 57, ip_id: 0x3a5c, df: false, tos: 0, body, payload, bad_checksum: false }
}

type Tuple = (Endpoint, Endpoint, u8);

fn tuple(packet: &Packet<'_>) -> Tuple {
    let protocol = match packet.transport {
        Transport::Tcp(_) => TCP,
        Transport::Udp => UDP,
        Transport::IcmpError(_) => 1,
    };
    (packet.src, packet.dst, protocol)
}

fn expected(draft: &Draft, protocol: u8) -> Tuple {
    let end = |at: std::net::SocketAddr| Endpoint { ip: at.ip(), port: at.port() };
    (end(draft.src), end(draft.dst), protocol)
}

fn read(link: u16, bytes: &[u8]) -> Result<Packet<'_>, Skip> {
    dissect(&Frame { time: Timestamp(0), link: LinkType(link), interface: 0, wire_len: bytes.len() as u32, bytes })
}

/// Every version and transport in everything it can be wrapped in.
fn each(mut check: impl FnMut(&Wrapped, &Draft, u8)) {
    for v6 in [false, true] {
        for protocol in [TCP, UDP] {
            let draft = draft(v6, protocol);
            for wrapped in wraps(&draft.encode(), v6) {
                check(&wrapped, &draft, protocol);
            }
        }
    }
}

#[test]
fn every_wrapping_gives_the_same_packet() {
    let mut names = std::collections::BTreeSet::new();
    each(|w, draft, protocol| {
        let packet = read(w.link, &w.bytes).unwrap_or_else(|skip| panic!("{}: {skip:?}", w.name));
        assert_eq!(tuple(&packet), expected(draft, protocol), "{}", w.name);
        assert_eq!(packet.payload.get(..draft.payload.len()), Some(&draft.payload[..]), "{}", w.name);
        assert_eq!(packet.payload_len as usize, draft.payload.len(), "{}: padding is no payload", w.name);
        assert_eq!(packet.ip.ttl, 57, "{}: the innermost header counts", w.name);
        assert_eq!(packet.vlan, w.vlan, "{}", w.name);
        assert_eq!(packet.tunnel.map(|t| t.name()), w.tunnel, "{}", w.name);
        names.insert(w.name);
    });
    assert!(names.len() >= 40, "{} wrappings tried", names.len());
}

#[test]
fn a_cut_frame_gives_the_same_ports_or_none() {
    each(|w, draft, protocol| {
        let mut whole = 0;
        for end in 0..=w.bytes.len() {
            // A copy of its own: reading past its end would be caught.
            let cut = w.bytes[..end].to_vec();
            let Ok(packet) = read(w.link, &cut) else {
                assert_eq!(whole, 0, "{}: more octets, but less to see at {end}", w.name);
                continue;
            };
            let seen = tuple(&packet);
            // A datagram to the tunnel's port whose inside is cut off is still that datagram.
            if w.outer_port.is_some_and(|port| seen.1.port == port) {
                continue;
            }
            assert_eq!(seen, expected(draft, protocol), "{} cut to {end}", w.name);
            assert_eq!(packet.payload_len as usize, draft.payload.len(), "{} cut to {end}: the length on the wire", w.name);
            whole += 1;
        }
        assert!(whole > draft.payload.len(), "{}: headers alone are enough", w.name);
    });
}

#[test]
fn foreign_frames_say_what_they_are() {
    let arp = [&[0xffu8; 6][..], &[2, 0, 0, 0, 0, 1], &[8, 6], &[0; 28]].concat();
    assert!(matches!(read(1, &arp), Err(Skip::EtherType(0x0806))));
    assert!(matches!(read(9999, &arp), Err(Skip::LinkType(9999))));
    let mut sctp = draft(false, TCP).encode();
    sctp[9] = 132;
    assert!(matches!(read(101, &sctp), Err(Skip::IpProtocol(132))));
    let echo = Draft { body: Body::Icmp { kind: 8, code: 0, rest: 7 }, ..draft(false, TCP) };
    assert!(matches!(read(101, &echo.encode()), Err(Skip::IcmpType(8))));
    assert!(matches!(read(101, &[0x75; 60]), Err(Skip::Malformed(_))));
}

#[test]
fn tunnels_without_end_are_given_up() {
    let mut packet = draft(false, TCP).encode();
    for _ in 0..12 {
        packet = wrapped::ipv4_around(4, &packet);
    }
    assert!(matches!(read(101, &packet), Err(Skip::TooDeep)));
    let tags = [&[2u8; 12][..], &[0x81, 0, 0, 7].repeat(40), &[8, 0], &draft(false, TCP).encode()].concat();
    assert!(matches!(read(1, &tags), Err(Skip::TooDeep)));
}

#[test]
fn icmp_errors_name_the_flow_they_are_about() {
    for v6 in [false, true] {
        for protocol in [TCP, UDP] {
            let about = draft(v6, protocol);
            let router = if v6 { "[2001:db8::1]:0" } else { "203.0.113.1:0" };
            let (kind, code) = if v6 { (1, 1) } else { (3, 13) };
            let quoted = about.encode();
            let headers = if v6 { 40 } else { 20 };
            for length in headers..=quoted.len() {
                let error = Draft {
                    src: router.parse().unwrap(),
                    dst: about.src,
                    body: Body::Icmp { kind, code, rest: 0 },
                    payload: quoted[..length].to_vec(),
                    ..about.clone()
                };
                let bytes = error.encode();
                let read = read(101, &bytes);
                if length < headers + 8 {
                    assert!(read.is_err(), "the ports of a quote of {length} octets");
                    continue;
                }
                let packet = read.unwrap_or_else(|skip| panic!("{length} octets quoted: {skip:?}"));
                let Transport::IcmpError(error) = packet.transport else { panic!("an ICMP error") };
                let (src, dst, _) = expected(&about, protocol);
                assert_eq!((error.quoted_src, error.quoted_dst, error.quoted_protocol), (src, dst, protocol));
                assert_eq!((error.version, error.kind, error.code), (if v6 { 6 } else { 4 }, kind, code));
                assert_eq!((packet.src.ip, error.quoted_ttl), (router.parse::<std::net::SocketAddr>().unwrap().ip(), 57));
            }
        }
    }
}

/// The packet in pieces of so many octets, as IP packets.
fn pieces(draft: &Draft, protocol: u8, size: usize) -> Vec<Vec<u8>> {
    let v6 = draft.src.is_ipv6();
    let whole = draft.encode();
    let body = &whole[if v6 { 40 } else { 20 }..];
    let count = body.len().div_ceil(size);
    let piece = |n: usize| {
        let (at, part) = (n * size, &body[n * size..body.len().min((n + 1) * size)]);
        let more = u16::from(n + 1 < count);
        if v6 {
            let word = (at as u16 | more).to_be_bytes();
            let extension = [protocol, 0, word[0], word[1], 0, 0, 0x3a, 0x5c];
            return ipv6_with(&whole[..40], 44, &[&extension[..], part].concat());
        }
        let mut head = whole[..20].to_vec();
        head[2..4].copy_from_slice(&(20 + part.len() as u16).to_be_bytes());
        head[6..8].copy_from_slice(&(more << 13 | (at / 8) as u16).to_be_bytes());
        [head, part.to_vec()].concat()
    };
    (0..count).map(piece).collect()
}

#[test]
fn fragments_make_the_packet_in_any_order() {
    for v6 in [false, true] {
        for protocol in [TCP, UDP] {
            let draft = draft(v6, protocol);
            let pieces = pieces(&draft, protocol, 16);
            assert!(pieces.len() >= 2);
            let forward: Vec<usize> = (0..pieces.len()).collect();
            let backward: Vec<usize> = forward.iter().rev().copied().collect();
            let rotated: Vec<usize> = forward.iter().map(|n| (n + 1) % pieces.len()).collect();
            for order in [forward, backward, rotated] {
                let mut reassembler = Reassembler::default();
                let mut whole = None;
                for (pushed, n) in order.iter().enumerate() {
                    assert!(matches!(read(101, &pieces[*n]), Err(Skip::Fragment)), "a piece has no ports of its own");
                    whole = reassembler.push(&ip::header(&pieces[*n], 0).unwrap(), Timestamp(pushed as i64));
                    assert_eq!(whole.is_some(), pushed + 1 == order.len(), "complete with the last piece");
                }
                let whole = whole.unwrap();
                let bytes = [whole.header(), whole.body].concat();
                let packet = read(101, &bytes).unwrap();
                assert_eq!(tuple(&packet), expected(&draft, protocol));
                assert_eq!((packet.payload, packet.ip.ttl), (&draft.payload[..], 57));
                assert_eq!((reassembler.abandoned, reassembler.unfinished()), (0, 0));
            }
        }
    }
}

#[test]
fn pieces_that_come_too_late_or_not_at_all_make_nothing() {
    let draft = draft(false, UDP);
    let pieces = pieces(&draft, UDP, 16);
    let mut reassembler = Reassembler::default();
    assert!(reassembler.push(&ip::header(&pieces[0], 0).unwrap(), Timestamp(0)).is_none());
    assert!(reassembler.push(&ip::header(&pieces[1], 0).unwrap(), Timestamp(60_000_000_000)).is_none());
    assert_eq!((reassembler.abandoned, reassembler.unfinished()), (1, 1));
}
