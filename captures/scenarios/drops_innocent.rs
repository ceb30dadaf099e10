//! Silences with ordinary causes.

use crate::scene::{Scene, client, resolver, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::quic::Quic;
use interloper::script::tls::Hello;
use interloper::script::{Fate, Format, Host};

const NAME: &str = "www.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![dead_server(), black_hole(), outage(), slow(), lossy(), preconnect(), quic_lossy(), quic_race(), one_sided(), bad_line(false)]
}

fn dead_server() -> Scene {
    let mut s = Scene::innocent("silence-dead-server", "A server that accepts connections and then says nothing, whatever the name")
        .at_most("unexplained")
        .happens("The kernel completes handshakes, but packets with data never come back acknowledged: three names, one end.")
        .look("Three streams with the same shape and different names.");
    for (n, name) in [NAME, OTHER, "shop.example.com"].into_iter().enumerate() {
        let mut t = s.script.later_ms(400.0).tcp(&client(), 45_000 + n as u16, &server(), 443, rtt());
        t.handshake().cut(Client).hello(name).retry(Client, 6);
    }
    s
}

/// A line that loses every sixth packet of a client; a name is asked for three times, or seven, without an answer.
pub fn bad_line(filtered: bool) -> Scene {
    let mut s = if filtered {
        Scene::guilty("drop-on-a-bad-line", "A name is filtered on a line that loses packets")
            .happens("A sixth of all questions and of what clients send is lost and repeated, with success but for one name: it is asked for in three connections, and each repeats its hello six times.")
            .look("tcp.analysis.retransmission: twenty-one copies of one hello, no more than one of anything else.")
    } else {
        Scene::innocent("silence-bad-line", "A line that loses packets loses the same question three times")
            .at_most("unexplained")
            .happens("A sixth of all questions and of what clients send is lost and repeated, with success but once: a name is asked for three times in vain, and one hello is lost four times before the client gives up.")
            .look("How many questions of other names, and data segments of other connections, are repeated.")
    };
    for n in 0..30u16 {
        let q = Query::a(&format!("{n}.example.edu")).id(0x5100 + n);
        let mut u = s.script.at_ms(f64::from(n) * 900.0).udp(&client(), 51_300 + n, &resolver(), 53, rtt());
        if n % 6 == 2 {
            u.fate(Fate::LostAfter).ask(&q).wait_ms(Client, 1000.0);
        }
        u.ask(&q).answer(&q.answer().address(&format!("45.60.70.{}", n + 1)));
        let mut t = s.script.at_ms(300.0 + f64::from(n) * 900.0).tcp(&client(), 45_510 + n, &server(), 443, rtt());
        t.handshake();
        if n % 6 == 5 {
            t.fate(Fate::LostAfter).hello(OTHER).retry(Client, 1).ack(Server);
        } else {
            t.hello(OTHER).ack(Server);
        }
        t.server_hello().exchange(420, 3000);
        if n % 2 == 0 {
            t.fate(Fate::LostAfter).sealed(Client, 300).retry(Client, 1).ack(Server);
        }
        t.close();
    }
    if filtered {
        for n in 0..3u16 {
            let mut t = s.script.at_ms(4000.0 + f64::from(n) * 5000.0).tcp(&client(), 45_560 + n, &server(), 443, rtt());
            t.handshake().cut(Client).hello(NAME).retry(Client, 6);
            let talk = t.talk();
            s.expect(talk, "drop", "likely");
        }
        return s;
    }
    let q = Query::a(NAME);
    let mut u = s.script.at_ms(5000.0).udp(&client(), 51_350, &resolver(), 53, rtt());
    u.ask(&q).wait_ms(Client, 1000.0).ask(&q).wait_ms(Client, 2000.0).ask(&q);
    s.script.at_ms(9000.0).tcp(&client(), 45_560, &server(), 443, rtt()).handshake().cut(Client).hello(NAME).retry(Client, 3);
    s
}

fn black_hole() -> Scene {
    let mut s = Scene::innocent("silence-mtu", "A link that swallows full-sized packets")
        .at_most("unexplained")
        .happens("Large hellos stall: the full first segment is lost each time while the small second one is acknowledged by a SACK-less duplicate ACK. Small requests pass. No ICMP error comes back.")
        .look("tcp.len of the segments that are repeated: 1448 and nothing smaller.");
    s.script.tcp(&client(), 45_010, &server(), 80, rtt()).visit_http(OTHER);
    for (n, name) in [NAME, "shop.example.com"].into_iter().enumerate() {
        let mut t = s.script.later_ms(900.0).tcp(&client(), 45_011 + n as u16, &server(), 443, rtt());
        t.handshake().fate(Fate::LostAfter).fate(Fate::Delivered).hello_of(&Hello::new(name).big()).ack(Server);
        t.cut(Client).retry(Client, 6);
    }
    s
}

fn outage() -> Scene {
    let mut s = Scene::innocent("silence-outage", "The line is dead for eight seconds")
        .at_most("unexplained")
        .happens("Five connections stall at the same moment and go on at the same moment, but for one that gave up in between.")
        .look("No packet arrives from anyone between 2 and 10 s; statistics, I/O graph.");
    for n in 0..4u16 {
        let host = Host::linux(&format!("45.60.72.{}", 10 + n)).hops(9 + n as u8);
        let mut t = s.script.at_ms(1700.0 + f64::from(n) * 20.0).tcp(&client(), 45_020 + n, &host, 443, rtt());
        t.handshake().cut(Client).hello(["a.example.org", "b.example.net", "c.example.com", "d.example.edu"][usize::from(n)]);
        t.retry(Client, 4).heal(Client).wait_ms(Client, 3900.0).resend(Client).ack(Server).server_hello().exchange(300, 2000).close();
    }
    let mut t = s.script.at_ms(1900.0).tcp(&client(), 45_030, &server(), 443, rtt());
    t.handshake().cut(Client).hello(NAME).retry(Client, 4).fin(Client);
    s.script.at_ms(10_600.0).tcp(&client(), 45_031, &server(), 443, rtt()).visit(NAME);
    s
}

