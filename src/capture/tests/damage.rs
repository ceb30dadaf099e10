//! Truncation, broken lengths and records that do not fit.

use super::super::OpenOptions;
use super::super::captures::Order::{Big, Little};
use super::super::captures::{self, Pcapng};
use super::{Outcome, file, gzip, options, outcome, read};

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
    for (clean, inside) in [(captures::pcap(Little, 0xa1b2_c3d4, 2_000, 300), 8), (captures::pcapng(Big, 2_000, 300), 24)] {
        let all = outcome(&clean).frames;
        for victim in [0, 1_000, 1_990, 1_998] {
            let mut bytes = clean.clone();
            let header = all[victim].1 as usize - 16 - if inside == 24 { 12 } else { 0 };
            // The captured length of a pcap record, or the length of a pcapng block.
            let at = if inside == 24 { header + 4 } else { header + 8 };
            bytes[at..at + 4].copy_from_slice(&[0xff; 4]);
            let Outcome { frames, damage } = outcome(&bytes);
            assert_eq!((frames.len(), damage.len()), (1_999, 1), "{victim}: {damage:?}");
            assert!(damage[0].starts_with(&format!("{header}: ")) && damage[0].contains("reading on"), "{damage:?}");
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
    bytes.splice(at..at, (0..1_000_003_u32).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 24) as u8));
    let Outcome { frames, damage } = outcome(&bytes);
    assert_eq!((frames.len(), damage.len()), (1_999, 2), "{damage:?}");
}

#[test]
fn hostile_lengths_end() {
    for tail in [&[0_u8; 4_000][..], &[0xff; 4_000], &[6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[6, 0, 0, 0, 0xf0, 0xff, 0xff, 0x7f]] {
        let mut bytes = captures::pcapng(Little, 10, 100);
        bytes.extend_from_slice(tail);
        let Outcome { frames, damage } = outcome(&bytes);
        assert_eq!((frames.len(), damage.len()), (10, 1), "{damage:?}");
    }
    let mut zeros = captures::pcap(Little, 0xa1b2_c3d4, 10, 100);
    zeros.extend_from_slice(&[0; 160]);
    assert_eq!(outcome(&zeros).frames.len(), 20, "empty records, as Wireshark shows them");
}

#[test]
fn blocks_and_records_larger_than_a_window() {
    let large = vec![7; 300_000];
    let mut made = Pcapng::new(Little);
    made.interface(1, 0, &[]).enhanced(0, 1, b"first").block(10, &large).enhanced(0, 2, b"second");
    made.enhanced(0, 3, &large).enhanced(0, 4, b"last").block(4, &large);
    for bytes in [made.bytes.clone(), gzip(&made.bytes)] {
        let small = read(file(&bytes).path(), &options(1 << 17, 4 << 10, false)).unwrap();
        let seen: Vec<_> = small.frames.iter().map(|frame| (frame.0, frame.1, &frame.5[..])).collect();
        assert_eq!(seen.len(), 3);
        assert_eq!((seen[0].0, seen[1].0, seen[2].0), (1, 2, 4));
        assert_eq!(made.bytes[seen[2].1 as usize..][..4], *b"last");
        assert_eq!(small.damage.len(), 1, "{:?}", small.damage);
    }
    assert_eq!(read(file(&made.bytes).path(), &OpenOptions::default()).unwrap().frames.len(), 4);
}

/// Whatever the bytes, reading ends, stays inside them, and does not depend on chunks, guesses or windows.
#[test]
fn mutated_captures_read_the_same_in_every_cut() {
    let mut state = 0x2545_f491_u32;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % below
    };
    let seeds = [
        captures::pcap(Little, 0xa1b2_c3d4, 300, 1_200),
        captures::pcap(Big, 0xa1b2_3c4d, 4_000, 30),
        captures::pcapng(Little, 300, 1_200),
        captures::pcapng(Big, 4_000, 30),
    ];
    for round in 0..60 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=random(6) {
            let at = 24 + random(bytes.len() - 24);
            match random(4) {
                0 => bytes[at] ^= 1 << random(8),
                1 => drop(bytes.drain(at..(at + random(2_000)).min(bytes.len()))),
                2 => drop(bytes.splice(at..at, std::iter::repeat_n(0, random(2_000)))),
                _ => bytes.truncate(at.max(bytes.len() / 2)),
            }
        }
        let Outcome { frames, .. } = outcome(&bytes);
        for frame in &frames {
            assert_eq!(bytes[frame.1 as usize..][..frame.5.len()], frame.5[..], "round {round}");
        }
    }
}
