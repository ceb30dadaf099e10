//! Several machines that answer in one resolver's name: forgers, and routers, caches and sites that have to be told from them.

use crate::scene::{Scene, client, resolver};
use interloper::script::Side::Client;
use interloper::script::dns::Query;
use interloper::script::{Host, Rtt};

pub fn scenes() -> Vec<Scene> {
    vec![
        by_name(),
        options_of_the_forger(),
        in_the_name_of_the_unfiltered(),
        names_of_the_router(),
        remembered_nearby(),
        remembered_errors(),
        site_without_options(),
    ]
}

const HONEST: [&str; 6] = ["fine.example.net", "news.example.com", "www.example.edu", "a.example.de", "shop.example.fr", "m.example.it"];

fn path() -> Rtt {
    Rtt::ms(64.0)
}

/// A question of a stub that does not speak EDNS, answered with what the name has.
fn look_up(s: &mut Scene, port: u16, name: &str, from: &Host, rtt: Rtt, lifetime: u32) {
    let q = Query::a(name).without_edns();
    let address = format!("45.60.{}.{}", 70 + name.len() % 5, 10 + name.bytes().map(u32::from).sum::<u32>() % 200);
    s.script.later_ms(700.0).udp(&client(), port, from, 53, rtt).ask(&q).answer(&q.answer().ttl(lifetime).address(&address));
}

fn by_name() -> Scene {
    let mut s = Scene::guilty("dns-by-name-instead", "Each blocked name gets an address of its own, from nearer by")
        .happens("A stub without EDNS asks for three blocked names and six others, twice each. The blocked ones never reach the resolver; a box answers after 7 ms with ordinary addresses, another for each name, from another distance.")
        .look("ip.ttl and dns.time by dns.qry.name.");
    let blocked = [("blocked.example.org", "45.91.1.7"), ("banned.example.ru", "77.12.9.3"), ("other.example.info", "91.5.44.20")];
    for round in 0..2 {
        for (n, name) in (0..).zip(HONEST) {
            look_up(&mut s, 56_000 + round * 20 + n, name, &resolver(), path(), 300);
            let Some((name, address)) = blocked.get(usize::from(n / 2)).filter(|_| n % 2 == 1) else { continue };
            let q = Query::a(name).without_edns();
            s.script.later_ms(500.0);
            let mut d = s.script.udp(&client(), 56_010 + round * 20 + n, &resolver(), 53, path());
            d.cut(Client).ask(&q);
            d.forge(&q.answer().ttl(300).address(address)).ttl(107).ip_id(0x51aa + 77 * n).after_ms(7.0 + f64::from(n) * 0.4);
            let talk = d.talk();
            s.expect(talk, "dns-answer", "confirmed");
        }
    }
    s
}

