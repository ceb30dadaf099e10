//! Resolvers and home routers that do odd things to truthful answers.

use crate::scene::{Scene, client, resolver, rtt};
use interloper::script::Side::Client;
use interloper::script::dns::Query;
use interloper::script::{Format, Host, Rtt};

const NAME: &str = "www.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![parallel_resolvers(), mixed_case(), options_lost_for_all(), safe_search(), resolver_in_the_way()]
}

fn parallel_resolvers() -> Scene {
    let mut s = Scene::innocent("dns-parallel", "A machine asks two resolvers at once")
        .happens(
            "Every name goes to two resolvers at the same moment; they answer with different servers of one network, at their own pace.",
        )
        .look("dns.id is shared, ip.dst is not.");
    let second = Host::linux("94.130.10.9").hops(11).no_df();
    for (n, name) in [NAME, OTHER, "cdn.example.com"].into_iter().enumerate() {
        let n = n as u16;
        let q = Query::a(name).id(0x2200 + n);
        s.script
            .later_ms(400.0)
            .udp(&client(), 50_190 + n, &resolver(), 53, Rtt::ms(20.0))
            .ask(&q)
            .answer(&q.answer().address("45.60.70.80"));
        s.script.later_ms(0.1).udp(&client(), 50_190 + n, &second, 53, Rtt::ms(33.0)).ask(&q).answer(&q.answer().address("45.60.79.81"));
    }
    s
}

fn mixed_case() -> Scene {
    let mut s = Scene::innocent("dns-mixed-case", "Queries in mixed case, repeated in lower case")
        .happens("A stub sends wWw.ExAmPlE.oRg; a home router answers with the name in lower case. Addresses agree.")
        .look("dns.qry.name in query and answer.");
    let (mixed, plain) = (Query::a("wWw.ExAmPlE.oRg").id(0x1357), Query::a(NAME).id(0x1357));
    let mut d = s.script.udp(&client(), 50_200, &resolver(), 53, Rtt::ms(21.0));
    d.ask(&mixed).wait_ms(Client, 1000.0).ask(&mixed);
    d.answer(&plain.answer().address("45.60.70.80")).answer(&mixed.answer().address("45.60.70.80"));
    s
}

fn options_lost_for_all() -> Scene {
    let mut s = Scene::innocent("dns-no-edns-at-home", "A home router drops EDNS from every answer")
        .happens("Four queries carry OPT, no answer does; nothing else is odd.")
        .look("dns.opt in queries only.");
    let router = Host::linux("192.168.1.1");
    for (n, name) in [NAME, OTHER, "a.example.com", "b.example.edu"].into_iter().enumerate() {
        let q = Query::a(name);
        let answer = q.answer().without_edns().address(&format!("45.60.70.{}", 80 + n));
        s.script.later_ms(200.0).udp(&client(), 50_210 + n as u16, &router, 53, Rtt::ms(14.0)).ask(&q).answer(&answer);
    }
    s
}

fn safe_search() -> Scene {
    let mut s = Scene::innocent("dns-safe-search", "A school's resolver points a search engine to its strict version")
        .at_most("unexplained")
        .format(Format::Pcapng)
        .happens("The resolver in the LAN answers one name with a CNAME to the engine's own strict address; others as everywhere.")
        .look("The CNAME belongs to the engine; the resolver's address is private.");
    let school = Host::windows("10.20.0.10").hops(1);
    let q = Query::a("www.example-search.com");
    s.script
        .udp(&client(), 50_220, &school, 53, Rtt::ms(1.5))
        .ask(&q)
        .answer(&q.answer().cname("forcesafe.example-search.com").address("216.239.38.120"));
    let q = Query::a(NAME);
    s.script.later_ms(100.0).udp(&client(), 50_221, &school, 53, Rtt::ms(16.0)).ask(&q).answer(&q.answer().address("45.60.70.80"));
    s
}

fn resolver_in_the_way() -> Scene {
    let mut s = Scene::innocent("dns-redirected", "A provider answers in the name of every resolver, truthfully")
        .at_most("unexplained")
        .happens("Queries to two far resolvers are answered in 4 ms from three hops away, with the addresses everybody gets; TLS to those addresses works for the names.")
        .look("The same ip.ttl and time for both resolvers.");
    for (n, name) in [NAME, OTHER, "a.example.com", "b.example.edu"].into_iter().enumerate() {
        let n = n as u16;
        let host = if n.is_multiple_of(2) { resolver() } else { Host::linux("94.130.10.9").no_df() };
        let q = Query::a(name);
        let answered = format!("45.60.70.{}", 80 + n);
        s.script.later_ms(300.0).udp(&client(), 50_230 + n, &host.hops(3), 53, Rtt::ms(4.0)).ask(&q).answer(&q.answer().address(&answered));
        s.script.later_ms(30.0).tcp(&client(), 50_240 + n, &Host::linux(&answered).hops(13), 443, rtt()).visit(name);
    }
    s
}
