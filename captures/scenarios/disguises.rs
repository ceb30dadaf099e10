//! What tells a dropped hello from a dead server: the same name in disguise, its domain's other names, another protocol on the port,
//! and what the server itself says. And where that tells nothing.

use crate::scene::{Scene, client, rtt, server};
use interloper::packet::tcp::{ACK, PSH};
use interloper::script::Side::{Client, Server};
use interloper::script::tls::Hello;
use interloper::script::{Fate, Host, Tcp};

const NAME: &str = "www.example.org";
const SISTER: &str = "media.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![disguised(), sisters(), unheard(), other_protocol(), repeated(), one_server(), comes_back(), challenged(), slow_handshake()]
}

fn elsewhere() -> Host {
    Host::linux("45.77.12.9").hops(11)
}

/// A hello for a harmless name that dies on its way, and then the real one with the same number.
fn in_disguise(t: &mut Tcp<'_>, name: &str) {
    t.handshake();
    let fake = Hello::new("harmless.example.com").record(t.random());
    let number = t.end(Client).next;
    t.change(|d| d.ttl = 4).fate(Fate::LostAfter).put(Client, ACK | PSH, number, &fake);
    t.hello(name).ack(Server).server_hello().exchange(300, 2400).close();
}

fn vanishes(t: &mut Tcp<'_>, name: &str) {
    t.handshake().cut(Client).hello(name).retry(Client, 6).wait_ms(Client, 1000.0).abort(Client);
}

fn disguised() -> Scene {
    let mut s = Scene::guilty("hello-dropped-unless-disguised", "A name goes through behind a decoy, and never without")
        .happens("A tool tries one name on one server three times. With a fake hello that dies after four hops the real one is answered, before and after; the plain hello in between is never acknowledged.")
        .look("ip.ttl == 4 in the first and the third stream; the retransmissions in the second.");
    in_disguise(&mut s.script.tcp(&client(), 46_100, &server(), 443, rtt()), NAME);
    let mut t = s.script.at_ms(5000.0).tcp(&client(), 46_101, &server(), 443, rtt());
    let talk = t.talk();
    vanishes(&mut t, NAME);
    in_disguise(&mut s.script.at_ms(40_000.0).tcp(&client(), 46_102, &server(), 443, rtt()), NAME);
    s.expect(talk, "drop", "likely");
    s
}

fn sisters() -> Scene {
    let mut s = Scene::guilty("domain-dropped", "All names of a domain are dropped, each on a server of its own")
        .happens("Three names of one registered domain, two of them on one server, the third on another: no hello is ever acknowledged, though both servers complete the handshake. A name of another domain is answered elsewhere meanwhile.")
        .look("tls.handshake.extensions_server_name, and the retransmissions.");
    for n in 0..12u16 {
        let at = Host::linux("45.88.20.40").hops(10);
        s.script.at_ms(f64::from(n) * 3000.0).tcp(&client(), 46_110 + n, &at, 443, rtt()).visit(OTHER);
    }
    for (n, (host, name)) in (0..).zip([(server(), NAME), (server(), "static.example.org"), (elsewhere(), SISTER)]) {
        let mut t = s.script.at_ms(1000.0 + f64::from(n) * 1500.0).tcp(&client(), 46_130 + n, &host, 443, rtt());
        let talk = t.talk();
        vanishes(&mut t, name);
        s.expect(talk, "drop", "likely");
    }
    s
}

fn unheard() -> Scene {
    let mut s = Scene::guilty("server-closes-unheard", "A server waits in vain for a hello that was sent seven times")
        .happens("No copy of the hello arrives. After ten seconds the server closes, repeats its FIN again and again, and acknowledges nothing: what the client answers is dropped as well.")
        .look("tcp.ack of the server's FINs against tcp.seq of the hello.");
    let mut t = s.script.tcp(&client(), 46_140, &server(), 443, rtt());
    let talk = t.talk();
    t.handshake().cut(Client).hello(NAME).retry(Client, 5).wait_ms(Server, 10_000.0).fin(Server).ack(Client);
    for _ in 0..3 {
        t.retry(Server, 1).ack(Client);
    }
    t.abort(Client);
    s.expect(talk, "drop", "likely");
    s
}

