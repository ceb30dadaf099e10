//! Runs of the built binary that share, and what is compared between them.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_interloper")).args(args).stdin(Stdio::null()).output().unwrap()
}

pub fn records(args: &[&str]) -> Vec<Value> {
    let output = run(args);
    String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

pub fn of_kind<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    records.iter().filter(|r| r["type"] == kind).collect()
}

pub fn key(place: &Path) -> PathBuf {
    let path = place.join("key");
    std::fs::write(&path, "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\n").unwrap();
    path
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What findings say, in order, with the frames of the original.
pub fn verdicts(records: &[Value], original: impl Fn(u64) -> u64) -> Vec<Vec<String>> {
    let said = ["mechanism", "confidence", "client_ip", "client_port", "server_ip", "server_port", "failure", "position", "stage"];
    let one = |f: &&Value| {
        let mut all: Vec<String> = said.iter().map(|k| f[k].to_string()).collect();
        all.extend(["kind", "value"].map(|k| f["trigger"][k].to_string()));
        all.extend(f["forged"].as_array().unwrap().iter().map(|p| original(p["frame"].as_u64().unwrap()).to_string()));
        all
    };
    let mut all: Vec<Vec<String>> = of_kind(records, "finding").iter().map(one).collect();
    all.sort();
    all
}

/// The original's frame number of each packet of an evidence file, from its comments.
pub fn originals(evidence: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut at = 0;
    let word = |at: usize| u32::from_le_bytes(evidence[at..at + 4].try_into().unwrap());
    while at < evidence.len() {
        let length = word(at + 4) as usize;
        if word(at) == 6 {
            let comments = String::from_utf8_lossy(&evidence[at + 28 + word(at + 20) as usize..at + length]).into_owned();
            let number = comments.split_once("original frame ").unwrap().1;
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            numbers.push(digits.parse().unwrap());
        }
        at += length;
    }
    numbers
}
