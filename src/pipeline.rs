//! The driver of one capture.
//!
//! Phase 1 (by chunk): read, walk, dissect, deal records to shards. Between: prove the chunk boundaries, number the frames, put
//! fragments together. Phase 2 (by shard): absorb, end flows, judge them into the survey; it runs beside the next window's phase 1
//! while more than two threads work on the capture.

mod several;
mod workers;

use crate::capture::{Capture, Damage, Description, Filter, OpenOptions, Spool, Timestamp, Window};
use crate::deal::Dealt;
use crate::error::Result;
pub use crate::flow::conversations::Streams;
use crate::flow::key::{Hasher, SHARDS};
use crate::flow::shard::{Shard, WindowBytes};
use crate::limits::MIN_SHARD_MEMORY;
use crate::packet::fragment::Reassembler;
use crate::phase::{ChunkSink, Times, reassemble};
use crate::prefetch;
use crate::stats::Stats;
use crate::survey::{Audit, Conclusion, Hands, Part, conclude};
pub use several::scan_all;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
pub use workers::Workers;

/// What to do with a capture.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    pub open: OpenOptions,
    /// tcpdump's filter syntax; frames that do not match are numbered but not looked at.
    pub filter: Option<String>,
    /// Stop after so many frames.
    pub count: Option<u64>,
    /// Memory for flow state, in bytes.
    pub memory: u64,
    /// Keep a line for every flow.
    pub lines: bool,
    /// Remember who the clients are.
    pub clients: bool,
    /// Count attempts over time by client as well.
    pub client_times: bool,
    /// Find out what else of the capture verdicts rest on: evidence needs it.
    pub leans: bool,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions {
            open: OpenOptions::default(),
            filter: None,
            count: None,
            memory: crate::limits::MEMORY,
            lines: false,
            clients: false,
            client_times: false,
            leans: false,
        }
    }
}

/// Shared with whoever watches a run.
#[derive(Debug, Default)]
pub struct Watch {
    /// Bytes of captures dealt with.
    pub bytes: AtomicU64,
    /// Set to end the run early: what is known is then concluded.
    pub stop: AtomicBool,
}

/// What was found in one capture.
pub struct CaptureReport {
    pub path: PathBuf,
    pub description: Description,
    pub stats: Stats,
    pub bytes_read: u64,
    pub damage: Vec<Damage>,
    pub damage_count: u64,
    pub time_first: Option<Timestamp>,
    pub time_last: Option<Timestamp>,
    pub audit: Audit,
    pub conclusion: Conclusion,
    pub streams: Streams,
    /// Read to its end, and nothing of it was skipped for damage.
    pub complete: bool,
    pub interrupted: bool,
    /// The copy of a pipe, for a second reading.
    pub spool: Option<Arc<Spool>>,
}

impl CaptureReport {
    /// Where the capture can be read again.
    pub fn again(&self) -> &Path {
        self.spool.as_ref().map_or(&self.path, |s| s.path())
    }
}

/// A window with what phase 1 made of it.
struct Slot {
    window: Window,
    sinks: Vec<ChunkSink>,
    /// Number of the first frame of each chunk.
    firsts: Vec<u64>,
    /// Reassembled packets.
    side: Vec<u8>,
}

