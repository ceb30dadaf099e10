//! Every scenario under `captures/`, without code for any of them.
//!
//! Stage one, `flows.json`, is what was dissected: the capture and its flows. Stage two, `findings.json`, is what was judged. A
//! difference in the second alone is a changed rule; one in the first is a changed dissector, and the second then follows from it.
//! `BLESS=1 cargo test --test golden` writes both anew. Goldens say what the tool does; `scenario.toml` says what it ought to do.

#[path = "support/captures.rs"]
mod captures;
#[path = "golden/scenario.rs"]
mod scenario;

use interloper::capture::{Capture, OpenOptions};
use scenario::{Scenario, Truth};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Fields by which equal packets in another container may differ; `docs/schema.md` names them.
const CONTAINER: [&str; 9] =
    ["file", "format", "compression", "bytes_read", "bytes_total", "link_types", "ts_resolution", "damage", "offset"];

/// Records of a run, without the name of the file and the summary, which holds the versions.
fn records(path: &Path, stdin: Option<&[u8]>) -> Vec<Value> {
    let input = if stdin.is_some() { Path::new("-") } else { path };
    let mut command = Command::new(env!("CARGO_BIN_EXE_interloper"));
    command.args(["--json", "--flows", "--min", "unexplained"]).arg(input);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // The captures are small enough for the pipe's buffer or are read as they come: nothing is printed before the end.
    pipe.write_all(stdin.unwrap_or_default()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {}: {complaints}", path.display(), output.status);
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.pop().map(|last| last["type"].clone()), Some("summary".into()), "{}: the last line", path.display());
    for record in &mut records {
        record.as_object_mut().unwrap().remove("file");
    }
    records
}

fn of_type<'v>(records: &'v [Value], kinds: &[&str]) -> Vec<&'v Value> {
    records.iter().filter(|r| kinds.iter().any(|kind| r["type"] == *kind)).collect()
}

/// One field a line, so that a diff shows which field of which record moved.
fn pretty(records: &[&Value]) -> String {
    serde_json::to_string_pretty(records).unwrap() + "\n"
}

/// The first lines that differ, with what stands around them.
fn difference(golden: &str, now: &str) -> String {
    let (golden, now): (Vec<&str>, Vec<&str>) = (golden.lines().collect(), now.lines().collect());
    let first = golden.iter().zip(&now).take_while(|(a, b)| a == b).count();
    let last = golden.iter().rev().zip(now.iter().rev()).take_while(|(a, b)| a == b).count();
    let last = last.min(golden.len().min(now.len()) - first);
    let mut out = format!("  line {}:\n", first + 1);
    for line in &golden[first.saturating_sub(3)..first] {
        out += &format!("    {line}\n");
    }
    for (sign, lines) in [('-', &golden), ('+', &now)] {
        let changed = &lines[first..lines.len() - last];
        for line in changed.iter().take(12) {
            out += &format!("  {sign} {line}\n");
        }
        if changed.len() > 12 {
            out += &format!("  {sign} ... {} lines more\n", changed.len() - 12);
        }
    }
    out
}

fn compare(scenario: &Scenario, stage: &str, name: &str, now: &str, complaints: &mut Vec<String>) {
    let path = scenario.directory.join(name);
    if std::env::var_os("BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&path, now).unwrap();
        return;
    }
    match std::fs::read_to_string(&path) {
        Ok(golden) if golden == now => {}
        Ok(golden) => complaints.push(format!("{}: {stage} ({name}) moved,\n{}", scenario.name, difference(&golden, now))),
        Err(error) => complaints.push(format!("{}: {stage} ({name}): {error}; BLESS=1 writes it", scenario.name)),
    }
}

