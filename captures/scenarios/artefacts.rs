//! What a capture itself gets wrong.

use crate::scene::{Scene, client, resolver, rtt, server};
use interloper::packet::tcp::{ACK, PSH};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::{Fate, Format, Host, Script, tls};

const NAMES: [&str; 3] = ["www.example.org", "fine.example.net", "a.example.com"];

pub fn scenes() -> Vec<Scene> {
    vec![offload(), missed(), one_of_two_links(), begun_before(), short(), clock(), clock_ahead(), untidy(), padding()]
}

fn visits(s: &mut Script, port: u16) {
    for (n, name) in NAMES.into_iter().enumerate() {
        s.later_ms(300.0).tcp(&client(), port + n as u16, &server(), 443, rtt()).visit(name);
    }
}

fn offload() -> Scene {
    let mut s = Scene::innocent("capture-offload", "The network card cuts and glues segments behind the capture")
        .happens("Segments of the server arrive glued to 20 kB, those of the client are captured whole and with checksums that are filled in later.")
        .look("tcp.len above the MSS; tcp.checksum.status bad on one side only.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(300.0).tcp(&client(), 51_000 + n, &server(), 443, rtt());
        t.handshake().change(|d| d.bad_checksum = true).hello(NAMES[usize::from(n)]).ack(Server).server_hello();
        let (up, down) = (tls::data(t.random(), 5200), tls::data(t.random(), 14_000));
        t.change(|d| d.bad_checksum = true).segment(Client, ACK | PSH, &up).ack(Server);
        t.segment(Server, ACK | PSH, &down).ack(Client).close();
    }
    s
}

fn missed() -> Scene {
    let mut s = Scene::innocent("capture-missed", "The capture itself lost packets")
        .at_most("unexplained")
        .happens(
            "Of three visits several packets that were delivered are not in the file: a ServerHello, a request, the whole answer of one.",
        )
        .look("\"ACKed unseen segment\" and \"Previous segment not captured\".");
    let mut t = s.script.tcp(&client(), 51_010, &server(), 443, rtt());
    t.handshake().hello(NAMES[0]).ack(Server).fate(Fate::Missed).server_hello().exchange(300, 2000).close();
    let mut t = s.script.later_ms(400.0).tcp(&client(), 51_011, &server(), 80, rtt());
    t.handshake().fate(Fate::Missed).get(NAMES[1], "/").ack(Server).respond("200 OK", 500).close();
    let mut t = s.script.later_ms(400.0).tcp(&client(), 51_012, &server(), 443, rtt());
    t.handshake().hello(NAMES[2]).unseen(Server).ack(Server).server_hello().exchange(300, 2000).close();
    s
}

/// Packets take two links in turn, and one of the links was captured: of most answers nothing is seen, and yet they came.
fn one_of_two_links() -> Scene {
    let mut s = Scene::innocent("capture-of-one-link", "One of two links that packets take in turn was captured")
        .at_most("unexplained")
        .happens(
            "Every other packet of five downloads is missing. A name is looked up four times, another three times, and the answers took the other link; those to other names did not.",
        )
        .look("\"ACKed unseen segment\" in every stream; dns.qry.name without a response.");
    for n in 0..5u16 {
        let mut t = s.script.later_ms(200.0).tcp(&client(), 51_090 + n, &server(), 443, rtt());
        t.handshake().hello(NAMES[usize::from(n) % 3]).ack(Server).server_hello();
        for _ in 0..6 {
            t.sealed(Server, 1100).fate(Fate::Missed).sealed(Server, 1100).ack(Client);
        }
        t.close();
    }
    for (n, name) in ["one.example.net", "two.example.net", "three.example.net"].into_iter().enumerate() {
        let q = Query::a(name);
        let mut d = s.script.later_ms(700.0).udp(&client(), 51_110 + n as u16, &resolver(), 53, rtt());
        d.ask(&q).answer(&q.answer().address("45.60.70.81"));
    }
    for (n, (name, times)) in [("far.example.com", 4), ("near.example.com", 3)].into_iter().enumerate() {
        for again in 0..times {
            let q = Query::a(name).id(again * 977 + n as u16);
            let mut d = s.script.later_ms(400.0).udp(&client(), 51_120 + n as u16 * 10 + again, &resolver(), 53, rtt());
            d.ask(&q).fate(Fate::Missed).answer(&q.answer().rcode(2));
        }
    }
    let q = Query::a("last.example.net");
    let mut d = s.script.later_ms(9_000.0).udp(&client(), 51_140, &resolver(), 53, rtt());
    d.ask(&q).answer(&q.answer().address("45.60.70.81"));
    s
}

