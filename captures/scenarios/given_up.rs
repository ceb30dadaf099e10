//! Clients that give up, gateways that have forgotten, caches and zones' servers that answer as they like, and a line that is away.

use crate::scene::{Scene, client, resolver, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::quic::Quic;
use interloper::script::tls::Hello;
use interloper::script::{Host, Rtt};

const NAME: &str = "www.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![cancelled(), one_of_many(), forgotten(), line_away(), cache(), zone_servers()]
}

fn visits(s: &mut Scene, port: u16, name: &str, seconds: impl IntoIterator<Item = u32>) {
    for (n, second) in (0..).zip(seconds) {
        s.script.at_ms(f64::from(second) * 1000.0).tcp(&client(), port + n, &server(), 443, rtt()).visit(name);
    }
}

fn cancelled() -> Scene {
    let mut s = Scene::innocent("silence-cancelled", "Three requests are cancelled while the radio is deaf")
        .happens("A client resets each of three connections 20 ms after its hello, sooner than any answer could come. Hello and reset are lost; a minute later the server, which heard neither, says goodbye. Another name on it is answered all the time.")
        .look("tcp.flags.reset == 1 of the client, a fiftieth of a second after its hello.");
    visits(&mut s, 45_600, OTHER, (0..8).map(|n| n * 3));
    for n in 0..3u16 {
        let mut t = s.script.at_ms(4000.0 + f64::from(n) * 6000.0).tcp(&client(), 45_610 + n, &server(), 443, rtt());
        t.handshake().cut(Client).hello(NAME).wait_ms(Client, 20.0).abort(Client);
        t.wait_ms(Server, 60_000.0).fin(Server).dead_reset(Client);
    }
    s
}

fn one_of_many() -> Scene {
    let mut s = Scene::innocent("silence-one-of-many", "One connection of fifteen to a name loses its hello four times")
        .at_most("unexplained")
        .happens("The same name is answered on the same port of the same server every five seconds. Once its hello is lost four times and the client gives up. Port 80 is alive as well, which proves nothing here.")
        .look("tls.handshake.extensions_server_name of all streams.");
    visits(&mut s, 45_620, NAME, (0..14).map(|n| n * 5));
    for n in 0..3u16 {
        s.script.at_ms(3000.0 + f64::from(n) * 8000.0).tcp(&client(), 45_640 + n, &server(), 80, rtt()).visit_http(OTHER);
    }
    let mut t = s.script.at_ms(20_500.0).tcp(&client(), 45_650, &server(), 443, rtt());
    t.handshake().cut(Client).hello(NAME).retry(Client, 3).wait_ms(Client, 1000.0).abort(Client);
    s
}

