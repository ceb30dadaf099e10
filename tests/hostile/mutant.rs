//! Captures, and what becomes of them on bad disks and in bad hands.

use interloper::script::random::Random;
use std::path::{Path, PathBuf};

/// Every scenario's capture, in order of its path.
pub fn captures() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let list = |directory: &Path| -> Vec<PathBuf> { std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let scenarios = ["guilty", "innocent"].into_iter().flat_map(|family| list(&root.join(family)));
    let mut paths: Vec<PathBuf> =
        scenarios.flat_map(|s| list(&s)).filter(|p| p.file_stem().is_some_and(|stem| stem == "capture")).collect();
    paths.sort();
    assert!(paths.len() >= 30, "{} captures", paths.len());
    paths.iter().map(|p| (p.strip_prefix(&root).unwrap().display().to_string(), std::fs::read(p).unwrap())).collect()
}

/// One kind of damage, and the bytes after it.
pub fn mutate(bytes: &[u8], random: &mut Random) -> (&'static str, Vec<u8>) {
    let mut out = bytes.to_vec();
    let length = out.len() as u64;
    let what = match random.below(6) {
        0 => {
            for _ in 0..1 + random.below(40) {
                let at = random.below(length) as usize;
                out[at] ^= 1 << random.below(8);
            }
            "flipped bits"
        }
        1 => {
            out.truncate(random.below(length) as usize);
            "cut"
        }
        2 => {
            let (from, size) = (random.below(length) as usize, 1 + random.below(400) as usize);
            let block = out[from..(from + size).min(out.len())].to_vec();
            let to = random.below(length) as usize;
            out.splice(to..to, block);
            "a block twice"
        }
        3 => {
            // Lengths stand on any octet once a packet of odd length went by; extremes hurt most.
            const LIES: [u32; 6] = [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX, 0x0004_0001];
            for _ in 0..1 + random.below(6) {
                let at = random.below(length - 4) as usize;
                let lie = LIES[random.below(6) as usize];
                out[at..at + 4].copy_from_slice(&if random.below(2) == 0 { lie.to_le_bytes() } else { lie.to_be_bytes() });
            }
            "lying lengths"
        }
        4 => {
            let (from, size) = (random.below(length) as usize, 1 + random.below(90) as usize);
            out.drain(from..(from + size).min(bytes.len()));
            "a hole"
        }
        _ => {
            let (from, size) = (random.below(length) as usize, random.below(300) as usize);
            let end = (from + size).min(out.len());
            let noise = random.bytes(end - from);
            out[from..end].copy_from_slice(&noise);
            "noise"
        }
    };
    (what, out)
}

/// A nanosecond pcap of these times and frames.
pub fn pcap(link: u32, frames: impl Iterator<Item = (i64, Vec<u8>)>) -> Vec<u8> {
    let mut out = [0xa1b2_3c4d_u32.to_le_bytes(), 0x0004_0002_u32.to_le_bytes()].concat();
    out.extend([0, 0, 262_144, link].map(u32::to_le_bytes).concat());
    for (time, frame) in frames {
        let length = frame.len() as u32;
        let head = [(time / 1_000_000_000) as u32, (time % 1_000_000_000) as u32, length, length];
        out.extend(head.map(u32::to_le_bytes).concat());
        out.extend(frame);
    }
    out
}
