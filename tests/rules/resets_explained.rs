//! Rules that explain a reset away.

use super::Row;
use super::given::{Given, NAME, attempt};
use super::resets::{aborted, another_name_fails, answers_the_syn, outrun};
use interloper::detect::finding::Mechanism::TcpReset;
use interloper::detect::surroundings::Outcome;
use interloper::script::Fate;
use interloper::script::Side::{Client, Server};

pub static ROWS: &[Row] = &[
    ("another-machine", TcpReset, unknown_there, outrun),
    ("capture-loss", TcpReset, packet_missed, aborted),
    ("client-closed-first", TcpReset, client_closes, aborted),
    ("closed-port", TcpReset, refused, answers_the_syn),
    ("every-name-fails", TcpReset, another_name_fails, another_name_works),
    ("fin-before-reset", TcpReset, server_closes, aborted),
    ("happy-eyeballs", TcpReset, loses_the_race, gives_up_alone),
    ("idle-timeout", TcpReset, long_pause, aborted),
    ("nat-timeout", TcpReset, next_door_after_a_pause, long_pause),
    ("retransmit-identical", TcpReset, overtaken_by_the_reset, outrun),
    ("server-abort-pattern", TcpReset, aborted, outrun),
    ("span-duplicate", TcpReset, mirrored, aborted),
];

/// What reached another site of the address is answered there, and the first one goes on waiting.
fn unknown_there(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).rst().ttl(44).df().after_ms(90.0);
    t.wait_ms(Server, 9000.0).fin(Server);
}

/// The answer was acknowledged, and the capture does not hold it.
fn packet_missed(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/").ack(Server);
    t.fate(Fate::Missed).respond("200 OK", 400).abort(Server);
}

fn client_closes(g: &mut Given) {
    g.tcp().handshake().get(NAME, "/").ack(Server).respond("200 OK", 400).fin(Client).abort(Server);
}

fn refused(g: &mut Given) {
    g.tcp().syn().refuse();
}

fn another_name_works(g: &mut Given) {
    outrun(g);
    g.around.other_names = vec![attempt("fine.example.net", Outcome::Answered)];
}

fn server_closes(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/").ack(Server).respond("200 OK", 400).fin(Server);
    t.send(Client, b"more").dead_reset(Server);
}

fn gives_up_alone(g: &mut Given) {
    g.tcp().handshake().abort(Client);
}

fn loses_the_race(g: &mut Given) {
    gives_up_alone(g);
    g.around.sibling = Some(12);
}

fn long_pause(g: &mut Given) {
    g.tcp().handshake().get(NAME, "/").ack(Server).respond("200 OK", 400).pause_ms(60_000.0).abort(Server);
}

fn next_door_after_a_pause(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/").ack(Server).respond("200 OK", 400).pause_ms(120_000.0).cut(Client).get(NAME, "/again");
    t.inject(Server).rst().ttl(64).after_ms(0.8).genuine();
}

/// Data sent before the reset, lost, and sent again: it arrives behind the reset.
fn overtaken_by_the_reset(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/").ack(Server).send(Server, b"HTTP/1.1 200 OK\r\n\r\nx");
    t.inject(Server).rst_ack().ttl(51).after_ms(90.0);
    t.retry(Server, 2);
}

fn mirrored(g: &mut Given) {
    g.script.mirror(40, None);
    aborted(g);
}
