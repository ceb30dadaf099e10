//! Attempts over time, from captures to what is printed: a filter that is lifted for some hours, over one capture and over two.

use interloper::script::Side::{Client, Server};
use interloper::script::{Format, Host, Rtt, Script};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MINUTE: f64 = 60_000.0;

/// An attempt every ten minutes, blocked or not; between them the same server is asked for another name.
fn filtered(blocked: &[bool]) -> Script {
    let mut script = Script::new();
    let (client, server) = (Host::linux("192.168.1.20"), Host::linux("45.60.70.80").hops(13));
    for (i, blocked) in blocked.iter().enumerate() {
        let at = i as f64 * 10.0 * MINUTE;
        let port = 20_000 + 2 * i as u16;
        let mut t = script.at_ms(at).tcp(&client, port, &server, 443, Rtt::ms(80.0));
        t.handshake().hello("fine.example.net").sealed(Server, 900).sealed(Client, 200).close();
        let mut t = script.at_ms(at + 2_000.0).tcp(&client, port + 1, &server, 443, Rtt::ms(80.0));
        t.handshake().hello("blocked.example.org");
        if *blocked {
            t.inject(Server).rst_ack().ttl(90).window(4022).after_ms(3.1).copies(3);
            t.ack(Server).dead_reset(Client);
            t.wait_ms(Server, 0.4).sealed(Server, 900).dead_reset(Client);
        } else {
            t.sealed(Server, 900).sealed(Client, 200).close();
        }
    }
    script
}

/// Eight hours blocked, three fine, eight blocked.
fn day() -> Vec<bool> {
    [(true, 48), (false, 18), (true, 48)].iter().flat_map(|(blocked, n)| std::iter::repeat_n(*blocked, *n)).collect()
}

fn save(place: &Path, name: &str, script: &Script) -> PathBuf {
    let path = place.join(name);
    std::fs::write(&path, script.bytes(Format::Pcap)).unwrap();
    path
}

/// The capture cut in two, so many seconds after its first packet.
fn halves(whole: &Path, seconds: u32) -> [PathBuf; 2] {
    let bytes = std::fs::read(whole).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (start, mut at) = (word(24), 24);
    while word(at) < start + seconds {
        at += 16 + word(at + 8) as usize;
    }
    let [a, b] = ["a.pcap", "b.pcap"].map(|name| whole.with_file_name(name));
    std::fs::write(&a, &bytes[..at]).unwrap();
    std::fs::write(&b, [&bytes[..24], &bytes[at..]].concat()).unwrap();
    [a, b]
}

fn run(args: &[&str], paths: &[&Path], lang: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interloper"));
    let output = command.args(args).args(paths).env("LC_ALL", lang).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn timeline(paths: &[&Path], jobs: &str) -> Value {
    let lines = run(&["--json", "-j", jobs], paths, "C");
    let summary: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    summary["timeline"].clone()
}

fn row<'v>(timeline: &'v Value, by: &str, key: &str) -> &'v Value {
    let mut rows = timeline["rows"].as_array().unwrap().iter();
    rows.find(|r| r["kind"] == by && r["key"] == key).unwrap_or_else(|| panic!("no {by} {key}: {timeline:#}"))
}

fn states(row: &Value) -> Vec<(String, u64, u64)> {
    let states = row["states"].as_array().unwrap().iter();
    states.map(|s| (s["state"].as_str().unwrap().to_owned(), s["interfered"].as_u64().unwrap(), s["fine"].as_u64().unwrap())).collect()
}

#[test]
fn a_filter_lifted_for_three_hours() {
    let place = tempfile::tempdir().unwrap();
    let path = save(place.path(), "day.pcap", &filtered(&day()));
    let told = timeline(&[&path], "1");
    let name = row(&told, "name", "blocked.example.org");
    let wanted = [("blocked", 48, 0), ("fine", 0, 18), ("blocked", 48, 0)].map(|(s, hits, fine)| (s.to_owned(), hits, fine));
    assert_eq!(states(name), wanted);
    assert_eq!((name["service"].as_str(), name["attempts"].as_u64()), (Some("tls"), Some(114)));
    assert!(name["states"][1]["first"].as_str().unwrap().starts_with("2026-03-01T20:00:02."), "{name}");
    assert_eq!(name["mechanisms"]["tcp-reset"], 96);
    // The other name has no row: nothing interfered with it.
    assert_eq!(told["untouched"], 1);
    let server = row(&told, "server", "45.60.70.80:443/tcp");
    assert_eq!((server["interfered"].as_u64(), server["fine"].as_u64()), (Some(96), Some(132)));
    let state = |s: &Value| s["state"].as_str().unwrap().to_owned();
    let of_mechanism: Vec<String> = row(&told, "mechanism", "tcp-reset")["states"].as_array().unwrap().iter().map(state).collect();
    assert_eq!(of_mechanism, ["partly", "fine", "partly"]);
}

#[test]
fn two_captures_are_one_in_either_order_and_at_any_threads() {
    let place = tempfile::tempdir().unwrap();
    let whole = save(place.path(), "whole.pcap", &filtered(&day()));
    let [a, b] = halves(&whole, 10 * 3600 - 300);
    let name = |t: &Value| row(t, "name", "blocked.example.org").clone();
    let wanted = name(&timeline(&[&whole], "1"));
    assert_eq!(name(&timeline(&[&a, &b], "1")), wanted);
    assert_eq!(name(&timeline(&[&b, &a], "4")), wanted);
}

#[test]
fn passing_faults_change_nothing() {
    let place = tempfile::tempdir().unwrap();
    let mut days = vec![false; 50];
    days[30] = true;
    let path = save(place.path(), "fault.pcap", &filtered(&days));
    assert_eq!(states(row(&timeline(&[&path], "2"), "name", "blocked.example.org")), [("fine".to_owned(), 1, 49)]);
    // One that got through in fifty, and four at the end: too few for a change.
    let mut days = vec![true; 50];
    days[30] = false;
    days.extend([false; 4]);
    let path = save(place.path(), "gap.pcap", &filtered(&days));
    assert_eq!(states(row(&timeline(&[&path], "2"), "name", "blocked.example.org")), [("blocked".to_owned(), 49, 5)]);
}

#[test]
fn the_page_draws_a_bar() {
    let place = tempfile::tempdir().unwrap();
    let path = save(place.path(), "day.pcap", &filtered(&day()));
    let page = run(&[], &[&path], "C.UTF-8");
    let strip = page.split_once("\nTimeline by name").expect("a timeline").1;
    assert!(strip.contains("  ██████████▁▁▁▁██████████  blocked.example.org tls: 96 of 114 interfered with"), "{strip}");
    assert!(strip.contains("blocked (48 of 48) until 2026-03-01 19:50:02, fine (0 of 18) from\n"), "{strip}");
    assert!(strip.lines().all(|l| l.chars().count() < 80), "{strip}");
    let plain = run(&["--by", "mechanism", "--color", "never"], &[&path], "C");
    assert!(plain.contains("  ----------____----------  tcp-reset: 96 of 228 interfered with"), "{plain}");
    assert!(plain.is_ascii());
    // Two findings need no bar unless it is asked for; where nothing was found there is nothing to draw.
    let path = save(place.path(), "few.pcap", &filtered(&[true, true]));
    assert!(!run(&[], &[&path], "C").contains("Timeline"));
    assert!(run(&["--by", "client"], &[&path], "C").contains("192.168.1.20: 2 of 4 interfered with"));
    let path = save(place.path(), "fine.pcap", &filtered(&[false, false]));
    assert!(!run(&["--by", "name"], &[&path], "C").contains("Timeline"));
}
