//! Rules that speak for a forged reset.

use super::Row;
use super::given::{Given, NAME, RTT_MS, attempt, client, server};
use interloper::detect::finding::Class;
use interloper::detect::finding::Mechanism::TcpReset;
use interloper::detect::surroundings::Outcome;
use interloper::script::Rtt;
use interloper::script::Side::Server;

pub static ROWS: &[Row] = &[
    ("ack-after-reset", TcpReset, outrun, aborted),
    ("ack-regress", TcpReset, acks_too_much, outrun),
    ("control-name-ok", TcpReset, another_name_works, another_name_fails),
    ("data-after-reset", TcpReset, outrun, aborted),
    ("ipid-jump", TcpReset, without_identification, aborted),
    ("ipid-mirror", TcpReset, turned_around, outrun),
    ("name-hit-elsewhere", TcpReset, hit_elsewhere, outrun),
    ("name-repeats", TcpReset, fails_everywhere, works_elsewhere),
    ("options-missing", TcpReset, outrun, aborted),
    ("reset-behind", TcpReset, numbered_long_ago, outrun),
    ("reset-burst-equal", TcpReset, three_copies, outrun),
    ("reset-ladder", TcpReset, on_a_timer, three_copies),
    ("reset-mixed-flags", TcpReset, two_injectors, three_copies),
    ("reset-train", TcpReset, ever_further, three_copies),
    ("reset-with-payload", TcpReset, with_payload, outrun),
    ("residual-window", TcpReset, soon_after_another, answers_the_syn),
    ("too-early", TcpReset, outrun, aborted),
    ("ttl-jump", TcpReset, outrun, aborted),
    ("ttl-mirror", TcpReset, turned_around, outrun),
    ("window-odd", TcpReset, bare_with_window, three_copies),
];

/// A reset 3 ms after the hello, and the server's answer a round trip after it.
pub fn outrun(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(90).ip_id(0x1234).window(1400).after_ms(3.0);
    t.ack(Server).server_hello();
}

/// A reset with a number from before the server's flight, which the client had acknowledged.
fn numbered_long_ago(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(300, 900).pause_ms(300.0).ack(Server);
    t.inject(Server).rst().seq_plus(1u32.wrapping_sub(1200)).ttl(90).ip_id(7).after_ms(3.0);
}

/// The server's own process gives up.
pub fn aborted(g: &mut Given) {
    g.tcp().handshake().hello(NAME).ack(Server).abort(Server);
}

fn acks_too_much(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ack_plus(700).ttl(90).after_ms(3.0);
    t.ack(Server);
}

fn another_name_works(g: &mut Given) {
    outrun(g);
    g.around.other_names = vec![attempt("fine.example.net", Outcome::Answered)];
}

pub fn another_name_fails(g: &mut Given) {
    outrun(g);
    g.around.other_names = vec![attempt("fine.example.net", Outcome::Reset)];
}

fn without_identification(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().after_ms(3.0);
}

/// A device ten hops away sends the trigger's header back.
fn turned_around(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().change(|d| d.ip_id = 0x4321).hello(NAME);
    t.inject(Server).rst_ack().ttl(44).ip_id(0x4321).after_ms(3.0);
}

fn hit_elsewhere(g: &mut Given) {
    outrun(g);
    g.around.name_hit = Some(("dns-answer", 7));
}

fn fails_everywhere(g: &mut Given) {
    outrun(g);
    let mut other = attempt(NAME, Outcome::Reset);
    other.server = "45.60.70.99".parse().unwrap();
    g.around.same_name = vec![other];
    g.around.kind_answered = 4;
}

fn works_elsewhere(g: &mut Given) {
    fails_everywhere(g);
    g.around.same_name.push(attempt(NAME, Outcome::Answered));
}

fn three_copies(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(90).after_ms(3.0).copies(3);
}

fn on_a_timer(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    for ms in [3.0, 203.0, 603.0, 1403.0, 3003.0] {
        t.inject(Server).rst_ack().ttl(90).after_ms(ms);
    }
}

fn two_injectors(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst().ttl(90).after_ms(3.0);
    t.inject(Server).rst_ack().ttl(93).after_ms(3.1);
}

fn ever_further(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(90).after_ms(3.0).copies(3).seq_step(1460);
}

fn with_payload(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(90).payload(&[0; 6]).after_ms(3.0);
}

pub fn answers_the_syn(g: &mut Given) {
    let mut t = g.script.tcp(&client(), 40_000, &server(), 443, Rtt::ms(RTT_MS));
    t.syn();
    t.inject(Server).rst_ack().ttl(90).window(1400).after_ms(3.0);
}

fn soon_after_another(g: &mut Given) {
    answers_the_syn(g);
    g.around.residual = Some((12.0, 5));
}

fn bare_with_window(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst().ttl(90).window(1400).after_ms(3.0);
}

/// A kernel that gives up sends the window it has then, which may be the client's by chance, and its clock; who copies has no clock.
#[test]
fn a_window_is_copied_by_who_has_no_clock() {
    let told = |forged: bool, window: u16| {
        let mut g = Given::default();
        let (mut there, mut here) = (client(), server());
        (there.window, here.window) = (window, 509);
        let mut t = g.script.tcp(&there, 40_000, &here, 443, Rtt::ms(RTT_MS));
        t.handshake().hello(NAME).ack(Server);
        if forged {
            t.inject(Server).rst_ack().window(window).after_ms(81.0);
        } else {
            t.change(move |d| d.set_window(window)).abort(Server);
        }
        g.claims(TcpReset).unwrap().iter().any(|c| c.rule == "window-odd")
    };
    assert!(told(true, 487) && !told(false, 487));
    // Many hosts begin with it.
    assert!(!told(true, 502));
}

/// What a bare reset answers acknowledges up to its number, and the first such packet is the handshake's; where one handshake is all that
/// is known of the path, it may have been slow.
#[test]
fn bare_resets_are_timed_by_the_first_acknowledgement() {
    let class = |after_ms: f64, others: bool, packet: fn(&mut Given)| {
        let mut g = Given::default();
        g.around.sender.rtt = others.then_some(80_000_000);
        packet(&mut g);
        g.tcp().handshake().hello(NAME).inject(Server).rst().after_ms(after_ms);
        g.claims(TcpReset).unwrap().iter().find(|c| c.rule == "too-early").map(|c| c.class)
    };
    assert_eq!(class(9.0, true, |_| ()), Some(Class::B));
    assert_eq!(class(9.0, false, |_| ()), None);
    assert_eq!(class(30.0, true, |_| ()), None);
    assert_eq!(class(81.0, true, |_| ()), None);
    assert_eq!(class(9.0, true, |g| g.around.lossy = true), None);
    // A site of the address that is nearer knows nothing of the connection.
    let mut g = Given::default();
    g.around.sender.rtt = Some(80_000_000);
    g.tcp().handshake().hello(NAME).inject(Server).rst().ttl(44).df().after_ms(18.0);
    assert!(g.claims(TcpReset).unwrap().iter().all(|c| c.rule != "too-early" || c.void == Some("another-machine")));
}
