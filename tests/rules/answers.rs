//! Rules about DNS answers.

use super::Row;
use super::given::{Given, NAME, client, resolver};
use interloper::detect::finding::Class;
use interloper::detect::finding::Mechanism::DnsAnswer;
use interloper::detect::surroundings::{OtherAnswer, Others, Refused, ResolverBaseline};
use interloper::packet::Endpoint;
use interloper::script::Side::Server;
use interloper::script::dns::{AUTHORITATIVE, Answer, MX, Query, RESOLVED};
use interloper::script::{Host, Rtt};

pub static ROWS: &[Row] = &[
    ("answer-rotation", DnsAnswer, rotated, outrun),
    ("dns-answers-conflict", DnsAnswer, outrun, rotated),
    ("dns-as-usual", DnsAnswer, blocked_by_choice, blocked_too_soon),
    ("dns-bogon", DnsAnswer, special_address, plain),
    ("dns-cached", DnsAnswer, said_before, said_from_nearby),
    ("dns-edns-lost", DnsAnswer, outrun, plain),
    ("dns-flags-odd", DnsAnswer, suddenly_authoritative, as_ever),
    ("dns-known-forged", DnsAnswer, known_address, plain),
    ("dns-no-such-name", DnsAnswer, made_up, plain),
    ("dns-non-resolver", DnsAnswer, no_resolver_there, plain),
    ("dns-qtype-mismatch", DnsAnswer, address_for_mail, mail_for_mail),
    ("dns-same-answer", DnsAnswer, same_for_all, plain),
    ("dns-ttl-outlier", DnsAnswer, from_afar, as_ever),
    ("dns64", DnsAnswer, synthesised, genuine_v6),
    ("resolver-policy", DnsAnswer, local_resolver, special_address),
    ("tls-validates", DnsAnswer, works_over_tls, plain),
];

const GENUINE: &str = "45.60.70.80";

/// An answer in time and nothing else.
fn plain(g: &mut Given) {
    answered(g, |a| a.address(GENUINE));
}

fn answered(g: &mut Given, make: fn(Answer) -> Answer) {
    let q = Query::a(NAME);
    g.udp().ask(&q).answer(&make(q.answer()));
}

/// A resolver that knows an address for everything.
fn made_up(g: &mut Given) {
    let q = Query::a("83hf20vmq7w2kd91x.com");
    g.udp().ask(&q).answer(&q.answer().address("45.60.99.1"));
}

/// A forged answer wins the race.
fn outrun(g: &mut Given) {
    let q = Query::a(NAME);
    let mut u = g.udp();
    u.ask(&q);
    u.forge(&q.answer().without_edns().address("31.13.94.99")).ttl(101).after_ms(3.0);
    u.answer(&q.answer().address(GENUINE));
}

/// Two answers of a balancer that share an address.
fn rotated(g: &mut Given) {
    let q = Query::a(NAME);
    let mut u = g.udp();
    u.ask(&q).answer(&q.answer().addresses(&[GENUINE, "45.60.70.81"])).answer(&q.answer().addresses(&["45.60.70.81", "45.60.70.82"]));
}

pub fn special_address(g: &mut Given) {
    answered(g, |a| a.address("10.10.34.35"));
}

/// How the resolver answers other questions.
pub fn habits(g: &mut Given) {
    g.around.resolver = Some(ResolverBaseline { ttls: vec![(55, 9)], flags: vec![(RESOLVED, 9)], df: [9, 0], ..Default::default() });
}

/// The same address, given before by the resolver itself.
fn said_before(g: &mut Given) {
    from_afar(g);
    if let Some(resolver) = &mut g.around.resolver {
        resolver.rtt = Some(20_000_000);
    }
    let (address, resolver) = (GENUINE.parse().unwrap(), resolver().ip);
    g.around.other_answers = vec![OtherAnswer { address, resolver, frame: 0, flow: 0, ttl: 55, delay: 30_000_000 }];
}

/// By whoever says it now.
fn said_from_nearby(g: &mut Given) {
    said_before(g);
    g.around.other_answers.iter_mut().for_each(|o| o.delay = 1_000_000);
}

