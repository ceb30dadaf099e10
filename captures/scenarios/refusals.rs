//! Hosts that say no resolver runs on them, and answers in their names.

use crate::scene::{Scene, client};
use interloper::script::dns::Query;
use interloper::script::{Host, Rtt};

pub fn scenes() -> Vec<Scene> {
    vec![no_resolver_there(), resolver_restarts(), one_of_two_is_down()]
}

/// Nobody's resolver.
fn host() -> Host {
    Host::linux("91.230.20.7").hops(11)
}

fn path() -> Rtt {
    Rtt::ms(150.0)
}

/// An IPv4 header and the eight octets behind it, which RFC 792 asks for: no more than the ports of a query.
const HEADER: usize = 28;

/// A query that the host refuses, after `ms`.
fn refused(s: &mut Scene, port: u16, q: &Query, ms: f64) {
    s.script.later_ms(700.0).udp(&client(), port, &host(), 53, path()).ask(q).icmp_quoting(HEADER, &host(), 3, 3, ms);
}

fn no_resolver_there() -> Scene {
    let mut s = Scene::guilty("dns-non-resolver", "A host without a resolver answers for two names")
        .happens("The host refuses every query with a port unreachable that quotes no more than its ports. Two names are answered all the same, a hundred milliseconds before the host refuses them too.")
        .look("icmp.code == 3: one for each query, those that were answered included.");
    let names = ["fine.example.net", "other.example.de", "www.example.edu", "a.example.ru"];
    for (n, name) in names.into_iter().enumerate() {
        refused(&mut s, 54_800 + n as u16, &Query::a(name), 0.1);
    }
    for (n, name) in ["blocked.example.org", "news.example.com"].into_iter().enumerate() {
        let q = Query::a(name);
        let mut d = s.script.later_ms(700.0).udp(&client(), 54_810 + n as u16, &host(), 53, path());
        d.ask(&q);
        d.forge(&q.answer().address(&format!("45.60.99.{}", 4 + n))).ttl(53).after_ms(40.0);
        d.icmp_quoting(HEADER, &host(), 3, 3, 0.1);
        let talk = d.talk();
        s.expect(talk, "dns-answer", "confirmed");
        refused(&mut s, 54_820 + n as u16, &Query::a(names[n]), 0.1);
    }
    s
}

fn resolver_restarts() -> Scene {
    let mut s = Scene::innocent("dns-resolver-restarts", "A resolver is restarted, and refuses queries meanwhile")
        .at_most("unexplained")
        .happens(
            "Four queries are refused. The last one is sent again from the same port two seconds later and answered, and others then are.",
        )
        .look("icmp.code == 3: all of them before the first answer.");
    for (n, name) in ["fine.example.net", "other.example.de", "www.example.edu"].into_iter().enumerate() {
        refused(&mut s, 54_830 + n as u16, &Query::a(name), 0.1);
    }
    let q = Query::a("www.example.org");
    let mut d = s.script.later_ms(700.0).udp(&client(), 54_834, &host(), 53, path());
    d.ask(&q).icmp_quoting(HEADER, &host(), 3, 3, 0.1).again_ms(interloper::script::Side::Client, 2000.0, &q.bytes());
    d.answer(&q.answer().address("45.60.70.80"));
    for (n, name) in ["fine.example.net", "other.example.de"].into_iter().enumerate() {
        let q = Query::a(name);
        s.script.later_ms(700.0).udp(&client(), 54_840 + n as u16, &host(), 53, path()).ask(&q).answer(&q.answer().address("45.60.70.81"));
    }
    s
}

fn one_of_two_is_down() -> Scene {
    let mut s = Scene::innocent("dns-balancer-refuses", "One of two resolvers behind an address is down")
        .at_most("unexplained")
        .happens("Every other query is refused, whatever it asks for.")
        .look("icmp.code == 3: the same names are answered another time.");
    for (n, name) in ["www.example.org", "fine.example.net", "other.example.de", "www.example.org", "other.example.de", "fine.example.net"]
        .into_iter()
        .enumerate()
    {
        let q = Query::a(name);
        refused(&mut s, 54_850 + n as u16, &q, 0.1);
        let name = ["other.example.de", "www.example.org", "fine.example.net"][n % 3];
        let q = Query::a(name);
        s.script.later_ms(700.0).udp(&client(), 54_860 + n as u16, &host(), 53, path()).ask(&q).answer(&q.answer().address("45.60.70.82"));
    }
    s
}
