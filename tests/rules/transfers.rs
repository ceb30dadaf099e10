//! Rules about transfers that stop or crawl.

use super::Row;
use super::given::{Given, NAME, RTT_MS};
use interloper::capture::Timestamp;
use interloper::detect::finding::Mechanism::{Stall, Throttle};
use interloper::detect::surroundings::Seen;
use interloper::script::Side::{Client, Server};
use interloper::script::{EPOCH_NS, Host, Pace, Rtt};

pub static ROWS: &[Row] = &[
    ("byte-limit", Stall, stops_after_as_much, arrives),
    ("control-transfer-ok", Throttle, another_is_fast, same_name_is_fast),
    ("rate-ceiling", Throttle, crawls, arrives),
    ("rate-shared", Throttle, all_crawl, another_is_fast),
    ("receiver-limited", Throttle, film_to_a_full_receiver, crawls),
    ("sender-paced", Throttle, film, crawls),
];

/// Another transfer a second after the start.
fn seen(name: &str, bytes: u64, rate: f64) -> Seen {
    let first = Timestamp(EPOCH_NS + 1_000_000_000);
    let server = "45.60.70.80".parse().unwrap();
    let packets = bytes / 1448;
    Seen {
        first,
        last: first,
        frame: 900,
        flow: Default::default(),
        server,
        port: 443,
        name: name.as_bytes().into(),
        bytes,
        packets,
        rate,
        frozen: false,
        stopped: first,
        slow: false,
    }
}

fn frozen(bytes: u64) -> Seen {
    Seen { frozen: true, ..seen(NAME, bytes, 100_000.0) }
}

fn stops(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).ack(Server);
    t.bulk(Server, Pace { segments: 12, gap_ms: 2.0, lost: 0 }).cut(Client);
    t.wait_ms(Client, 15_000.0).fin(Client).retry(Client, 3);
}

fn stops_after_as_much(g: &mut Given) {
    stops(g);
    g.around.transfers = vec![frozen(19_000), frozen(20_500)];
}

/// All of it arrives, fast.
fn arrives(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).ack(Server);
    t.bulk(Server, Pace { segments: 60, gap_ms: 1.0, lost: 0 }).close();
}

fn download(g: &mut Given, lost: usize) {
    let mut t = g.tcp();
    t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).ack(Server);
    t.bulk(Server, Pace { segments: 24, gap_ms: 600.0, lost });
}

/// Losses at an even, low rate; two more of the name did the same.
fn crawls(g: &mut Given) {
    download(g, 6);
    let slow = |n| Seen { slow: true, ..seen(NAME, 35_000, 2300.0 + n) };
    g.around.transfers = vec![slow(0.0), slow(90.0)];
}

fn another_is_fast(g: &mut Given) {
    crawls(g);
    g.around.transfers.push(seen("fine.example.net", 90_000, 900_000.0));
}

fn same_name_is_fast(g: &mut Given) {
    another_is_fast(g);
    g.around.transfers.push(seen(NAME, 90_000, 900_000.0));
}

fn all_crawl(g: &mut Given) {
    crawls(g);
    g.around.transfers.push(seen("fine.example.net", 30_000, 2600.0));
}

fn film(g: &mut Given) {
    download(g, 0);
}

/// The receiver's window is closed again and again.
fn film_to_a_full_receiver(g: &mut Given) {
    let mut t = g.script.tcp(&super::given::client(), 40_000, &Host::linux("45.60.70.80").hops(13), 443, Rtt::ms(RTT_MS));
    t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).ack(Server);
    for _ in 0..8 {
        t.bulk(Server, Pace { segments: 3, gap_ms: 600.0, lost: 0 }).change(|d| d.set_window(0)).ack(Client);
    }
}
