//! Compression, pipes, limits, and several threads.

use super::super::captures::{self, Order::Little};
use super::super::{Capture, Frame, OpenOptions, Sink, Window};
use super::{Outcome, file, gzip, options, outcome, read};
use crate::error::Error;
use std::io::Write;

#[test]
fn compressed_in_every_way_whole_cut_and_corrupt() {
    let bytes = captures::pcap(Little, 0xa1b2_c3d4, 3_000, 1_500);
    let expected = outcome(&bytes);
    let half = bytes.len() / 2;
    // A block that is cut is lost as a whole.
    let small_blocks = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
    let lz4 = |bytes: &[u8]| {
        let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(small_blocks.clone(), Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let xz = |bytes: &[u8]| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 1).unwrap();
    type Compress<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let ways: [(&str, Compress<'_>); 4] = [("gzip", &gzip), ("zstd", &zstd), ("xz", &xz), ("lz4", &lz4)];
    for (name, compress) in ways {
        let options = options(1 << 19, 64 << 10, false);
        let whole = file(&compress(&bytes));
        assert!(read(whole.path(), &options).unwrap() == expected, "{name}");
        assert_eq!(Capture::open(whole.path(), &options).unwrap().description().compression, Some(name));
        // Two members, as from `cat one.gz two.gz`.
        let mut packed = [compress(&bytes[..half]), compress(&bytes[half..])].concat();
        assert_eq!(read(file(&packed).path(), &options).unwrap(), expected, "{name} in two members");
        packed.truncate(packed.len() * 9 / 10);
        let cut = read(file(&packed).path(), &options).unwrap();
        assert!(cut.frames.len() > 2_200 && cut.frames[..] == expected.frames[..cut.frames.len()], "{name} {}", cut.frames.len());
        assert!(cut.damage.len() == 1 && cut.damage[0].contains(name), "{:?}", cut.damage);
        let mut corrupt = compress(&bytes);
        let at = corrupt.len() * 3 / 4;
        for byte in &mut corrupt[at..at + 2_000] {
            *byte ^= 0xa5;
        }
        let corrupt = read(file(&corrupt).path(), &options).unwrap();
        assert!(corrupt.frames.len() > 1_500 && corrupt.frames[..1_500] == expected.frames[..1_500], "{name}");
        assert!(!corrupt.damage.is_empty(), "{name}");
    }
}

#[test]
fn stops_at_max_bytes() {
    let bytes = captures::pcap(Little, 0xa1b2_c3d4, 1_000, 1_500);
    let all = outcome(&bytes).frames;
    for stored in [bytes.clone(), gzip(&bytes)] {
        let stored = file(&stored);
        let some = OpenOptions { max_bytes: Some(100_000), ..OpenOptions::default() };
        let Outcome { frames, damage } = read(stored.path(), &some).unwrap();
        assert!(!frames.is_empty() && frames[..] == all[..frames.len()]);
        assert_eq!(damage, ["100000: stopped at --max-bytes"]);
        let enough = OpenOptions { max_bytes: Some(bytes.len() as u64), ..OpenOptions::default() };
        assert_eq!(read(stored.path(), &enough).unwrap(), Outcome { frames: all.clone(), damage: vec![] });
    }
}

#[cfg(unix)]
#[test]
fn pipes_and_odd_paths() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt"));
    let bytes = captures::pcapng(Little, 500, 500);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(read(&path, &OpenOptions::default()).unwrap(), outcome(&bytes));
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for stored in [bytes.clone(), gzip(&bytes)] {
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, stored).unwrap()
        });
        assert_eq!(read(&pipe, &options(1 << 17, 4 << 10, false)).unwrap(), outcome(&bytes));
        writer.join().unwrap();
    }
    assert!(matches!(Capture::open(folder.path(), &OpenOptions::default()), Err(Error::NotACapture { .. })));
    assert!(matches!(Capture::open(&folder.path().join("none"), &OpenOptions::default()), Err(Error::Open { .. })));
}

/// The order of work a pipeline uses: the next window is read while the one before is still being looked at.
#[test]
fn two_windows_in_turn_on_several_threads() {
    #[derive(Default)]
    struct Lengths(Vec<(u32, usize)>);
    impl Sink for Lengths {
        fn frame(&mut self, frame: &Frame<'_>, at: u32) {
            self.0.push((at, frame.bytes.len()));
        }
        fn numbered(&mut self) {}
        fn reset(&mut self) {
            self.0.clear();
        }
    }
    let bytes = captures::pcap(Little, 0xa1b2_c3d4, 3_000, 1_500);
    let expected = outcome(&bytes).frames;
    let stored = file(&bytes);
    let mut capture = Capture::open(stored.path(), &options(1 << 18, 16 << 10, false)).unwrap();
    let (mut front, mut back) = (capture.new_window(), capture.new_window());
    let sinks = || (0..front.max_chunks()).map(|_| Lengths::default()).collect::<Vec<_>>();
    let (mut front_sinks, mut back_sinks) = (sinks(), sinks());
    let mut seen = Vec::new();
    let mut more = capture.begin(&mut front);
    while more {
        let ends = std::thread::scope(|scope| {
            let walks = front.chunks().into_iter().zip(&mut front_sinks);
            let walks: Vec<_> = walks.map(|(chunk, sink)| scope.spawn(move || chunk.read_and_walk(sink))).collect();
            look(&back, &back_sinks, &mut seen);
            walks.into_iter().map(|walk| walk.join().unwrap()).collect()
        });
        capture.stitch(&mut front, ends, &mut front_sinks);
        std::mem::swap(&mut front, &mut back);
        std::mem::swap(&mut front_sinks, &mut back_sinks);
        more = capture.begin(&mut front);
    }
    look(&back, &back_sinks, &mut seen);
    assert_eq!(seen, expected.iter().map(|frame| (frame.1, frame.5.clone())).collect::<Vec<_>>());

    fn look(window: &Window, sinks: &[Lengths], seen: &mut Vec<(u64, Vec<u8>)>) {
        for &(at, length) in sinks.iter().flat_map(|sink| &sink.0) {
            let bytes = &window.bytes()[at as usize..][..length];
            seen.push((window.base() + u64::from(at), bytes.to_vec()));
        }
    }
}
