//! Rules about silences.

use super::Row;
use super::given::{Given, NAME, attempt, client, server};
use interloper::detect::evasion::Evasion;
use interloper::detect::finding::Mechanism::Drop;
use interloper::detect::finding::TriggerKind;
use interloper::detect::surroundings::{Attempt, Outcome};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::quic::Quic;
use interloper::script::tls::Hello;
use interloper::script::{Fate, Rtt};

pub static ROWS: &[Row] = &[
    ("answer-then-silence", Drop, cut_after_the_answer, hello_vanishes),
    ("chance-loss", Drop, lost_on_a_bad_line, lost_on_a_good_line),
    ("client-gone", Drop, answer_is_not_heard, hello_vanishes),
    ("control-port-ok", Drop, another_port_works, another_port_worked_once),
    ("disguise-passes", Drop, passes_behind_decoys, passes_once_it_is_up),
    ("greeted-once", Drop, only_one_greeting, greetings_fail),
    ("late-silence", Drop, cut_after_a_pause, cut_after_the_answer),
    ("mtu-black-hole", Drop, large_ones_vanish, hello_vanishes),
    ("one-sided", Drop, one_direction, hello_vanishes),
    ("outage", Drop, nothing_arrives, others_arrive),
    ("protocol-control", Drop, quic_is_dead, quic_works_elsewhere),
    ("request-unreceived", Drop, closes_unheard, hello_vanishes),
    ("syn-then-silence", Drop, nobody_answers, hello_vanishes),
    ("tail-then-silence", Drop, tail_vanishes, hello_vanishes),
    ("trigger-then-silence", Drop, hello_vanishes, tail_vanishes),
];

/// From the hello on nothing of the client arrives.
fn hello_vanishes(g: &mut Given) {
    g.tcp().handshake().cut(Client).hello(NAME).retry(Client, 6);
}

/// Requests for the same name on the same server, so many seconds from the start.
fn elsewhen(g: &mut Given, seconds: i64, outcome: Outcome, evasion: u8) {
    let mut other = attempt(NAME, outcome);
    other.time.0 += (seconds - 1) * 1_000_000_000;
    other.evasion = evasion;
    g.around.same_name.push(other);
}

fn passes_behind_decoys(g: &mut Given) {
    hello_vanishes(g);
    elsewhen(g, -5, Outcome::Answered, Evasion::DECOYS);
    elsewhen(g, 40, Outcome::Answered, Evasion::DECOYS);
}

/// Three of three after one in vain: one time in four by chance alone.
fn passes_once_it_is_up(g: &mut Given) {
    hello_vanishes(g);
    (40..43).for_each(|n| elsewhen(g, n, Outcome::Answered, Evasion::DECOYS));
}

fn closes_unheard(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().cut(Client).hello(NAME).retry(Client, 4).wait_ms(Server, 10_000.0).fin(Server).ack(Client);
    t.retry(Server, 1).ack(Client).retry(Server, 1).ack(Client).retry(Server, 1);
}

/// Seven times in a row: one line in four loses half of all packets as often in a hundred requests.
fn lost_on_a_bad_line(g: &mut Given) {
    hello_vanishes(g);
    (g.around.lost, g.around.kind_tried) = (0.4, 100);
}

fn lost_on_a_good_line(g: &mut Given) {
    hello_vanishes(g);
    (g.around.lost, g.around.kind_tried) = (0.2, 100);
}

fn cut_after_the_answer(g: &mut Given) {
    g.tcp().handshake().hello(NAME).ack(Server).server_hello().ack(Server).cut(Client).sealed(Client, 300).retry(Client, 6);
}

/// By then a router has forgotten the connection.
fn cut_after_a_pause(g: &mut Given) {
    g.tcp()
        .handshake()
        .hello(NAME)
        .ack(Server)
        .server_hello()
        .exchange(300, 900)
        .pause_ms(60_000.0)
        .cut(Client)
        .sealed(Client, 300)
        .retry(Client, 6);
}

