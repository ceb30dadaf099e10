//! Names that fail on a server where others go through, and servers that fail whatever they are asked for.

use crate::scene::{Scene, client, rtt, server};
use interloper::script::Host;
use interloper::script::Script;
use interloper::script::Side::{Client, Server};
use interloper::script::quic::Quic;
use interloper::script::tls::Hello;

const NAME: &str = "blocked.example.org";
const OTHERS: [&str; 3] = ["fine.example.net", "shop.example.com", "www.example.edu"];

pub fn scenes() -> Vec<Scene> {
    vec![cut_each_time(), quic_restarts(), backend_is_dead(), small_path(), one_operator()]
}

/// A QUIC connection whose client fills its first datagrams to so many octets; one that the server does not get.
fn quic(s: &mut Script, port: u16, (to, name): (&Host, &str), octets: usize, answered: bool) {
    let mut u = s.udp(&client(), port, to, 443, rtt());
    let mut q = Quic::new(&Hello::new(name), u.random());
    u.naming("quic.sni", name);
    let mut first = q.client_initials().remove(0);
    first.resize(octets.max(first.len()), 0);
    if answered {
        u.send(Client, &first);
        let (initial, rest) = (q.server_initial(u.random()), q.handshake(false, 1100, u.random()));
        let (done, up, down) = (q.handshake(true, 90, u.random()), q.one_rtt(true, 60, u.random()), q.one_rtt(false, 1100, u.random()));
        u.send(Server, &initial).send(Server, &rest).send(Client, &done).send(Client, &up).send(Server, &down);
        return;
    }
    u.cut(Client);
    for n in 0..5u32 {
        u.send(Client, &first).wait_ms(Client, f64::from(300 << n));
    }
}

/// Another server, heard all the time.
fn elsewhere(s: &mut Script, port: u16) {
    let other = Host::linux("45.60.73.1").hops(9);
    for n in 0..20u16 {
        s.at_ms(1000.0 + f64::from(n) * 3000.0).tcp(&client(), port + n, &other, 443, rtt()).visit("other.example.edu");
    }
}

fn cut_each_time() -> Scene {
    let mut s = Scene::guilty("drop-later-each-time", "Connections of one name are cut behind the ServerHello, each time")
        .happens("The server's first flight passes; what the client says then is not acknowledged. One client has nothing more to say than that it closes. Other names on the server go through in between.")
        .look("tls.handshake.extensions_server_name: the client's Finished is repeated, or its FIN.");
    for (n, at) in [0.0, 9000.0, 18_000.0, 27_000.0].into_iter().enumerate() {
        let port = 45_500 + 2 * n as u16;
        s.script.at_ms(at).tcp(&client(), port, &server(), 443, rtt()).visit(OTHERS[n % 3]);
        let mut t = s.script.at_ms(at + 2000.0).tcp(&client(), port + 1, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().ack(Server).cut(Client);
        if n == 1 {
            t.wait_ms(Client, 3000.0).fin(Client).retry(Client, 5);
            continue;
        }
        t.sealed(Client, 300).retry(Client, 6);
        let talk = t.talk();
        s.expect(talk, "drop", "likely");
    }
    elsewhere(&mut s.script, 45_520);
    s
}

fn quic_restarts() -> Scene {
    let mut s = Scene::innocent("silence-quic-restarts", "A server's QUIC is away for some seconds")
        .at_most("unexplained")
        .happens("Three names are served over QUIC. For ten seconds nothing is; one of them is asked for three times then, the others once. Then all works again. TCP is served all the time.")
        .look("udp.port == 443: all that fails lies between two that went through.");
    let here = server();
    for (n, (at, name, answered)) in [
        (0.0, OTHERS[0], true),
        (900.0, OTHERS[1], true),
        (3000.0, OTHERS[0], false),
        (4000.0, NAME, false),
        (5500.0, OTHERS[1], false),
        (7000.0, NAME, false),
        (9000.0, NAME, false),
        (22_000.0, OTHERS[1], true),
        (24_000.0, OTHERS[0], true),
    ]
    .into_iter()
    .enumerate()
    {
        quic(s.script.at_ms(at), 51_200 + n as u16, (&here, name), 1200, answered);
    }
    elsewhere(&mut s.script, 45_540);
    s
}

fn backend_is_dead() -> Scene {
    let mut s = Scene::innocent("silence-dead-backend", "One of three machines behind a balancer is dead")
        .at_most("unexplained")
        .happens("The balancer completes handshakes and passes what comes on to one of three machines, whatever the name is. One of them is dead.")
        .look("The same name is answered another time, or another name is not.");
    let here = server();
    for (n, (name, answered)) in
        [(OTHERS[0], true), (OTHERS[1], false), (NAME, false), (OTHERS[1], true), (NAME, false), (OTHERS[0], true), (OTHERS[1], true)]
            .into_iter()
            .enumerate()
    {
        let mut t = s.script.at_ms(n as f64 * 5000.0).tcp(&client(), 45_560 + n as u16, &here, 443, rtt());
        if answered {
            t.visit(name);
        } else {
            t.handshake().cut(Client).hello(name).retry(Client, 6);
        }
    }
    elsewhere(&mut s.script, 45_580);
    s
}

fn small_path() -> Scene {
    let mut s = Scene::innocent("silence-quic-path-mtu", "A path that passes datagrams of 1,200 octets and none of 1,350")
        .at_most("unexplained")
        .happens("Two clients speak QUIC with a server. The one's first datagrams have 1,200 octets and are answered, the other's have 1,350 and vanish, and no router says why.")
        .look("udp.length of the Initials.");
    let here = server();
    for n in 0..4u16 {
        quic(s.script.at_ms(f64::from(n) * 7000.0), 51_220 + n, (&here, OTHERS[usize::from(n) % 3]), 1200, true);
        quic(s.script.at_ms(f64::from(n) * 7000.0 + 1500.0), 51_230 + n, (&here, NAME), 1350, false);
    }
    elsewhere(&mut s.script, 45_600);
    s
}

fn one_operator() -> Scene {
    let mut s = Scene::innocent("silence-quic-one-operator", "The servers of one shop do not speak QUIC")
        .at_most("unexplained")
        .happens(
            "Two names of one domain, on two servers, are asked for over QUIC in vain and served over TCP. Nobody else is asked over QUIC.",
        )
        .look("udp.port == 443: one domain only.");
    for (n, name) in ["a.shop.example.de", "b.shop.example.de"].into_iter().enumerate() {
        let there = Host::linux(&format!("45.60.{}.80", 74 + n)).hops(12);
        quic(s.script.at_ms(n as f64 * 4000.0), 51_240 + n as u16, (&there, name), 1200, false);
        s.script.at_ms(n as f64 * 4000.0 + 300.0).tcp(&client(), 45_620 + n as u16, &there, 443, rtt()).visit(name);
    }
    elsewhere(&mut s.script, 45_630);
    s
}
