//! Real runs of the binary on captures written here byte by byte.

#[path = "cli/exchange.rs"]
mod exchange;
#[path = "cli/inputs.rs"]
mod inputs;
#[path = "cli/run.rs"]
mod run;

use exchange::{Capture, guilty, innocent};
use run::{Place, command, of_type, records, run, s, text};
use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn tells_what_was_forged() {
    let place = Place::new();
    let path = place.file("g.pcap", &guilty(b"blocked.example"));
    let output = run(&[s(&path)]);
    let (out, err) = text(&output);
    assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{out}");
    for part in ["blocked.example", "forged reset after the HTTP request", "ttl 57", "frame 11", "tcp.stream eq 1", "data-after-reset"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains('\x1b') && out.lines().all(|l| l.chars().count() <= 80 || l.contains('/')), "{out}");
    let (quiet, _) = text(&run(&["-q", s(&path)]));
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    assert!(run(&["--color", "always", s(&path)]).stdout.contains(&0x1b));
    // The options that only change the form.
    for args in [["--by", "server"], ["--by", "client"], ["--by", "mechanism"], ["-t", "ad"], ["-t", "e"], ["-n", "-v"]] {
        let output = run(&["scan", args[0], args[1], s(&path)]);
        assert!(text(&output).0.contains("blocked.example"), "{args:?}");
        // The verb may also stand behind the options, or be left out.
        assert_eq!(run(&[args[0], args[1], "scan", s(&path)]).stdout, output.stdout);
        assert_eq!(run(&[args[0], args[1], s(&path)]).stdout, output.stdout);
    }
}

#[test]
fn says_nothing_found_without_overclaiming() {
    let place = Place::new();
    let path = place.file("i.pcap", &innocent());
    let (out, _) = text(&run(&[s(&path)]));
    assert!(out.contains("nothing found in 1 judged flow"), "{out}");
    assert_eq!(text(&run(&["-q", s(&path)])).0, "");
    // Without the handshake there is nothing to judge by, and that is what is said.
    let mut capture = Capture::new();
    capture.answer(0, 40_000, 77);
    let path = place.file("half.pcap", &capture.bytes);
    let (out, _) = text(&run(&[s(&path)]));
    assert!(out.contains("nothing could be judged"), "{out}");
}

#[test]
fn exit_codes() {
    let place = Place::new();
    let good = place.file("g.pcap", &guilty(b"blocked.example"));
    let clean = place.file("i.pcap", &innocent());
    let cut = place.file("cut.pcap", &guilty(b"blocked.example")[..600]);
    let junk = place.file("junk.pcap", b"this is no capture");
    let missing = place.path().join("missing.pcap");
    let empty = place.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let code = |args: &[&str]| run(args).status.code();
    assert_eq!(code(&[s(&good)]), Some(0));
    assert_eq!(code(&["-e", s(&good)]), Some(1));
    assert_eq!(code(&["-e", "--min", "confirmed", s(&clean)]), Some(0));
    assert_eq!(code(&[s(&missing)]), Some(2));
    assert_eq!(code(&[s(&junk)]), Some(2));
    assert_eq!(code(&[s(&empty)]), Some(2));
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["--no-such-option", s(&good)]), Some(2));
    assert_eq!(code(&["-f", "no such filter (", s(&good)]), Some(2));
    assert_eq!(code(&["-o", "x.parquet", s(&good)]), Some(2));
    assert_eq!(code(&["-", "-"]), Some(2));
    assert_eq!(code(&[s(&cut)]), Some(3));
    assert_eq!(code(&[s(&good), s(&missing)]), Some(3));
    // 2 before 3 before 1.
    assert_eq!(code(&["-e", s(&good), s(&cut)]), Some(3));
    assert_eq!(code(&["-e", s(&missing), s(&junk)]), Some(2));
    let (out, err) = text(&run(&[s(place.path())]));
    assert!(err.contains("junk.pcap: not a capture") && out.contains("1 input unreadable"), "{out}{err}");
    assert_eq!(code(&[s(place.path())]), Some(3));
    for args in [&["--help"][..], &["--version"], &["explain"], &["completions", "bash"]] {
        assert_eq!(code(args), Some(0), "{args:?}");
    }
    let (version, _) = text(&run(&["--version"]));
    assert!(version.contains("(rules ") && version.contains("interloper/1"), "{version}");
}