/// The server repeats its answer; the client is not heard again.
fn answer_is_not_heard(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME).cut(Server).ack(Server).sealed(Server, 900).retry(Server, 6);
}

fn tail_vanishes(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().fate(Fate::Delivered).cut(Client).hello_of(&Hello::new(NAME).big().name_last());
    t.ack(Server).retry(Client, 6);
}

fn another_port_works(g: &mut Given) {
    hello_vanishes(g);
    let mut other = attempt(NAME, Outcome::Answered);
    other.port = 80;
    g.around.other_port = Some(other);
}

fn another_port_worked_once(g: &mut Given) {
    another_port_works(g);
    if let Some(other) = &mut g.around.other_port {
        other.time.0 += 600_000_000_000;
    }
}

/// The first, full segment of a hello never arrives; the small one behind it does.
fn large_ones_vanish(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().fate(Fate::LostAfter).fate(Fate::Delivered).hello_of(&Hello::new(NAME).big());
    t.ack(Server).cut(Client).retry(Client, 6);
}

fn one_direction(g: &mut Given) {
    hello_vanishes(g);
    g.around.one_sided = true;
}

/// From its first words on nothing of the client arrives, and the server repeats its greeting.
fn only_one_greeting(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().send(Server, b"SSH-2.0-OpenSSH_10.0\r\n").cut(Client).send(Client, b"SSH-2.0-OpenSSH_9.9\r\n").retry(Client, 5);
}

fn greetings_fail(g: &mut Given) {
    only_one_greeting(g);
    greetings_fail_beside(g);
}

/// A server that is heard to greet again and again says that it has heard nothing; where one goes through all the same it is chance.
#[test]
fn a_greeting_repeated_says_that_nothing_was_heard() {
    let mut g = Given::default();
    let mut t = g.tcp();
    t.handshake().send(Server, b"220 mail\r\n").cut(Client).send(Client, b"EHLO me\r\n").retry(Client, 3).retry(Server, 3);
    t.wait_ms(Client, 9000.0).resend(Client).wait_ms(Client, 9000.0).resend(Client).wait_ms(Server, 22_000.0).resend(Server);
    greetings_fail_beside(&mut g);
    let told = |g: &Given| g.claims(Drop).unwrap().iter().filter(|c| c.void.is_none()).map(|c| c.rule).collect::<Vec<_>>();
    assert_eq!(told(&g), ["answer-then-silence", "request-unreceived", "trigger-then-silence"]);
    let mut passes = attempt("", Outcome::Answered);
    passes.time.0 += 30_000_000_000;
    g.around.same_name.push(passes);
    assert!(told(&g).contains(&"greeted-once"));
}

fn greetings_fail_beside(g: &mut Given) {
    let mut other = attempt("", Outcome::Silent);
    other.time.0 += 20_000_000_000;
    g.around.same_name.push(other);
}

fn nothing_arrives(g: &mut Given) {
    hello_vanishes(g);
    g.around.silent_meanwhile = 3;
}

fn others_arrive(g: &mut Given) {
    nothing_arrives(g);
    g.around.heard_meanwhile = vec![17];
}

fn quic_is_dead(g: &mut Given) {
    let mut u = g.script.udp(&client(), 40_000, &server(), 443, Rtt::ms(80.0));
    let mut q = Quic::new(&Hello::new(NAME), u.random());
    for n in 0..4u32 {
        let first = q.client_initials().remove(0);
        u.cut(Client).send(Client, &first).wait_ms(Client, f64::from(300 << n));
    }
    g.kind = Some(TriggerKind::Protocol);
    g.around.other_protocol = Some(attempt(NAME, Outcome::Answered));
}

fn quic_works_elsewhere(g: &mut Given) {
    quic_is_dead(g);
    g.around.kind_answered = 2;
}

fn nobody_answers(g: &mut Given) {
    g.tcp().cut(Client).syn().retry(Client, 4);
}

