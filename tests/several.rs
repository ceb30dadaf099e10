//! Many captures in one run: each result in its turn, none held back by a capture behind it, and an end to every run.

use interloper::error::Result;
use interloper::pipeline::{CaptureReport, ScanOptions, Watch, Workers, scan, scan_all};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;

fn captures(family: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(family);
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path().join("capture.pcap")).collect();
    found.retain(|p| p.exists());
    found.sort();
    found
}

/// What is said of a capture, if it can be read.
fn told(result: Result<CaptureReport>) -> Option<String> {
    result.ok().map(|report| format!("{:?} {:?}", report.conclusion, report.stats))
}

/// Paths handed over, each with what is said of it.
fn run(paths: &[PathBuf], threads: usize) -> Vec<(PathBuf, Option<String>)> {
    let mut seen = Vec::new();
    scan_all(paths, &ScanOptions::default(), &Watch::default(), &Workers::new(threads), |path, result| {
        seen.push((path.to_owned(), told(result)));
    });
    seen
}

#[test]
fn results_come_in_the_order_of_the_paths_and_say_what_each_capture_does_alone() {
    let mut paths = captures("guilty");
    assert!(paths.len() > 40, "more than wait for one another");
    paths.insert(3, PathBuf::from("there/is/none.pcap"));
    let options = ScanOptions::default();
    let one = |path: &PathBuf| told(scan(path, &options, &Watch::default(), &Workers::new(1)));
    let expected: Vec<_> = paths.iter().map(|path| (path.clone(), one(path))).collect();
    assert_eq!(expected.iter().filter(|(_, told)| told.is_none()).count(), 1);
    for threads in [1, 2, 3, 16] {
        assert_eq!(run(&paths, threads), expected, "{threads} threads");
    }
}

/// The second capture ends when the result of the first has come: were that to wait for it, neither would.
#[test]
fn a_result_waits_for_no_capture_behind_it() {
    let all = captures("innocent");
    let (first, content) = (all[0].clone(), std::fs::read(&all[1]).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe.pcap");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let paths = [first.clone(), pipe.clone(), all[2].clone()];
    let mut seen = Vec::new();
    scan_all(&paths, &ScanOptions::default(), &Watch::default(), &Workers::new(2), |path, result| {
        assert!(result.unwrap().stats.packets > 0);
        if path == first {
            std::fs::write(&pipe, &content).unwrap();
        }
        seen.push(path.to_owned());
    });
    assert_eq!(seen, paths);
}

#[test]
fn a_run_that_is_stopped_hands_over_what_was_begun_and_no_more() {
    let paths: Vec<PathBuf> = captures("innocent").into_iter().cycle().take(400).collect();
    for threads in [1, 3] {
        let (watch, mut seen) = (Watch::default(), 0);
        scan_all(&paths, &ScanOptions::default(), &watch, &Workers::new(threads), |path, _| {
            assert!(seen >= 5 || path == paths[seen]);
            seen += 1;
            watch.stop.store(seen >= 5, Ordering::Relaxed);
        });
        assert!((5..100).contains(&seen), "{seen} with {threads} threads");
    }
}

#[test]
fn what_goes_wrong_ends_the_run() {
    let paths = captures("innocent");
    for threads in [1, 2] {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            scan_all(&paths, &ScanOptions::default(), &Watch::default(), &Workers::new(threads), |_, _| panic!("cannot be written"));
        }));
        assert!(outcome.is_err());
    }
}