fn options_of_the_forger() -> Scene {
    let mut s = Scene::guilty("dns-options-of-the-forger", "A resolver without EDNS, and a forger that has it")
        .happens("No answer of the resolver carries the OPT that was asked for. A forged name error for one name does, comes before the genuine answer and from elsewhere.")
        .look("dns.opt, ip.ttl and dns.flags.authoritative of both answers.");
    for (n, name) in (0..).zip(HONEST) {
        let q = Query::a(name);
        let mut d = s.script.later_ms(700.0).udp(&client(), 56_100 + n, &resolver(), 53, path());
        d.ask(&q).answer(&q.answer().without_edns().address("45.60.70.80"));
    }
    let q = Query::a("blocked.example.org");
    let mut d = s.script.later_ms(700.0).udp(&client(), 56_110, &resolver(), 53, path());
    d.ask(&q);
    d.forge(&q.answer().nxdomain().flags(0x8583)).ttl(116).ip_id(0).df().after_ms(40.0);
    d.answer(&q.answer().without_edns().address("45.60.74.9"));
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn in_the_name_of_the_unfiltered() -> Scene {
    let mut s = Scene::guilty("dns-unfiltered-resolver-lies", "A whole resolver is replaced")
        .happens("All questions for a public resolver that filters nothing are answered by another one, always from the same distance and in the same time; three names get an address that nobody can have.")
        .look("dns.a == 10.10.34.200.");
    let public = Host::linux("1.1.1.1").hops(6).no_df();
    let blocked = ["blocked.example.org", "banned.example.ru", "other.example.info"];
    for (n, name) in (0..).zip(HONEST) {
        look_up(&mut s, 56_200 + n, name, &public, Rtt::ms(9.0), 300);
        let Some(name) = blocked.get(usize::from(n / 2)).filter(|_| n % 2 == 1) else {
            continue;
        };
        let q = Query::a(name).without_edns();
        s.script.later_ms(500.0);
        let mut d = s.script.udp(&client(), 56_220 + n, &public, 53, Rtt::ms(9.0));
        d.cut(Client).ask(&q);
        d.forge(&q.answer().ttl(300).address("10.10.34.200")).ttl(58).with(|draft| draft.df = false).after_ms(9.6);
        let talk = d.talk();
        s.expect(talk, "dns-answer", "likely");
    }
    s
}

/// The router of the client's network, and what is a few hops behind it.
fn router() -> Host {
    Host::linux("8.8.8.8")
}

fn public() -> Host {
    Host::linux("8.8.8.8").hops(13).no_df()
}

fn names_of_the_router() -> Scene {
    let mut s = Scene::innocent("dns-router-names", "A router answers for names of its own, whatever resolver is asked")
        .at_most("unexplained")
        .happens("Its log-in page has an address of the LAN, the names that switch encrypted DNS off do not exist; the answers come in the public resolver's name, from no hop away.")
        .look("ip.ttl == 64.");
    for round in 0..2 {
        for (n, name) in (0..).zip(HONEST) {
            look_up(&mut s, 56_300 + round * 20 + n, name, &public(), path(), 300);
        }
        for (n, name) in (0..).zip(["use-application-dns.net", "mask.icloud.com", "routerlogin.example.net"]) {
            let q = Query::a(name).without_edns();
            let answer = if n == 2 { q.answer().address("192.168.1.1") } else { q.answer().nxdomain() };
            let mut d = s.script.later_ms(600.0).udp(&client(), 56_310 + round * 20 + n, &router(), 53, Rtt::ms(1.8));
            d.ask(&q).answer(&answer);
        }
    }
    s
}

fn remembered_nearby() -> Scene {
    let mut s = Scene::innocent("dns-remembered-nearby", "A provider's cache knew some names before the capture began")
        .at_most("unexplained")
        .happens("Two names on one hosting address are always answered from three hops away, after 5 ms, in the name of a far resolver; others come from it itself. What the cache says grows old by the second.")
        .look("dns.resp.ttl over time, by ip.ttl.");
    let cache = Host::linux("8.8.8.8").hops(3);
    let mut spent = 0;
    for round in 0..3 {
        for (n, name) in (0..).zip(HONEST) {
            if matches!(n, 1 | 3 | 5) {
                let q = Query::a(name).without_edns();
                let mut d = s.script.later_ms(700.0).udp(&client(), 56_410 + round * 20 + n, &cache, 53, Rtt::ms(5.0));
                d.ask(&q).answer(&q.answer().ttl(900 - spent / 10).address("45.60.80.1"));
                spent += 7;
            }
            look_up(&mut s, 56_400 + round * 20 + n, &format!("www{n}.example.com"), &public(), path(), 300);
            spent += 7;
        }
    }
    s
}

fn remembered_errors() -> Scene {
    let mut s = Scene::innocent("dns-remembered-errors", "A cache on the way repeats what the resolver does not have")
        .at_most("unexplained")
        .happens("A name has no IPv6 address. The resolver says so once; asked again a cache three hops away does, in its name. It repeats addresses of other names as well.")
        .look("Queries of type AAAA: ip.ttl and dns.time.");
    let cache = Host::linux("8.8.8.8").hops(3);
    for round in 0..3 {
        for (n, name) in (0..).zip(HONEST) {
            let near = round > 0 && n < 4;
            let (from, rtt) = if near { (&cache, Rtt::ms(5.0)) } else { (&public(), path()) };
            let q = Query::a(name);
            let answer = q.answer().ttl(600).address(&format!("45.60.71.{}", 10 + n));
            let mut d = s.script.later_ms(700.0).udp(&client(), 56_500 + round * 20 + n, from, 53, rtt);
            d.ask(&q).answer(&if near { answer.without_edns() } else { answer });
        }
        let (from, rtt) = if round > 0 { (&cache, Rtt::ms(5.0)) } else { (&public(), path()) };
        let q = Query::aaaa(HONEST[0]);
        let answer = q.answer().soa("ns.example.net");
        let mut d = s.script.later_ms(300.0).udp(&client(), 56_510 + round * 20, from, 53, rtt);
        d.ask(&q).answer(&if round > 0 { answer.without_edns() } else { answer });
    }
    s
}

fn site_without_options() -> Scene {
    let mut s = Scene::innocent("dns-site-without-options", "A resolver's nearer site drops EDNS")
        .at_most("unexplained")
        .happens("Which of two sites answers goes by the client's port. The nearer one runs on another system and leaves out OPT. One name is asked for once and meets it.")
        .look("dns.opt by ip.ttl.");
    for n in 0..14 {
        let near = matches!(n, 2 | 5 | 7 | 12);
        let name = if n == 7 { "once.example.org" } else { HONEST[usize::from(n) % HONEST.len()] };
        let q = Query::a(name);
        let site = if near { public().ttl(128).hops(5) } else { public() };
        let answer = q.answer().address(&format!("45.60.71.{}", name.len()));
        let mut d = s.script.later_ms(700.0).udp(&client(), 56_600 + n, &site, 53, if near { Rtt::ms(11.0) } else { path() });
        d.ask(&q).answer(&if near { answer.without_edns() } else { answer });
    }
    s
}