fn slow() -> Scene {
    let mut s = Scene::innocent("silence-slow-server", "A server thinks for four seconds")
        .happens("Hello and request are acknowledged at once, and answered after 4 s.")
        .look("tcp.time_delta before the ServerHello.");
    let mut t = s.script.tcp(&client(), 45_040, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).wait_ms(Server, 4000.0).server_hello().exchange(300, 2000).close();
    s.script.later_ms(300.0).tcp(&client(), 45_041, &server(), 443, rtt()).visit(OTHER);
    s
}

fn lossy() -> Scene {
    let mut s = Scene::innocent("silence-lossy-path", "A hello gets through at the fourth try")
        .happens("A path that loses much: the hello is lost three times, data is repeated now and then, and everything ends well.")
        .look("tcp.analysis.retransmission in both directions.");
    let mut t = s.script.tcp(&client(), 45_050, &server(), 443, rtt());
    t.handshake().fate(Fate::LostAfter).hello(NAME);
    t.fate(Fate::LostAfter).fate(Fate::LostAfter).retry(Client, 3).ack(Server).server_hello();
    t.fate(Fate::LostBefore).sealed(Server, 900).retry(Server, 1).ack(Client).exchange(300, 2000).close();
    let mut t = s.script.later_ms(400.0).tcp(&client(), 45_051, &server(), 443, rtt());
    t.fate(Fate::LostAfter)
        .syn()
        .retry(Client, 1)
        .syn_ack()
        .ack(Client)
        .hello(OTHER)
        .ack(Server)
        .server_hello()
        .exchange(300, 4000)
        .close();
    s
}

fn preconnect() -> Scene {
    let mut s = Scene::innocent("silence-preconnect", "A browser opens a connection and never uses it")
        .happens("A handshake, nothing for 30 s, then the server closes. The page is loaded over another connection.")
        .look("No hello in the first stream.");
    let mut t = s.script.tcp(&client(), 45_060, &server(), 443, rtt());
    t.handshake().pause_ms(30_000.0).fin(Server).fin(Client).ack(Server);
    s.script.later_ms(2.0).tcp(&client(), 45_061, &server(), 443, rtt()).visit(NAME);
    s
}

fn quic_lossy() -> Scene {
    let mut s = Scene::innocent("silence-quic-lossy", "The first Initials get lost, then QUIC works")
        .format(Format::Pcapng)
        .happens("Two Initials are lost on the way; the third, after the second probe timeout, is answered and the connection goes on.")
        .look("quic.long.packet_type == 0: three from the client, then the server's.");
    for (n, lost) in [2u32, 0].into_iter().enumerate() {
        let mut u = s.script.later_ms(600.0).udp(&client(), 45_070 + n as u16, &server(), 443, rtt());
        let mut q = Quic::new(&Hello::new(NAME), u.random());
        u.naming("quic.sni", NAME);
        for k in 0..lost {
            let again = q.client_initials().remove(0);
            u.fate(Fate::LostAfter).send(Client, &again).wait_ms(Client, f64::from(300 << k));
        }
        let first = q.client_initials().remove(0);
        u.send(Client, &first);
        let (hello, rest) = (q.server_initial(u.random()), q.handshake(false, 1100, u.random()));
        u.send(Server, &hello).send(Server, &rest);
        let finished = q.handshake(true, 90, u.random());
        u.send(Client, &finished);
        for _ in 0..3 {
            let (up, down) = (q.one_rtt(true, 70, u.random()), q.one_rtt(false, 1100, u.random()));
            u.send(Client, &up).send(Server, &down);
        }
    }
    s
}

fn quic_race() -> Scene {
    let mut s = Scene::innocent("silence-quic-race", "A browser tries QUIC once, and TCP wins")
        .happens("One Initial to a server that does not speak QUIC; the TCP connection beside it works and the browser never tries again.")
        .look("One UDP packet to port 443, and a TCP connection to the same address at the same moment.");
    let mut u = s.script.udp(&client(), 45_075, &server(), 443, rtt());
    let mut q = Quic::new(&Hello::new(NAME), u.random());
    let first = q.client_initials().remove(0);
    u.cut(Client).naming("quic.sni", NAME).send(Client, &first);
    s.script.later_ms(30.0).tcp(&client(), 45_085, &server(), 443, rtt()).visit(NAME);
    s
}

fn one_sided() -> Scene {
    let mut s = Scene::innocent("silence-one-sided", "The capture holds one direction only")
        .vantage("middle")
        .happens(
            "An asymmetric route: nothing of the servers passes this point. All connections work, as the clients' acknowledgements show.",
        )
        .look("The client acknowledges data that is not there.");
    for (n, name) in [NAME, OTHER, "shop.example.com"].into_iter().enumerate() {
        let mut t = s.script.later_ms(300.0).tcp(&client(), 45_090 + n as u16, &server(), 443, rtt());
        t.unseen(Server).visit(name);
    }
    s
}
