//! Resets that are counted, and what each of them may have answered.

use super::given::{Given, NAME, RTT_MS, client, server};
use interloper::detect::case::Case;
use interloper::detect::finding::Mechanism::TcpReset;
use interloper::detect::suspects;
use interloper::packet::tcp::{ACK, PSH, SYN};
use interloper::script::IpId;
use interloper::script::Rtt;
use interloper::script::Side::{Client, Server};

fn says(g: &Given, rule: &str) -> bool {
    g.claims(TcpReset).unwrap().iter().any(|c| c.rule == rule && c.void.is_none())
}

/// A hello that the card cuts in two, behind the acknowledgement of the SYN/ACK: three segments, and three resets after so long.
fn three_resets(after_ms: f64, lossy: bool) -> Given {
    let mut g = Given::default();
    g.around.lossy = lossy;
    let mut t = g.tcp();
    t.handshake().segment(Client, ACK | PSH, &[0x17; 2000]);
    t.inject(Server).rst().ttl(51).df().after_ms(after_ms).copies(3);
    g
}

#[test]
fn a_bare_reset_answers_a_segment() {
    assert!(!says(&three_resets(RTT_MS + 1.0, false), "reset-burst-equal"));
    assert!(says(&three_resets(3.0, false), "reset-burst-equal"));
    // What they answer may have been missed.
    assert!(!says(&three_resets(3.0, true), "reset-burst-equal"));
}

/// An abort, and bare resets for what was still on its way to it, each numbered by what it acknowledged: more of them than came in the
/// round trip before.
#[test]
fn an_abort_and_what_follows_are_one_machine() {
    let told = |asked: bool| {
        let mut g = Given::default();
        let mut t = g.tcp();
        t.handshake().hello(NAME).ack(Server).server_hello();
        let number = t.end(Client).expected.wrapping_add(if asked { 0 } else { 700 });
        t.ack(Client).ack(Client).abort(Server);
        for n in 0..2 {
            let after = RTT_MS + 4.0 + f64::from(n);
            t.inject(Server).rst().ttl(51).df().after_ms(after).with(move |d| d.set_seq(number));
        }
        says(&g, "reset-mixed-flags")
    };
    assert!(!told(true));
    assert!(told(false));
}

/// The client's kernel answers what still comes after a reset that was forged towards the server: it is no forger's, though it draws its
/// identifications.
#[test]
fn a_kernel_that_draws_its_numbers_is_no_forger() {
    let mut g = Given::default();
    let mut t = g.script.tcp(&client().ip_id(IpId::Random), 40_000, &server(), 443, Rtt::ms(RTT_MS).at_server());
    t.handshake().hello(NAME);
    t.inject(Client).rst_ack().ttl(120).ip_id(7).after_ms(1.0);
    t.ack(Server);
    let number = t.end(Client).next;
    t.inject(Client).rst().ttl(64).df().ip_id(0x102d).after_ms(RTT_MS + 1.0).with(move |d| d.set_seq(number));
    let flows = g.flows();
    let case = Case::new(&flows[0]);
    let suspect = suspects::find(&case).into_iter().find(|s| s.mechanism == TcpReset).unwrap();
    let ttls: Vec<u8> = suspect.packets.iter().map(|i| case.entries[*i].ttl).collect();
    assert_eq!(ttls, [120]);
}

/// A balancer sends the FIN over a path that other connections have taken as well.
#[test]
fn a_fin_may_come_over_another_path() {
    let told = |known: bool| {
        let mut g = Given::default();
        g.around.sender.ttls = if known { vec![(47, 9)] } else { Vec::new() };
        let mut t = g.tcp();
        t.handshake().get(NAME, "/").ack(Server).respond("200 OK", 400).change(|d| d.ttl = 47).fin(Server);
        t.send(Client, b"more").dead_reset(Server);
        says(&g, "fin-before-reset")
    };
    assert!(told(true) && !told(false));
}

/// A server whose resets carry no timestamps goes on counting its packets.
#[test]
fn the_next_number_is_the_hosts_own() {
    let told = |next: bool| {
        let mut g = Given::default();
        let mut t = g.script.tcp(&client(), 40_000, &server().ip_id(IpId::Global), 443, Rtt::ms(RTT_MS));
        t.handshake().hello(NAME).ack(Server);
        let id = t.last_ip_id().wrapping_add(if next { 1 } else { 9000 });
        t.inject(Server).rst_ack().ttl(51).df().ip_id(id).after_ms(RTT_MS + 1.0);
        says(&g, "options-missing")
    };
    assert!(!told(true) && told(false));
}

/// A SYN/ACK has no number however often it is asked for; what comes after it may have.
#[test]
fn a_repeated_syn_ack_counts_nothing() {
    let told = |spoke: bool| {
        let mut g = Given::default();
        let mut t = g.tcp();
        t.syn().syn_ack();
        let first = t.end(Server).isn;
        t.wait_ms(Server, 900.0).put(Server, SYN | ACK, first, b"");
        t.ack(Client).hello(NAME);
        if spoke {
            t.change(|d| d.ip_id = 0).ack(Server);
        }
        t.inject(Server).rst_ack().ttl(51).df().ip_id(0x4cee).after_ms(RTT_MS + 1.0);
        g.claims(TcpReset).unwrap().iter().any(|c| c.rule == "ipid-jump")
    };
    assert!(told(true));
    assert!(!told(false));
}
