//! Packets that are hard to clean: in every wrapping, in pieces, and among names of hosts and interfaces.

use super::forms::{Secrets, contains};
use super::run::{key, of_kind, originals, records, run, text, verdicts};
use super::wrapped;
use interloper::script::Side::{Client, Server};
use interloper::script::dns::{Query, RESOLVED};
use interloper::script::{Host, Link, Rtt, Script};
use serde_json::Value;
use std::collections::BTreeSet;

const SECRETS: [&str; 5] = ["s3cr3t-cookie", "QWxhZGRpbjpvcGVu", "private-query", "My-Own-Browser", "body-of-a-form"];

/// A visit that is reset, a blocked page that says who asked, and a refusal by a router, as bare IP packets.
fn told() -> Script {
    let mut script = Script::new();
    script.link(Link::Raw);
    let (client, server) = (Host::linux("192.168.1.20"), Host::linux("45.60.70.80").hops(13));
    let rtt = Rtt::ms(80.0);
    let request = format!(
        "GET /page?q={} HTTP/1.1\r\nHost: blocked.example.org\r\nCookie: id={}\r\nAuthorization: Basic {}\r\nUser-Agent: {}\r\n\r\n{}",
        SECRETS[2], SECRETS[0], SECRETS[1], SECRETS[3], SECRETS[4]
    );
    script.tcp(&client, 40_000, &server, 80, rtt).visit_http("fine.example.net");
    let mut t = script.later_ms(500.0).tcp(&client, 40_001, &server, 80, rtt);
    t.handshake().send(Client, request.as_bytes());
    t.inject(Server).rst_ack().ttl(90).ip_id(0x3a5c).df().window(4022).after_ms(3.1).copies(3);
    t.ack(Server).dead_reset(Client);
    let mut t = script.later_ms(500.0).tcp(&client, 40_002, &server, 80, rtt);
    t.handshake().send(Client, request.as_bytes());
    let page = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 33\r\n\r\n<h1>Blocked for 192.168.1.20</h1>";
    t.inject(Server).data(page).ttl(90).ip_id(0x3a5c).after_ms(3.1);
    t.ack(Server).respond("200 OK", 700);
    let mut t = script.later_ms(500.0).tcp(&client, 40_003, &server, 443, rtt);
    t.handshake().hello("blocked.example.org");
    t.icmp_error(&Host::linux("203.0.113.1").hops(4), 3, 13, 0, 5.0);
    script
}

