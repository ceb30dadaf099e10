//! Forged DNS answers that come instead of the resolver's, and say nothing odd: only measuring tells.

use crate::scene::{Scene, client, resolver};
use interloper::script::Side::Client;
use interloper::script::dns::{Answer, Query};
use interloper::script::{Rtt, Script};

pub fn scenes() -> Vec<Scene> {
    vec![no_such_name(), failure(), mimic(), teredo()]
}

fn path() -> Rtt {
    Rtt::ms(46.0)
}

/// Names that the resolver is asked for again and again.
const HONEST: [(&str, &str); 4] = [
    ("fine.example.net", "45.60.71.10"),
    ("news.example.com", "45.60.71.11"),
    ("www.example.edu", "45.60.72.9"),
    ("a.example.de", "45.60.73.4"),
];

/// Honest lookups before each forged one, and after the last.
fn between(s: &mut Script, n: usize) {
    for k in 0..2 {
        let (name, address) = HONEST.into_iter().cycle().nth(2 * n + k).unwrap_or_default();
        let q = Query::a(name);
        let port = 54_000 + (16 * n + k) as u16;
        s.later_ms(900.0).udp(&client(), port, &resolver(), 53, path()).ask(&q).answer(&q.answer().address(address));
    }
    s.later_ms(900.0);
}

/// Questions that never arrive, each with its answer.
fn instead(s: &mut Scene, asked: &[Query], expect: &'static str, forged: impl Fn(&Query) -> (Answer, u8)) {
    for (n, q) in asked.iter().enumerate() {
        between(&mut s.script, n);
        let mut d = s.script.udp(&client(), 54_500 + n as u16, &resolver(), 53, path());
        let (answer, ttl) = forged(q);
        d.cut(Client).ask(q);
        d.forge(&answer).ttl(ttl).ip_id(0x7a31 + n as u16 * 911).after_ms(6.0 + n as f64 * 0.3);
        let talk = d.talk();
        s.expect(talk, "dns-answer", expect);
    }
    between(&mut s.script, asked.len());
}

fn blocked() -> Vec<Query> {
    ["blocked.example.org", "www.blocked.example.org", "m.blocked.example.org", "blocked.example.org"].map(Query::a).into()
}

fn no_such_name() -> Scene {
    let mut s = Scene::guilty("dns-name-error-instead", "A name is made not to exist")
        .happens("Queries for a name and what is below it are eaten, and answered after 6 ms with a name error, from another kernel than the resolver's; other names take 46 ms, though they are asked for again.")
        .look("dns.flags.rcode == 3: ip.ttl and dns.time against the other answers.");
    instead(&mut s, &blocked(), "confirmed", |q| (q.answer().nxdomain().without_edns(), 118));
    s
}

fn failure() -> Scene {
    let mut s = Scene::guilty("dns-failure-instead", "The resolver is made to fail for some names")
        .happens("Queries for two names are eaten and answered after 6 ms with SERVFAIL or REFUSED, with the EDNS that was asked for, from another kernel than the resolver's.")
        .look("dns.flags.rcode 2 and 5: ip.ttl and dns.time against the other answers.");
    let asked = ["blocked.example.org", "other.example.ru", "blocked.example.org", "www.other.example.ru"].map(Query::a);
    instead(&mut s, &asked, "confirmed", |q| (if q.name().contains("other") { q.answer().refused() } else { q.answer().servfail() }, 115));
    s
}

fn mimic() -> Scene {
    let mut s = Scene::guilty("dns-mimic-instead", "A forged answer that looks like the resolver's")
        .happens("Queries for a name are eaten and answered after 6 ms with EDNS and an ordinary address; the TTL is two off. Other names take 46 ms, though they are asked for again.")
        .look("dns.time, and ip.ttl, by name.");
    instead(&mut s, &blocked(), "likely", |q| (q.answer().address("45.67.89.10"), 53));
    s
}

fn teredo() -> Scene {
    let mut s = Scene::guilty("dns-teredo-instead", "A Teredo address with a forged one inside")
        .happens("Both questions for a name are answered after 6 ms, A with an address known from forged answers, AAAA with the same inside 2001::/32.")
        .look("dns.aaaa: the last 32 bits are dns.a, and the prefix is Teredo's.");
    let asked = [Query::a("blocked.example.org"), Query::aaaa("blocked.example.org")];
    let six = Query::aaaa("blocked.example.org").bytes();
    instead(&mut s, &asked, "confirmed", |q| {
        let address = if q.bytes() == six { "2001::1f0d:5e25" } else { "31.13.94.37" };
        (q.answer().without_edns().ttl(120).address(address), 61)
    });
    s
}
