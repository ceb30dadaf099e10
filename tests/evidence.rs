//! The evidence of every scenario, read back: the original bytes, times and links, in order, and each packet in its role.

#[path = "golden/scenario.rs"]
#[allow(dead_code)]
mod scenario;

use interloper::capture::{Capture, OpenOptions};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

fn run(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_interloper")).args(args).stdin(Stdio::null()).output().unwrap()
}

/// Time, link, wire length and bytes of every frame.
type Frames = Vec<(i64, u16, u32, Vec<u8>)>;

fn frames(path: &Path) -> Frames {
    let mut all = Vec::new();
    let mut capture = Capture::open(path, &OpenOptions::default()).unwrap();
    capture.for_each_frame(|_, _, f| all.push((f.time.0, f.link.0, f.wire_len, f.bytes.to_vec())));
    assert!(!capture.damaged(), "{}: {:?}", path.display(), capture.damage());
    all
}

/// The comments of each packet of a little-endian pcapng without other options on its packets.
fn comments(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).unwrap();
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let u16_at = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
    let (mut at, mut all) = (0, Vec::new());
    while at < bytes.len() {
        let length = u32_at(at + 4) as usize;
        assert_eq!(u32_at(at + length - 4) as usize, length, "the length behind the block");
        if u32_at(at) == 6 {
            let mut option = at + 28 + (u32_at(at + 20) as usize).next_multiple_of(4);
            let mut said = Vec::new();
            while u16_at(option) == 1 {
                let size = u16_at(option + 2);
                said.push(String::from_utf8(bytes[option + 4..option + 4 + size].to_vec()).unwrap());
                option += 4 + size.next_multiple_of(4);
            }
            assert_eq!(u16_at(option), 0, "the end of the options");
            all.push(said);
        }
        at += length;
    }
    all
}

fn original(comment: &str) -> usize {
    comment.rsplit_once("original frame ").expect("the original frame").1.parse().unwrap()
}

fn findings(path: &Path) -> Vec<Value> {
    let output = run(&["--json", path.to_str().unwrap()]);
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).filter(|r| r["type"] == "finding").collect()
}

fn numbers(packets: &Value) -> BTreeSet<u64> {
    packets.as_array().unwrap().iter().map(|p| p["frame"].as_u64().unwrap()).collect()
}

/// What findings say, in order: who, what, why, how sure, by which packets of the original.
fn verdicts(found: &[Value], original: impl Fn(u64) -> u64) -> Vec<(Vec<String>, BTreeSet<u64>, Option<u64>)> {
    let about = ["mechanism", "confidence", "client_ip", "client_port", "server_ip", "server_port", "failure", "position", "stage"];
    let one = |f: &Value| {
        let mut said: Vec<String> = about.iter().map(|k| f[k].to_string()).collect();
        said.extend(["kind", "value"].map(|k| f["trigger"][k].to_string()));
        (said, numbers(&f["forged"]).into_iter().map(&original).collect(), f["trigger"]["frame"].as_u64().map(&original))
    };
    let mut all: Vec<_> = found.iter().map(one).collect();
    all.sort();
    all
}

#[test]
fn a_control_names_its_flow() {
    let mut named = 0;
    for scenario in scenario::all() {
        let output = run(&["--json", "--flows", scenario.capture.to_str().unwrap()]);
        let records: Vec<Value> = String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let flows: BTreeMap<&str, &Value> =
            records.iter().filter(|r| r["type"] == "flow").map(|r| (r["flow"].as_str().unwrap(), r)).collect();
        for control in records.iter().filter(|r| r["type"] == "finding").map(|f| &f["control"]).filter(|c| !c.is_null()) {
            let flow = flows.get(control["flow"].as_str().unwrap()).unwrap_or_else(|| panic!("{}: {control}", scenario.name));
            assert!(flow["frame"].as_u64() <= control["frame"].as_u64(), "{}", scenario.name);
            assert_eq!(flow["name"].as_str().unwrap_or_default(), control["value"], "{}", scenario.name);
            named += 1;
        }
    }
    assert!(named > 10, "{named} controls");
}

#[test]
fn evidence_of_every_scenario_is_the_original() {
    let place = tempfile::tempdir().unwrap();
    let tshark = Command::new("tshark").arg("--version").output().is_ok_and(|o| o.status.success());
    if !tshark {
        println!("skipped: no tshark, comments are read by this test alone");
    }
    let (mut seen, mut guilty) = (0, 0);
    for scenario in scenario::all() {
        let file = place.path().join("evidence.pcapng");
        let args = ["-q", "-w", file.to_str().unwrap(), scenario.capture.to_str().unwrap()];
        assert_eq!(run(&args).status.code(), Some(0), "{}", scenario.name);
        let (whole, kept, said) = (frames(&scenario.capture), frames(&file), comments(&file));
        assert_eq!(kept.len(), said.len(), "{}", scenario.name);
        let mut previous = 0;
        let mut roles: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for (frame, comments) in kept.iter().zip(&said) {
            let number = original(&comments[0]);
            assert!(number > previous, "{}: order", scenario.name);
            previous = number;
            assert!(*frame == whole[number - 1], "{}: frame {number} differs", scenario.name);
            for comment in comments {
                let role = comment.split(' ').nth(1).unwrap();
                roles.entry(role).or_default().insert(number as u64);
            }
        }
        let mut forged = BTreeSet::new();
        let found = findings(&scenario.capture);
        for finding in &found {
            let list = numbers(&finding["forged"]);
            forged.extend(list);
            for frame in numbers(&finding["genuine"]) {
                let there = ["GENUINE", "TRIGGER", "FORGED"].iter().any(|r| roles.get(r).is_some_and(|f| f.contains(&frame)));
                assert!(there, "{}: genuine frame {frame}: {roles:?}", scenario.name);
            }
            for claim in finding["evidence"].as_array().unwrap() {
                for frame in claim["frames"].as_array().unwrap() {
                    assert!(roles.values().any(|f| f.contains(&frame.as_u64().unwrap())), "{}: cited frame {frame}", scenario.name);
                }
            }
        }
        assert_eq!(roles.get("FORGED").cloned().unwrap_or_default(), forged, "{}", scenario.name);
        // Judged again without the rest of the capture, the evidence says the same.
        let before = verdicts(&found, |n| n);
        let after = verdicts(&findings(&file), |n| original(&said[n as usize - 1][0]) as u64);
        assert_eq!(after, before, "{}", scenario.name);
        guilty += usize::from(!found.is_empty());
        seen += found.len();
        if tshark && !found.is_empty() {
            let filter = "frame.comment contains \"FORGED\"";
            let shown = Command::new("tshark").arg("-r").arg(&file).args(["-Y", filter, "-T", "fields", "-e", "frame.number"]).output();
            let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
            let listed: BTreeSet<u64> = shown.lines().map(|n| original(&said[n.parse::<usize>().unwrap() - 1][0]) as u64).collect();
            assert_eq!(listed, forged, "{}: tshark", scenario.name);
        }
    }
    assert!(seen > 20, "{seen} findings");
    assert!(guilty > 50, "{guilty} scenarios with findings");
}