fn settle(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn the_corpus_is_what_it_should_be() {
    let all = scenario::all();
    let innocent = all.iter().filter(|s| s.clean).count();
    assert!(all.len() >= 30, "{} scenarios", all.len());
    assert!(innocent * 2 >= all.len(), "{innocent} of {} scenarios are innocent", all.len());
    for s in &all {
        let family = s.directory.parent().unwrap().file_name().unwrap().to_string_lossy();
        assert_eq!(family == "innocent", s.clean, "{}: family and `clean`", s.name);
        assert_eq!(s.truths.is_empty(), s.clean, "{}: guilty of something, or of nothing", s.name);
        for (key, text) in [("title", &s.title), ("provenance", &s.provenance), ("vantage", &s.vantage), ("look", &s.look)] {
            assert!(!text.trim().is_empty(), "{}: {key} is empty", s.name);
        }
    }
}

#[test]
fn every_scenario_comes_out_as_it_did() {
    let mut complaints = Vec::new();
    for s in scenario::all() {
        let records = records(&s.capture, None);
        compare(&s, "dissection", "flows.json", &pretty(&of_type(&records, &["capture", "flow"])), &mut complaints);
        compare(&s, "judgement", "findings.json", &pretty(&of_type(&records, &["finding"])), &mut complaints);
    }
    settle(complaints);
}

#[test]
fn what_happened_is_what_is_found() {
    let mut complaints = Vec::new();
    for s in scenario::all() {
        let records = records(&s.capture, None);
        let findings = of_type(&records, &["finding"]);
        for (n, truth) in s.truths.iter().enumerate() {
            let which = format!("{}: truth {}", s.name, n + 1);
            if let Err(why) = found(truth, &findings) {
                complaints.push(format!("{which}: {why}"));
            }
        }
        for finding in &findings {
            let (mechanism, confidence) = (&finding["mechanism"], finding["confidence"].as_str().unwrap());
            // A verdict nobody asked for is a false one, beside guilty packets as well as among innocent ones.
            if confidence != "unexplained" && !s.truths.iter().any(|truth| truth.is_about(finding)) {
                complaints.push(format!("{}: {confidence} {mechanism} of flow {} is not true", s.name, finding["flow"]));
            }
            if s.clean && confidence == "unexplained" && s.at_most.is_none() {
                complaints.push(format!("{}: unexplained {mechanism}, but the capture explains it", s.name));
            }
        }
    }
    settle(complaints);
}

/// Whether a truth is found just as it is told.
fn found(truth: &Truth, findings: &[&Value]) -> Result<(), String> {
    let Some(finding) = findings.iter().find(|f| truth.is_about(f)) else {
        let others: Vec<String> =
            findings.iter().map(|f| format!("{} {} {}", f["confidence"], f["mechanism"], f["trigger"]["kind"])).collect();
        return Err(format!("no {} found, only {others:?}", truth.mechanism));
    };
    let same = |what: &str, expected: &str, found: &Value| {
        // Where no trigger was seen the finding has none.
        if found.as_str().unwrap_or("none-seen") == expected {
            Ok(())
        } else {
            Err(format!("{} with {what} {found}, not {expected:?}", truth.mechanism))
        }
    };
    same("confidence", &truth.expect, &finding["confidence"])?;
    same("trigger", &truth.trigger, &finding["trigger"]["kind"])?;
    // Where the address is what is blocked, its text is the value.
    let port = finding["server_port"].to_string();
    let value = match truth.trigger.as_str() {
        "ip" | "residual" => finding["server_ip"].as_str().unwrap(),
        "port" => &port,
        _ => &truth.name,
    };
    if truth.trigger != "none-seen" {
        same("name", value, &finding["trigger"]["value"])?;
    }
    let said: BTreeSet<u64> = scenario::frames(&finding["forged"]);
    let missing: Vec<u64> = truth.forged.iter().copied().filter(|frame| !said.contains(frame)).collect();
    if !missing.is_empty() {
        return Err(format!("{}: forged frames {missing:?} are not among {said:?}", truth.mechanism));
    }
    // Nothing stands in a capture for a packet that was dropped: the request that vanished is what can be pointed at.
    match truth.trigger_frame {
        Some(frame) if truth.mechanism == "drop" && finding["trigger"]["frame"] != frame => {
            Err(format!("drop of frame {}, not {frame}", finding["trigger"]["frame"]))
        }
        _ => Ok(()),
    }
}

/// The packets of a capture in a pcapng file with nanoseconds.
fn as_pcapng(path: &Path) -> Vec<u8> {
    let mut file = captures::Pcapng::new(captures::Order::Little);
    let mut capture = Capture::open(path, &OpenOptions::default()).unwrap();
    let mut begun = false;
    capture.for_each_frame(|_, _, frame| {
        if !begun {
            file.interface(frame.link.0, 0, &[(9, &[9])]);
            begun = true;
        }
        file.enhanced_cut(0, frame.time.0 as u64, frame.bytes, frame.wire_len);
    });
    file.bytes
}

/// A record without what belongs to the container.
fn bare(mut record: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|key, _| !CONTAINER.contains(&key.as_str()));
                fields.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut record);
    record
}

#[test]
fn the_container_makes_no_difference() {
    let scratch = tempfile::tempdir().unwrap();
    let mut complaints = Vec::new();
    for s in scenario::all() {
        let bytes = std::fs::read(&s.capture).unwrap();
        let (ng, gz) = (scratch.path().join("capture.pcapng"), scratch.path().join("capture.gz"));
        std::fs::write(&ng, as_pcapng(&s.capture)).unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&bytes).unwrap();
        std::fs::write(&gz, packed.finish().unwrap()).unwrap();
        let plain: Vec<Value> = records(&s.capture, None).into_iter().map(bare).collect();
        let ways = [("as pcapng", records(&ng, None)), ("as gzip", records(&gz, None)), ("from a pipe", records(&s.capture, Some(&bytes)))];
        for (how, again) in ways {
            let again: Vec<Value> = again.into_iter().map(bare).collect();
            if again != plain {
                let (a, b): (Vec<&Value>, Vec<&Value>) = (plain.iter().collect(), again.iter().collect());
                complaints.push(format!("{} {how}:\n{}", s.name, difference(&pretty(&a), &pretty(&b))));
            }
        }
    }
    settle(complaints);
}
