//! Packets that vanish because of a name; each once with a neighbour that shows it was the name, and once without.

use crate::drops_innocent::bad_line;
use crate::scene::{Scene, client, resolver, rtt, server};
use interloper::packet::tcp::{ACK, PSH};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::quic::Quic;
use interloper::script::tls::{self, Hello};
use interloper::script::{Fate, Format, Host, IpId, Rtt, Script};

const NAME: &str = "blocked.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    let pairs: [fn(bool) -> Scene; 7] = [hello, tail, answer, host, quic, ech, query];
    pairs
        .iter()
        .flat_map(|pair| [pair(true), pair(false)])
        .chain([all_quic(), query_of_all(), unheard(), last_words(), bad_line(true)])
        .collect()
}

/// With a control the name stands accused; without one it is a silence like any other.
fn expectation(control: bool) -> &'static str {
    if control { "likely" } else { "unexplained" }
}

fn named(control: bool, with: &'static str, alone: &'static str) -> &'static str {
    if control { with } else { alone }
}

fn hello(control: bool) -> Scene {
    let mut s = Scene::guilty(named(control, "drop-hello", "drop-hello-alone"), "A ClientHello is never acknowledged")
        .happens("From the hello on nothing of the client arrives. It repeats its hello ever more slowly; the server closes after 15 s, acknowledging nothing.")
        .look("Retransmissions of the hello; ack == 1 on the server's FIN.");
    if control {
        s.script.tcp(&client(), 44_000, &server(), 443, rtt()).visit(OTHER);
    }
    let mut t = s.script.later_ms(800.0).tcp(&client(), 44_001, &server(), 443, rtt());
    t.handshake().cut(Client).hello(NAME).retry(Client, 6);
    t.wait_ms(Server, 15_000.0).fin(Server).ack(Client).retry(Server, 3);
    let talk = t.talk();
    s.expect(talk, "drop", expectation(control));
    s
}

/// The line was up when each of them began: what is silent by then does not say that it went dead with the last.
fn last_words() -> Scene {
    let mut s = Scene::guilty("drop-last-words", "The last of a row of connections that die alike")
        .happens("A name is asked for four times, ten seconds apart; each hello is repeated in vain while the next connection opens without trouble. Behind the last handshake nothing arrives any more, since nobody asks for anything else.")
        .look("Each SYN/ACK comes while the hellos before it are repeated.");
    s.script.tcp(&client(), 44_080, &server(), 443, rtt()).visit(OTHER);
    for n in 0..4u16 {
        let mut t = s.script.at_ms(2000.0 + f64::from(n) * 10_000.0).tcp(&client(), 44_081 + n, &server(), 443, rtt());
        t.handshake().cut(Client).hello(NAME).retry(Client, 7);
        let talk = t.talk();
        s.expect(talk, "drop", "likely");
    }
    s
}

fn tail(control: bool) -> Scene {
    let mut s = Scene::guilty(named(control, "drop-tail", "drop-tail-alone"), "Only the segment that completes the name is dropped")
        .happens("The server acknowledges the first segment of a large hello; the second, small one with the name never gets there, nor does anything after it.")
        .look("tcp.ack of the server stays at the first segment's end; the small segment is repeated.");
    if control {
        let mut t = s.script.tcp(&client(), 44_010, &server(), 443, rtt());
        t.handshake().hello_of(&Hello::new(OTHER).big().name_last()).ack(Server).server_hello().exchange(300, 2000).close();
    }
    let mut t = s.script.later_ms(900.0).tcp(&client(), 44_011, &server(), 443, rtt());
    t.handshake().fate(Fate::Delivered).cut(Client).hello_of(&Hello::new(NAME).big().name_last());
    t.ack(Server).retry(Client, 6);
    t.wait_ms(Server, 20_000.0).fin(Server).ack(Client).retry(Server, 2);
    let talk = t.talk();
    s.expect(talk, "drop", expectation(control));
    // The hello begins one frame before the one that carries the name.
    s.name_comes_later(1);
    s
}

fn answer(control: bool) -> Scene {
    let mut s = Scene::guilty(
        named(control, "drop-answer", "drop-answer-alone"),
        "A hello is acknowledged, and then the server falls silent",
    )
    .happens(
        "The acknowledgement of the hello passes; the server's data does not, nor anything else it sends. The client gives up after 20 s.",
    )
    .look("Nothing of the server after its ACK; the client's FIN repeats.");
    if control {
        s.script.tcp(&client(), 44_020, &server(), 443, rtt()).visit(OTHER);
    }
    let mut t = s.script.later_ms(900.0).tcp(&client(), 44_021, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).cut(Client);
    t.wait_ms(Client, 20_000.0).fin(Client).retry(Client, 4);
    let talk = t.talk();
    s.expect(talk, "drop", expectation(control));
    s
}