#[test]
fn errors_say_what_to_do() {
    let place = Place::new();
    let good = place.file("g.pcap", &innocent());
    for (args, part) in [
        (vec!["missing.pcap"], "check the path"),
        (vec![], "interloper capture.pcap"),
        (vec!["-f", "tcp prt 80", s(&good)], "pcap-filter"),
        (vec!["--memory", "lots", s(&good)], "512M"),
        (vec!["-o", "x.docx", s(&good)], ".jsonl"),
        (vec!["--flows", s(&good)], "--json"),
        (vec!["explain", "ttl-jmup"], "did you mean ttl-jump"),
    ] {
        let output = run(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let (out, err) = text(&output);
        assert!(err.contains(part) && out.is_empty(), "{args:?}: {out}{err}");
    }
    // A filter that is wrong for one capture is wrong for all: once is enough.
    for n in 0..5 {
        place.file(&format!("{n}.pcap"), &innocent());
    }
    let (_, err) = text(&run(&["-f", "tcp prt 80", s(place.path())]));
    assert_eq!(err.matches("pcap-filter").count(), 1, "{err}");
}

#[test]
fn json_lines_follow_the_schema() {
    let place = Place::new();
    let path = place.file("g.pcap", &guilty(b"Blocked.example"));
    let beside = place.path().join("out.jsonl");
    let output = run(&["--json", "--flows", "-o", s(&beside), s(&path)]);
    assert_eq!(std::fs::read(&beside).unwrap(), output.stdout);
    let all = records(&output);
    let kinds: Vec<&str> = all.iter().map(|r| r["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["capture", "finding", "flow", "flow", "summary"]);
    assert!(all.iter().all(|r| r["schema"] == "interloper/1"));
    let f = &all[1];
    let expected = "schema type id n time mechanism stage layer confidence failure client_ip client_port server_ip server_port proto \
                    ip_version community_id flow stream vlan tunnel trigger forged genuine evidence control position injector void_rules \
                    wireshark capture file";
    let line = text(&output).0.lines().nth(1).unwrap().to_owned();
    assert_order(&line, expected);
    assert_eq!((&f["mechanism"], &f["client_port"], &f["stream"], &f["n"]), (&"tcp-reset".into(), &40_001.into(), &1.into(), &1.into()));
    assert_eq!((&f["trigger"]["kind"], &f["trigger"]["frame"]), (&"http.host".into(), &10.into()));
    let frames: Vec<u64> = f["forged"].as_array().unwrap().iter().map(|p| p["frame"].as_u64().unwrap()).collect();
    assert_eq!(frames, [11, 12]);
    let packet = &f["forged"][0];
    assert_eq!((&packet["ttl"], &packet["flags"], &packet["dir"], &packet["opts"]), (&57.into(), &"R.".into(), &"s2c".into(), &0.into()));
    assert_eq!((&packet["seq_rel"], &packet["dt_ms"]), (&1.into(), &3.0.into()));
    // The offset is where the packet's bytes are.
    let at = packet["offset"].as_u64().unwrap() as usize;
    assert_eq!(guilty(b"Blocked.example")[at], 0x45);
    assert_eq!(f["id"].as_str().unwrap().len(), 16);
    assert_eq!(f["capture"], all[0]["id"]);
    assert_eq!(f["flow"], all[3]["flow"]);
    assert_eq!(all[0]["time_first"], "2023-11-14T22:13:20.001000000Z");
    assert_eq!((&all[3]["verdict"], &all[2]["verdict"]), (&"interfered".into(), &"clean".into()));
    let summary = &all[4];
    assert_eq!(summary["findings"]["tcp-reset"][f["confidence"].as_str().unwrap()], 1);
    assert_eq!((&summary["complete"], &summary["packets"]), (&true.into(), &14.into()));
    // `-o -` is `--json`.
    assert_eq!(run(&["-o", "-", "--flows", s(&path)]).stdout, output.stdout);
    // Findings below the threshold are counted.
    let all = records(&run(&["--json", "--min", "confirmed", "-f", "tcp[13] & 2 != 0", s(&path)]));
    assert_eq!(of_type(&all, "capture")[0]["filtered"], 10);
}

fn assert_order(line: &str, fields: &str) {
    let mut from = 0;
    for field in fields.split_whitespace() {
        let key = format!("\"{field}\":");
        let at = line[from..].find(&key).unwrap_or_else(|| panic!("{field} is missing or out of order: {line}"));
        from += at + key.len();
    }
}

#[test]
fn hostile_names_reach_no_terminal() {
    let place = Place::new();
    let host = "\x1b]0;owned\x07\u{202e}evil\u{2066}<script>\u{9b}31m\",\"x\":\"".as_bytes();
    let host = [host, b"\xff\xfe"].concat();
    let path = place.file("\u{1b}[2J\u{202e}name.pcap", &guilty(&host));
    for args in [&["-v"][..], &["-q"], &["--json", "--flows"], &["--by", "server"]] {
        let output = run(&[args, &[s(&path), "/nonexistent/\u{1b}[2J"]].concat());
        let (out, err) = text(&output);
        assert!(out.contains("\\u{202e}") || out.contains("\\\\u{202e}"), "{args:?}: {out}");
        for c in out.chars().chain(err.chars()) {
            let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(c == '\n' || !(c.is_control() || bidi), "{args:?}: {c:?}");
        }
        if args[0] == "--json" {
            let all = records(&output);
            let finding = of_type(&all, "finding")[0];
            assert_eq!(finding.get("x"), None);
            assert!(!finding["trigger"]["value"].as_str().unwrap().contains('<'));
        }
    }
}

#[test]
fn a_closed_pipe_is_silent() {
    for args in [&["--json", "-"][..], &["-"]] {
        let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Closed before the input comes, so that the first write finds nobody.
        drop(child.stdout.take());
        let _ = child.stdin.take().unwrap().write_all(&guilty(b"blocked.example"));
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output).1.as_str()), (Some(0), ""), "{args:?}");
    }
}

