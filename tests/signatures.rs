//! Published signatures of tampering, each built packet by packet, and what is said of it: the table in `docs/signatures.md`.
//!
//! `BLESS=1 cargo test --test signatures` writes the table anew.

use interloper::packet::tcp::ACK;
use interloper::script::Side::{Client, Server};
use interloper::script::{Fate, Host, Rtt, Script, Tcp, tls};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const NAME: &str = "blocked.example.org";

/// Number, the pattern in the study's words, the mechanism we call it (`-` for none), and its story.
struct Row(&'static str, &'static str, &'static str, fn(&mut Tcp<'_>));

/// Sundara Raman et al., SIGCOMM 2023: what a server receives.
const SERVER_SIDE: &[Row] = &[
    Row("1", "SYN → ∅", "-", |t| {
        t.syn().cut(Server).syn_ack().retry(Server, 4);
    }),
    Row("2", "SYN → RST", "tcp-reset", |t| {
        t.syn().syn_ack();
        t.inject(Client).rst().ttl(90).ip_id(7).after_ms(2.0);
        t.ack(Client);
    }),
    Row("3", "SYN → RST+ACK", "tcp-reset", |t| {
        t.syn().syn_ack();
        t.inject(Client).rst_ack().ttl(90).ip_id(7).after_ms(2.0);
        t.ack(Client);
    }),
    Row("4", "SYN → RST; RST+ACK", "tcp-reset", |t| {
        t.syn().syn_ack();
        t.inject(Client).rst().ttl(90).ip_id(7).after_ms(2.0);
        t.inject(Client).rst_ack().ttl(83).ip_id(9).after_ms(2.2);
        t.ack(Client);
    }),
    Row("5", "SYN; ACK → ∅", "-", |t| {
        t.handshake();
        lost(t);
        t.wait_ms(Server, 15_000.0).cut(Server).fin(Server).retry(Server, 3);
    }),
    Row("6", "SYN; ACK → RST", "tcp-reset", |t| {
        t.handshake();
        lost(t);
        t.inject(Client).rst().ttl(90).ip_id(7).after_ms(82.0);
        t.fate(Fate::Delivered).ack(Client);
    }),
    Row("7", "SYN; ACK → RST; RST", "tcp-reset", |t| {
        t.handshake();
        lost(t);
        t.inject(Client).rst().ttl(90).ip_id(7).after_ms(82.0).copies(2);
    }),
    Row("8", "SYN; ACK → RST+ACK", "tcp-reset", |t| {
        t.handshake();
        lost(t);
        t.inject(Client).rst_ack().ttl(90).ip_id(7).after_ms(82.0);
    }),
    Row("9", "SYN; ACK → RST+ACK; RST+ACK", "tcp-reset", |t| {
        t.handshake();
        lost(t);
        t.inject(Client).rst_ack().ttl(90).ip_id(7).after_ms(82.0).copies(2);
    }),
    Row("10", "PSH+ACK → ∅", "drop", |t| {
        t.handshake().hello(NAME).cut(Server).ack(Server);
        let flight = tls::server_flight(t.random(), 900);
        t.send(Server, &flight).retry(Server, 6);
    }),
    Row("11", "PSH+ACK → RST", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Client).rst().ttl(90).ip_id(7).after_ms(82.0);
    }),
    Row("12", "PSH+ACK → RST+ACK", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Client).rst_ack().ttl(90).ip_id(7).after_ms(82.0);
    }),
    Row("13", "PSH+ACK → RST; RST+ACK", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Client).rst().ttl(90).ip_id(7).after_ms(82.0);
        t.inject(Client).rst_ack().ttl(83).ip_id(9).after_ms(82.2);
    }),
    Row("14", "PSH+ACK → RST+ACK; RST+ACK", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Client).rst_ack().ttl(90).ip_id(7).after_ms(82.0).copies(3);
    }),
    Row("15", "PSH+ACK → RST = RST", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Client).flags(interloper::packet::tcp::RST).ttl(90).ip_id(7).after_ms(82.0).copies(3);
    }),
    Row("16", "PSH+ACK → RST ≠ RST", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        for n in 0..3 {
            let at = 82.0 + 0.05 * f64::from(n);
            t.inject(Client).flags(interloper::packet::tcp::RST).seq_plus(1460 * n as u32).ack_plus(1460 * n).ttl(90).ip_id(7).after_ms(at);
        }
    }),
    Row("17", "PSH+ACK → RST; RST₀", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Client).flags(interloper::packet::tcp::RST).ttl(90).ip_id(7).after_ms(82.0);
        t.inject(Client).rst().ttl(90).ip_id(8).after_ms(82.1);
    }),
    Row("18", "PSH+ACK; Data → RST", "tcp-reset", |t| {
        later(t);
        t.inject(Client).rst().ttl(90).ip_id(7).after_ms(2.0);
        t.sealed(Client, 200).ack(Server);
    }),
    Row("19", "PSH+ACK; Data → RST+ACK", "tcp-reset", |t| {
        later(t);
        t.inject(Client).rst_ack().ttl(90).ip_id(7).after_ms(2.0);
        t.sealed(Client, 200).ack(Server);
    }),
];