/// Reads one capture and judges it.
pub fn scan(path: &Path, options: &ScanOptions, watch: &Watch, workers: &Workers) -> Result<CaptureReport> {
    let mut capture = Capture::open(path, &options.open)?;
    let filter = options.filter.as_ref().map(|f| Filter::compile(f, &capture.description().link_types)).transpose()?;
    let hasher = Hasher::random();
    let budget = ((options.memory / SHARDS as u64) as usize).max(MIN_SHARD_MEMORY);
    let mut shards: Vec<(Shard, Part)> = (0..SHARDS)
        .map(|_| {
            (Shard::new(hasher, budget), Part::new(options.lines).with_clients(options.clients).with_client_times(options.client_times))
        })
        .collect();
    let slot = |capture: &Capture| {
        let window = capture.new_window();
        let sinks = (0..window.max_chunks()).map(|_| ChunkSink::new(hasher, filter.clone())).collect();
        Slot { window, sinks, firsts: Vec::new(), side: Vec::new() }
    };
    let mut run = Run { next_frame: 1, limit: options.count.unwrap_or(u64::MAX), ..Run::default() };
    let mut front = slot(&capture);
    let mut back: Option<Slot> = None;
    let mut more = capture.begin(&mut front.window);
    // What shards have given away.
    let mut known = Part::default();
    while more {
        let mut ends = Vec::new();
        match &back {
            Some(back) => {
                workers.both(&mut || ends = walk(&mut front, workers), &mut || absorb(back, &mut shards, run.limit, workers));
            }
            None => ends = walk(&mut front, workers),
        }
        let spare = back.take();
        capture.stitch(&mut front.window, ends, &mut front.sinks);
        run.between(&mut front);
        watch.bytes.fetch_add(capture.bytes_read().saturating_sub(run.reported), Ordering::Relaxed);
        run.reported = capture.bytes_read();
        gather(&mut shards, &mut known, workers);
        // A window that was just read is in the cache. What one or two threads gain by that is more than they lose by waiting for each
        // other between the phases; more of them wait longer, and are kept at work by both phases at once.
        if workers.at_hand() > 2 {
            let other = spare.unwrap_or_else(|| slot(&capture));
            back = Some(std::mem::replace(&mut front, other));
        } else {
            absorb(&front, &mut shards, run.limit, workers);
        }
        run.interrupted = watch.stop.load(Ordering::Relaxed);
        more = !run.interrupted && run.next_frame <= run.limit && capture.begin(&mut front.window);
    }
    if let Some(back) = &back {
        absorb(back, &mut shards, run.limit, workers);
    }
    drop((front, back));
    Ok(finish(path, &capture, (shards, known), run, options.leans, workers))
}

/// Joins what the shards know once that is much: with each of its own, every one of them comes to know every host and every second of a
/// long capture. Which of them knows it makes no difference to what they know together.
fn gather(shards: &mut [(Shard, Part)], known: &mut Part, workers: &Workers) {
    /// Flows that something was heard of in a second: two megabytes. They are soon joined, and come in every capture.
    const HEARD: usize = 32_768;
    /// Octets: as many as a window has. What is known grows with the hosts and names that come, and if those never come again there
    /// have to be as many new ones as old ones, or the old ones are put in order again and again.
    const MUCH: usize = 8 << 20;
    if shards.iter().map(|(_, part)| part.facts.lately.len()).sum::<usize>() >= HEARD {
        shards.iter_mut().for_each(|(_, part)| known.facts.take_heard(&mut part.facts));
        known.facts.settle_heard();
    }
    if shards.iter().map(|(_, part)| part.reckoned()).sum::<usize>() >= MUCH.max(known.reckoned()) {
        let joined = |group: &mut [(Shard, Part)]| Part::joined(group.iter_mut().map(|(_, part)| part.give()));
        let groups = workers.map(shards.chunks_mut(JOINED), joined);
        let all = std::iter::once(std::mem::take(known)).chain(groups).collect();
        *known = Part::together(all, workers, false);
        known.explained.settle();
    }
}

/// What is carried from window to window.
#[derive(Default)]
struct Run {
    next_frame: u64,
    limit: u64,
    stats: Stats,
    reassembler: Reassembler,
    time_first: Option<Timestamp>,
    time_last: Option<Timestamp>,
    previous: Option<Timestamp>,
    reported: u64,
    interrupted: bool,
}

