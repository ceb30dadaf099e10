//! Rules about DNS answers.

use super::Row;
use super::given::{Given, NAME, client, resolver};
use interloper::detect::finding::Mechanism::DnsAnswer;
use interloper::detect::surroundings::{OtherAnswer, ResolverBaseline};
use interloper::script::dns::{AUTHORITATIVE, Answer, MX, Query, RESOLVED};
use interloper::script::{Host, Rtt};

pub static ROWS: &[Row] = &[
    ("answer-rotation", DnsAnswer, rotated, outrun),
    ("dns-answers-conflict", DnsAnswer, outrun, rotated),
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

fn special_address(g: &mut Given) {
    answered(g, |a| a.address("10.10.34.35"));
}

/// How the resolver answers other questions.
fn habits(g: &mut Given) {
    g.around.resolver = Some(ResolverBaseline { ttls: vec![(55, 9)], flags: vec![(RESOLVED, 9)], df: [9, 0], ..Default::default() });
}

/// The same address, given before by the resolver itself.
fn said_before(g: &mut Given) {
    from_afar(g);
    if let Some(resolver) = &mut g.around.resolver {
        resolver.rtt = Some(20_000_000);
    }
    let (address, resolver) = (GENUINE.parse().unwrap(), resolver().ip);
    g.around.other_answers = vec![OtherAnswer { address, resolver, frame: 0, ttl: 55, delay: 30_000_000 }];
}

/// By whoever says it now.
fn said_from_nearby(g: &mut Given) {
    said_before(g);
    g.around.other_answers.iter_mut().for_each(|o| o.delay = 1_000_000);
}

fn as_ever(g: &mut Given) {
    habits(g);
    plain(g);
}

fn suddenly_authoritative(g: &mut Given) {
    habits(g);
    answered(g, |a| a.flags(AUTHORITATIVE).address(GENUINE));
}

fn from_afar(g: &mut Given) {
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
