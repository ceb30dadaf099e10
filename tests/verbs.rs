//! The verbs and outputs beside `scan`: real runs on the scenarios.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn capture(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name);
    let files = std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path());
    files.into_iter().find(|p| p.file_stem().is_some_and(|s| s == "capture")).unwrap()
}

fn s(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(args: &[&str], lang: &str, input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interloper"));
    command.args(args).env("LC_ALL", lang).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A child that complains at once does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn shows_a_flow_as_a_ladder() {
    let path = capture("guilty/reset-version-6");
    let shown = run(&["show", s(&path), "F1"], "C", b"");
    let text = out(&shown);
    assert_eq!(shown.status.code(), Some(0), "{}", err(&shown));
    for part in ["set off by frame 4", "[S] 0 --", "trigger", "FORGED", "because", "filter   tcp.stream eq 0"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.is_ascii() && text.lines().all(|l| l.len() < 80), "{text}");
    assert!(out(&run(&["show", s(&path), "f1"], "C.UTF-8", b"")).contains('▶'));
    // By any frame of the flow, and from a pipe.
    assert_eq!(out(&run(&["show", s(&path), "5"], "C", b"")), text);
    let bytes = std::fs::read(&path).unwrap();
    let piped = out(&run(&["show", "-", "F1"], "C", &bytes));
    let ladder = |text: &str| text.split_once("\nC  ").map(|(_, rest)| rest.to_owned());
    assert!(ladder(&piped).is_some() && ladder(&piped) == ladder(&text), "{piped}");
}

#[test]
fn every_ladder_fits_a_terminal() {
    for family in ["guilty", "innocent"] {
        let mut names: Vec<_> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(family))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        for name in names {
            let path = capture(&format!("{family}/{}", name.to_string_lossy()));
            let shown = run(&["show", "--min", "unexplained", s(&path), if family == "guilty" { "F1" } else { "1" }], "C", b"");
            let text = out(&shown);
            if shown.status.code() == Some(2) {
                assert!(err(&shown).contains("is in no flow"), "{name:?}: {}", err(&shown));
                continue;
            }
            assert!(text.is_ascii() && text.lines().all(|l| l.len() < 80), "{name:?}: {text}");
        }
    }
}

#[test]
fn says_what_there_is_instead() {
    let path = capture("guilty/reset-version-6");
    for (which, said) in [("F7", "it has F1 only"), ("9999", "has no frame 9999: it has"), ("x", "show takes a capture")] {
        let output = run(&["show", s(&path), which], "C", b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(err(&output).contains(said), "{}", err(&output));
    }
    assert_eq!(run(&["show", s(&path)], "C", b"").status.code(), Some(2));
    assert_eq!(run(&["show", "--json", s(&path), "F1"], "C", b"").status.code(), Some(2));
}

#[test]
fn lists_flows() {
    let path = capture("guilty/reset-version-6");
    let text = out(&run(&["flows", s(&path)], "C", b""));
    assert!(text.starts_with("frame") && text.contains("interfered") && text.contains("blocked.example.org"), "{text}");
    assert_eq!(out(&run(&["-n", "flows", s(&path)], "C", b"")), text);
    let json = out(&run(&["flows", "--json", s(&path)], "C", b""));
    assert_eq!(json.lines().filter(|l| l.contains("\"type\":\"flow\"")).count(), text.lines().count() - 1);
    assert!(!json.contains("\"type\":\"finding\""), "{json}");
}

#[test]
fn writes_tables_and_lines() {
    let place = tempfile::tempdir().unwrap();
    let (csv, jsonl) = (place.path().join("x.csv"), place.path().join("x.jsonl"));
    let path = capture("guilty/reset-version-6");
    let output = run(&["-o", s(&csv), "-o", s(&jsonl), "-o", "-", s(&path)], "C", b"");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(std::fs::read(&jsonl).unwrap(), output.stdout);
    let table = std::fs::read_to_string(&csv).unwrap();
    let lines: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("n,id,time,mechanism") && lines[1].contains("blocked.example.org"), "{table}");
    assert_eq!(lines[0].split(',').count(), lines[1].split(',').count());
}

#[test]
fn evidence_through_pipes() {
    let place = tempfile::tempdir().unwrap();
    let (path, file) = (capture("guilty/reset-version-6"), place.path().join("e.pcapng"));
    assert_eq!(run(&["-q", "-w", s(&file), s(&path)], "C", b"").status.code(), Some(0));
    let written = std::fs::read(&file).unwrap();
    assert_eq!(run(&["-w", "-", s(&path)], "C", b"").stdout, written);
    // The section names its source; the packets behind it are the same.
    let piped = run(&["-w", "-", "-"], "C", &std::fs::read(&path).unwrap()).stdout;
    let packets = |bytes: &[u8]| bytes[u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize..].to_vec();
    assert_eq!(packets(&piped), packets(&written));
    // Judged again, the evidence says the same.
    let again = out(&run(&["-q", s(&file)], "C", b""));
    assert!(again.contains("forged reset after the TLS ClientHello, SNI blocked.example.org"), "{again}");
    for (name, said) in [("x.pcap", "cannot hold"), ("x.txt", "name the file .pcapng")] {
        let refused = run(&["-w", name, s(&path)], "C", b"");
        assert!(refused.status.code() == Some(2) && err(&refused).contains(said), "{}", err(&refused));
    }
    assert_eq!(run(&["-w", "-", "--json", s(&path)], "C", b"").status.code(), Some(2));
}