impl Run {
    /// The sequential part between the phases: frame numbers, counters, fragments.
    fn between(&mut self, slot: &mut Slot) {
        slot.firsts.clear();
        slot.side.clear();
        for sink in &mut slot.sinks {
            slot.firsts.push(self.next_frame);
            if let Some(Times { first, last, earliest, latest }) = sink.times() {
                self.stats.out_of_order += u64::from(self.previous.is_some_and(|previous| first < previous));
                self.previous = Some(last);
                self.time_first = self.time_first.into_iter().chain([earliest]).min();
                self.time_last = self.time_last.into_iter().chain([latest]).max();
            }
            self.next_frame += u64::from(sink.frames());
            self.stats.merge(sink.stats());
            self.stats.fragments_abandoned += reassemble(sink, slot.window.bytes(), &mut self.reassembler, &mut slot.side);
        }
        if self.next_frame > self.limit {
            self.stats.packets = self.stats.packets.min(self.limit);
        }
    }
}

fn walk(slot: &mut Slot, workers: &Workers) -> Vec<crate::capture::ChunkEnd> {
    let Slot { window, sinks, .. } = slot;
    workers.map(window.chunks().into_iter().zip(sinks), |(chunk, sink)| chunk.read_and_walk(sink))
}

fn absorb(slot: &Slot, shards: &mut [(Shard, Part)], limit: u64, workers: &Workers) {
    let window = WindowBytes { bytes: slot.window.bytes(), side: &slot.side, base: slot.window.base() };
    let dealt = Dealt::new(slot.sinks.iter().zip(slot.firsts.iter().copied()), limit);
    workers.map(shards.iter_mut().enumerate(), |(n, (shard, part))| {
        let records = dealt.of(n);
        // A few from each chunk, here and there: together they are fetched in the time of one.
        records.iter().for_each(|(record, _)| prefetch::value(*record));
        shard.absorb_all(records, &window);
        part.facts.lately.extend(shard.take_heard());
        shard.take_finished(|flow| part.add(flow));
    });
}

/// Parts joined by one thread before all are.
const JOINED: usize = 8;

fn finish(
    path: &Path,
    capture: &Capture,
    (mut shards, known): (Vec<(Shard, Part)>, Part),
    mut run: Run,
    leans: bool,
    workers: &Workers,
) -> CaptureReport {
    workers.map(&mut shards, |(shard, part)| shard.drain(|flow| part.add(flow)));
    let mut streams = Streams::default();
    let mut parts = Vec::with_capacity(SHARDS);
    for (shard, part) in shards {
        run.stats.evicted += shard.counts.evicted;
        run.stats.late_packets += shard.counts.late_packets;
        run.stats.closed_forgotten += shard.counts.closed_forgotten;
        run.stats.streams_forgotten += shard.counts.streams_forgotten;
        run.stats.bad_checksums += shard.counts.bad_checksums;
        streams.tcp.push(shard.tcp_streams);
        streams.udp.push(shard.udp_streams);
        parts.push(part);
    }
    streams.forgotten = run.stats.streams_forgotten > 0;
    run.stats.fragments_abandoned += run.reassembler.abandoned + run.reassembler.unfinished();
    // In groups of a fixed size: what is joined with what must not depend on the number of threads.
    let joined = |group: &mut [Part]| Part::joined(group.iter_mut().map(std::mem::take));
    let groups = workers.map(parts.chunks_mut(JOINED), joined);
    let groups = std::iter::once(known).chain(groups).collect();
    let (audit, conclusion) = conclude(groups, run.stats.out_of_order > 0, leans, workers);
    // Each is judged or not: those whose packets a filter hides are none.
    run.stats.flows = conclusion.verdicts.values().sum();
    CaptureReport {
        path: path.to_owned(),
        description: capture.description(),
        bytes_read: capture.bytes_read(),
        damage: capture.damage().to_vec(),
        damage_count: capture.damage_count(),
        complete: !capture.damaged() && !run.interrupted,
        time_first: run.time_first,
        time_last: run.time_last,
        stats: run.stats,
        audit,
        conclusion,
        streams,
        interrupted: run.interrupted,
        spool: capture.spool(),
    }
}
