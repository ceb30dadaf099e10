//! What is counted as judged, what a short snap length leaves to judge, and what a verdict carries with it.

#[path = "golden/scenario.rs"]
#[allow(dead_code)]
mod scenario;

use interloper::packet::tcp::{ACK, FIN, RST};
use interloper::script::Side::{Client, Server};
use interloper::script::{Host, Rtt, Script, http};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

fn run(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_interloper")).args(args).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn records(path: &Path, more: &[&str]) -> Vec<Value> {
    let said = run(&[&["--json", "--flows", "--min", "unexplained", path.to_str().unwrap()], more].concat());
    said.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn of<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    records.iter().filter(|r| r["type"] == kind).collect()
}

fn saved(script: &Script) -> tempfile::TempPath {
    let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    script.write_pcap(&file).unwrap();
    file
}

fn add_up(name: &str, records: &[Value]) {
    let (summary, flows) = (records.last().unwrap(), of(records, "flow"));
    let reasons = summary["flows_unjudged"].as_object().unwrap();
    let unjudged: u64 = reasons.values().map(|n| n.as_u64().unwrap()).sum();
    let judged = summary["flows_judged"].as_u64().unwrap();
    assert_eq!(summary["flows"], judged + unjudged, "{name}");
    assert_eq!(flows.len() as u64, judged + unjudged, "{name}");
    for (reason, n) in reasons {
        let told = flows.iter().filter(|f| f["reason"] == **reason && f["verdict"] == "unjudged").count();
        assert_eq!(told as u64, n.as_u64().unwrap(), "{name}: {reason}");
    }
    let about: Vec<&Value> = of(records, "finding").iter().map(|f| &f["flow"]).collect();
    // An ICMP error that quotes no more than ports belongs to the conversation and to none of its transactions.
    for flow in flows.iter().filter(|f| about.contains(&&f["flow"]) && f["history"] != "") {
        assert!(flow["reason"].is_null() && flow["verdict"] != "unjudged", "{name}: a finding is a verdict: {flow}");
    }
}

#[test]
fn counts_are_those_of_the_flows() {
    let mut one_sided = 0;
    for scenario in scenario::all() {
        let all = records(&scenario.capture, &[]);
        add_up(&scenario.name, &all);
        add_up(&scenario.name, &records(&scenario.capture, &["-f", "tcp port 443"]));
        let found: Vec<&Value> = of(&all, "finding").iter().map(|f| &f["flow"]).collect();
        one_sided += of(&all, "flow").iter().filter(|f| f["resp_pkts"] == 0 && found.contains(&&f["flow"])).count();
    }
    assert!(one_sided > 0, "findings about flows of which one direction was seen");
}

const MS: f64 = 40.0;
const NAME: &str = "blocked.example.org";

fn client() -> Host {
    Host::linux("192.168.1.20").no_timestamps()
}

fn server() -> Host {
    Host::linux("45.60.70.80").hops(13).no_timestamps()
}

/// A TLS visit, an HTTP visit with a long body, and a connection of another protocol.
fn visits(snap: usize) -> Script {
    let mut s = Script::new();
    s.snap(snap);
    s.tcp(&client(), 40_001, &server(), 443, Rtt::ms(MS)).visit("fine.example.net");
    s.tcp(&client(), 40_002, &server(), 80, Rtt::ms(MS)).handshake().get("fine.example.net", "/").respond("200 OK", 60_000).close();
    let other = b"SOMETHING ELSE, WITH MANY MORE OCTETS THAN ARE CAPTURED OF IT";
    s.tcp(&client(), 40_003, &server(), 9000, Rtt::ms(MS)).handshake().send(Client, other).ack(Server).close();
    s
}

#[test]
fn what_could_not_be_read_is_not_clean() {
    let reasons = |snap: usize| -> Vec<String> {
        let all = records(&saved(&visits(snap)), &[]);
        assert!(of(&all, "finding").is_empty());
        add_up(&format!("snap {snap}"), &all);
        let mut flows = of(&all, "flow");
        flows.sort_by_key(|f| f["client_port"].as_u64());
        flows.iter().map(|f| f["reason"].as_str().unwrap_or("judged").to_owned()).collect()
    };
    assert_eq!(reasons(56), ["cut", "cut", "cut"], "two octets tell no protocol from another");
    assert_eq!(reasons(96), ["cut", "cut", "judged"], "of what has no names the headers are enough");
    // The name and the hello are there, and of the page only the beginning.
    assert_eq!(reasons(400), ["judged", "cut", "judged"]);
    assert_eq!(reasons(1_200), ["judged", "judged", "judged"], "bulk data that is cut hides nothing");
}

