//! The room as a whole: captures made by hand, read with every window, chunk and guess.

mod damage;
mod formats;
mod streams;

use super::{Capture, OpenOptions};
use crate::error::Error;
use std::io::Write;
use std::path::Path;

/// Number, offset, time, link type, length on the wire, bytes.
type Seen = (u64, u64, i64, u16, u32, Vec<u8>);

#[derive(Debug, PartialEq)]
struct Outcome {
    frames: Vec<Seen>,
    damage: Vec<String>,
}

fn options(window: usize, chunk: usize, force_wrong_guess: bool) -> OpenOptions {
    OpenOptions { window, chunk, force_wrong_guess, ..OpenOptions::default() }
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn read(path: &Path, options: &OpenOptions) -> Result<Outcome, Error> {
    let mut capture = Capture::open(path, options)?;
    let mut frames = Vec::new();
    capture.for_each_frame(|number, offset, frame| {
        frames.push((number, offset, frame.time.0, frame.link.0, frame.wire_len, frame.bytes.to_vec()));
    });
    assert_eq!(capture.damaged(), !capture.damage().is_empty());
    let damage = capture.damage().iter().map(|damage| format!("{}: {}", damage.offset, damage.text)).collect();
    Ok(Outcome { frames, damage })
}

/// Reads plain and compressed, with all sorts of windows and chunks, guesses right and wrong; all must agree.
fn outcome(bytes: &[u8]) -> Outcome {
    let plain = file(bytes);
    let first = read(plain.path(), &OpenOptions::default()).unwrap();
    for (window, chunk) in [(1 << 17, 4 << 10), (1 << 18, 64 << 10), (1 << 20, 1 << 20)] {
        for wrong in [false, true] {
            let again = read(plain.path(), &options(window, chunk, wrong)).unwrap();
            assert!(
                again.frames == first.frames && places(&again) == places(&first),
                "window {window} chunk {chunk} wrong {wrong}: {} frames {:?}, not {} {:?}",
                again.frames.len(),
                again.damage,
                first.frames.len(),
                first.damage
            );
        }
    }
    let gz = file(&gzip(bytes));
    let inflated = read(gz.path(), &options(1 << 18, 8 << 10, false)).unwrap();
    assert!(inflated.frames == first.frames, "inflated: {} frames {:?}", inflated.frames.len(), inflated.damage);
    first
}

/// Where the damage is; how it is worded depends on how much of it a window shows.
fn places(outcome: &Outcome) -> Vec<&str> {
    outcome.damage.iter().filter_map(|damage| damage.split(':').next()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    match Capture::open(file(bytes).path(), &OpenOptions::default()) {
        Err(Error::NotACapture { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}