/// Weaver, Sommer and Paxson, NDSS 2009: what an observer near the client sees.
const CLIENT_SIDE: &[Row] = &[
    Row("RST_SEQ_DATA", "data of the sender follows its reset", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Server).rst_ack().ttl(90).ip_id(7).after_ms(2.0);
        t.ack(Server).sealed(Server, 900);
    }),
    Row("DATA_SEQ_RST", "the reset is numbered behind data already seen", "tcp-reset", |t| {
        t.handshake().hello(NAME).ack(Server).server_hello().pause_ms(200.0).ack(Server);
        t.inject(Server).rst().seq_plus(1u32.wrapping_sub(1200)).ttl(90).ip_id(7).after_ms(2.0);
        t.sealed(Server, 900).ack(Client);
    }),
    Row("RST_SEQ_CHANGE", "resets climb beyond what was ever sent or acknowledged", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Server).rst().ttl(90).ip_id(7).after_ms(2.0).copies(3).seq_step(1460);
    }),
    Row("RST_ACK_CHANGE", "resets change their acknowledgement without a cause", "tcp-reset", |t| {
        t.handshake().hello(NAME);
        t.inject(Server).rst_ack().ttl(90).ip_id(7).after_ms(2.0);
        t.inject(Server).rst_ack().ack_plus(1460).ttl(90).ip_id(7).after_ms(2.1);
    }),
    Row("SYN_RST / SYNACK_RST", "a SYN/ACK follows the reset of the same side", "tcp-reset", |t| {
        t.syn();
        t.inject(Server).rst_ack().ttl(90).ip_id(7).after_ms(2.0);
        t.syn_ack();
    }),
];

/// The client's request, which never arrives at the capture.
fn lost(t: &mut Tcp<'_>) {
    t.fate(Fate::LostBefore).hello(NAME);
}

fn later(t: &mut Tcp<'_>) {
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(300, 900).sealed(Client, 300).segment(Server, ACK, &[]);
}

/// What is said of a story: mechanism, trigger, stage, confidence, rules for.
fn said(story: fn(&mut Tcp<'_>), rtt: Rtt, client: &Host, server: &Host) -> Vec<Value> {
    let mut script = Script::new();
    story(&mut script.tcp(client, 40_000, server, 443, rtt));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("capture.pcap");
    script.write_pcap(&path).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_interloper")).args(["--json", "--min", "unexplained"]).arg(&path).output().unwrap();
    let records = String::from_utf8(output.stdout).unwrap();
    let records = records.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    records.filter(|r| r["type"] == "finding").collect()
}

fn line(row: &Row, findings: &[Value]) -> String {
    let Row(number, pattern, ..) = row;
    let words = |f: &Value| {
        let rules = f["evidence"].as_array().unwrap().iter().filter(|e| e["stance"] == "for" && e["void"].is_null());
        let rules: Vec<String> = rules.map(|e| format!("`{}`", e["rule"].as_str().unwrap())).collect();
        let text = |v: &Value| v.as_str().unwrap_or("none-seen").to_owned();
        let head = format!("{} × {}, {}", text(&f["mechanism"]), text(&f["trigger"]["kind"]), text(&f["stage"]));
        format!("{head} | {} | {}", text(&f["confidence"]), rules.join(" "))
    };
    let told =
        findings.first().map_or("nothing: one capture at this end cannot tell it from a client that went away | |".to_owned(), words);
    format!("| {number} | {pattern} | {told} |\n")
}

fn table(rows: &[Row], rtt: Rtt, client: &Host, server: &Host, complaints: &mut Vec<String>) -> String {
    let mut out = "| | pattern | what is said | confidence | by |\n|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let findings = said(row.3, rtt, client, server);
        let mechanism = findings.first().map_or("-", |f| f["mechanism"].as_str().unwrap());
        if mechanism != row.2 {
            complaints.push(format!("{} {}: {mechanism}, not {}", row.0, row.1, row.2));
        }
        out.push_str(&line(row, &findings));
    }
    out
}

#[test]
fn published_signatures_are_expressible() {
    let mut complaints = Vec::new();
    let (near, far) = (Host::linux("192.168.1.20"), Host::linux("45.60.70.80"));
    let away = Host::linux("91.10.20.30").hops(13);
    let theirs = table(SERVER_SIDE, Rtt::ms(80.0).at_server(), &away, &far, &mut complaints);
    let weaver = table(CLIENT_SIDE, Rtt::ms(80.0), &near, &far.clone().hops(13), &mut complaints);
    let page = format!(
        "# Published signatures in our words\n\n\
         Each pattern is built packet by packet by `tests/signatures.rs`, written to a capture and read by the program; the table is what\n\
         it says. `BLESS=1 cargo test --test signatures` writes it. One connection alone is shown: controls and repetition, which a real\n\
         capture holds, raise what is `unexplained` here.\n\n\
         ## The 19 signatures of Sundara Raman et al., SIGCOMM 2023\n\n\
         Seen at the server, which receives what is left of the client's packets; ∅ is silence. The forger sits 2 ms away, with a TTL\n\
         and a counter of its own.\n\n{theirs}\n\
         ## The five detectors of Weaver, Sommer and Paxson, NDSS 2009\n\nSeen near the client.\n\n{weaver}"
    );
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/signatures.md");
    if std::env::var_os("BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/signatures.md is not what is said; BLESS=1 writes it\n{page}"
    );
}