/// An interrupt lets what is known be printed. The program must have set its handler first; where the machine is too slow for the
/// pause given, the next try waits longer.
#[test]
#[cfg(unix)]
fn an_interrupt_prints_what_is_known() {
    for pause in [100, 400, 1600, 6400] {
        let mut child = command(&["--json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&guilty(b"blocked.example")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause));
        let killed = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
        assert!(killed.success());
        std::thread::sleep(std::time::Duration::from_millis(pause));
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        if output.status.code().is_none() {
            continue;
        }
        assert_eq!(output.status.code(), Some(130));
        let all = records(&output);
        assert_eq!(of_type(&all, "finding").len(), 1);
        assert_eq!((&all.last().unwrap()["interrupted"], &all.last().unwrap()["complete"]), (&true.into(), &false.into()));
        return;
    }
    panic!("never handled");
}

#[test]
fn explains_every_rule_and_mechanism() {
    let (overview, _) = text(&run(&["explain"]));
    for rule in interloper::detect::rules::RULES {
        assert!(overview.contains(rule.id), "{}", rule.id);
        let output = run(&["explain", rule.id]);
        let (out, _) = text(&output);
        assert_eq!(output.status.code(), Some(0));
        assert!(out.contains(&rule.manual()) && out.contains(rule.family.name()), "{out}");
    }
    for topic in ["tcp-reset", "dns-answer", "drop", "confirmed", "likely", "unexplained"] {
        assert!(overview.contains(topic));
        assert_eq!(run(&["explain", topic]).status.code(), Some(0), "{topic}");
    }
    assert_eq!(run(&["explain", "nonsense"]).status.code(), Some(2));
}
