//! DNS answers that only look odd.

use crate::scene::{Scene, client, resolver};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::{self, Query};
use interloper::script::{Format, Host, Rtt};

const NAME: &str = "www.example.org";

pub fn scenes() -> Vec<Scene> {
    vec![rotation(), retried(), sinkhole_at_home(), dns64(), split_horizon(), failures(), mirrored(), truncated(), multicast(), odd_names()]
}

fn path() -> Rtt {
    Rtt::ms(21.0)
}

/// The router that resolves for a home.
fn router() -> Host {
    Host::linux("192.168.1.1")
}

fn rotation() -> Scene {
    let mut s = Scene::innocent("dns-rotation", "A name with many addresses, in another order each time")
        .happens("Four lookups of one name give overlapping sets in rotated order; one query is repeated and answered twice.")
        .look("The answers to the repeated dns.id share addresses.");
    let sets = [["45.60.70.1", "45.60.70.2"], ["45.60.70.2", "45.60.70.3"], ["45.60.70.3", "45.60.70.1"], ["45.60.70.1", "45.60.70.2"]];
    for (n, set) in sets.iter().enumerate() {
        let q = Query::a(NAME).id(0x3000 + n as u16);
        let mut d = s.script.later_ms(400.0).udp(&client(), 52_000 + n as u16, &resolver(), 53, path());
        d.ask(&q);
        if n == 3 {
            d.wait_ms(Client, 1000.0).ask(&q).answer(&q.answer().addresses(&sets[0]));
        }
        d.answer(&q.answer().addresses(set));
    }
    s
}

fn retried() -> Scene {
    let mut s = Scene::innocent("dns-retried", "A repeated query is answered twice, from a CDN with other addresses")
        .happens("The resolver is slow; the stub repeats its query after a second, and both copies are answered, with different addresses of one CDN name.")
        .look("Two queries, two answers, one dns.id; the same CNAME and the same ip.ttl.");
    let q = Query::a("cdn.example.com");
    let mut d = s.script.udp(&client(), 52_010, &resolver(), 53, path());
    d.ask(&q).wait_ms(Client, 1000.0).ask(&q).wait_ms(Server, 180.0);
    d.answer(&q.answer().cname("edge7.example.net").ttl(20).addresses(&["45.61.1.10", "45.61.1.11"]));
    d.answer(&q.answer().cname("edge7.example.net").ttl(20).addresses(&["45.61.9.30", "45.61.9.31"]));
    s
}

fn sinkhole_at_home() -> Scene {
    let mut s = Scene::innocent("dns-home-sinkhole", "The home's own resolver blocks advertisements")
        .happens("A resolver in the LAN answers 0.0.0.0 and :: for tracker names within a millisecond, and forwards the rest.")
        .look("The resolver's address is private and its TTL 64: it is the configured one.");
    for (n, name) in ["ads.example.net", "track.example.com", "pixel.example.org"].into_iter().enumerate() {
        let (q, q6) = (Query::a(name), Query::aaaa(name));
        let n = n as u16 * 2;
        s.script
            .later_ms(90.0)
            .udp(&client(), 52_020 + n, &router(), 53, Rtt::ms(0.7))
            .ask(&q)
            .answer(&q.answer().ttl(2).address("0.0.0.0"));
        s.script.later_ms(1.0).udp(&client(), 52_021 + n, &router(), 53, Rtt::ms(0.7)).ask(&q6).answer(&q6.answer().ttl(2).address("::"));
    }
    let q = Query::a(NAME);
    s.script.later_ms(90.0).udp(&client(), 52_030, &router(), 53, Rtt::ms(18.0)).ask(&q).answer(&q.answer().address("45.60.70.80"));
    s
}

fn dns64() -> Scene {
    let mut s = Scene::innocent("dns-64", "A mobile network synthesises AAAA records")
        .happens("AAAA questions are answered from 64:ff9b::/96 with the A record's address inside; A questions as usual.")
        .look("The last 32 bits of dns.aaaa are the dns.a of the same name.");
    let client = Host::linux("2a0d:5600::77");
    let resolver = Host::linux("2a0d:5600::53").hops(3);
    for (n, (name, a, synthesised)) in
        [(NAME, "45.60.70.80", "64:ff9b::2d3c:4650"), ("api.example.com", "91.198.7.20", "64:ff9b::5bc6:714")].into_iter().enumerate()
    {
        let (q, q6) = (Query::a(name), Query::aaaa(name));
        let n = n as u16 * 2;
        s.script.later_ms(60.0).udp(&client, 52_040 + n, &resolver, 53, path()).ask(&q).answer(&q.answer().address(a));
        s.script.later_ms(0.4).udp(&client, 52_041 + n, &resolver, 53, path()).ask(&q6).answer(&q6.answer().address(synthesised));
    }
    s
}

fn split_horizon() -> Scene {
    let mut s = Scene::innocent("dns-split-horizon", "An office's resolver knows inside addresses of its own names")
        .happens("The office resolver answers names of the company with private addresses, and others with public ones.")
        .look("The resolver is inside too: 10.0.0.53.");
    let client = Host::windows("10.0.7.31");
    let resolver = Host::windows("10.0.0.53").hops(1);
    for (n, (name, ip)) in
        [("wiki.corp.example.com", "10.0.3.8"), ("mail.corp.example.com", "10.0.3.25"), (NAME, "45.60.70.80")].into_iter().enumerate()
    {
        let q = Query::a(name);
        s.script.later_ms(80.0).udp(&client, 52_060 + n as u16, &resolver, 53, Rtt::ms(1.4)).ask(&q).answer(&q.answer().address(ip));
    }
    s
}

