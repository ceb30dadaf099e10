//! The room as a whole: captures made by hand, read with every window, chunk and guess.

use super::captures::Order::{Big, Little};
use super::captures::{self, Pcap, Pcapng, payload};
use super::{Capture, Frame, LinkType, OpenOptions, Sink};
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
    OpenOptions {
        window,
        chunk,
        max_bytes: None,
        force_wrong_guess,
    }
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
        frames.push((
            number,
            offset,
            frame.time.0,
            frame.link.0,
            frame.wire_len,
            frame.bytes.to_vec(),
        ));
    });
    assert_eq!(capture.damaged(), !capture.damage().is_empty());
    let damage = capture
        .damage()
        .iter()
        .map(|damage| format!("{}: {}", damage.offset, damage.text))
        .collect();
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
                again == first,
                "window {window} chunk {chunk} wrong {wrong}: {} frames {:?}, not {} {:?}",
                again.frames.len(),
                again.damage,
                first.frames.len(),
                first.damage
            );
        }
    }
    let gz = file(&gzip(bytes));
    let inflated = read(gz.path(), &options(1 << 17, 8 << 10, false)).unwrap();
    assert_eq!(inflated.frames, first.frames);
    first
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

#[test]
fn pcap_of_every_kind() {
    for order in [Little, Big] {
        for (magic, unit) in [
            (0xa1b2_c3d4, 1_000),
            (0xa1b2_3c4d, 1),
            (0xa1b2_cd34, 1_000),
            (0xa1e2_cb12, 1),
            (0x1c00_01ac, 1),
            (0x1c00_01ab, 1_000),
        ] {
            let mut made = Pcap::new(order, magic, 100, 0x5400_0001);
            made.record(7, 9, b"abc").header(8, 1_000_000, 2, 60);
            made.bytes.extend_from_slice(b"xy");
            made.record(u32::MAX, 0, b"");
            let Outcome { frames, damage } = outcome(&made.bytes);
            assert_eq!(damage, [""; 0], "{magic:x} {order:?}");
            let times: Vec<i64> = frames.iter().map(|frame| frame.2).collect();
            assert_eq!(
                times,
                [
                    7_000_000_000 + 9 * unit,
                    8_000_000_000 + 1_000_000 * unit,
                    i64::from(u32::MAX) * 1_000_000_000
                ]
            );
            assert_eq!(
                (frames[0].3, &frames[0].5[..], frames[1].4, frames[2].0),
                (1, &b"abc"[..], 60, 3)
            );
            assert_eq!(made.bytes[frames[1].1 as usize..][..2], *b"xy");
        }
    }
}

#[test]
fn header_only_and_empty() {
    assert_eq!(
        outcome(&captures::pcap(Little, 0xa1b2_c3d4, 0, 1)),
        Outcome {
            frames: vec![],
            damage: vec![]
        }
    );
    assert_eq!(outcome(&captures::pcapng(Big, 0, 1)).frames, []);
    assert_eq!(refusal(b""), "empty file");
    assert!(refusal(&captures::pcap(Little, 0xa1b2_c3d4, 0, 1)[..20]).contains("cut short"));
    assert!(refusal(b"<html><body>Please log in").contains("HTML"));
    assert!(
        refusal(&gzip(b"hello")).contains("gzip data of text"),
        "{}",
        refusal(&gzip(b"hello"))
    );
    assert!(refusal(&gzip(&gzip(b"hello"))).contains("unpack"));
}

#[test]
fn any_cutting_gives_the_same_frames() {
    for bytes in [
        captures::pcap(Little, 0xa1b2_c3d4, 1_500, 1_500),
        captures::pcap(Big, 0xa1b2_3c4d, 30_000, 40),
        captures::pcap(Little, 0xa1b2_c3d4, 60, 60_000),
        captures::pcapng(Little, 1_500, 1_500),
        captures::pcapng(Big, 20_000, 40),
    ] {
        assert_eq!(outcome(&bytes).damage, [""; 0]);
    }
}

#[test]
fn a_capture_inside_a_capture() {
    let inner = captures::pcap(Little, 0xa1b2_c3d4, 3_000, 200);
    let mut outer = Pcap::new(Little, 0xa1b2_c3d4, 0, 1);
    for (index, segment) in inner.chunks(1_448).enumerate() {
        outer.record(1_600_000_000, index as u32, &[&[0; 54], segment].concat());
    }
    let Outcome { frames, damage } = outcome(&outer.bytes);
    assert_eq!(
        (frames.len(), damage.len()),
        (inner.len().div_ceil(1_448), 0)
    );
}