fn begun_before() -> Scene {
    let mut s = Scene::innocent("capture-begins-late", "Connections that were there before the capture")
        .happens("Three connections are captured from their middle; one is closed, one is reset by the client, one goes on.")
        .look("No SYN in any stream.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(90.0).tcp(&client(), 51_020 + n, &server(), 443, rtt());
        for _ in 0..3 {
            t.fate(Fate::Missed);
        }
        t.handshake().fate(Fate::Missed).hello(NAMES[usize::from(n)]).fate(Fate::Missed).ack(Server);
        t.exchange(200, 3000).exchange(90, 400);
        match n {
            0 => t.close(),
            1 => t.abort(Client),
            _ => t.exchange(300, 300),
        };
    }
    s
}

fn short() -> Scene {
    let mut s = Scene::innocent("capture-headers-only", "A capture of the first 96 octets of every packet")
        .happens("Three visits, each packet cut: names are not to be read, and a server's reset at the end is.")
        .look("frame.cap_len < frame.len.");
    s.script.snap(96);
    visits(&mut s.script, 51_030);
    s
}

fn clock() -> Scene {
    let mut s = Scene::innocent("capture-clock-set", "The capturing machine's clock is set back in mid-capture")
        .format(Format::Pcapng)
        .happens("While visits go on, the clock jumps back by 40 s; packets stay in order.")
        .look("frame.time_delta < 0 in one place.");
    s.script.clock_step(700.0, -40_000.0);
    visits(&mut s.script, 51_040);
    s
}

fn clock_ahead() -> Scene {
    let mut s = Scene::innocent("capture-clock-ahead", "The capturing machine's clock is set ahead while answers are awaited")
        .happens(
            "The clock jumps ahead by 50 s. A client had sent its hello twice and goes away after the third time; its wait of half a \
             second looks like a minute, beside names on the same server that were answered.",
        )
        .look("frame.time_delta of 50 s in one place, tcp.options.timestamp.tsval of both ends two seconds apart.");
    s.script.clock_step(1900.0, 50_000.0);
    visits(&mut s.script, 51_070);
    s.script
        .at_ms(1200.0)
        .tcp(&client(), 51_073, &server(), 443, rtt())
        .handshake()
        .cut(Client)
        .hello(NAMES[0])
        .retry(Client, 2)
        .fin(Client);
    let mut t = s.script.at_ms(1000.0).tcp(&client(), 51_074, &server(), 443, rtt());
    t.handshake().hello(NAMES[1]).ack(Server).server_hello();
    for _ in 0..5 {
        t.wait_ms(Client, 200.0).exchange(200, 900);
    }
    t.close();
    s
}

fn untidy() -> Scene {
    let mut s = Scene::innocent("capture-out-of-order", "A file whose packets are not in order of time")
        .happens("Every seventh packet stands two places too late.")
        .look("frame.time_delta < 0 in many places; reordercap mends it.");
    s.script.untidy(7);
    visits(&mut s.script, 51_050);
    s
}

fn padding() -> Scene {
    let mut s = Scene::innocent("capture-padding", "Short frames are padded by the network card")
        .happens("Acknowledgements and a reset of 40 octets arrive in frames of 60: the padding lies outside the IP length.")
        .look("eth.padding.");
    let plain = Host::linux("45.60.70.80").hops(13).no_timestamps();
    let mut t = s.script.tcp(&client(), 51_060, &plain, 443, rtt());
    t.handshake().hello(NAMES[0]).ack(Server).server_hello().exchange(300, 2000).fin(Client).ack(Server);
    let mut t = s.script.later_ms(90.0).tcp(&client(), 51_061, &plain, 8443, rtt());
    t.syn().refuse();
    s
}