fn forgotten() -> Scene {
    let mut s = Scene::innocent("icmp-forgotten-connection", "A gateway rejects what it has forgotten")
        .happens("A connection says nothing for ten minutes. The gateway has forgotten it and answers the next packet with \"administratively prohibited\". New connections to the same server are let through at once.")
        .look("icmp.code == 13, and the time since the stream's packet before.");
    let mut t = s.script.tcp(&client(), 45_660, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(100, 300).pause_ms(600_000.0).cut(Client).sealed(Client, 90);
    t.icmp_error(&Host::linux("192.168.1.1"), 3, 13, 0, 0.7).retry(Client, 2).icmp_error(&Host::linux("192.168.1.1"), 3, 13, 0, 0.7);
    t.abort(Client);
    visits(&mut s, 45_661, NAME, [1, 603, 606]);
    s
}

fn line_away() -> Scene {
    let mut s = Scene::innocent("silence-quic-line-away", "A line is away while one name is asked for over QUIC")
        .at_most("unexplained")
        .happens("Two connections to the server repeat what they say until the line is back, and go on. All Initials for one name lie in that gap; the client does not try again. Another name is served over QUIC half a minute later.")
        .look("Nothing arrives between 10 and 18 s.");
    for n in 0..2u16 {
        let mut t = s.script.at_ms(f64::from(n) * 100.0).tcp(&client(), 45_670 + n, &server(), 443, rtt());
        t.handshake().hello(OTHER).ack(Server).server_hello();
        for _ in 0..10 {
            t.exchange(200, 500).pause_ms(800.0);
        }
        t.cut(Client).sealed(Client, 200).retry(Client, 5).heal(Client).pause_ms(500.0).resend(Client).ack(Server);
        for _ in 0..10 {
            t.exchange(200, 500).pause_ms(800.0);
        }
        t.close();
    }
    let mut said = |ms: f64, port: u16, name: &str, answered: bool| {
        let mut u = s.script.at_ms(ms).udp(&client(), port, &server(), 443, rtt());
        let mut q = Quic::new(&Hello::new(name), u.random());
        for datagram in q.client_initials() {
            u.send(Client, &datagram);
            if !answered {
                for wait in [300.0, 600.0, 1200.0, 2400.0] {
                    u.wait_ms(Client, wait).send(Client, &datagram);
                }
            }
        }
        if answered {
            let (first, rest) = (q.server_initial(u.random()), q.handshake(false, 1180, u.random()));
            let (done, up, down) =
                (q.handshake(true, 90, u.random()), q.one_rtt(true, 300, u.random()), q.one_rtt(false, 1242, u.random()));
            u.send(Server, &first).send(Server, &rest).send(Client, &done).send(Client, &up).send(Server, &down);
        }
    };
    said(10_500.0, 51_400, NAME, false);
    said(40_000.0, 51_401, OTHER, true);
    s
}

fn cache() -> Scene {
    let mut s = Scene::innocent("dns-cache-on-the-way", "An access router repeats what a resolver has said")
        .happens("Names asked for again within five minutes are answered by the router in the resolver's name: at once, with its own TTL and without EDNS, and with what the resolver said.")
        .look("dns.resp.ttl of the near answers counts down.");
    let near = Host::linux("91.230.10.53").no_df();
    for n in 0..24u16 {
        let (name, known) = (format!("{}.example.edu", n % 8), n >= 8);
        let q = Query::a(&name).id(0x6100 + n);
        let (host, rtt) = if known { (near.clone(), Rtt::ms(0.9)) } else { (resolver(), Rtt::ms(40.0)) };
        let a = q.answer().address(&format!("45.60.7{}.{}", n % 8, 10 + n % 8)).ttl(300 - u32::from(n) * 3);
        let mut u = s.script.at_ms(f64::from(n) * 3000.0).udp(&client(), 51_410 + n, &host, 53, rtt);
        u.ask(&q).answer(&if known { a.without_edns() } else { a });
    }
    s
}

fn zone_servers() -> Scene {
    let mut s = Scene::innocent("silence-zone-server", "A resolver asks a server for a zone that it serves no longer")
        .at_most("unexplained")
        .happens("Captured at a recursive resolver: it asks without RD, and the answers are authoritative. The server answers for its zones and says nothing, four times, about one that has expired.")
        .look("dns.flags.recdesired == 0.");
    let (me, authority) = (Host::linux("198.51.77.53"), Host::linux("60.5.9.53").hops(9).no_df());
    let mut ask = |ms: f64, n: u16, name: &str, answered: bool| {
        let q = Query::a(name).flags(0).id(0x6200 + n * 7);
        let mut u = s.script.at_ms(ms).udp(&me, 20_000 + n * 13, &authority, 53, Rtt::ms(30.0));
        u.ask(&q);
        if answered {
            u.answer(&q.answer().flags(0x8400).address("45.60.70.3"));
        }
    };
    (0..20u16).for_each(|n| ask(200.0 + f64::from(n) * 1500.0, n, &format!("{}.example.edu", n % 7), true));
    (0..4u16).for_each(|n| ask(3100.0 + f64::from(n) * 6000.0, 20 + n, NAME, false));
    s
}