fn other_protocol() -> Scene {
    let mut s = Scene::guilty("hello-dropped-http-passes", "A port answers HTTP and never acknowledges a hello")
        .happens("Plain HTTP requests to port 443 are refused politely, before and after; the hello is repeated in vain.")
        .look("tcp.port == 443 && http.");
    for (n, ms) in (0..).zip([0.0, 3000.0, 9000.0]) {
        let mut t = s.script.at_ms(ms).tcp(&client(), 46_150 + n, &server(), 443, rtt());
        t.handshake().get(NAME, "/").ack(Server).respond("400 Bad Request", 250).close();
    }
    let mut t = s.script.at_ms(1000.0).tcp(&client(), 46_160, &server(), 443, rtt());
    let talk = t.talk();
    vanishes(&mut t, NAME);
    s.expect(talk, "drop", "likely");
    s
}

fn repeated() -> Scene {
    let mut s = Scene::guilty("reset-before-a-repetition", "A client repeats its hello after it has reset the connection")
        .vantage("server")
        .happens("Seen at the server: a reset in the client's name right behind the hello, from another distance. The client, which sent none, repeats its hello; its clock says that a third of a second has passed.")
        .look("tcp.options.timestamp.tsval of the repeated hello; ip.ttl of the reset.");
    let mut t = s.script.tcp(&Host::linux("84.17.40.9").hops(14), 46_170, &Host::linux("192.0.2.80"), 443, rtt().at_server());
    let talk = t.talk();
    t.handshake().hello(NAME);
    t.inject(Client).rst_ack().ttl(81).ip_id(4444).after_ms(81.0);
    t.cut(Server).retry(Client, 1);
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn one_server() -> Scene {
    let mut s = Scene::innocent("silence-one-server-one-domain", "Nothing works behind one machine")
        .at_most("unexplained")
        .happens("A machine in front of dead servers completes handshakes for two neighbouring addresses and passes on what follows to nobody. Three names of one domain are tried there; other servers answer all the time.")
        .look("ip.addr == 45.60.70.80/31.");
    for n in 0..10u16 {
        s.script.at_ms(f64::from(n) * 4000.0).tcp(&client(), 46_180 + n, &elsewhere(), 443, rtt()).visit(OTHER);
    }
    let neighbour = Host::linux("45.60.70.81").hops(13);
    for (n, (host, name)) in (0..).zip([(server(), NAME), (server(), SISTER), (neighbour, "api.example.org")]) {
        vanishes(&mut s.script.at_ms(1000.0 + f64::from(n) * 2000.0).tcp(&client(), 46_195 + n, &host, 443, rtt()), name);
    }
    s
}

fn comes_back() -> Scene {
    let mut s = Scene::innocent("silence-before-disguise", "A server comes back while a tool tries one way after the other")
        .at_most("unexplained")
        .happens("The plain hello meets a server that is down; when the tool has come to its decoys the server is up again.")
        .look("Which streams came first.");
    vanishes(&mut s.script.tcp(&client(), 46_200, &server(), 443, rtt()), NAME);
    for n in 0..2u16 {
        in_disguise(&mut s.script.at_ms(40_000.0 + f64::from(n) * 5000.0).tcp(&client(), 46_201 + n, &server(), 443, rtt()), NAME);
    }
    s
}

fn challenged() -> Scene {
    let mut s = Scene::innocent("silence-then-challenge", "A line comes back as the client gives up")
        .at_most("unexplained")
        .happens("Four copies of a hello are lost; the client's reset arrives, numbered beyond what the server has heard, and is challenged (RFC 5961 section 3.2). That says nothing about the time before.")
        .look("The server's bare acknowledgement behind the client's reset.");
    let mut t = s.script.tcp(&client(), 46_210, &server(), 443, rtt());
    t.handshake()
        .cut(Client)
        .hello(NAME)
        .retry(Client, 3)
        .wait_ms(Client, 1500.0)
        .heal(Client)
        .abort(Client)
        .wait_ms(Server, 10.0)
        .ack(Server);
    t.dead_reset(Client);
    s
}

fn slow_handshake() -> Scene {
    let mut s = Scene::innocent("answer-behind-a-hole", "A radio wakes up, and the first segment of an answer is overtaken")
        .happens("The SYN waits for the radio, so that the handshake takes five round trips. The first segment of the server's flight comes after the second, which begins inside a record; once it is missed by the capture.")
        .look("tcp.analysis.out_of_order, and the time of the SYN/ACK.");
    for (n, missed) in [(0u16, false), (1, true)] {
        let mut at = server();
        at.timestamps = false;
        let mut t = s.script.at_ms(f64::from(n) * 5000.0).tcp(&client(), 46_220 + n, &at, 443, rtt());
        t.syn().wait_ms(Server, 320.0).syn_ack().ack(Client).hello(NAME);
        if missed {
            t.fate(Fate::Missed);
        } else {
            t.delay_ms(6.0);
        }
        t.sealed(Server, 2900).ack(Client).abort(Client);
    }
    s
}
