//! What a capture did to its packets is named where it did, in the `capture` record and on the page, and nowhere else.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fields of the `capture` record that tell of an artefact.
const FIELDS: [&str; 9] = [
    "snaplen_cut",
    "out_of_order",
    "duplicates",
    "acked_unseen",
    "one_sided",
    "mid_stream",
    "offloaded",
    "checksums_offloaded",
    "clock_steps",
];

/// Scenarios with artefacts, the fields that are not 0, and a sentence of the page.
const TOLD: [(&str, &[&str], &str); 18] = [
    // The box acknowledges a FIN that the client had not sent; that reads like one that was missed.
    ("guilty/redirect-from-template", &["acked_unseen"], "packets are missing from the capture in 1 flow"),
    ("guilty/reset-request-not-captured", &["acked_unseen"], "packets are missing from the capture in 1 flow"),
    ("innocent/capture-begins-late", &["mid_stream"], "begun before the capture"),
    ("innocent/capture-clock-ahead", &["clock_steps"], "the clock was set ahead by 50.00 s between frames"),
    ("innocent/capture-clock-set", &["out_of_order", "clock_steps"], "the clock was set back by 39.92 s between frames 22 and 23"),
    ("innocent/capture-headers-only", &["snaplen_cut"], "cut by the snap length: what stood behind cannot be judged"),
    ("innocent/capture-missed", &["acked_unseen"], "packets are missing from the capture in 2 flows"),
    ("innocent/capture-of-one-link", &["acked_unseen"], "packets are missing from the capture in 5 flows, about 38 % of those with data"),
    ("innocent/capture-offload", &["offloaded", "checksums_offloaded"], "segments were captured as the network card glues them in 3 flows"),
    ("innocent/capture-out-of-order", &["out_of_order"], "stand behind later ones in the file"),
    ("innocent/dns-cut-by-the-capture", &["snaplen_cut"], "cut by the snap length: what stood behind cannot be judged"),
    ("innocent/dns-mirror-port", &["duplicates"], "captured twice: a copy is no second packet"),
    ("innocent/reset-tapped-hops-apart", &["duplicates"], "captured twice: a copy is no second packet"),
    ("innocent/reset-tapped-twice", &["duplicates"], "captured twice: a copy is no second packet"),
    ("innocent/icmp-forgotten-connection", &["mid_stream"], "begun before the capture"),
    ("innocent/reset-forgotten-connection", &["mid_stream"], "begun before the capture"),
    ("innocent/reset-mirror-port", &["duplicates"], "captured twice: a copy is no second packet"),
    ("innocent/silence-one-sided", &["one_sided"], "only one direction was captured"),
];

fn captures() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut all = Vec::new();
    for family in ["guilty", "innocent"] {
        for scenario in std::fs::read_dir(root.join(family)).unwrap().map(|e| e.unwrap().path()) {
            let files = std::fs::read_dir(&scenario).unwrap().map(|e| e.unwrap().path());
            let capture = files.into_iter().find(|p| p.file_stem().is_some_and(|s| s == "capture")).unwrap();
            all.push((format!("{family}/{}", scenario.file_name().unwrap().to_string_lossy()), capture));
        }
    }
    all.sort();
    all
}

fn run(arguments: &[&str], path: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_interloper")).args(arguments).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Bool(on) => *on,
        Value::Array(list) => !list.is_empty(),
        other => other.as_u64().unwrap() > 0,
    }
}

#[test]
fn each_is_named_where_it_is_and_nowhere_else() {
    let told: BTreeMap<&str, &[&str]> = TOLD.iter().map(|(name, fields, _)| (*name, *fields)).collect();
    let mut complaints = Vec::new();
    for (name, path) in captures() {
        let lines = run(&["--json"], &path);
        let record: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        let set: Vec<&str> = FIELDS.into_iter().filter(|f| is_set(&record[f])).collect();
        let expected = told.get(name.as_str()).copied().unwrap_or_default();
        if set != expected {
            complaints.push(format!("{name}: {set:?}, expected {expected:?}"));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn the_page_says_it_in_a_sentence() {
    for (name, path) in captures() {
        let Some((_, _, sentence)) = TOLD.iter().find(|(told, ..)| *told == name) else { continue };
        let page = run(&[], &path).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains(sentence), "{name}: {page}");
    }
}
