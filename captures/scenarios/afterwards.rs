//! What stays blocked after a hit, and what is blocked whatever is said: residual, port, protocol.

use crate::scene::{Scene, client, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::{Host, Pace};

const NAME: &str = "blocked.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![residual_silence(), residual_resets(), residual_refusals(), dead_later(), port(), closed_port(), allowlist()]
}

/// Resets for a hello, as `reset-burst-race` tells them.
fn hit(s: &mut Scene, port: u16) -> usize {
    let mut t = s.script.tcp(&client(), port, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(90).ip_id(0x3a5c).df().window(4022).after_ms(3.1).copies(3);
    t.ack(Server).dead_reset(Client);
    t.talk()
}

fn residual_silence() -> Scene {
    let mut s = Scene::guilty("residual-silence", "After a reset, new connections to the endpoint stay unanswered for a while")
        .happens("A forged reset for one name; for a minute the SYNs of two connections to the same port vanish, whatever would be asked. Later the port answers again, and another host did all the time.")
        .look("tcp.flags.syn == 1 without SYN/ACK between 2 and 60 s, on one port.");
    let talk = hit(&mut s, 48_000);
    s.expect(talk, "tcp-reset", "confirmed");
    for n in 0..2u16 {
        let mut t = s.script.at_ms(2000.0 + 20_000.0 * f64::from(n)).tcp(&client(), 48_001 + n, &server(), 443, rtt());
        t.cut(Client).syn().retry(Client, 3);
        let talk = t.talk();
        s.expect_for(talk, "drop", "residual", "likely");
    }
    s.script.at_ms(9000.0).tcp(&client(), 48_005, &Host::linux("91.198.20.30").hops(8), 443, rtt()).visit(OTHER);
    s.script.at_ms(95_000.0).tcp(&client(), 48_006, &server(), 443, rtt()).visit(OTHER);
    s
}

fn residual_resets() -> Scene {
    let mut s = Scene::guilty("residual-resets", "After a reset, the SYN/ACKs of new connections are followed by more resets")
        .happens("For 90 s after a hit every connection to the port is reset before anything is said; then it works.")
        .look("Resets 3 ms after the client's SYN, then the server's SYN/ACK.");
    let talk = hit(&mut s, 48_010);
    s.expect(talk, "tcp-reset", "confirmed");
    for n in 0..2u16 {
        let mut t = s.script.at_ms(4000.0 + 9000.0 * f64::from(n)).tcp(&client(), 48_011 + n, &server(), 443, rtt());
        t.syn();
        t.inject(Server).rst_ack().ttl(90).ip_id(0x5a5c).df().window(3777).after_ms(3.0).copies(3);
        t.syn_ack().dead_reset(Client);
        let talk = t.talk();
        s.expect_for(talk, "tcp-reset", "residual", "confirmed");
    }
    s.script.at_ms(120_000.0).tcp(&client(), 48_015, &server(), 443, rtt()).visit(OTHER);
    s
}

fn residual_refusals() -> Scene {
    let mut s = Scene::guilty("residual-refusals", "After a reset, each new SYN is refused once, as by a port that is closed")
        .happens("A port that has just served the client refuses it for a minute after a hit, in a third of the time that the server takes, and then serves it again.")
        .look("Time from SYN to RST/ACK and to SYN/ACK.");
    s.script.tcp(&client(), 48_070, &server(), 443, rtt()).visit(OTHER);
    let talk = hit(&mut s, 48_071);
    s.expect(talk, "tcp-reset", "confirmed");
    for n in 0..3u16 {
        let mut t = s.script.at_ms(4000.0 + 9000.0 * f64::from(n)).tcp(&client(), 48_072 + n, &server(), 443, rtt());
        t.syn();
        t.inject(Server).rst_ack().ttl(51).after_ms(27.0);
        let talk = t.talk();
        s.expect_for(talk, "tcp-reset", "residual", "likely");
    }
    s.script.at_ms(120_000.0).tcp(&client(), 48_076, &server(), 443, rtt()).visit(OTHER);
    s
}

fn dead_later() -> Scene {
    let mut s = Scene::guilty("reset-then-dead-server", "A reset by a filter, good visits, and then a server that dies")
        .happens("After a forged reset for one name the endpoint works for others. Three minutes later SYNs to both its ports stay unanswered: a filter that went on blocking would not have let the visits through, and has no reason to block port 80.")
        .look("tcp.flags.syn == 1 without SYN/ACK after 180 s, on both ports.");
    let talk = hit(&mut s, 48_040);
    s.expect(talk, "tcp-reset", "confirmed");
    s.script.at_ms(2000.0).tcp(&client(), 48_041, &server(), 80, rtt()).visit_http(OTHER);
    for (n, at) in [16_000.0, 76_000.0, 146_000.0].into_iter().enumerate() {
        s.script.at_ms(at).tcp(&client(), 48_042 + n as u16, &server(), 443, rtt()).visit(OTHER);
    }
    for (n, port) in [443, 80, 443].into_iter().enumerate() {
        let mut t = s.script.at_ms(190_000.0 + n as f64 * 9000.0).tcp(&client(), 48_050 + n as u16, &server(), port, rtt());
        t.cut(Client).syn().retry(Client, 4);
        s.script.later_ms(500.0).tcp(&client(), 48_060 + n as u16, &Host::linux("91.198.20.30").hops(8), 443, rtt()).visit(OTHER);
    }
    s
}

fn port() -> Scene {
    let mut s = Scene::guilty("drop-port", "One port of six hosts that answer on another is dead")
        .happens("Connections to port 853 of six unrelated hosts get no answer to their SYNs; port 443 of the same hosts answers before and between. Hosts drop what they do not serve; so many that drop what they are asked for are filtered by somebody else.")
        .look("tcp.flags.syn == 1 by port.");
    let talks = dead_port(&mut s, 6);
    for talk in talks {
        s.expect_for(talk, "drop", "port", "likely");
    }
    s
}

fn closed_port() -> Scene {
    let mut s = Scene::innocent("drop-port-firewalled", "One port of two hosts that answer on another is dead")
        .at_most("unexplained")
        .happens("Connections to port 853 of two unrelated hosts get no answer to their SYNs; port 443 of the same hosts answers before and between. That is how hosts are set up where they are rented.")
        .look("tcp.flags.syn == 1 by port.");
    dead_port(&mut s, 2);
    s
}

/// A port of so many hosts tried twice, beside one that works.
fn dead_port(s: &mut Scene, hosts: u16) -> Vec<usize> {
    let mut talks = Vec::new();
    for n in 0..2 * hosts {
        let host = Host::linux(&format!("91.198.{}.30", 20 + n % hosts)).hops(8);
        s.script.later_ms(400.0).tcp(&client(), 48_020 + n, &host, 443, rtt()).visit(OTHER);
        let mut t = s.script.later_ms(400.0).tcp(&client(), 48_120 + n, &host, 853, rtt());
        t.cut(Client).syn().retry(Client, 4);
        talks.push(t.talk());
    }
    for n in 0..5 {
        s.script.later_ms(4000.0).tcp(&client(), 48_010 + n, &server(), 443, rtt()).visit(OTHER);
    }
    talks
}

fn allowlist() -> Scene {
    let mut s = Scene::guilty("drop-protocol", "Only HTTP passes on port 80")
        .happens("Four connections to port 80 of two servers that begin with something else are dead after their first payload; HTTP passes on both, before and after.")
        .look("First payload repeated, never acknowledged; follow the others as HTTP.");
    let hosts = [server(), Host::linux("91.198.20.30").hops(8)];
    for (n, host) in hosts.iter().enumerate() {
        s.script.later_ms(300.0).tcp(&client(), 48_040 + n as u16, host, 80, rtt()).visit_http(OTHER);
    }
    let openings: [&[u8]; 4] = [b"SSH-2.0-OpenSSH_10.0\r\n", &[0x9f; 300], b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0", &[0x41; 517]];
    for (n, opening) in openings.iter().enumerate() {
        let mut t = s.script.later_ms(300.0).tcp(&client(), 48_050 + n as u16, &hosts[n % 2], 80, rtt());
        t.handshake().cut(Client).send(Client, opening).retry(Client, 6);
        let talk = t.talk();
        s.expect_for(talk, "drop", "protocol", "likely");
    }
    let mut t = s.script.later_ms(300.0).tcp(&client(), 48_060, &hosts[0], 80, rtt());
    t.handshake().get(OTHER, "/big").ack(Server).bulk(Server, Pace { segments: 6, gap_ms: 1.0, lost: 0 }).close();
    s
}
