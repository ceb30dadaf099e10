//! One thing that gives two findings does not speak for itself.

use interloper::script::Side::{Client, Server};
use interloper::script::dns::{Query, over_tcp};
use interloper::script::{Format, Host, Rtt, Script};
use serde_json::Value;
use std::process::Command;

const NAME: &str = "blocked.example.org";
const HONEST: &str = "93.184.216.34";

/// A name asked for over TCP, and an answer that comes long before the resolver's.
fn forged_over_tcp(script: &mut Script, port: u16) {
    let (client, resolver) = (Host::linux("192.168.1.20"), Host::linux("45.60.70.53").hops(13));
    let query = Query::a(NAME).id(port);
    let mut t = script.later_ms(4_000.0).tcp(&client, port, &resolver, 53, Rtt::ms(60.0));
    t.handshake().send(Client, &over_tcp(&query.bytes()));
    t.inject(Server).ttl(101).after_ms(4.0).data(&over_tcp(&query.answer().address("10.10.34.35").bytes()));
    t.ack(Server).send(Server, &over_tcp(&query.answer().address(HONEST).bytes())).ack(Client);
}

fn findings(script: &Script) -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script.bytes(Format::Pcapng)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_interloper")).args(["--json", "--min", "unexplained"]).arg(file.path()).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|r| r["type"] == "finding").collect()
}

fn leans_on_the_name(finding: &Value) -> bool {
    finding["evidence"].as_array().unwrap().iter().any(|claim| claim["rule"] == "name-hit-elsewhere")
}

fn of<'f>(findings: &'f [Value], mechanism: &'f str) -> impl Iterator<Item = &'f Value> {
    findings.iter().filter(move |f| f["mechanism"] == mechanism)
}

#[test]
fn an_answer_forged_over_tcp_and_its_segment_are_one_thing() {
    let mut script = Script::new();
    forged_over_tcp(&mut script, 40_001);
    forged_over_tcp(&mut script, 40_002);
    let found = findings(&script);
    assert!(of(&found, "dns-answer").count() == 2 && of(&found, "tcp-data").count() == 2, "{found:#?}");
    assert!(!found.iter().any(leans_on_the_name), "{found:#?}");
}

#[test]
fn a_reset_in_the_name_of_a_server_is_another() {
    let mut script = Script::new();
    forged_over_tcp(&mut script, 40_001);
    let (client, server) = (Host::linux("192.168.1.20"), Host::linux(HONEST).hops(11));
    let mut t = script.later_ms(4_000.0).tcp(&client, 40_003, &server, 443, Rtt::ms(60.0));
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(101).after_ms(4.0);
    t.server_hello();
    let found = findings(&script);
    assert!(of(&found, "dns-answer").count() == 1 && of(&found, "tcp-reset").count() == 1, "{found:#?}");
    assert!(of(&found, "dns-answer").chain(of(&found, "tcp-reset")).all(leans_on_the_name), "{found:#?}");
}
