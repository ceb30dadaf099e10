//! The stages of a run one by one, on one thread: what each adds to the one before it.
//!
//! `cargo bench --bench stages -- [PROFILE] [MEGABYTES] [ROUNDS]`; `mix 100 5` without arguments. Profiles are those of the generator.
//! The capture is written first and read once, so that it lies in the page cache. Rounds go through all stages in turn: what disturbs
//! the machine disturbs all alike. Medians are printed; compare stages, not runs.

#[path = "generate/profiles.rs"]
mod profiles;
#[path = "generate/replay.rs"]
mod replay;
#[path = "generate/template.rs"]
mod template;
#[path = "generate/writer.rs"]
mod writer;

use interloper::capture::{Capture, Frame, OpenOptions, Sink, Window};
use interloper::deal::Dealt;
use interloper::flow::key::{Hasher, SHARDS};
use interloper::flow::shard::{Shard, WindowBytes};
use interloper::phase::ChunkSink;
use interloper::pipeline::{ScanOptions, Watch, Workers, scan};
use interloper::survey::Part;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// The program's own: with another one the later stages would not be those of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A shard's share of the default memory.
const BUDGET: usize = 32 << 20;

/// Counts frames and looks at nothing.
#[derive(Default)]
struct Counter(u64);

impl Sink for Counter {
    fn frame(&mut self, _: &Frame<'_>, _: u32) {
        self.0 += 1;
    }

    fn numbered(&mut self) {}

    fn reset(&mut self) {
        self.0 = 0;
    }
}

/// Walks a capture window by window.
fn windows<S: Sink>(path: &Path, new: impl Fn() -> S, mut each: impl FnMut(&Window, &[S])) {
    let mut capture = Capture::open(path, &OpenOptions::default()).expect("the generator wrote it");
    let mut window = capture.new_window();
    let mut sinks: Vec<S> = (0..window.max_chunks()).map(|_| new()).collect();
    while capture.begin(&mut window) {
        let ends = window.chunks().into_iter().zip(&mut sinks).map(|(chunk, sink)| chunk.read_and_walk(sink)).collect();
        capture.stitch(&mut window, ends, &mut sinks);
        each(&window, &sinks);
    }
}

/// Reads the bytes, as `cat` does.
fn read(path: &Path) -> u64 {
    let mut file = std::fs::File::open(path).expect("the generator wrote it");
    let mut buffer = vec![0; 256 * 1024];
    let mut sum = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(n) if n > 0 => sum += n as u64,
            _ => return sum,
        }
    }
}

/// Steps from record to record.
fn frames(path: &Path) -> u64 {
    let mut sum = 0;
    windows(path, Counter::default, |_, sinks| sum += sinks.iter().map(|s| s.0).sum::<u64>());
    sum
}

/// Dissects packets and deals them to shards.
fn packets(path: &Path) -> u64 {
    let (hasher, mut sum) = (Hasher::random(), 0);
    windows(path, || ChunkSink::new(hasher, None), |_, sinks| sum += sinks.iter().map(|s| u64::from(s.frames())).sum::<u64>());
    sum
}

/// Absorbs packets into flows, and judges those that end if they are to be.
fn flows(path: &Path, judge: bool) -> u64 {
    let hasher = Hasher::random();
    let mut shards: Vec<(Shard, Part)> = (0..SHARDS).map(|_| (Shard::new(hasher, BUDGET), Part::new(false))).collect();
    let (mut next, mut ended) = (1, 0);
    windows(
        path,
        || ChunkSink::new(hasher, None),
        |window, sinks| {
            let bytes = WindowBytes { bytes: window.bytes(), side: &[], base: window.base() };
            let first = |n: usize| next + sinks.iter().take(n).map(|s| u64::from(s.frames())).sum::<u64>();
            let firsts: Vec<u64> = (0..sinks.len()).map(first).collect();
            let dealt = Dealt::new(sinks.iter().zip(firsts), u64::MAX);
            for (n, (shard, part)) in shards.iter_mut().enumerate() {
                shard.absorb_all(dealt.of(n), &bytes);
                shard.take_finished(|flow| {
                    ended += 1;
                    if judge {
                        part.add(flow);
                    }
                });
            }
            next += sinks.iter().map(|s| u64::from(s.frames())).sum::<u64>();
        },
    );
    for (shard, part) in &mut shards {
        shard.drain(|flow| {
            ended += 1;
            if judge {
                part.add(flow);
            }
        });
    }
    ended
}

fn whole(path: &Path) -> u64 {
    scan(path, &ScanOptions::default(), &Watch::default(), &Workers::new(1)).map_or(0, |report| report.stats.packets)
}

type Stage = (&'static str, fn(&Path) -> u64);

const STAGES: [Stage; 6] = [
    ("read", read),
    ("frames", frames),
    ("packets", packets),
    ("flows", |path| flows(path, false)),
    ("judged", |path| flows(path, true)),
    ("whole", whole),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let argument = |n: usize, otherwise: &str| arguments.get(n).map_or(otherwise, String::as_str).to_owned();
    let (profile, megabytes, rounds) = (argument(0, "mix"), argument(1, "100").parse(), argument(2, "5").parse());
    let (Some(told), Ok(megabytes), Ok(rounds)) = (profiles::find(&profile), megabytes, rounds) else {
        eprintln!("usage: cargo bench --bench stages -- [mix|small|flows|scan|one|hello|older] [MEGABYTES] [ROUNDS]");
        std::process::exit(2);
    };
    let (megabytes, rounds): (u64, usize) = (megabytes, rounds);
    let folder = tempfile::tempdir().expect("a folder for the capture");
    let path = folder.path().join("capture.pcap");
    let written = writer::Writer::create(&path, megabytes * 1_000_000).and_then(|w| replay::run(&told, w)).expect("room for the capture");
    read(&path);
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); STAGES.len()];
    for _ in 0..rounds.max(1) {
        for ((_, stage), list) in STAGES.iter().zip(&mut seconds) {
            let start = Instant::now();
            black_box(stage(&path));
            list.push(start.elapsed().as_secs_f64());
        }
    }
    let replay::Summary { packets, flows, bytes, capture_ns } = written;
    println!("{profile}: {packets} packets, {flows} flows, {bytes} octets, {:.1} s of capture", capture_ns as f64 / 1e9);
    println!("medians of {} rounds, one thread", rounds.max(1));
    println!("{:10} {:>12} {:>12} {:>10}", "up to", "ns a packet", "added", "of whole");
    let mut before = 0.0;
    let medians: Vec<f64> = seconds
        .iter_mut()
        .map(|list| {
            list.sort_by(f64::total_cmp);
            list[list.len() / 2] * 1e9 / packets as f64
        })
        .collect();
    for ((name, _), median) in STAGES.iter().zip(&medians) {
        println!("{name:10} {median:12.0} {:12.0} {:9.0}%", median - before, (median - before) / medians[STAGES.len() - 1] * 100.0);
        before = *median;
    }
}