/// What else the resolver says: as usual, and never sooner than after forty milliseconds though asked again.
fn others(g: &mut Given, rtt_ms: f64) {
    habits(g);
    if let Some(resolver) = &mut g.around.resolver {
        let rtt = Some((rtt_ms * 1e6) as i64);
        resolver.rtt = rtt;
        resolver.others = Others { ttls: vec![(55, 12)], df: [12, 0], rtt, repeated: 8, ..Others::default() };
    }
}

/// By a resolver that makes up the answer itself.
fn blocked_by_choice(g: &mut Given) {
    others(g, 40.0);
    answered(g, |a| a.without_edns().address("0.0.0.0"));
}

fn blocked_too_soon(g: &mut Given) {
    others(g, 60.0);
    answered(g, |a| a.without_edns().address("0.0.0.0"));
}

/// Claims about a forged name error that became what the resolver is known by.
fn forged_error(change: fn(&mut Others)) -> Vec<&'static str> {
    let mut g = Given::default();
    others(&mut g, 40.0);
    if let Some(resolver) = &mut g.around.resolver {
        resolver.ttls = vec![(55, 12), (118, 4)];
        resolver.rtt = Some(4_000_000);
        (resolver.others.alike, resolver.others.slowest, resolver.others.between) = (4, 5_000_000, true);
        change(&mut resolver.others);
    }
    let q = Query::a(NAME);
    let mut u = g.udp();
    u.ask(&q);
    u.forge(&q.answer().nxdomain()).ttl(118).after_ms(4.5);
    g.claims(DnsAnswer).unwrap().iter().map(|c| c.rule).filter(|r| matches!(*r, "too-early" | "dns-ttl-outlier")).collect()
}

#[test]
fn an_answer_is_measured_by_what_has_nothing_to_do_with_it() {
    assert_eq!(forged_error(|_| ()), ["dns-ttl-outlier", "too-early"]);
    // It came once, all came in a row, a cache repeats the resolver, two sites answer, or nobody asked again.
    assert!(forged_error(|o| o.alike = 1).is_empty());
    assert!(forged_error(|o| o.between = false).is_empty());
    assert!(forged_error(|o| o.repeats = true).is_empty());
    assert_eq!(forged_error(|o| o.ttls.push((118, 1))), ["too-early"]);
    assert_eq!(forged_error(|o| o.repeated = 0), ["dns-ttl-outlier"]);
    assert_eq!(forged_error(|o| o.slowest = 40_000_000), ["dns-ttl-outlier"]);
}

/// Whether `dns64` speaks of an address made from another answer's.
fn translated(address: &'static str, from: &str, delay: i64) -> bool {
    let mut g = Given::default();
    others(&mut g, 40.0);
    let given = OtherAnswer { address: from.parse().unwrap(), resolver: resolver().ip, frame: 90, flow: 89, ttl: 55, delay };
    g.around.other_answers = vec![given];
    let q = Query::aaaa(NAME);
    g.udp().ask(&q).answer(&q.answer().address(address));
    g.claims(DnsAnswer).unwrap().iter().any(|c| c.rule == "dns64")
}

#[test]
fn only_what_the_resolver_gave_is_translated() {
    assert!(translated("2a0c:9900:64::2d3c:4650", "45.60.70.80", 41_000_000));
    // Teredo is for tunnels; known from forged answers; too soon to be the resolver's.
    assert!(!translated("2001::2d3c:4650", "45.60.70.80", 41_000_000));
    assert!(!translated("2a0c:9900:64::1f0d:5e25", "31.13.94.37", 41_000_000));
    assert!(!translated("2a0c:9900:64::2d3c:4650", "45.60.70.80", 4_000_000));
}

#[test]
fn doubled_answers_are_no_contradiction() {
    let conflict = |doubled| {
        let mut g = Given::default();
        habits(&mut g);
        g.around.resolver.iter_mut().for_each(|r| r.doubled = vec![((49, 55), doubled)]);
        let q = Query::a(NAME);
        let mut u = g.udp();
        u.ask(&q).answer(&q.answer().address(GENUINE));
        u.host(Server).hops += 6;
        u.answer(&q.answer().address("45.61.9.30"));
        g.claims(DnsAnswer).unwrap().iter().find(|c| c.rule == "dns-answers-conflict").map(|c| c.class)
    };
    assert_eq!([conflict(5), conflict(1)], [Some(Class::C), Some(Class::A)]);
}