#[test]
fn sections_interfaces_and_old_blocks() {
    for order in [Little, Big] {
        let other = if order == Little { Big } else { Little };
        let mut made = Pcapng::new(order);
        made.simple(4, b"none")
            .interface(1, 8, &[(9, &[3]), (14, &order.u64(100))])
            .interface(101, 0, &[]);
        made.simple(20, b"12345678")
            .enhanced(0, 5_000, b"ms")
            .enhanced(1, 5_000_000, b"us")
            .simple(2, b"ab");
        made.packet(1, 6_000_000, b"old")
            .block(0x0bad, b"custom")
            .block(77, b"unknown")
            .block(5, &[0; 12])
            .block(10, b"dsb.");
        made.enhanced(9, 0, b"no such interface")
            .enhanced(1, 7_000_000, b"next");
        made.section(other)
            .enhanced(0, 0, b"no interface yet")
            .interface(113, 0, &[])
            .enhanced(0, 8_000_000, b"swapped");
        let Outcome { frames, damage } = outcome(&made.bytes);
        let seen: Vec<_> = frames
            .iter()
            .map(|frame| (frame.0, frame.2 / 1_000_000_000, frame.3, &frame.5[..]))
            .collect();
        let expected: [(u64, i64, u16, &[u8]); 7] = [
            (1, 0, 1, b"12345678"),
            (2, 105, 1, b"ms"),
            (3, 5, 101, b"us"),
            (4, 5, 1, b"ab"),
            (5, 6, 101, b"old"),
            (7, 7, 101, b"next"),
            (8, 8, 113, b"swapped"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(damage.len(), 3, "{damage:?}");
    }
}

#[test]
fn interfaces_that_appear_in_the_middle() {
    let mut made = Pcapng::new(Little);
    made.interface(1, 0, &[]);
    for index in 0..3_000_u32 {
        if index % 700 == 350 {
            made.interface(113, 0, &[(9, &[9])]);
        }
        if index % 1_000 == 999 {
            made.section(if index % 2_000 == 999 { Big } else { Little })
                .interface(12, 0, &[]);
        }
        if index % 5 == 0 {
            made.simple(3, b"abc")
        } else {
            made.enhanced(0, u64::from(index), &payload(index, 300))
        };
    }
    let Outcome { frames, damage } = outcome(&made.bytes);
    assert_eq!((frames.len(), damage.len()), (3_000, 0));
    let bytes = file(&made.bytes);
    let mut capture = Capture::open(bytes.path(), &OpenOptions::default()).unwrap();
    capture.for_each_frame(|_, _, _| {});
    let description = capture.description();
    assert_eq!(
        description.link_types,
        [LinkType(1), LinkType(12), LinkType(113)]
    );
    assert_eq!(
        (description.format.as_str(), description.resolution.as_str()),
        ("pcapng", "ns")
    );
    assert_eq!(
        (description.bytes_total, capture.bytes_read()),
        (Some(made.bytes.len() as u64), made.bytes.len() as u64)
    );
}

#[test]
fn cut_tails_keep_what_precedes() {
    let pcap = captures::pcap(Little, 0xa1b2_c3d4, 100, 300);
    let pcapng = captures::pcapng(Little, 100, 300);
    for (bytes, whole) in [(&pcap, 100), (&pcapng, 100)] {
        for cut in [1, 5, 15] {
            let Outcome { frames, damage } = outcome(&bytes[..bytes.len() - cut]);
            assert_eq!((frames.len(), damage.len()), (whole - 1, 1), "{damage:?}");
            assert!(damage[0].contains("cut short"), "{damage:?}");
        }
    }
}

#[test]
fn damage_in_the_middle_is_stepped_over() {
    for (clean, inside) in [
        (captures::pcap(Little, 0xa1b2_c3d4, 2_000, 300), 8),
        (captures::pcapng(Big, 2_000, 300), 24),
    ] {
        let all = outcome(&clean).frames;
        for victim in [0, 1_000, 1_990, 1_998] {
            let mut bytes = clean.clone();
            let header = all[victim].1 as usize - 16 - if inside == 24 { 12 } else { 0 };
            // The captured length of a pcap record, or the length of a pcapng block.
            let at = if inside == 24 { header + 4 } else { header + 8 };
            bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
            let Outcome { frames, damage } = outcome(&bytes);
            assert_eq!(
                (frames.len(), damage.len()),
                (1_999, 1),
                "{victim}: {damage:?}"
            );
            assert!(
                damage[0].starts_with(&format!("{header}: ")) && damage[0].contains("reading on"),
                "{damage:?}"
            );
            assert_eq!(frames[victim].5, all[victim + 1].5);
        }
    }
    // A broken length behind a block costs that block only; garbage of a megabyte costs what it covers.
    let clean = captures::pcapng(Little, 2_000, 300);
    let all = outcome(&clean).frames;
    let mut bytes = clean.clone();
    let end = all[501].1 as usize - 28;
    bytes[end - 4] ^= 0x40;
    assert_eq!(outcome(&bytes).frames.len(), 1_999);
    let at = all[1_000].1 as usize - 28;
    bytes.splice(
        at..at,
        (0..1_000_003_u32).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 24) as u8),
    );
    let Outcome { frames, damage } = outcome(&bytes);
    assert_eq!((frames.len(), damage.len()), (1_999, 2), "{damage:?}");
}