fn host(control: bool) -> Scene {
    let mut s = Scene::guilty(named(control, "drop-host", "drop-host-alone"), "An HTTP request with a blocked Host is never acknowledged")
        .happens("The request is repeated ever more slowly without any answer.")
        .look("Retransmissions of the GET.");
    if control {
        s.script.tcp(&client(), 44_030, &server(), 80, rtt()).visit_http(OTHER);
    }
    let mut t = s.script.later_ms(700.0).tcp(&client(), 44_031, &server(), 80, rtt());
    t.handshake().cut(Client).get(NAME, "/").retry(Client, 6);
    let talk = t.talk();
    s.expect(talk, "drop", expectation(control));
    s
}

/// A QUIC connection that works.
fn quic_visit(s: &mut Script, port: u16, name: &str) {
    let mut u = s.udp(&client(), port, &server(), 443, rtt());
    let mut q = Quic::new(&Hello::new(name), u.random());
    u.naming("quic.sni", name);
    q.client_initials().iter().for_each(|d| {
        u.send(Client, d);
    });
    let first = q.server_initial(u.random());
    let rest = q.handshake(false, 1100, u.random());
    u.send(Server, &first).send(Server, &rest);
    let finished = q.handshake(true, 90, u.random());
    u.send(Client, &finished);
    for n in 0..4 {
        let (up, down) = (q.one_rtt(true, 60 + 40 * n, u.random()), q.one_rtt(false, 1100, u.random()));
        u.send(Client, &up).send(Server, &down);
    }
}

fn quic(control: bool) -> Scene {
    let mut s = Scene::guilty(named(control, "drop-quic", "drop-quic-alone"), "A QUIC Initial with a blocked name is never answered")
        .happens("The client's Initials go unanswered, each probe timeout twice the one before.")
        .look("quic.long.packet_type == 0 with tls.handshake.extensions_server_name, one direction only.");
    if control {
        quic_visit(&mut s.script, 44_040, OTHER);
    }
    let mut u = s.script.later_ms(700.0).udp(&client(), 44_041, &server(), 443, rtt());
    let mut q = Quic::new(&Hello::new(NAME), u.random());
    u.cut(Client).naming("quic.sni", NAME);
    for n in 0..5u32 {
        let first = q.client_initials().remove(0);
        u.send(Client, &first).wait_ms(Client, f64::from(300 << n));
    }
    let talk = u.talk();
    s.expect(talk, "drop", expectation(control));
    s
}

/// The server's answer comes by another path than its handshake, and it comes again: no forgery does, it is the client that is not heard.
fn unheard() -> Scene {
    const HOPS: u8 = 6;
    let mut s = Scene::guilty("drop-behind-the-hello", "The server answers, and nothing the client says then is heard")
        .happens("Behind the hello nothing of the client arrives. The server repeats its answer, by a path that is six hops longer than that of its SYN/ACK; the client acknowledges each copy and repeats what it said.")
        .look("Retransmissions from both sides that each other's acknowledgements do not stop; ip.ttl of the server.");
    let server = || server().no_timestamps().ip_id(IpId::Random);
    s.script.tcp(&client(), 44_080, &server(), 443, rtt()).visit(OTHER);
    let mut t = s.script.later_ms(700.0).tcp(&client(), 44_081, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).cut(Client);
    let flight = tls::server_flight(t.random(), 1000);
    t.change(|d| d.ttl -= HOPS).segment(Server, ACK | PSH, &flight).ack(Client).sealed(Client, 74);
    for wait in [320.0, 920.0, 2120.0, 4520.0] {
        t.retry(Client, 2).wait_ms(Server, wait).change(|d| d.ttl -= HOPS).retry(Server, 1).ack(Client);
    }
    let talk = t.talk();
    s.expect(talk, "drop", "likely");
    s
}