fn as_ever(g: &mut Given) {
    habits(g);
    plain(g);
}

fn suddenly_authoritative(g: &mut Given) {
    habits(g);
    answered(g, |a| a.flags(AUTHORITATIVE).address(GENUINE));
}

pub fn from_afar(g: &mut Given) {
    habits(g);
    let q = Query::a(NAME);
    let mut u = g.udp();
    u.ask(&q);
    u.forge(&q.answer().address(GENUINE)).ttl(101).after_ms(40.0);
}

fn known_address(g: &mut Given) {
    answered(g, |a| a.address("208.77.47.172"));
}

fn no_resolver_there(g: &mut Given) {
    let q = Query::a(NAME);
    let mut u = g.udp();
    u.ask(&q).icmp_error(&resolver(), 3, 3, 40.0);
    u.forge(&q.answer().address("31.13.94.99")).ttl(101).after_ms(3.0);
}

/// How the rule speaks of an answer beside which the host refused this query or others.
fn refused(change: fn(&mut Refused)) -> Option<Class> {
    let mut g = Given::default();
    change(&mut g.around.refused);
    let q = Query::a(NAME);
    g.udp().ask(&q).answer(&q.answer().address(GENUINE));
    g.claims(DnsAnswer).unwrap().iter().find(|c| c.rule == "dns-non-resolver").map(|c| c.class)
}

/// Three others that nobody answered, on both sides of the answer.
fn others_refused(refused: &mut Refused) {
    refused.only =
        (1..4).map(|n| (n, n, (client().ip, 50_000 + n as u16))).map(|(a, b, (ip, port))| (a, b, Endpoint { ip, port })).collect();
    (refused.before, refused.behind, refused.by_name) = (true, true, true);
}

#[test]
fn a_host_without_a_resolver_answers_nothing() {
    assert_eq!(refused(|r| r.own = vec![(9, 9)]), Some(Class::B));
    assert_eq!(refused(others_refused), Some(Class::B));
    assert_eq!(
        refused(|r| {
            others_refused(r);
            r.own = vec![(9, 9)];
        }),
        Some(Class::A)
    );
    assert_eq!(refused(|r| r.unheard = (1..4).map(|n| (n, n)).collect()), Some(Class::C));
    // It was restarted, one of several behind a balancer is down, or two are refused.
    let not = [(|r: &mut Refused| r.behind = false) as fn(&mut Refused), |r| r.by_name = false, |r| r.only.truncate(2)];
    for change in not {
        let mut r = Refused::default();
        others_refused(&mut r);
        change(&mut r);
        let mut g = Given::default();
        g.around.refused = r;
        plain(&mut g);
        assert!(g.claims(DnsAnswer).unwrap().iter().all(|c| c.rule != "dns-non-resolver"));
    }
}

fn address_for_mail(g: &mut Given) {
    let q = Query::new(NAME, MX);
    g.udp().ask(&q).answer(&q.answer().address("31.13.94.99"));
}

fn mail_for_mail(g: &mut Given) {
    let q = Query::new(NAME, MX);
    g.udp().ask(&q).answer(&q.answer().mx(10, "mail.example.org"));
}

fn same_for_all(g: &mut Given) {
    plain(g);
    g.around.same_answer_names = 5;
}

fn synthesised(g: &mut Given) {
    let q = Query::aaaa(NAME);
    g.udp().ask(&q).answer(&q.answer().address("64:ff9b::2d3c:4650"));
}

fn genuine_v6(g: &mut Given) {
    let q = Query::aaaa(NAME);
    g.udp().ask(&q).answer(&q.answer().address("2606:2800:220:1::80"));
}

/// A filter at home, by choice of its owner.
fn local_resolver(g: &mut Given) {
    let q = Query::a(NAME);
    let home = Host::linux("192.168.1.1");
    g.script.udp(&client(), 40_000, &home, 53, Rtt::ms(1.0)).ask(&q).answer(&q.answer().address("10.10.34.35"));
}

fn works_over_tls(g: &mut Given) {
    plain(g);
    g.around.validated = vec![(GENUINE.parse().unwrap(), 21)];
}
