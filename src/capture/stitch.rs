//! Between the phases: proves where each chunk started, walks again what was guessed wrongly, and says where the next window starts.
//!
//! This is what makes the result exact whatever the guesses: a chunk's walk counts only if it began precisely where the record
//! before it ended, with the interface table that held there. Everything else is walked here, in order.

use super::Sink;
use super::aligned::PAGE;
use super::boundary::{self, Resumption};
use super::open::{Capture, Source};
use super::records::{Stop, walk};
use super::window::{ChunkEnd, Window, fill};

/// A search for records behind damage, which may go on over several windows.
pub(super) struct Search {
    /// Where the damage is.
    pub offset: u64,
    pub text: String,
}

/// Headers are shorter than this; a search that starts so far before the end of the bytes misses none.
const LONGEST_HEADER: usize = 32;

impl Capture {
    /// Settles a window whose chunks have been read and walked. `ends` are theirs, in order, and `sinks` the sinks they were given;
    /// afterwards the sinks hold the window's frames, each exactly once and in order, and those without a chunk are empty.
    ///
    /// There must be at least as many sinks as chunks ([`Window::max_chunks`]).
    pub fn stitch<S: Sink>(&mut self, window: &mut Window, ends: Vec<ChunkEnd>, sinks: &mut [S]) {
        debug_assert!(ends.len() <= sinks.len(), "a sink for every chunk");
        self.notice_short_read(window, &ends);
        let mut walker = Walker { pos: window.start, over: false };
        let mut sinks = sinks.iter_mut();
        for (index, (end, sink)) in ends.into_iter().zip(&mut sinks).enumerate() {
            let limit = ((index + 1) * window.chunk).min(window.filled);
            if !walker.over && self.search.is_some() {
                self.search_on(window, &mut walker);
            }
            if walker.over || walker.pos >= limit {
                sink.reset();
                continue;
            }
            if end.from == Some(walker.pos) && end.to <= limit && self.context.same_layout(&window.context) {
                walker.pos = end.to;
                self.damages.append(end.damages);
                self.context.layout = end.context.layout;
                self.context.previous = end.context.previous.or(self.context.previous);
            } else {
                sink.reset();
            }
            self.walk_chunk(window, limit, &mut walker, sink);
        }
        sinks.for_each(Sink::reset);
        if !walker.over {
            self.next = window.base + walker.pos as u64;
            if window.last {
                self.finish();
            }
        }
        self.keep_tail(window);
    }

    /// A file can shrink, or fail, while it is read: the window then ends there.
    fn notice_short_read(&mut self, window: &mut Window, ends: &[ChunkEnd]) {
        let Some((index, end)) = ends.iter().enumerate().find(|(_, end)| end.got < end.wanted) else {
            return;
        };
        window.filled = index * window.chunk + end.got;
        window.last = true;
        let offset = window.base + window.filled as u64;
        self.damages.add(offset, || match &end.error {
            Some(error) => format!("read failed: {error}"),
            None => "the file became shorter while it was read".into(),
        });
        self.cut_on_purpose = true;
    }

    /// Walks from where the records are known to be up to the end of the chunk, over its end if the last record is, and through
    /// whatever damage there is.
    fn walk_chunk<S: Sink>(&mut self, window: &Window, limit: usize, walker: &mut Walker, sink: &mut S) {
        while !walker.over && walker.pos < limit {
            let bytes = window.bytes();
            let (pos, stop) = walk(&mut self.context, bytes, (walker.pos, limit), (window.base, 0), sink, &mut self.damages);
            walker.pos = pos;
            match stop {
                Stop::Limit => return,
                Stop::Cut { needs, packet } => {
                    // Of a whole window, wherever the capture ends: how a record is told of does not depend on what follows it.
                    let usable = self.options.window - PAGE;
                    if needs > usable as u64 {
                        self.oversized(window, walker, (needs, packet), sink);
                    } else if window.last {
                        self.cut_at_end(window, walker, needs);
                    } else {
                        self.next = window.base + walker.pos as u64;
                        walker.over = true;
                    }
                }
                Stop::NeedsPrevious => self.damaged_at(window, walker, "a packet without a time".into()),
                Stop::Bad(text) => self.damaged_at(window, walker, text),
            }
        }
    }

    /// Begins a search behind the record at `walker.pos`.
    fn damaged_at(&mut self, window: &Window, walker: &mut Walker, text: String) {
        let bytes = window.bytes();
        self.search = Some(Search { offset: window.base + walker.pos as u64, text });
        // A broken length behind a block says nothing against the one in front of it.
        let claimed = self.context.claimed_end(bytes, walker.pos).filter(|&end| end > walker.pos && end <= bytes.len());
        if let Some(end) = claimed.filter(|&end| boundary::may_follow(&self.context, bytes, end)) {
            walker.pos = end;
            self.found(window, walker.pos);
            return;
        }
        walker.pos += 1;
        self.search_on(window, walker);
    }

