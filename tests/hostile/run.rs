//! One run of the built binary over some bytes.

use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

pub struct Run {
    /// -1 if a signal ended it.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
    records: Vec<Value>,
}

/// Far more than any of these inputs needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs with these arguments and a file of these bytes.
pub fn with(bytes: &[u8], args: &[&str]) -> Run {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let begun = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_interloper")).args(args).arg(file.path()).output().unwrap();
    assert!(begun.elapsed() < PATIENCE, "took {:?}", begun.elapsed());
    let stdout = String::from_utf8(output.stdout).expect("whatever the input, the output is UTF-8");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let records = stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Run { status: output.status.code().unwrap_or(-1), stdout, stderr, records }
}

pub fn json(bytes: &[u8], more: &[&str]) -> Run {
    with(bytes, &[&["--json", "--flows", "--min", "unexplained"], more].concat())
}

/// The page, all of it.
pub fn text(bytes: &[u8]) -> String {
    let run = with(bytes, &["-v", "--min", "unexplained"]);
    assert!(matches!(run.status, 0 | 2 | 3), "{} {}", run.status, run.stderr);
    run.stdout + &run.stderr
}

impl Run {
    pub fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.records.iter().filter(|r| r["type"] == kind).collect()
    }

    /// Every line parses, the last is the summary, and a panic was not merely swallowed.
    pub fn check(&self) {
        assert_eq!(self.records.len(), self.stdout.lines().count(), "{}", self.stdout);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert!(self.records.iter().all(|r| r["schema"] == "interloper/1"));
        if self.status != 2 {
            let last = self.records.last().unwrap_or_else(|| panic!("status {} and nothing said", self.status));
            assert_eq!(last["type"], "summary");
            assert_eq!(last["complete"], self.status == 0, "the status and the summary agree");
        }
    }
}
