//! The builder's packets are read back by the crate's own dissectors.

use super::Side::{Client, Server};
use super::dns::{AUTHORITATIVE, Query};
use super::quic::Quic;
use super::tls::Hello;
use super::*;
use crate::app;
use crate::app::pieces::Pieces;
use crate::packet::{self, Packet, Transport, checksum, tcp};

const RTT: f64 = 80.0;

fn pair() -> (Host, Host) {
    (Host::linux("192.168.1.20"), Host::linux("45.60.70.80").hops(13))
}

/// Calls `each` with every packet; all of them must dissect and have right checksums.
fn each_packet(s: &Script, mut each: impl FnMut(i64, &Packet<'_>)) {
    s.each_frame(|frame| {
        let p = packet::dissect(&frame).expect("a good packet");
        let ip = packet::ip::header(frame.bytes, p.ip_at).expect("an IP header");
        if frame.wire_len as usize == frame.bytes.len() && matches!(p.transport, Transport::Tcp(_) | Transport::Udp) {
            assert_eq!(checksum::transport(&ip), Some(true));
        }
        each(frame.time.0, &p);
    });
}

fn stream(s: &Script, port: u16) -> Vec<u8> {
    let mut out = Vec::new();
    each_packet(s, |_, p| {
        if p.src.port == port {
            out.extend_from_slice(p.payload);
        }
    });
    out
}

#[test]
fn a_visit_reads_like_one() {
    let (client, server) = pair();
    let mut s = Script::new();
    s.tcp(&client, 40_000, &server, 443, Rtt::ms(RTT)).visit("blocked.example.org");
    let mut syn_at = 0;
    each_packet(&s, |time, p| {
        let Transport::Tcp(t) = p.transport else { panic!("TCP") };
        assert_eq!(p.ip.ttl, if p.src.port == 443 { 51 } else { 64 });
        match t.flags & (tcp::SYN | tcp::ACK) {
            tcp::SYN => {
                syn_at = time;
                assert_eq!((t.mss, t.window_scale, t.sack_permitted), (Some(1460), Some(7), true));
            }
            0x12 => {
                assert_eq!(p.ip.id, Some(0));
                assert!((time - syn_at - path::ns(RTT)).abs() < path::ns(1.0), "{}", time - syn_at);
            }
            _ => assert!(t.timestamps.is_some_and(|(_, echo)| echo != 0)),
        }
    });
    let (up, down) = (stream(&s, 40_000), stream(&s, 443));
    let hello = app::tls::client(&Pieces::whole(&up)).and_then(|c| c.hello).expect("a hello");
    assert_eq!(hello.sni.as_deref(), Some(&b"blocked.example.org"[..]));
    assert!(hello.complete);
    assert!(app::tls::server(&Pieces::whole(&down)).is_some());
    assert_eq!(s.truth(0).requests, [4]);
    assert_eq!(s.pcap_bytes(), s.clone().pcap_bytes());
}

#[test]
fn retries_wait_and_losses_are_honoured() {
    let (client, server) = pair();
    let mut s = Script::new();
    let mut t = s.tcp(&client, 40_000, &server, 443, Rtt::ms(RTT));
    t.handshake().hello_of(&Hello::new("a.example.net").big().name_last()).fate(Fate::Missed).ack(Server);
    t.cut(Client).get("b.example.net", "/").retry(Client, 5);
    let mut times = Vec::new();
    let mut sizes = Vec::new();
    each_packet(&s, |time, p| {
        if p.src.port == 40_000 && !p.payload.is_empty() {
            times.push(time);
            sizes.push(p.payload.len());
        }
    });
    assert_eq!(times.len(), 8, "two segments of the hello, the request and its retries");
    assert_eq!(sizes[0], 1448);
    let gaps: Vec<i64> = times[2..].windows(2).map(|w| (w[1] - w[0]) / 10_000_000).collect();
    assert_eq!(gaps, [28, 56, 112, 224, 448]);
    assert_eq!(s.frames().len(), 3 + 2 + 1 + 5);
}

#[test]
fn forgeries_are_what_they_are_told() {
    let (client, server) = pair();
    let mut s = Script::new();
    let mut t = s.tcp(&client, 40_000, &server, 443, Rtt::ms(RTT));
    t.handshake().hello("blocked.example.org");
    t.inject(Server).rst_ack().ttl(90).ip_id(0x1234).df().window(1400).after_ms(3.0).copies(3);
    t.ack(Server).dead_reset(Client);
    let truth = s.truth(0);
    assert_eq!((truth.forged, truth.trigger), (vec![5, 6, 7], Some(4)));
    assert_eq!(truth.talk.name, Some(("tls.sni", "blocked.example.org".to_owned())));
    let mut resets = Vec::new();
    let mut server_ack = 0;
    each_packet(&s, |_, p| {
        let Transport::Tcp(t) = p.transport else { return };
        if t.flags & tcp::RST != 0 {
            resets.push((p.ip.ttl, p.ip.id, t.flags, t.seq, t.ack, t.window));
        } else if p.src.port == 443 {
            server_ack = t.ack;
        }
    });
    assert_eq!(resets.len(), 4);
    assert_eq!(resets[0], resets[2]);
    assert_eq!((resets[0].0, resets[0].1, resets[0].5), (90, Some(0x1234), 1400));
    assert_eq!((resets[3].2, resets[3].3, resets[3].1), (tcp::RST, server_ack, Some(0)));
}

#[test]
fn names_are_asked_and_answered() {
    let client = Host::linux("fd00::20");
    let resolver = Host::linux("2a0c:1::53").hops(7);
    let mut s = Script::new();
    s.link(Link::Cooked2);
    let mut d = s.udp(&client, 5353, &resolver, 53, Rtt::ms(20.0));
    let q = Query::a("blocked.example.org");
    d.ask(&q);
    d.forge(&q.answer().flags(AUTHORITATIVE).without_edns().ttl(120).address("31.13.94.37")).ttl(44).after_ms(2.0);
    d.answer(&q.answer().cname("edge.example.net").addresses(&["45.60.70.80", "45.60.70.81"]));
    let mut messages = Vec::new();
    each_packet(&s, |_, p| messages.push(app::dns::parse(p.payload).expect("a message")));
    assert_eq!(messages[1].answers.len(), 1);
    assert!(messages[1].authoritative && messages[1].edns.is_none());
    let owner = &messages[2].answers[1].name;
    assert_eq!(owner.as_lower_text(), "edge.example.net");
    assert_eq!(s.truth(0).forged, [2]);
}

#[test]
fn initials_open() {
    let (client, server) = pair();
    let mut s = Script::new();
    let mut u = s.udp(&client, 50_000, &server, 443, Rtt::ms(RTT));
    let mut q = Quic::new(&Hello::new("blocked.example.org").big(), u.random());
    let first = q.client_initials();
    assert!(first.len() == 2 && first.iter().all(|d| d.len() == 1200));
    let mut reader = app::quic::InitialReader::new(app::quic::classify(&first[0]).expect("long header").dcid);
    first.iter().for_each(|d| assert_eq!(reader.feed_client(d), 1));
    let answer = q.server_initial(u.random());
    assert_eq!((answer.len(), reader.feed_server(&answer)), (1200, 1));
    let hello = reader.client_hello().expect("a hello");
    assert!(hello.complete && hello.sni.as_deref() == Some(b"blocked.example.org"));
    assert!(reader.server_hello().is_some());
    u.send(Client, &first[0]);
    let router = Host::linux("10.0.0.1").ttl(255);
    u.icmp_error(&router, 3, 13, 5.0);
    each_packet(&s, |_, _| {});
}

#[test]
fn mirrors_snaps_and_links() {
    let (client, server) = pair();
    for link in [Link::Ethernet, Link::Raw, Link::Cooked, Link::Cooked2, Link::Null] {
        let mut s = Script::new();
        s.link(link).snap(100).mirror(40, Some(7));
        s.tcp(&client, 1, &server, 443, Rtt::in_middle(10.0, 40.0)).visit("a.example.net");
        let mut seen = 0;
        each_packet(&s, |_, _| seen += 1);
        assert_eq!(seen, s.frames().len());
        assert_eq!(seen % 2, 0);
        assert_eq!(s.bytes(Format::PcapNanos).len() % 2, s.bytes(Format::PcapBig).len() % 2);
    }
}