/// What one client alone may have lost, three have not.
fn query_of_all() -> Scene {
    let mut s = Scene::guilty("drop-query-of-all", "Nobody is answered who asks for one name")
        .happens("Three clients ask their resolver for one name, two of them twice, and get nothing; for other names they are answered.")
        .look("dns.qry.name without a response, from three addresses.");
    let mut talks = Vec::new();
    for n in 0..3u16 {
        let host = Host::linux(&format!("192.168.1.{}", 30 + n));
        let q = Query::a(["one.example.edu", "two.example.edu", "three.example.edu"][usize::from(n)]);
        s.script.later_ms(300.0).udp(&host, 44_090 + n, &resolver(), 53, rtt()).ask(&q).answer(&q.answer().address("45.60.70.83"));
        let q = Query::a(NAME).id(700 + n);
        let mut d = s.script.later_ms(900.0).udp(&host, 44_095 + n, &resolver(), 53, rtt());
        d.cut(Client).ask(&q);
        if n != 1 {
            d.again_ms(Client, 5000.0, &q.bytes());
        }
        talks.push(d.talk());
    }
    let q = Query::a("last.example.edu");
    let mut d = s.script.later_ms(9_000.0).udp(&client(), 44_099, &resolver(), 53, rtt());
    d.ask(&q).answer(&q.answer().address("45.60.70.84"));
    talks.into_iter().for_each(|talk| s.expect(talk, "drop", "likely"));
    s
}

fn all_quic() -> Scene {
    let mut s = Scene::guilty("drop-all-quic", "A network that lets no QUIC through")
        .format(Format::Pcapng)
        .happens("Initials for three names to three servers go unanswered; each time TCP to the same server works at once. An office firewall does the same as a censor here: that someone drops the protocol is all the packets say.")
        .look("udp.port == 443 in one direction only, whatever the name.");
    for (n, name) in [NAME, OTHER, "shop.example.com"].into_iter().enumerate() {
        let n = n as u16;
        let host = Host::linux(&format!("45.60.73.{}", 40 + n)).hops(8);
        let mut u = s.script.later_ms(500.0).udp(&client(), 44_042 + n, &host, 443, rtt());
        let mut q = Quic::new(&Hello::new(name), u.random());
        u.cut(Client).naming("quic.sni", name);
        for k in 0..4u32 {
            let first = q.client_initials().remove(0);
            u.send(Client, &first).wait_ms(Client, f64::from(300 << k));
        }
        let talk = u.talk();
        s.expect_for(talk, "drop", "protocol", "likely");
        s.script.later_ms(250.0).tcp(&client(), 44_046 + n, &host, 443, rtt()).visit(name);
    }
    // The capture goes on: whoever hears nothing but silence at its end cannot tell a dropped protocol from an outage.
    s.script.later_ms(1_200.0).tcp(&client(), 44_049, &server(), 443, rtt()).visit(OTHER);
    s
}

fn ech(control: bool) -> Scene {
    let mut s = Scene::guilty(named(control, "drop-ech", "drop-ech-alone"), "A hello is dropped for its encrypted part")
        .happens("A hello with Encrypted ClientHello is never acknowledged. With a control: the same outer name without it is answered by the same server.")
        .look("Extension 0xfe0d in the repeated hello.");
    if control {
        s.script.tcp(&client(), 44_050, &server(), 443, rtt()).visit("outer.example.com");
    }
    let mut t = s.script.later_ms(900.0).tcp(&client(), 44_051, &server(), 443, rtt());
    t.handshake().cut(Client).hello_of(&Hello::new("outer.example.com").ech()).retry(Client, 6);
    t.wait_ms(Server, 15_000.0).fin(Server).ack(Client);
    let talk = t.talk();
    // Without the plain hello beside it the name is as good a suspect as the extension.
    s.expect_for(talk, "drop", named(control, "tls.ech", "tls.sni"), expectation(control));
    s
}

fn query(control: bool) -> Scene {
    let mut s = Scene::guilty(named(control, "drop-query", "drop-query-alone"), "A DNS query for one name is never answered")
        .happens("The stub asks four times over 15 s and gets nothing.")
        .look("dns.qry.name without a response.");
    if control {
        for (n, name) in [OTHER, "news.example.com", "www.example.edu"].into_iter().enumerate() {
            let q = Query::a(name);
            let mut d = s.script.later_ms(1500.0).udp(&client(), 44_060 + n as u16, &resolver(), 53, Rtt::ms(38.0));
            d.ask(&q).answer(&q.answer().address("45.60.70.80"));
        }
    }
    let q = Query::a(NAME);
    let mut d = s.script.later_ms(500.0).udp(&client(), 44_070, &resolver(), 53, Rtt::ms(38.0));
    d.cut(Client).ask(&q);
    for _ in 0..3 {
        d.again_ms(Client, 5000.0, &q.bytes());
    }
    let talk = d.talk();
    if control {
        // The resolver is alive afterwards, too.
        let q = Query::a("last.example.net");
        let mut d = s.script.later_ms(16_000.0).udp(&Host::linux("192.168.1.20"), 44_071, &resolver(), 53, Rtt::ms(38.0));
        d.ask(&q).answer(&q.answer().address("45.60.70.81"));
    }
    s.expect(talk, "drop", expectation(control));
    s
}
