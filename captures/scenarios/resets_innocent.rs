//! Resets that clients, kernels and networks cause by themselves.

use crate::scene::{Scene, client, rtt, server};
use interloper::packet::tcp::SYN;
use interloper::script::Side::{Client, Server};
use interloper::script::{Host, Link};

const NAME: &str = "www.example.org";

pub fn scenes() -> Vec<Scene> {
    vec![
        dead_socket(),
        browser_cancel(),
        happy_eyeballs(),
        nat_timeout(),
        mirror_port(),
        reordered(),
        balanced(),
        half_close(),
        port_reuse(),
    ]
}

fn dead_socket() -> Scene {
    let mut s = Scene::innocent("reset-after-close", "A kernel answers for a socket that is gone")
        .happens("The client closes while the server still sends. Each late segment draws a bare RST from the client's kernel, and the server's own late FIN draws one more.")
        .look("tcp.flags.reset == 1 && ip.src == 192.168.1.20: ip.id 0 with DF, seq equals the ack of the segment answered.");
    let mut t = s.script.tcp(&client(), 42_000, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(400, 4000);
    t.sealed(Client, 200).fin(Client).ack(Server);
    for _ in 0..4 {
        t.sealed(Server, 1300).dead_reset(Client);
    }
    t.fin(Server).dead_reset(Client);
    s
}

fn browser_cancel() -> Scene {
    let mut s = Scene::innocent("reset-by-browser", "A browser gives up in the middle of a download and before an answer")
        .happens("Two connections are aborted by the client: one while data flows, one right after its ClientHello. What the server had in flight draws bare RSTs.")
        .look("All resets come from the client, with timestamps on the first of each.");
    let mut t = s.script.tcp(&client(), 42_010, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(400, 9000);
    t.sealed(Server, 4000).abort(Client).wait_ms(Server, -60.0).sealed(Server, 2000).dead_reset(Client).dead_reset(Client);
    let mut t = s.script.later_ms(300.0).tcp(&client(), 42_011, &server(), 443, rtt());
    t.handshake().hello(NAME).wait_ms(Client, 25.0).abort(Client);
    t.wait_ms(Server, -25.0).ack(Server).dead_reset(Client);
    s
}

fn happy_eyeballs() -> Scene {
    let mut s = Scene::innocent("reset-happy-eyeballs", "The slower of two connection attempts is thrown away")
        .happens("A client tries IPv6, then IPv4 250 ms later; IPv6 answers first after all and the IPv4 attempt is reset on its SYN/ACK.")
        .look("The IPv6 stream carries the hello; the IPv4 stream ends with the client's reset.");
    let client6 = Host::linux("fd12:3456::20");
    let server6 = Host::linux("2a0b:7080::443").hops(9);
    s.script.tcp(&client6, 42_020, &server6, 443, interloper::script::Rtt::ms(290.0)).visit(NAME);
    let mut t = s.script.later_ms(250.0).tcp(&client(), 42_020, &server(), 443, rtt());
    t.syn().syn_ack().abort(Client);
    s
}

fn nat_timeout() -> Scene {
    let mut s = Scene::innocent("reset-nat-timeout", "A home router has forgotten an idle connection")
        .happens("After 240 s without a packet the client's next request is reset by the router next door, which turns the packet around.")
        .look("The gap before the last request; ip.ttl 64 and the copied ip.id of the reset.");
    let mut t = s.script.tcp(&client(), 42_030, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(300, 2000);
    t.pause_ms(240_000.0).cut(Client).change(|d| d.ip_id = 0x7007).sealed(Client, 350);
    // The router's reset is no forgery of the story: it is what routers do.
    let packet = t.inject(Server).rst().ttl(64).ip_id(0x7007).window(502).after_ms(0.9);
    packet.genuine();
    s
}

fn mirror_port() -> Scene {
    let mut s = Scene::innocent("reset-mirror-port", "A mirror port shows everything twice, one genuine reset included")
        .vantage("middle")
        .happens("Every frame is captured twice, 40 us apart, the copy with a VLAN tag. A server process aborts one connection after its answer.")
        .look("Pairs with equal ip.id, seq and checksum; the two resets are one of them.");
    s.script.mirror(40, Some(12));
    s.script.tcp(&client(), 42_040, &server(), 443, rtt()).visit(NAME);
    let mut t = s.script.later_ms(500.0).tcp(&client(), 42_041, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(300, 1500).abort(Server);
    s
}

fn reordered() -> Scene {
    let mut s = Scene::innocent("reset-overtakes-data", "On a path that reorders, a genuine reset arrives before the data sent ahead of it")
        .happens("The path delays single packets by a few milliseconds all along. At the end the server sends data and aborts, and the reset overtakes the data: timestamps show that it was sent later.")
        .look("tcp.options.timestamp.tsval of the reset and of the data after it.");
    let mut t = s.script.tcp(&client(), 42_050, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello();
    for _ in 0..5 {
        t.sealed(Client, 120).ack(Server).delay_ms(4.0).sealed(Server, 1000).wait_ms(Server, 1.0).sealed(Server, 900).ack(Client);
    }
    t.sealed(Client, 120).ack(Server).delay_ms(5.0).sealed(Server, 700).wait_ms(Server, 2.0).abort(Server);
    s
}

fn balanced() -> Scene {
    let mut s = Scene::innocent("reset-balanced-path", "A server behind a load balancer, one to four hops further with every packet")
        .happens("Packets of one server come over paths of different length, its resets included: two connections are aborted after their answers.")
        .look("ip.ttl of the server varies between 47 and 51 on data and resets alike.");
    for n in 0..4u16 {
        let mut t = s.script.later_ms(f64::from(n) * 300.0).tcp(&client(), 42_060 + n, &server(), 443, rtt());
        t.handshake().hello(NAME);
        t.end(Server).host.hops = 14 + n as u8 % 4;
        t.ack(Server);
        t.end(Server).host.hops = 17;
        t.server_hello().exchange(300, 2400);
        t.end(Server).host.hops = 13 + n as u8;
        if n % 2 == 0 {
            t.fin(Client).abort(Server)
        } else {
            t.close()
        };
    }
    s
}

fn half_close() -> Scene {
    let mut s = Scene::innocent("reset-half-close", "A client closes its half, reads the answer, and the server ends with a reset")
        .happens("The client sends a request and its FIN; the server answers for a while, then its process dies with unread data.")
        .look("The FIN of the client before the data and the reset of the server.");
    s.script.link(Link::Cooked);
    let mut t = s.script.tcp(&client(), 42_070, &server(), 80, rtt());
    t.handshake().get(NAME, "/report").fin(Client).ack(Server);
    t.respond("200 OK", 5000).wait_ms(Server, 300.0).send(Server, b"trailing bytes").ack(Client).abort(Server);
    s
}

fn port_reuse() -> Scene {
    let mut s = Scene::innocent("reset-port-reuse", "A client uses a port again while the server is still in TIME-WAIT")
        .happens("The first connection is closed by the server. Two seconds later the client uses the same port with a lower initial number: the server's old state answers with an ACK, the client resets it and tries again.")
        .look("Two SYNs of one port, the lone ACK between them, and the reset numbered by it.");
    let mut t = s.script.tcp(&client(), 42_080, &server(), 80, rtt());
    t.handshake().get(NAME, "/").ack(Server).respond("200 OK", 700).fin(Server).fin(Client).ack(Server);
    let (old_next, old_expected) = (t.end(Server).next, t.end(Server).expected);
    let mut t = s.script.later_ms(2500.0).tcp(&client(), 42_080, &server(), 80, rtt());
    t.end(Client).isn = old_expected.wrapping_sub(90_000);
    t.end(Client).next = old_expected.wrapping_sub(90_000);
    t.syn();
    let fresh = t.end(Server).next;
    t.end(Server).next = old_next;
    let expected = t.end(Server).expected;
    t.end(Server).expected = old_expected;
    t.ack(Server).dead_reset(Client);
    (t.end(Server).next, t.end(Server).expected) = (fresh, expected);
    let again = t.end(Client).isn;
    t.wait_ms(Client, 920.0).put(Client, SYN, again, &[]);
    t.syn_ack().ack(Client).get(NAME, "/").ack(Server).respond("200 OK", 700).close();
    s
}