/// A classic pcap of frames.
fn pcap(link: u16, frames: &[(i64, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, u32::from(link)] {
        file.extend(word.to_le_bytes());
    }
    for (time, bytes) in frames {
        let length = bytes.len() as u32;
        for word in [(time / 1_000_000_000) as u32, (time % 1_000_000_000) as u32, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}

#[test]
fn packets_in_every_wrapping_are_cleaned() {
    let place = tempfile::tempdir().unwrap();
    let (key, capture, shared) = (key(place.path()), place.path().join("wrapped.pcap"), place.path().join("shared.pcapng"));
    let frames = told().frames();
    let kinds = wrapped::wraps(&frames[0].bytes, false).len();
    assert!(kinds > 35);
    for kind in 0..kinds {
        let wrap = |bytes: &[u8]| wrapped::wraps(bytes, false).swap_remove(kind);
        let first = wrap(&frames[0].bytes);
        let all: Vec<(i64, Vec<u8>)> = frames.iter().map(|f| (f.time, wrap(&f.bytes).bytes)).collect();
        std::fs::write(&capture, pcap(first.link, &all)).unwrap();
        let before = records(&["--json", "--share", "--key", text(&key), "--min", "unexplained", "-w", text(&shared), text(&capture)]);
        let evidence = std::fs::read(&shared).unwrap();
        let secrets = Secrets::of(&capture, ["192.168.1.20"].into_iter());
        secrets.check(&evidence, first.name);
        for secret in SECRETS {
            assert!(!contains(&evidence, secret.as_bytes()), "{}: {secret}", first.name);
        }
        for hidden in [&[198, 51, 100, 1][..], &[198, 51, 100, 2], &[2, 0, 0, 0, 0, 1], &[2, 0, 0, 0, 0, 2], &[0x20; 16], &[0x21; 16]] {
            assert!(!contains(&evidence, hidden), "{}: {hidden:?}", first.name);
        }
        for hidden in [&wrapped::TEID[..], wrapped::LOG_PREFIX, &wrapped::PROCESS[..24]] {
            assert!(!contains(&evidence, hidden), "{}: {hidden:?}", first.name);
        }
        for kept in ["Host: blocked.example.org", "GET /page?", "<h1>Blocked for xxx.xxx.x.xx</h1>", "45.60.70.80"] {
            let json = before.iter().map(Value::to_string).collect::<String>();
            assert!(contains(&evidence, kept.as_bytes()) || json.contains(kept), "{}: {kept}", first.name);
        }
        let numbers = originals(&evidence);
        let again = records(&["--json", "--min", "unexplained", text(&shared)]);
        assert!(of_kind(&before, "finding").len() >= 2, "{}", first.name);
        assert_eq!(verdicts(&again, |n| numbers[n as usize - 1]), verdicts(&before, |n| n), "{}", first.name);
        let bad = |records: &[Value]| of_kind(records, "capture")[0]["bad_checksums"].as_u64();
        assert_eq!(bad(&again), Some(0), "{}", first.name);
    }
}

/// An IPv4 packet in pieces of so many octets.
fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (header, body) = packet.split_at(20);
    let pieces: Vec<&[u8]> = body.chunks(size).collect();
    let piece = |(n, part): (usize, &&[u8])| {
        let mut p = [header, part].concat();
        let offset = (n * size / 8) as u16 | if n + 1 < pieces.len() { 0x2000 } else { 0 };
        p[2..4].copy_from_slice(&(20 + part.len() as u16).to_be_bytes());
        p[6..8].copy_from_slice(&offset.to_be_bytes());
        p[10..12].fill(0);
        let mut sum: u32 = p[..20].chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        p[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
        p
    };
    pieces.iter().enumerate().map(piece).collect()
}

#[test]
fn a_datagram_in_pieces_is_carried_and_cleaned_whole() {
    let place = tempfile::tempdir().unwrap();
    let key = key(place.path());
    let [capture, plain, shared] = ["a.pcap", "plain.pcapng", "shared.pcapng"].map(|n| place.path().join(n));
    let mut script = Script::new();
    script.link(Link::Raw);
    let (client, resolver) = (Host::linux("192.168.1.20"), Host::linux("91.230.10.53").hops(9).no_df());
    for n in 0..3 {
        let mut u = script.later_ms(300.0).udp(&client, 50_000 + n, &resolver, 53, Rtt::ms(40.0));
        let q = Query::a(&format!("fine{n}.example.net")).id(0x100 + n);
        u.ask(&q).answer(&q.answer().flags(RESOLVED).address("45.60.70.81"));
    }
    let mut u = script.later_ms(300.0).udp(&client, 50_010, &resolver, 53, Rtt::ms(40.0));
    let q = Query::a("blocked.example.org").id(0x4242);
    u.ask(&q);
    u.forge(&q.answer().address("8.7.198.46")).ttl(90).after_ms(3.0);
    // The resolver's own answer names the client, as answers to the client's own name do, and comes in pieces.
    u.answer(&q.answer().flags(RESOLVED).addresses(&["192.168.1.20", "45.60.70.80", "45.60.70.81", "45.60.70.82"]));
    let last = script.frames().len() - 1;
    let frames: Vec<(i64, Vec<u8>)> = script
        .frames()
        .iter()
        .enumerate()
        .flat_map(|(n, f)| {
            let pieces = if n == last { fragments(&f.bytes, 48) } else { vec![f.bytes.clone()] };
            pieces.into_iter().zip(0..).map(|(bytes, k)| (f.time + k * 1000, bytes))
        })
        .collect();
    let pieces = frames.len() - last;
    assert!(pieces >= 3);
    std::fs::write(&capture, pcap(101, &frames)).unwrap();
    let before = records(&["--json", "--share", "--key", text(&key), "-w", text(&shared), text(&capture)]);
    assert_eq!(of_kind(&before, "finding").len(), 1, "{before:?}");
    run(&["-q", "-w", text(&plain), text(&capture)]);
    let (plain, evidence) = (std::fs::read(&plain).unwrap(), std::fs::read(&shared).unwrap());
    let all: BTreeSet<u64> = (1..=frames.len() as u64).collect();
    let there: BTreeSet<u64> = originals(&plain).into_iter().collect();
    assert!(all.iter().rev().take(pieces).all(|n| there.contains(n)), "{there:?}");
    let secrets = Secrets::of(&capture, ["192.168.1.20"].into_iter());
    secrets.check(&evidence, "in pieces");
    let numbers = originals(&evidence);
    let again = records(&["--json", text(&shared)]);
    assert_eq!(verdicts(&again, |n| numbers[n as usize - 1]), verdicts(&before, |n| n));
    assert_eq!(of_kind(&again, "capture")[0]["bad_checksums"], 0);
    assert_eq!(of_kind(&again, "capture")[0]["fragments_abandoned"], 0);
    // The address that stands for the client stands in the answer, too.
    let other: std::net::Ipv4Addr = of_kind(&before, "finding")[0]["client_ip"].as_str().unwrap().parse().unwrap();
    assert!(contains(&evidence, &[&[0, 4][..], &other.octets()].concat()));
}

/// A capture with the names that dumpcap writes: of a host, an interface, a filter, comments, and a table of resolved names.
fn named(frames: &[(i64, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let total = (body.len() as u32 + 12).to_le_bytes();
        file.extend([&kind.to_le_bytes()[..], &total, body, &total].concat());
    };
    let option = |code: u16, text: &str| {
        let mut o = [code.to_le_bytes(), (text.len() as u16).to_le_bytes()].concat();
        o.extend(text.bytes());
        o.resize(o.len().next_multiple_of(4), 0);
        o
    };
    let head = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    block(0x0a0d_0d0a, &[&head[..], &option(2, "alices-laptop"), &option(1, "my own comment"), &[0; 4]].concat());
    let resolution = [9, 0, 1, 0, 9, 0, 0, 0];
    let interface =
        [&101u32.to_le_bytes()[..], &0u32.to_le_bytes(), &option(2, "wlan-alice"), &option(3, "Alice's card"), &resolution, &[0; 4]];
    block(1, &interface.concat());
    block(4, &[&[1, 0, 23, 0, 192, 168, 1, 20][..], b"alice.home.example", &[0; 2], &[0; 4]].concat());
    for (time, bytes) in frames {
        let length = bytes.len() as u32;
        let mut body = [0, (time >> 32) as u32, *time as u32, length, length].map(u32::to_le_bytes).concat();
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        block(6, &[&body[..], &option(1, "seen by alice"), &[0; 4]].concat());
    }
    file
}

#[test]
fn names_of_hosts_and_interfaces_are_evidence_but_not_shared() {
    let place = tempfile::tempdir().unwrap();
    let [capture, plain, shared] = ["alices.pcapng", "plain.pcapng", "shared.pcapng"].map(|n| place.path().join(n));
    let frames: Vec<(i64, Vec<u8>)> = told().frames().iter().map(|f| (f.time, f.bytes.clone())).collect();
    std::fs::write(&capture, named(&frames)).unwrap();
    run(&["-q", "-w", text(&plain), text(&capture)]);
    let [html, jsonl] = ["a.html", "a.jsonl"].map(|n| place.path().join(n));
    let page = run(&["--share", "-v", "-w", text(&shared), "-o", text(&html), "-o", text(&jsonl), text(&capture)]).stdout;
    let (html, jsonl) = (std::fs::read(html).unwrap(), std::fs::read(jsonl).unwrap());
    let (plain, shared) = (std::fs::read(plain).unwrap(), std::fs::read(shared).unwrap());
    assert!(contains(&plain, b"wlan-alice") && contains(&plain, b"Alice's card"));
    for output in [&page, &shared, &html, &jsonl] {
        assert!(output.len() > 1000);
        assert!(!contains(&output.to_ascii_lowercase(), b"alice"));
        assert!(!contains(output, b"my own comment"));
    }
    assert!(contains(&shared, b"can still identify"));
}