    /// Goes on with the search from `walker.pos`.
    fn search_on(&mut self, window: &Window, walker: &mut Walker) {
        let bytes = window.bytes();
        let near = self.context.previous.or(self.near);
        let mut found = boundary::resume(&self.context, bytes, walker.pos, near, window.last);
        if found == Resumption::Undecided(window.start) {
            // The window is as full as it can be: decide with what there is.
            found = match boundary::resume(&self.context, bytes, walker.pos, near, true) {
                Resumption::At(pos) => Resumption::At(pos),
                _ => Resumption::Undecided(bytes.len().saturating_sub(LONGEST_HEADER).max(window.start + 1)),
            };
        }
        match found {
            Resumption::At(pos) => {
                walker.pos = pos;
                self.found(window, pos);
            }
            Resumption::Undecided(pos) => {
                self.next = window.base + pos as u64;
                walker.over = true;
            }
            Resumption::Nowhere if window.last => {
                if let Some(search) = self.search.take() {
                    self.damages.add(search.offset, || format!("{}; no record found behind it", search.text));
                }
                self.next = window.base + bytes.len() as u64;
                walker.over = true;
                self.finish();
            }
            Resumption::Nowhere => {
                self.next = window.base + bytes.len() as u64;
                walker.over = true;
            }
        }
    }

    fn found(&mut self, window: &Window, pos: usize) {
        if let Some(search) = self.search.take() {
            let offset = window.base + pos as u64;
            let skipped = offset - search.offset;
            self.damages.add(search.offset, || format!("{}; {skipped} bytes skipped, reading on at byte {offset}", search.text));
        }
    }

    /// The capture ends inside a record: cut short, unless the length lies and records follow.
    fn cut_at_end(&mut self, window: &Window, walker: &mut Walker, needs: u64) {
        let there = (window.filled - walker.pos) as u64;
        let text = match needs {
            0 => format!("cut short: {there} bytes of a record's header"),
            _ => format!("cut short: {there} of a record's {needs} bytes"),
        };
        if self.cut_on_purpose || self.source.failure().is_some() {
            // That damage is reported by itself, and explains this one.
            self.next = window.base + window.filled as u64;
            walker.over = true;
            self.finish();
        } else {
            self.damaged_at(window, walker, text);
        }
    }

    /// A record larger than a window is stepped over, if its length can be believed.
    fn oversized<S: Sink>(&mut self, window: &Window, walker: &mut Walker, (needs, packet): (u64, bool), sink: &mut S) {
        let offset = window.base + walker.pos as u64;
        if window.filled - walker.pos < LONGEST_HEADER && !window.last {
            // Its header is looked at below: let it start the next window, where it is whole.
            self.next = offset;
            walker.over = true;
            return;
        }
        let end = offset.saturating_add(needs);
        if let Source::File { file, length, .. } = &self.source {
            if end > *length {
                let text = format!("a record of {needs} bytes where only {} are left", length - offset);
                return if self.cut_on_purpose {
                    self.next = *length;
                    walker.over = true;
                    self.finish();
                } else {
                    self.damaged_at(window, walker, text)
                };
            }
            let mut lengths = [[0; 4]; 2];
            let [front, behind] = &mut lengths;
            let read = fill(file, front, offset + 4).0 + fill(file, behind, end - 4).0;
            if self.context.claimed_end(window.bytes(), walker.pos).is_some() && (read < 8 || front != behind) {
                let text = format!("a block of {needs} bytes whose lengths differ");
                return self.damaged_at(window, walker, text);
            }
        } else if !self.context.believable(window.bytes(), walker.pos) {
            return self.damaged_at(window, walker, format!("a block of {needs} bytes"));
        }
        if packet {
            // Wireshark may show such a frame; its number must not go to the next one.
            sink.numbered();
            self.damages.add(offset, || format!("a record of {needs} bytes, larger than a window; skipped"));
        }
        self.next = end;
        walker.over = true;
    }

    /// Streams cannot be read again: what this window did not use is kept for the next.
    fn keep_tail(&mut self, window: &Window) {
        let Source::Stream { feed, carry, .. } = &mut self.source else {
            return;
        };
        carry.clear();
        let end = window.base + window.filled as u64;
        if let Some(ahead) = self.next.checked_sub(end) {
            if feed.discard(ahead) < ahead && feed.failure().is_none() {
                self.damages.add(end, || format!("cut short inside a record that ends at byte {}", self.next));
            }
        } else {
            let from = (self.next - window.base) as usize;
            carry.extend_from_slice(window.bytes().get(from..).unwrap_or_default());
        }
    }
}

/// Where the walk is, and whether it has left the window.
struct Walker {
    pos: usize,
    over: bool,
}
