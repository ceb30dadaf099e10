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

#[test]
fn manual_pages_and_completions_come_from_the_definitions() {
    let help = out(&run(&["--help"], "C", b""));
    for verb in [None, Some("scan"), Some("show"), Some("flows"), Some("explain")] {
        let args: Vec<&str> = ["man"].into_iter().chain(verb).collect();
        let shown = run(&args, "C", b"");
        let page = out(&shown);
        let name = verb.map_or("interloper".to_owned(), |v| format!("interloper\\-{v}"));
        assert_eq!(shown.status.code(), Some(0), "{}", err(&shown));
        let title = format!(".TH {} 1", name.to_uppercase().replace('\\', ""));
        assert!(page.contains(&title), "{title}: {page}");
        for part in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH ENVIRONMENT", "NO_COLOR", ".SH \"SEE ALSO\"", "\\-\\-color"] {
            assert!(page.contains(part), "{part} of {verb:?}: {page}");
        }
        // Pages are ASCII by old custom, and what tests use is nobody's business.
        assert!(page.is_ascii() && !page.contains("wrong"), "{verb:?}");
    }
    let page = out(&run(&["man"], "C", b""));
    let long = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-' || c == '_'));
        words.filter(|w| w.starts_with("--") && w.len() > 3).map(str::to_owned).collect()
    };
    let plain = page.replace("\\-", "-");
    for option in long(&help) {
        assert!(plain.contains(&option), "{option} is not in the manual page");
    }
    assert!(plain.contains(".SH EXAMPLES") && plain.contains("interloper show capture.pcap F3"), "{page}");
    assert!(plain.contains(".SH \"EXIT STATUS\""), "{page}");
    if Command::new("man").arg("--version").output().is_ok_and(|o| o.status.success()) {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("interloper.1");
        std::fs::write(&file, &page).unwrap();
        let told = Command::new("man").args(["--warnings", "-l"]).arg(&file).env("MANWIDTH", "80").env("LC_ALL", "C").output().unwrap();
        assert!(told.stderr.is_empty(), "{}", String::from_utf8_lossy(&told.stderr));
    } else {
        eprintln!("skipped: no man here, the page is not set");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = out(&run(&["completions", shell], "C", b""));
        // The other generators offer no words.
        let words: &[&str] = if matches!(shell, "bash" | "zsh") { &["ttl-jump", "mid-stream", "tcp-reset"] } else { &[] };
        for part in words.iter().chain(&["min", "fingerprints", "explain"]) {
            assert!(script.contains(part), "{part}: {shell}");
        }
    }
    if let Ok(mut bash) = Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        bash.stdin.take().unwrap().write_all(out(&run(&["completions", "bash"], "C", b"")).as_bytes()).unwrap();
        assert!(bash.wait_with_output().unwrap().status.success());
    }
}

#[test]
fn help_is_short_or_long() {
    let (short, long) = (out(&run(&["-h"], "C", b"")), out(&run(&["--help"], "C", b"")));
    assert!(short.lines().count() <= 45, "{} lines: {short}", short.lines().count());
    assert!(long.lines().count() > 2 * short.lines().count(), "{long}");
    assert!(long.contains("Examples:\n") && long.contains("Exit status:\n") && !short.contains("Examples:"), "{long}");
    assert!(short.contains("`interloper --help` has all options"), "{short}");
    for hidden in ["--window", "--wrong-guesses", "completions"] {
        assert!(!long.contains(hidden), "{hidden}");
    }
    for rare in ["--memory", "--max-bytes", "--fingerprints"] {
        assert!(long.contains(rare) && !short.contains(rare), "{rare}");
    }
}

#[test]
fn explains_every_word_that_a_flow_can_have() {
    let lines = out(&run(&["--json", "--flows", "--min", "unexplained", concat!(env!("CARGO_MANIFEST_DIR"), "/captures")], "C", b""));
    let mut words = std::collections::BTreeSet::new();
    for line in lines.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        for place in ["/verdict", "/reason", "/mechanism", "/stage", "/confidence", "/position", "/trigger/kind", "/injector/fingerprint"] {
            words.extend(record.pointer(place).and_then(|v| v.as_str()).map(str::to_owned));
        }
        for list in ["/evasion", "/void_rules"] {
            words.extend(
                record.pointer(list).and_then(|v| v.as_array()).into_iter().flatten().filter_map(|v| v.as_str()).map(str::to_owned),
            );
        }
        words.extend(record["flows_unjudged"].as_object().into_iter().flat_map(|o| o.keys().cloned()));
    }
    assert!(words.len() > 40, "{words:?}");
    for word in &words {
        let shown = run(&["explain", word], "C", b"");
        assert_eq!(shown.status.code(), Some(0), "{word}: {}", err(&shown));
        assert!(out(&shown).lines().all(|l| l.chars().count() < 150), "{word}");
    }
    for (word, near) in
        [("midstream", "mid-stream"), ("sni", "tls.sni"), ("on-pth", "on-path"), ("TTL-Jump", "ttl-jump"), ("partley", "partly")]
    {
        let shown = run(&["explain", word], "C", b"");
        assert_eq!(shown.status.code(), Some(2), "{word}");
        assert!(err(&shown).contains("did you mean") && err(&shown).contains(near), "{word}: {}", err(&shown));
    }
    // A verb that is mistyped is taken for a path; who reads the complaint hears what was meant.
    let shown = run(&["explian", "ttl-jump"], "C", b"");
    assert!(err(&shown).contains("did you mean `interloper explain`?"), "{}", err(&shown));
    assert_eq!(shown.status.code(), Some(2));
}