#[test]
fn a_name_that_was_cut_off_is_not_an_empty_one() {
    let capture = |snap: Option<usize>| {
        let mut s = Script::new();
        if let Some(snap) = snap {
            s.snap(snap);
        }
        let server = server();
        let mut t = s.tcp(&client(), 40_001, &server, 443, Rtt::ms(MS));
        t.handshake().hello(NAME);
        t.inject(Server).rst_ack().ttl(90).ip_id(7).copies(3).after_ms(3.0);
        t.server_hello();
        saved(&s)
    };
    let (whole, cut) = (capture(None), capture(Some(96)));
    let trigger = |path: &Path| of(&records(path, &[]), "finding")[0]["trigger"].clone();
    assert_eq!(trigger(&whole)["value"], NAME);
    assert!(trigger(&cut)["value"].is_null(), "{}", trigger(&cut));
    assert!(run(&[cut.to_str().unwrap()]).contains("SNI (cut off by the snap length)"));
    let flow = of(&records(&cut, &[]), "flow")[0].clone();
    assert_eq!(flow["verdict"], "interfered", "resets are told by their headers");
}

#[test]
fn what_ends_a_forged_answer_is_forged_as_well() {
    let frames = |flags: u16, ttl: u8, id: u16, beyond: u32| {
        let mut s = Script::new();
        let server = server();
        let mut t = s.tcp(&client(), 40_001, &server, 80, Rtt::ms(MS));
        t.handshake().get(NAME, "/");
        let page = http::page("403 Forbidden", "<iframe src=\"http://10.10.34.35:80\"></iframe>");
        t.inject(Server).data(&page).ttl(90).ip_id(7).after_ms(3.0);
        t.inject(Server).flags(flags).seq_plus(page.len() as u32 + beyond).ttl(ttl).ip_id(id).after_ms(3.1);
        t.respond("200 OK", 600);
        let all = records(&saved(&s), &[]);
        let page = of(&all, "finding").into_iter().find(|f| f["mechanism"] == "tcp-data").unwrap().clone();
        page["forged"].as_array().unwrap().len()
    };
    assert_eq!(frames(FIN | ACK, 90, 8, 0), 2);
    assert_eq!(frames(RST, 90, 7, 0), 2);
    assert_eq!(frames(RST, 90, 907, 0), 1, "of another count");
    assert_eq!(frames(RST, 90, 7, 1_000), 1, "not right behind it");
    assert_eq!(frames(RST, server().seen_ttl(), 7, 0), 1, "the server's own");
}

#[test]
fn evidence_carries_the_end_of_what_failed_beside_it() {
    let (client, server) = (Host::linux("192.168.1.20"), Host::linux("45.60.70.80").hops(13));
    let mut s = Script::new();
    // A server that breaks off long transfers is no proof of anything, and what else it breaks off may be its own doing.
    s.tcp(&client, 40_001, &server, 443, Rtt::ms(MS))
        .handshake()
        .hello("big.example.org")
        .server_hello()
        .sealed(Server, 1_200_000)
        .abort(Server);
    s.later_ms(900.0);
    let mut t = s.tcp(&client, 40_002, &server, 443, Rtt::ms(MS));
    t.handshake().hello("small.example.net").server_hello().sealed(Server, 20_000);
    t.inject(Server).rst().ttl(90).ip_id(7).after_ms(400.0);
    let file = saved(&s);
    let evidence = tempfile::Builder::new().suffix(".pcapng").tempfile().unwrap().into_temp_path();
    run(&["-q", "--min", "unexplained", "-w", evidence.to_str().unwrap(), file.to_str().unwrap()]);
    let verdict = |path: &Path| {
        let all = records(path, &[]);
        let found = of(&all, "finding");
        let rules: Vec<String> = found[0]["evidence"].as_array().unwrap().iter().map(|c| c["rule"].to_string()).collect();
        (found.len(), found[0]["confidence"].to_string(), rules)
    };
    let before = verdict(&file);
    assert!(before.2.iter().any(|rule| rule.contains("every-name-fails")), "{before:?}");
    assert_eq!(verdict(&evidence), before);
}
