//! Many captures: as many at a time as there are threads, all worked on by the same ones, each result handed over in its turn.
//!
//! Each capture is seen through by a thread of its own, which waits while the workers do what they do together. A worker that waits takes
//! up whatever job it finds: were captures jobs themselves, a small one could come to lie below a large one on a worker's stack, and any
//! number of them be begun at once, each with the memory of its flows.

use super::{CaptureReport, ScanOptions, Watch, Workers, scan};
use crate::error::Result;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Results that wait at most for one before them: enough for small captures to be read beside a large one, few enough to be held.
const AHEAD: usize = 32;

/// Reads captures, and hands each result over as soon as those before it have been. What was not begun when the run was stopped is left
/// out.
pub fn scan_all(
    paths: &[PathBuf],
    options: &ScanOptions,
    watch: &Watch,
    workers: &Workers,
    mut each: impl FnMut(&Path, Result<CaptureReport>) + Send,
) {
    let stopped = || watch.stop.load(Ordering::Relaxed);
    let read = |path: &PathBuf| {
        let _seen_through = workers.see_through();
        (!stopped()).then(|| scan(path, options, watch, workers))
    };
    let mut hand_over = |path: &PathBuf, result| {
        if let Some(result) = result {
            each(path, result);
        }
    };
    let together = workers.count().min(paths.len());
    if together < 2 {
        return workers.within(|| paths.iter().for_each(|path| hand_over(path, read(path))));
    }
    let (give, tasks) = channel();
    let (hand, results) = channel();
    let tasks = Mutex::new(tasks);
    let see_through = |hand: Sender<_>| {
        while let Some((n, path)) = take(&tasks).and_then(|n| Some((n, paths.get(n)?))) {
            // Whoever waits for the result must not wait for ever.
            let result = catch_unwind(AssertUnwindSafe(|| read(path)));
            if hand.send((n, result)).is_err() {
                return;
            }
        }
    };
    thread::scope(|threads| {
        for _ in 0..together {
            let (see_through, hand) = (&see_through, hand.clone());
            // With fewer it takes longer.
            let _ = thread::Builder::new().name("capture".into()).spawn_scoped(threads, move || see_through(hand));
        }
        drop(hand);
        // Gone with the end of this closure, whichever way it ends: then the threads end as well.
        let give = give;
        let (mut given, mut early) = (0, BTreeMap::new());
        for (turn, path) in paths.iter().enumerate() {
            while given < paths.len().min(turn + AHEAD) && !stopped() && give.send(given).is_ok() {
                given += 1;
            }
            if turn == given {
                return;
            }
            match result_of(turn, &results, &mut early) {
                Some(Ok(result)) => hand_over(path, result),
                Some(Err(panic)) => resume_unwind(panic),
                // Not one thread was to be had.
                None => hand_over(path, read(path)),
            }
        }
    });
}

fn take(tasks: &Mutex<Receiver<usize>>) -> Option<usize> {
    tasks.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Waits for a result; others that come before it are put aside.
fn result_of<R>(turn: usize, results: &Receiver<(usize, R)>, early: &mut BTreeMap<usize, R>) -> Option<R> {
    loop {
        if let Some(result) = early.remove(&turn) {
            return Some(result);
        }
        let (n, result) = results.recv().ok()?;
        early.insert(n, result);
    }
}
