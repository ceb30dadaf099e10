//! Lines, servers and paths that go and come back while the capture goes on.

use crate::scene::{Scene, client, resolver, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::quic::Quic;
use interloper::script::tls::Hello;
use interloper::script::{Host, Rtt};

const NAME: &str = "www.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![line_comes_back(), every_port_dies(), quic_server_dies(), another_site()]
}

fn elsewhere(n: u8) -> Host {
    Host::linux(&format!("45.60.74.{n}")).hops(8 + n)
}

fn line_comes_back() -> Scene {
    let mut s = Scene::innocent("silence-line-comes-back", "The line is dead for eleven seconds, and the capture goes on for longer")
        .at_most("unexplained")
        .happens("A name is asked for four times in vain. Connections that were begun meanwhile are opened by later SYNs, when all goes on; the resolver answers other names before and after.")
        .look("No packet arrives between 2 and 13 s; SYNs of 4 s that are answered at 15 s.");
    let ask = |s: &mut Scene, port: u16, name: &str, answered: bool| {
        let q = Query::a(name);
        let mut u = s.script.udp(&client(), port, &resolver(), 53, rtt());
        u.ask(&q);
        if answered {
            u.answer(&q.answer().address("45.60.70.80"));
        } else {
            u.wait_ms(Client, 1000.0).ask(&q).wait_ms(Client, 2000.0).ask(&q).wait_ms(Client, 4000.0).ask(&q);
        }
    };
    ask(&mut s, 51_100, OTHER, true);
    s.script.at_ms(500.0).tcp(&client(), 45_300, &server(), 443, rtt()).visit(OTHER);
    for n in 1..4u8 {
        let mut t = s.script.at_ms(3000.0 + f64::from(n) * 1000.0).tcp(&client(), 45_300 + u16::from(n), &elsewhere(n), 443, rtt());
        t.cut(Client).syn().retry(Client, 3).heal(Client).wait_ms(Client, 4000.0).resend(Client).syn_ack().ack(Client);
        t.hello(OTHER).ack(Server).server_hello().exchange(300, 2000).close();
    }
    s.script.at_ms(4200.0);
    ask(&mut s, 51_101, NAME, false);
    for n in 0..6u16 {
        s.script.at_ms(16_000.0 + f64::from(n) * 2000.0);
        ask(&mut s, 51_110 + n, ["mail.example.edu", OTHER][usize::from(n % 2)], true);
        s.script.later_ms(30.0).tcp(&client(), 45_310 + n, &elsewhere(5), 443, rtt()).visit("other.example.edu");
    }
    s
}

fn every_port_dies() -> Scene {
    let mut s = Scene::innocent("silence-every-port-dies", "A server dies in the middle of a visit")
        .at_most("unexplained")
        .happens("Ports 80 and 443 of a server answer. Then what a client says on 443 is not even acknowledged, and SYNs to either port stay unanswered for a minute, until the server is back.")
        .look("ip.addr == 45.60.70.80: nothing arrives between 3 and 60 s.");
    s.script.tcp(&client(), 45_320, &server(), 80, rtt()).visit_http(OTHER);
    s.script.at_ms(600.0).tcp(&client(), 45_321, &server(), 443, rtt()).visit(OTHER);
    let mut t = s.script.at_ms(2000.0).tcp(&client(), 45_322, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello().pause_ms(900.0).cut(Client).sealed(Client, 400).retry(Client, 6);
    for (n, port) in [(0u16, 80), (1, 443), (2, 80)] {
        s.script
            .at_ms(6000.0 + f64::from(n) * 7000.0)
            .tcp(&client(), 45_330 + n, &server(), port, rtt())
            .cut(Client)
            .syn()
            .retry(Client, 4);
    }
    for n in 0..8u16 {
        s.script.at_ms(3000.0 + f64::from(n) * 7000.0).tcp(&client(), 45_340 + n, &elsewhere(1), 443, rtt()).visit("other.example.edu");
    }
    s.script.at_ms(62_000.0).tcp(&client(), 45_350, &server(), 443, rtt()).visit(OTHER);
    s.script.at_ms(63_000.0).tcp(&client(), 45_351, &server(), 80, rtt()).visit_http(OTHER);
    s
}

fn quic_server_dies() -> Scene {
    let mut s = Scene::innocent("silence-quic-server-dies", "A server that speaks QUIC dies")
        .at_most("unexplained")
        .happens("One name is served over QUIC. A second later SYNs to the same port stay unanswered, then the Initials for another name as well. Other servers answer all the time.")
        .look("Nothing arrives from 45.60.70.80 after the first second.");
    let said = |s: &mut Scene, port: u16, name: &str, answered: bool| {
        let mut u = s.script.udp(&client(), port, &server(), 443, rtt());
        let mut q = Quic::new(&Hello::new(name), u.random());
        for datagram in q.client_initials() {
            u.send(Client, &datagram);
            if !answered {
                for ms in [300.0, 600.0, 1200.0, 2400.0] {
                    u.wait_ms(Client, ms).send(Client, &datagram);
                }
            }
        }
        if answered {
            let (first, rest, done) =
                (q.server_initial(u.random()), q.handshake(false, 1180, u.random()), q.handshake(true, 90, u.random()));
            u.send(Server, &first).send(Server, &rest).send(Client, &done);
            let (up, down) = (q.one_rtt(true, 300, u.random()), q.one_rtt(false, 1242, u.random()));
            u.send(Client, &up).send(Server, &down);
        }
    };
    said(&mut s, 51_120, OTHER, true);
    s.script.at_ms(1500.0).tcp(&client(), 45_360, &server(), 443, rtt()).cut(Client).syn().retry(Client, 4);
    s.script.at_ms(2300.0);
    said(&mut s, 51_121, NAME, false);
    for n in 0..8u16 {
        s.script.at_ms(2000.0 + f64::from(n) * 3000.0).tcp(&client(), 45_370 + n, &elsewhere(1), 443, rtt()).visit("other.example.edu");
    }
    s
}

fn another_site() -> Scene {
    let mut s = Scene::innocent("dns-another-site", "One answer of a resolver comes from another of its sites")
        .at_most("unexplained")
        .happens("A company publishes a private address for a name. The resolver gives it three times, once from seven hops further away: there its address was announced for a moment. Other names are answered from where they always are.")
        .look("ip.ttl of the three answers: the same address comes from both places.");
    let far = Host::linux("91.230.10.53").hops(16).no_df();
    let mut ask = |n: u16, host: &Host, name: &str, address: &str, ms: f64| {
        let q = Query::a(name);
        s.script.at_ms(f64::from(n) * 700.0).udp(&client(), 51_130 + n, host, 53, Rtt::ms(ms)).ask(&q).answer(&q.answer().address(address));
    };
    for n in 0..4u16 {
        ask(n, &resolver(), &format!("{n}.example.net"), &format!("45.60.70.{}", 80 + n), 20.0);
    }
    ask(4, &resolver(), "vpn.example.org", "172.16.5.9", 21.0);
    ask(6, &far, "vpn.example.org", "172.16.5.9", 33.0);
    ask(9, &resolver(), "vpn.example.org", "172.16.5.9", 20.0);
    s
}
