//! Forged DNS answers.

use crate::scene::{Scene, client, resolver};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::{self, AUTHORITATIVE, Answer, Query};
use interloper::script::{Format, Host, Link, Rtt, Script};

const NAME: &str = "blocked.example.org";

pub fn scenes() -> Vec<Scene> {
    vec![first_wins(), three(), name_error(), wrong_type(), in_path(), sinkhole(), version_6(), no_such_name()]
}

fn path() -> Rtt {
    Rtt::ms(38.0)
}

/// Honest lookups around the forgery, so that the resolver's habits show.
fn habits(s: &mut Script, from: u16) {
    for (n, name) in ["fine.example.net", "news.example.com", "www.example.edu", "mail.example.net"].into_iter().enumerate() {
        let q = Query::a(name);
        let address = format!("45.60.71.{}", 10 + n);
        s.later_ms(140.0).udp(&client(), from + n as u16, &resolver(), 53, path()).ask(&q).answer(&q.answer().address(&address));
    }
    s.later_ms(140.0);
}

fn first_wins() -> Scene {
    let mut s = Scene::guilty("dns-forged-first", "A forged answer outruns the resolver")
        .happens("The first answer comes after 3 ms with the authoritative bit, no EDNS and a foreign address; the resolver's own comes after 38 ms.")
        .look("dns.id of the query: two answers; ip.ttl, dns.flags.authoritative and the OPT record differ.");
    habits(&mut s.script, 51_000);
    let q = Query::a(NAME);
    let mut d = s.script.udp(&client(), 51_010, &resolver(), 53, path());
    d.ask(&q);
    d.forge(&q.answer().flags(AUTHORITATIVE).without_edns().ttl(187).address("91.99.3.17")).ttl(113).ip_id(0x51c0).after_ms(3.0);
    d.answer(&q.answer().address("45.60.70.80"));
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn three() -> Scene {
    let mut s = Scene::guilty("dns-three-injectors", "Three forged answers to one query")
        .format(Format::Pcapng)
        .happens("Three devices answer within 4 ms: one authoritative, one with DF, one that mirrors the query's TTL. Each gives another address. The resolver answers last.")
        .look("Four answers to one dns.id.");
    let q = Query::a(NAME);
    let mut d = s.script.udp(&client(), 51_020, &resolver(), 53, path());
    d.ask(&q);
    let forged = |ip: &str, flags, ttl| -> Answer { q.answer().flags(flags).without_edns().ttl(ttl).address(ip) };
    d.forge(&forged("31.13.94.37", AUTHORITATIVE, 176)).ttl(91).ip_id(0x0a11).after_ms(2.1);
    d.forge(&forged("199.59.148.20", dns::RESOLVED, 92)).ttl(47).ip_id(0x6d02).df().after_ms(2.9);
    d.forge(&forged("108.160.170.45", dns::RESOLVED, 234)).ttl(58).ip_id(0x20f3).after_ms(3.8);
    d.answer(&q.answer().addresses(&["45.60.70.80", "45.60.70.81"]));
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn name_error() -> Scene {
    let mut s = Scene::guilty("dns-name-error-first", "The name does not exist, and then it does")
        .happens("A forged NXDOMAIN without EDNS arrives first; the resolver's address record follows.")
        .look("dns.flags.rcode 3 and 0 for one dns.id.");
    habits(&mut s.script, 51_030);
    let q = Query::a(NAME);
    let mut d = s.script.udp(&client(), 51_040, &resolver(), 53, path());
    d.ask(&q);
    d.forge(&q.answer().nxdomain().without_edns()).ttl(61).ip_id(0).df().after_ms(5.2);
    d.answer(&q.answer().address("45.60.70.80"));
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn wrong_type() -> Scene {
    let mut s = Scene::guilty("dns-a-for-mx", "A question for mail servers is answered with an address")
        .happens("The forger gives an A record whatever the type asked for; the resolver's MX answer follows.")
        .look("dns.qry.type 15 against dns.resp.type 1.");
    habits(&mut s.script, 51_050);
    let q = Query::new(NAME, dns::MX);
    let mut d = s.script.udp(&client(), 51_060, &resolver(), 53, path());
    d.ask(&q);
    d.forge(&q.answer().without_edns().ttl(60).address("91.99.3.17")).ttl(113).ip_id(0x51c1).after_ms(3.0);
    d.answer(&q.answer().mx(10, "mail.example.org"));
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn in_path() -> Scene {
    let mut s = Scene::guilty("dns-bogon-in-path", "A public resolver is made to say that a public name is at 10.20.30.40")
        .happens("The query is eaten on its way; the only answer comes after 4 ms, from another distance, without EDNS, with a private address. Other names are answered normally.")
        .look("dns.a == 10.20.30.40; its ip.ttl against the other answers of 91.230.10.53.");
    habits(&mut s.script, 51_070);
    let q = Query::a(NAME);
    let mut d = s.script.udp(&client(), 51_080, &resolver(), 53, path());
    d.cut(Client).ask(&q);
    d.forge(&q.answer().without_edns().ttl(600).address("10.20.30.40")).ttl(188).ip_id(0x99b2).after_ms(4.1);
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn sinkhole() -> Scene {
    let mut s = Scene::guilty("dns-known-sinkhole", "A known block server answers for a name")
        .happens(
            "A query with AD set is answered after 3 ms with 10.10.34.36, flags 0x81a0 and a TTL of 418 s. The genuine answer never comes.",
        )
        .look("dns.a == 10.10.34.36 and dns.resp.ttl == 418.");
    s.script.link(Link::Cooked);
    habits(&mut s.script, 51_090);
    let q = Query::a(NAME).flags(0x0120).without_edns();
    let mut d = s.script.udp(&client(), 51_099, &resolver(), 53, path());
    d.cut(Client).ask(&q);
    d.forge(&q.answer().flags(0x81a0).ttl(418).address("10.10.34.36")).ttl(187).ip_id(0x4e4e).after_ms(3.2);
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn version_6() -> Scene {
    let mut s = Scene::guilty("dns-teredo", "A forged AAAA record inside the Teredo prefix")
        .happens("Over IPv6 an AAAA question draws 2001::1f0d:5e25 after 3 ms and the genuine address after 38 ms.")
        .look("dns.aaaa; ipv6.hlim of the two answers.");
    let client = Host::linux("fd12:3456::20");
    let resolver = Host::linux("2a0c:9900::53").hops(9);
    let q = Query::aaaa("fine.example.net");
    s.script.udp(&client, 51_110, &resolver, 53, path()).ask(&q).answer(&q.answer().address("2a0b:7080::91"));
    let q = Query::aaaa(NAME);
    let mut d = s.script.later_ms(200.0).udp(&client, 51_111, &resolver, 53, path());
    d.ask(&q);
    d.forge(&q.answer().without_edns().ttl(120).address("2001::1f0d:5e25")).ttl(101).after_ms(3.0);
    d.send(Server, &q.answer().address("2a0b:7080::443").bytes());
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn no_such_name() -> Scene {
    let mut s = Scene::guilty("dns-no-such-name", "The resolver has an address for what does not exist")
        .happens(
            "Ordinary names are answered as ever; one that somebody made up, and a browser's probe of one label, get the address of a search page.",
        )
        .look("dns.flags.rcode is 0 for names that no other resolver knows.");
    habits(&mut s.script, 51_090);
    for (n, name) in ["83hf20vmq7w2kd91x.com", "qzkfhwtpx"].into_iter().enumerate() {
        let q = Query::a(name);
        let mut d = s.script.later_ms(90.0).udp(&client(), 51_095 + n as u16, &resolver(), 53, path());
        d.ask(&q).answer(&q.answer().ttl(10).address("45.60.99.1"));
        let talk = d.talk();
        s.expect(talk, "dns-answer", "unexplained");
    }
    s
}