#[test]
fn hostile_lengths_end() {
    for tail in [
        &[0_u8; 4_000][..],
        &[0xff; 4_000],
        &[6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[6, 0, 0, 0, 0xf0, 0xff, 0xff, 0x7f],
    ] {
        let mut bytes = captures::pcapng(Little, 10, 100);
        bytes.extend_from_slice(tail);
        let Outcome { frames, damage } = outcome(&bytes);
        assert_eq!((frames.len(), damage.len()), (10, 1), "{damage:?}");
    }
    let mut zeros = captures::pcap(Little, 0xa1b2_c3d4, 10, 100);
    zeros.extend_from_slice(&[0; 160]);
    assert_eq!(
        outcome(&zeros).frames.len(),
        20,
        "empty records, as Wireshark shows them"
    );
}

#[test]
fn blocks_and_records_larger_than_a_window() {
    let large = vec![7; 300_000];
    let mut made = Pcapng::new(Little);
    made.interface(1, 0, &[])
        .enhanced(0, 1, b"first")
        .block(10, &large)
        .enhanced(0, 2, b"second");
    made.enhanced(0, 3, &large)
        .enhanced(0, 4, b"last")
        .block(4, &large);
    for bytes in [made.bytes.clone(), gzip(&made.bytes)] {
        let small = read(file(&bytes).path(), &options(1 << 17, 4 << 10, false)).unwrap();
        let seen: Vec<_> = small
            .frames
            .iter()
            .map(|frame| (frame.0, frame.1, &frame.5[..]))
            .collect();
        assert_eq!(seen.len(), 3);
        assert_eq!((seen[0].0, seen[1].0, seen[2].0), (1, 2, 4));
        assert_eq!(made.bytes[seen[2].1 as usize..][..4], *b"last");
        assert_eq!(small.damage.len(), 1, "{:?}", small.damage);
    }
    assert_eq!(
        read(file(&made.bytes).path(), &OpenOptions::default())
            .unwrap()
            .frames
            .len(),
        4
    );
}

#[test]
fn compressed_in_every_way_whole_cut_and_corrupt() {
    let bytes = captures::pcap(Little, 0xa1b2_c3d4, 3_000, 1_500);
    let expected = outcome(&bytes);
    let half = bytes.len() / 2;
    let lz4 = |bytes: &[u8]| {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let xz = |bytes: &[u8]| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 1).unwrap();
    let ways: [(&str, &dyn Fn(&[u8]) -> Vec<u8>); 4] =
        [("gzip", &gzip), ("zstd", &zstd), ("xz", &xz), ("lz4", &lz4)];
    for (name, compress) in ways {
        let options = options(1 << 19, 64 << 10, false);
        let whole = file(&compress(&bytes));
        assert_eq!(read(whole.path(), &options).unwrap(), expected, "{name}");
        assert_eq!(
            Capture::open(whole.path(), &options)
                .unwrap()
                .description()
                .compression,
            Some(name)
        );
        // Two members, as from `cat one.gz two.gz`.
        let mut packed = [compress(&bytes[..half]), compress(&bytes[half..])].concat();
        assert_eq!(
            read(file(&packed).path(), &options).unwrap(),
            expected,
            "{name} in two members"
        );
        packed.truncate(packed.len() * 9 / 10);
        let cut = read(file(&packed).path(), &options).unwrap();
        assert!(
            cut.frames.len() > 2_200 && cut.frames[..] == expected.frames[..cut.frames.len()],
            "{name} {}",
            cut.frames.len()
        );
        assert!(
            cut.damage.len() == 1 && cut.damage[0].contains(name),
            "{:?}",
            cut.damage
        );
        let mut corrupt = compress(&bytes);
        let at = corrupt.len() * 3 / 4;
        for byte in &mut corrupt[at..at + 2_000] {
            *byte ^= 0xa5;
        }
        let corrupt = read(file(&corrupt).path(), &options).unwrap();
        assert!(
            corrupt.frames.len() > 1_500 && corrupt.frames[..1_500] == expected.frames[..1_500],
            "{name}"
        );
        assert!(!corrupt.damage.is_empty(), "{name}");
    }
}

#[test]
fn stops_at_max_bytes() {
    let bytes = captures::pcap(Little, 0xa1b2_c3d4, 1_000, 1_500);
    let all = outcome(&bytes).frames;
    for stored in [bytes.clone(), gzip(&bytes)] {
        let stored = file(&stored);
        let some = OpenOptions {
            max_bytes: Some(100_000),
            ..OpenOptions::default()
        };
        let Outcome { frames, damage } = read(stored.path(), &some).unwrap();
        assert!(!frames.is_empty() && frames[..] == all[..frames.len()]);
        assert_eq!(damage, ["100000: stopped at --max-bytes"]);
        let enough = OpenOptions {
            max_bytes: Some(bytes.len() as u64),
            ..OpenOptions::default()
        };
        assert_eq!(
            read(stored.path(), &enough).unwrap(),
            Outcome {
                frames: all.clone(),
                damage: vec![]
            }
        );
    }
}

#[cfg(unix)]
#[test]
fn pipes_and_odd_paths() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder
        .path()
        .join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt"));
    let bytes = captures::pcapng(Little, 500, 500);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(
        read(&path, &OpenOptions::default()).unwrap(),
        outcome(&bytes)
    );
    let pipe = folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for stored in [bytes.clone(), gzip(&bytes)] {
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, stored).unwrap()
        });
        assert_eq!(
            read(&pipe, &options(1 << 17, 4 << 10, false)).unwrap(),
            outcome(&bytes)
        );
        writer.join().unwrap();
    }
    assert!(matches!(
        Capture::open(folder.path(), &OpenOptions::default()),
        Err(Error::NotACapture { .. })
    ));
    assert!(matches!(
        Capture::open(&folder.path().join("none"), &OpenOptions::default()),
        Err(Error::Open { .. })
    ));
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
    let sinks = || {
        (0..front.max_chunks())
            .map(|_| Lengths::default())
            .collect::<Vec<_>>()
    };
    let (mut front_sinks, mut back_sinks) = (sinks(), sinks());
    let mut seen = Vec::new();
    let mut more = capture.begin(&mut front);
    while more {
        let ends = std::thread::scope(|scope| {
            let walks = front.chunks().into_iter().zip(&mut front_sinks);
            let walks: Vec<_> = walks
                .map(|(chunk, sink)| scope.spawn(move || chunk.read_and_walk(sink)))
                .collect();
            look(&back, &back_sinks, &mut seen);
            walks.into_iter().map(|walk| walk.join().unwrap()).collect()
        });
        capture.stitch(&mut front, ends, &mut front_sinks);
        std::mem::swap(&mut front, &mut back);
        std::mem::swap(&mut front_sinks, &mut back_sinks);
        more = capture.begin(&mut front);
    }
    look(&back, &back_sinks, &mut seen);
    assert_eq!(
        seen,
        expected
            .iter()
            .map(|frame| (frame.1, frame.5.clone()))
            .collect::<Vec<_>>()
    );

    fn look(window: &super::Window, sinks: &[Lengths], seen: &mut Vec<(u64, Vec<u8>)>) {
        for &(at, length) in sinks.iter().flat_map(|sink| &sink.0) {
            let bytes = &window.bytes()[at as usize..][..length];
            seen.push((window.base() + u64::from(at), bytes.to_vec()));
        }
    }
}