/// A kernel repeats what is not acknowledged: who does not has gone, whatever the server says a minute later.
#[test]
fn what_is_said_once_is_no_silence() {
    let explained = |repeats: u32| {
        let mut g = Given::default();
        g.tcp().handshake().cut(Client).hello(NAME).retry(Client, repeats).wait_ms(Server, 60_000.0).fin(Server);
        g.claims(Drop).is_some_and(|claims| claims.iter().any(|c| c.rule == "trigger-then-silence"))
    };
    assert_eq!([0, 1].map(explained), [false, true]);
}

/// A capture that misses packets may have missed the answers to lookups, but not to a question that its sender repeats.
#[test]
fn what_the_capture_may_have_missed_is_held_against_it() {
    let explained = |missing: f64, lookups: usize, asked: usize| {
        let mut g = Given::default();
        let q = Query::a(NAME);
        let mut d = g.udp();
        d.cut(Client).ask(&q);
        (1..asked).for_each(|_| _ = d.again_ms(Client, 5000.0, &q.bytes()));
        (g.around.missing, g.around.unanswered_queries) = (missing, lookups);
        g.claims(Drop).unwrap().iter().any(|c| c.rule == "capture-loss")
    };
    // Three answers missed at once: one in 16 and one in 2,000; two of them one in 172.
    assert_eq!([(0.4, 3), (0.076, 3), (0.076, 2)].map(|(missing, n)| explained(missing, n, 1)), [true, false, true]);
    assert!(!explained(0.4, 3, 2));
    assert!(!explained(0.0, 1, 1));
}

/// What larger datagrams than those that were answered tell of a name.
#[test]
fn a_path_may_pass_small_datagrams_only() {
    let told = |octets: usize, answered: u16| {
        let mut g = Given::default();
        let mut u = g.script.udp(&client(), 40_000, &server(), 443, Rtt::ms(80.0));
        let mut q = Quic::new(&Hello::new(NAME), u.random());
        let mut first = q.client_initials().remove(0);
        first.resize(octets.max(first.len()), 0);
        u.cut(Client);
        for n in 0..4u32 {
            u.send(Client, &first).wait_ms(Client, f64::from(300 << n));
        }
        g.around.other_names = vec![Attempt { largest: answered, ..attempt("fine.example.net", Outcome::Answered) }];
        g.claims(Drop).unwrap().iter().any(|c| c.rule == "mtu-black-hole")
    };
    assert!(told(1350, 1200));
    assert!(!told(1350, 1352) && !told(1200, 1200) && !told(1200, 1104));
}

/// A name beside one that goes through and fails on the same server: `failed` and `passed` times.
fn beside(own: i64, failed: i64, passed: i64) -> Vec<&'static str> {
    let mut g = Given::default();
    hello_vanishes(&mut g);
    g.around.kind_answered = 9;
    (1..own).for_each(|n| elsewhen(&mut g, 10 * n, Outcome::Silent, 0));
    let outcomes = (0..failed).map(|_| Outcome::Silent).chain((0..passed).map(|_| Outcome::Answered));
    g.around.other_names = outcomes.map(|outcome| attempt("fine.example.net", outcome)).collect();
    let claims = g.claims(Drop).unwrap();
    claims.iter().filter(|c| c.void.is_none()).map(|c| c.rule).filter(|r| matches!(*r, "name-repeats" | "control-name-ok")).collect()
}

#[test]
fn a_server_that_fails_others_too_fails_this_name_by_chance() {
    assert_eq!(beside(3, 0, 3), ["control-name-ok", "name-repeats"]);
    assert_eq!(beside(3, 1, 8), ["control-name-ok", "name-repeats"]);
    assert!(beside(2, 1, 5).is_empty() && beside(1, 1, 3).is_empty());
    // What mostly fails may be filtered as well.
    assert_eq!(beside(3, 3, 1), ["control-name-ok", "name-repeats"]);
}
