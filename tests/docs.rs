//! What is written down and what is there agree.

use interloper::detect::finding::Stance;
use interloper::detect::rules::RULES;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Two of the tests write the README when asked to: one at a time.
static README: Mutex<()> = Mutex::new(());

fn run(args: &[&str]) -> Output {
    // From the root, so that the paths of the README are those of the run.
    Command::new(env!("CARGO_BIN_EXE_interloper")).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

#[test]
fn every_rule_has_its_five_headings() {
    for rule in RULES {
        let manual = rule.manual();
        assert!(manual.starts_with(&format!("# `{}`: ", rule.id)), "{}", rule.id);
        let headings: Vec<&str> = manual.lines().filter_map(|l| l.strip_prefix("## ")).collect();
        let (second, third) = match rule.stance {
            Stance::For => ("Why it speaks for interference", "Innocent explanations"),
            Stance::Against => ("Why it speaks against it", "What could still be wrong"),
        };
        assert_eq!(headings, ["What it looks for", second, third, "How to check in Wireshark", "Source"], "{}", rule.id);
        for section in manual.split("\n## ").skip(1) {
            let body = section.split_once('\n').map(|(_, body)| body.trim()).unwrap_or_default();
            assert!(body.len() > 5, "{}: empty section {section}", rule.id);
        }
    }
}

#[test]
fn rules_have_sound_rows() {
    let mut ids: Vec<&str> = RULES.iter().map(|r| r.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), RULES.len(), "every id once");
    for rule in RULES {
        assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", rule.id);
        assert!(!rule.mechanisms.is_empty(), "{}", rule.id);
        for id in rule.rebuts {
            let rebutted = RULES.iter().find(|r| r.id == *id);
            assert!(rebutted.is_some_and(|r| r.stance == Stance::For), "{} rebuts {id}", rule.id);
        }
    }
}

/// Commands in the README's blocks that start with `interloper`.
fn commands(readme: &str) -> Vec<Vec<String>> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside && let Some(rest) = line.trim_start_matches("$ ").strip_prefix("interloper ") {
            let words = rest.split(" #").next().unwrap_or_default().split(['|', '>']).next().unwrap_or_default();
            found.push(words.split_whitespace().map(|w| w.trim_matches('\'').to_owned()).collect());
        }
    }
    found
}

#[test]
fn the_commands_of_the_readme_exist() {
    let commands = commands(&read("README.md"));
    assert!(commands.len() >= 5, "{commands:?}");
    for words in commands {
        if words.first().is_some_and(|w| w == "explain") {
            let args: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(run(&args).status.code(), Some(0), "{words:?}");
            continue;
        }
        // Every option is one that --help knows.
        let help = String::from_utf8(run(&["scan", "--help"]).stdout).unwrap();
        for option in words.iter().filter(|w| w.starts_with('-') && w.len() > 1) {
            assert!(help.contains(option.as_str()), "{option} of {words:?}");
        }
    }
}

/// The worked example is the output of the program, not a memory of it. `BLESS=1 cargo test --test docs` writes it anew.
#[test]
fn the_worked_example_is_real() {
    let _alone = README.lock();
    let readme = read("README.md");
    let (before, rest) = readme.split_once("<!-- worked example -->\n```\n$ ").expect("README.md has a worked example");
    let (command, rest) = rest.split_once('\n').unwrap();
    let (shown, after) = rest.split_once("```\n").unwrap();
    let args: Vec<&str> = command.strip_prefix("interloper ").unwrap().split_whitespace().collect();
    let output = String::from_utf8(run(&args).stdout).unwrap();
    if std::env::var_os("BLESS").is_some() {
        let blessed = format!("{before}<!-- worked example -->\n```\n$ {command}\n{output}```\n{after}");
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), blessed).unwrap();
    } else {
        assert_eq!(shown, output, "`BLESS=1 cargo test --test docs` writes the output of `{command}` into README.md");
    }
}

/// The other examples of the README are outputs of the program, too; `BLESS=1` writes them anew as well.
#[test]
fn ladders_flows_and_fingerprints_of_the_readme_are_real() {
    let _alone = README.lock();
    let readme = read("README.md");
    let mut seen = 0;
    let mut blessed = Vec::new();
    for block in readme.split("```\n") {
        // Of a long page the end: how names fared over time.
        let tail = block.lines().next().and_then(|l| l.split_once(" | tail -")).and_then(|(_, n)| n.parse::<usize>().ok());
        let is_example = tail.is_some()
            || block.starts_with("$ interloper show ")
            || block.starts_with("$ interloper flows ")
            || (block.starts_with("$ interloper ") && block.lines().next().is_some_and(|l| l.contains("--fingerprints")));
        if !is_example {
            blessed.push(block.to_owned());
            continue;
        }
        let (command, shown) = block.split_once('\n').unwrap();
        let args = command.strip_prefix("$ interloper ").unwrap().split(" | ").next().unwrap();
        let args: Vec<&str> = args.split_whitespace().collect();
        let mut run = Command::new(env!("CARGO_BIN_EXE_interloper"));
        let output = run.args(args).env("LC_ALL", "C.UTF-8").current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let from = tail.map_or(0, |n| output.lines().count().saturating_sub(n));
        let output: String = output.split_inclusive('\n').skip(from).collect();
        if std::env::var_os("BLESS").is_none() {
            assert_eq!(shown, output, "{command}");
        }
        blessed.push(format!("{command}\n{output}"));
        seen += 1;
    }
    assert_eq!(seen, 6);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"), blessed.join("```\n")).unwrap();
    }
}

#[test]
fn exit_codes_and_fields_are_documented() {
    let readme = read("README.md");
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 130 |"] {
        assert!(readme.contains(code), "{code}");
    }
    let schema = read("docs/schema.md");
    let example = run(&["--json", "--flows", "--min", "unexplained", "captures/"]);
    // Every field that is written is described.
    for line in String::from_utf8(example.stdout).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let missing: Vec<&String> = record.as_object().unwrap().keys().filter(|k| !schema.contains(&format!("`{k}`"))).collect();
        assert!(missing.is_empty(), "docs/schema.md lacks {missing:?}");
    }
}

#[test]
fn the_licences_are_there() {
    assert!(read("LICENSE-MIT").contains("Permission is hereby granted"));
    assert!(read("LICENSE-APACHE").contains("Version 2.0, January 2004"));
}
