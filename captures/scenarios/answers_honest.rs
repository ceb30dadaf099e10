//! DNS answers that come sooner, from elsewhere, or with private addresses, and are the resolver's all the same.

use crate::scene::{Scene, client, resolver};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::{self, Query};
use interloper::script::{Host, Rtt, Script};

pub fn scenes() -> Vec<Scene> {
    vec![filter(), private_over_tcp(), route_moved(), portal(), two_sites(), forwarder(), nearer_site()]
}

fn path() -> Rtt {
    Rtt::ms(46.0)
}

const NAMES: [(&str, &str); 4] = [
    ("fine.example.net", "45.60.71.10"),
    ("news.example.com", "45.60.71.11"),
    ("www.example.edu", "45.60.72.9"),
    ("a.example.de", "45.60.73.4"),
];

/// A name looked up in the usual way.
fn look_up(s: &mut Script, n: usize, host: &Host, path: Rtt) {
    let (name, address) = NAMES.into_iter().cycle().nth(n).unwrap_or_default();
    let q = Query::a(name);
    s.later_ms(700.0).udp(&client(), 55_000 + n as u16, host, 53, path).ask(&q).answer(&q.answer().address(address));
}

fn filter() -> Scene {
    let mut s = Scene::innocent("dns-filter-chosen", "A public resolver that blocks trackers by its users' choice")
        .at_most("unexplained")
        .happens("Three tracker names are answered with 0.0.0.0 and without EDNS by the resolver itself, no sooner than it answers others, with its own TTL.")
        .look("dns.a == 0.0.0.0: ip.ttl and dns.time as in its other answers.");
    for n in 0..8 {
        look_up(&mut s.script, n, &resolver(), path());
        if let Some(name) = ["ads.example.info", "pixel.example.io", "t.example.info"].get(n / 2).filter(|_| n % 2 == 1) {
            let q = Query::a(name);
            let mut d = s.script.later_ms(90.0).udp(&client(), 55_100 + n as u16, &resolver(), 53, path());
            d.ask(&q).answer(&q.answer().without_edns().ttl(10).address("0.0.0.0"));
        }
    }
    s
}

fn private_over_tcp() -> Scene {
    let mut s = Scene::innocent("dns-private-over-tcp", "A private address in public DNS, asked for over TCP")
        .happens("Names are looked up over UDP, without DF; that of somebody's storage at home over TCP, where every packet has it.")
        .look("ip.flags.df by transport.");
    for n in 0..6 {
        look_up(&mut s.script, n, &resolver(), path());
    }
    let q = Query::a("nas.example.com");
    // Over TCP the kernel finds out how large packets may be.
    let mut t = s.script.later_ms(300.0).tcp(&client(), 55_200, &Host::linux("91.230.10.53").hops(9), 53, path());
    t.handshake().send(Client, &dns::over_tcp(&q.bytes())).ack(Server);
    t.send(Server, &dns::over_tcp(&q.answer().address("192.168.1.5").bytes())).ack(Client).close();
    s
}

fn route_moved() -> Scene {
    let mut s = Scene::innocent("dns-route-moved", "The path to a resolver changes for good, and a private address is what comes first")
        .happens("After some lookups the resolver's packets come from seven hops further; then the name of somebody's storage at home is asked for.")
        .look("ip.ttl over time; dns.time stays the same.");
    for n in 0..8 {
        look_up(&mut s.script, n, &resolver(), path());
    }
    for n in 0..2 {
        let q = Query::a("nas.example.com");
        let mut d = s.script.later_ms(4000.0).udp(&client(), 55_300 + n, &resolver().hops(16), 53, path());
        d.ask(&q).answer(&q.answer().address("192.168.1.5"));
    }
    s
}

fn portal() -> Scene {
    let mut s = Scene::innocent("dns-portal", "Every name is the gateway's until the guest has signed in")
        .at_most("unexplained")
        .happens("Whatever is asked for is at 10.5.50.1, says a gateway in the resolver's name; there the telephone's check is redirected to the sign-in page. Later all is as ever.")
        .look("dns.a == 10.5.50.1 in the first minute only; http.location.");
    let gateway = resolver().hops(1);
    for (n, name) in ["connectivitycheck.gstatic.com", "fine.example.net", "news.example.com"].into_iter().enumerate() {
        let (n, q) = (n as u16, Query::a(name));
        let mut d = s.script.later_ms(800.0).udp(&client(), 55_400 + n, &gateway, 53, Rtt::ms(4.0));
        d.ask(&q).answer(&q.answer().without_edns().ttl(0).address("10.5.50.1"));
        if n == 0 {
            let mut t = s.script.later_ms(50.0).tcp(&client(), 55_410, &Host::linux("10.5.50.1"), 80, Rtt::ms(4.0));
            t.handshake().get(name, "/generate_204");
            t.send(Server, b"HTTP/1.1 302 Found\r\nLocation: http://10.5.50.1/login\r\nContent-Length: 0\r\n\r\n").ack(Client).close();
        }
    }
    s.script.later_ms(20_000.0);
    for n in 0..6 {
        look_up(&mut s.script, n, &resolver(), path());
    }
    s
}

fn two_sites() -> Scene {
    let mut s = Scene::innocent("dns-doubled", "Every query is doubled on its way, and two sites of the resolver answer")
        .happens("All answers come twice, from two distances. Those for a balanced name differ, all others agree.")
        .look("ip.ttl 55 and 49 for every dns.id.");
    for n in 0..6 {
        let (name, address) = NAMES.into_iter().cycle().nth(n).unwrap_or_default();
        let (q, balanced) = (Query::a(name), n % 4 == 1);
        let mut d = s.script.later_ms(700.0).udp(&client(), 55_500 + n as u16, &resolver(), 53, path());
        d.ask(&q).answer(&q.answer().address(address));
        d.host(Server).hops += 6;
        d.answer(&q.answer().address(if balanced { "45.61.9.30" } else { address }));
    }
    s
}

fn forwarder() -> Scene {
    let mut s = Scene::innocent("dns-local-zones", "A forwarder that answers for a few zones itself")
        .happens("A provider's forwarder remembers nothing: names take as long each time. For names of machines without a place in the DNS it says at once that there are none, without EDNS.")
        .look("dns.flags.rcode == 3: sooner, with the same ip.ttl.");
    for n in 0..10 {
        look_up(&mut s.script, n, &resolver(), path());
        if n % 2 == 1 {
            let q = Query::a("wpad.example.org");
            let mut d = s.script.later_ms(200.0).udp(&client(), 55_600 + n as u16, &resolver(), 53, Rtt::ms(5.0));
            d.ask(&q).answer(&q.answer().nxdomain().without_edns());
        }
    }
    s
}

fn nearer_site() -> Scene {
    let mut s = Scene::innocent("dns-nearer-site", "A resolver's nearer site answers for a while")
        .happens("For some seconds queries reach a nearer site of the resolver, which runs on another system. Meanwhile one name is asked for twice.")
        .look("ip.ttl over time.");
    for n in 0..10 {
        if n == 5 {
            for k in 0..2 {
                let q = Query::a("shop.example.org");
                let mut d = s.script.later_ms(500.0).udp(&client(), 55_700 + k, &resolver().ttl(128).hops(4), 53, Rtt::ms(9.0));
                d.ask(&q).answer(&q.answer().address("45.60.75.3"));
            }
        }
        look_up(&mut s.script, n, &resolver(), path());
    }
    s
}
