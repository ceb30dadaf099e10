//! Runs of the built binary, and the place that their files lie in.

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interloper"));
    command.args(args).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

pub fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

pub fn piped(args: &[&str], input: &[u8]) -> Output {
    let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A child that complains at once does not read its input.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

pub fn text(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

pub fn records(output: &Output) -> Vec<Value> {
    text(output).0.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

pub fn of_type<'v>(records: &'v [Value], kind: &str) -> Vec<&'v Value> {
    records.iter().filter(|r| r["type"] == kind).collect()
}

pub fn s(path: &Path) -> &str {
    path.to_str().unwrap()
}