fn failures() -> Scene {
    let mut s = Scene::innocent("dns-failures", "Names that a resolver cannot or will not resolve")
        .format(Format::PcapNanos)
        .happens(
            "SERVFAIL for a broken zone after 2 s and a repeated query, REFUSED for a zone transfer helper, NXDOMAIN with SOA for a typo.",
        )
        .look("dns.flags.rcode 2, 5 and 3; header and timing as ever.");
    let q = Query::a("broken.example.org");
    let mut d = s.script.udp(&client(), 52_070, &resolver(), 53, path());
    d.ask(&q).wait_ms(Client, 2000.0).ask(&q).wait_ms(Server, 900.0).answer(&q.answer().servfail()).answer(&q.answer().servfail());
    let q = Query::new("chaos.example.net", dns::TXT);
    s.script.later_ms(3000.0).udp(&client(), 52_071, &resolver(), 53, path()).ask(&q).answer(&q.answer().refused());
    let q = Query::a("wwww.example.org");
    s.script.later_ms(200.0).udp(&client(), 52_072, &resolver(), 53, path()).ask(&q).answer(&q.answer().nxdomain().soa("ns.example.org"));
    s
}

fn mirrored() -> Scene {
    let mut s = Scene::innocent("dns-mirror-port", "A mirror port shows every answer twice")
        .vantage("middle")
        .happens("Query and answer of each lookup are captured twice, 25 us apart.")
        .look("Equal ip.id and payload in pairs.");
    s.script.mirror(25, None);
    for (n, name) in [NAME, "news.example.com", "fine.example.net"].into_iter().enumerate() {
        let q = Query::a(name);
        s.script
            .later_ms(100.0)
            .udp(&client(), 52_080 + n as u16, &resolver(), 53, path())
            .ask(&q)
            .answer(&q.answer().address("45.60.70.80"));
    }
    s
}

fn truncated() -> Scene {
    let mut s = Scene::innocent("dns-truncated", "An answer too long for UDP is fetched over TCP")
        .happens("The UDP answer is empty with TC set; the same question over TCP is answered in full.")
        .look("dns.flags.truncated == 1, then tcp.port == 53.");
    let q = Query::new("long.example.org", dns::TXT);
    s.script.udp(&client(), 52_090, &resolver(), 53, path()).ask(&q).answer(&q.answer().truncated());
    let text = "v=spf1 ".to_owned() + &"ip4:45.60.70.0/24 ".repeat(12);
    let full = (0..8).fold(q.answer(), |answer, _| answer.txt(&text)).without_edns();
    let mut t = s.script.later_ms(30.0).tcp(&client(), 52_091, &resolver(), 53, path());
    t.handshake().send(Client, &dns::over_tcp(&q.bytes())).ack(Server);
    t.send(Server, &dns::over_tcp(&full.bytes())).ack(Client).close();
    s
}

fn multicast() -> Scene {
    let mut s = Scene::innocent("dns-multicast", "Several hosts answer a multicast question")
        .happens("A question for printers is answered by three hosts with different addresses.")
        .look("udp.port == 5353 and the group 224.0.0.251.");
    let group = Host::linux("224.0.0.251");
    let q = Query::a("printer.local").id(0).flags(0).without_edns();
    s.script.udp(&client().ttl(255), 5353, &group, 5353, Rtt::ms(0.5)).send(Client, &q.bytes());
    for n in 0..3u16 {
        let host = Host::linux(&format!("192.168.1.{}", 60 + n)).ttl(255);
        let answer = q.answer().flags(0x8400).ttl(120).address(&format!("192.168.1.{}", 60 + n));
        s.script.later_ms(12.0).udp(&host, 5353, &group, 5353, Rtt::ms(0.5)).send(Client, &answer.bytes());
    }
    s
}

fn odd_names() -> Scene {
    let mut s = Scene::innocent("dns-odd-names", "Names that only look thrown together")
        .happens("Names of content networks, of hosts, hashes and brands with digits are answered; a made-up name and a browser's probe are not.")
        .look("dns.qry.name; dns.flags.rcode 3 for the two that do not exist.");
    let there = ["d3n8a8pro7vhmx.cloudfront.net", "1e100.net", "83hf20vmq7w2kd91x.example.com", "0123456789abcdef0123.com", "2x4you.de"];
    for (n, name) in there.into_iter().enumerate() {
        let q = Query::a(name);
        let address = format!("45.60.72.{}", 10 + n);
        s.script.later_ms(60.0).udp(&client(), 52_200 + n as u16, &resolver(), 53, path()).ask(&q).answer(&q.answer().address(&address));
    }
    for (n, name) in ["83hf20vmq7w2kd91x.com", "qzkfhwtpx"].into_iter().enumerate() {
        let q = Query::a(name);
        s.script.later_ms(60.0).udp(&client(), 52_210 + n as u16, &resolver(), 53, path()).ask(&q).answer(&q.answer().nxdomain());
    }
    s
}
