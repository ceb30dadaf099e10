//! Rules about who answers in a resolver's name.

use super::Row;
use super::answers::{from_afar, habits, special_address};
use super::given::{Given, NAME, client};
use interloper::detect::finding::Class;
use interloper::detect::finding::Mechanism::DnsAnswer;
use interloper::detect::surroundings::Machine;
use interloper::script::dns::Query;
use interloper::script::{Host, Rtt};

pub static ROWS: &[Row] = &[
    ("dns-forwarder", DnsAnswer, repeats_the_resolver, from_afar),
    ("dns-gateway", DnsAnswer, from_the_router, from_a_hop_away),
    ("dns-unfiltered", DnsAnswer, lies_for_the_unfiltered, lies_for_itself),
];

/// By a machine that is not the resolver's usual one, and is known to repeat what that says.
fn repeats_the_resolver(g: &mut Given) {
    from_afar(g);
    if let Some(resolver) = &mut g.around.resolver {
        resolver.machine = Some(Machine { chance: 1.0, apart: 9, answers: 3, others: 9, cache: Some((3, 1)), ..Machine::default() });
    }
}

fn asked_in_the_name_of(g: &mut Given, resolver: Host, rtt: Rtt, address: &str) {
    let q = Query::a(NAME);
    g.script.udp(&client(), 40_000, &resolver, 53, rtt).ask(&q).answer(&q.answer().address(address));
}

fn from_the_router(g: &mut Given) {
    asked_in_the_name_of(g, Host::linux("8.8.8.8"), Rtt::ms(2.0), "192.168.1.1");
}

fn from_a_hop_away(g: &mut Given) {
    asked_in_the_name_of(g, Host::linux("8.8.8.8").hops(1), Rtt::ms(2.0), "192.168.1.1");
}

fn lies_for_the_unfiltered(g: &mut Given) {
    asked_in_the_name_of(g, Host::linux("1.1.1.1").hops(8), Rtt::ms(12.0), "10.10.34.200");
    g.around.same_answer_names = 3;
}

fn lies_for_itself(g: &mut Given) {
    special_address(g);
    g.around.same_answer_names = 3;
}

/// Claims of too early and of a foreign TTL about an answer of a machine like this, whatever the TTLs of the resolver's answers in all.
fn of_machine(machine: Machine) -> Vec<(&'static str, Class)> {
    let mut g = Given::default();
    habits(&mut g);
    if let Some(resolver) = &mut g.around.resolver {
        resolver.ttls = vec![(55, 12), (107, 4)];
        resolver.rtt = Some(5_000_000);
        resolver.machine = Some(machine);
    }
    let q = Query::a(NAME);
    let mut u = g.udp();
    u.ask(&q);
    u.forge(&q.answer().address("45.91.1.7")).ttl(107).after_ms(5.0);
    let claims = g.claims(DnsAnswer).unwrap();
    claims.iter().filter(|c| matches!(c.rule, "too-early" | "dns-ttl-outlier")).map(|c| (c.rule, c.class)).collect()
}

#[test]
fn who_answers_by_name_is_somebody() {
    let machine =
        Machine { chance: 0.001, apart: 9, slowest: 8_000_000, others_fastest: 40_000_000, answers: 4, others: 12, ..Machine::default() };
    assert_eq!(of_machine(machine), [("dns-ttl-outlier", Class::B), ("too-early", Class::B)]);
    assert_eq!(of_machine(Machine { slowest: 41_000_000, ..machine }), [("dns-ttl-outlier", Class::C)], "it takes as long");
    assert_eq!(of_machine(Machine { chance: 0.02, ..machine }), [], "chance may have dealt it");
    assert_eq!(of_machine(Machine { cache: Some((1, 2)), ..machine }), [], "it repeats the resolver");
}
