//! How the attempts of one name, server or client went over time: counts in spans of equal length, in bounded space.
//!
//! A span begins one second long. When more spans hold attempts than a track may have, all of them double. How long they end up is
//! the least that suffices for all attempts together, so `merge(a, b)` is the track of all attempts of both, in any order.

use super::gathered::Joins;
use crate::capture::Timestamp;
use crate::detect::finding::Mechanism;
use crate::limits::TIMELINE_SPANS;
use std::collections::BTreeMap;

/// What an attempt came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Came {
    /// A finding at or above `likely` is about it.
    Interfered,
    /// Judged, and nothing was wrong with it.
    Fine,
    /// It failed, or is unexplained.
    Failed,
    /// It could not be judged.
    Unjudged,
}

/// Attempts by what they came to, and when the first and the last of them were made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    pub interfered: u64,
    pub fine: u64,
    pub failed: u64,
    pub unjudged: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

impl Counts {
    /// Of one attempt.
    pub fn one(time: Timestamp, came: Came) -> Counts {
        let n = |c: Came| u64::from(c == came);
        Counts {
            interfered: n(Came::Interfered),
            fine: n(Came::Fine),
            failed: n(Came::Failed),
            unjudged: n(Came::Unjudged),
            first: time,
            last: time,
        }
    }

    /// Of both.
    pub fn and(self, other: Counts) -> Counts {
        Counts {
            interfered: self.interfered + other.interfered,
            fine: self.fine + other.fine,
            failed: self.failed + other.failed,
            unjudged: self.unjudged + other.unjudged,
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// Those that show how a name fares: interfered with, or fine.
    pub fn judged(&self) -> u64 {
        self.interfered + self.fine
    }

    pub fn all(&self) -> u64 {
        self.judged() + self.failed + self.unjudged
    }
}

/// Counts over time. Most names, servers and clients are met once, which takes no heap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Track {
    #[default]
    Empty,
    /// One attempt that nothing interfered with, or nothing that has a name.
    Once(Timestamp, Came),
    Spans(Box<Spans>),
}

/// Counts of spans of equal length.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spans {
    /// Spans are 2^`doublings` seconds long.
    doublings: u8,
    /// In order of time; only those with attempts.
    list: Vec<Counts>,
    /// Interference by mechanism; an attempt that met two counts for both.
    mechanisms: BTreeMap<Mechanism, u64>,
}

impl Track {
    /// Takes an attempt, with what interfered with it.
    pub fn add(&mut self, time: Timestamp, came: Came, mechanisms: &[Mechanism]) {
        if matches!(self, Track::Empty) && mechanisms.is_empty() {
            *self = Track::Once(time, came);
            return;
        }
        let spans = self.spread();
        spans.put(Counts::one(time, came));
        for mechanism in mechanisms {
            *spans.mechanisms.entry(*mechanism).or_default() += 1;
        }
        spans.fit();
    }

    /// Adds what another track holds.
    pub fn merge(&mut self, other: &Track) {
        match other {
            Track::Empty => {}
            Track::Once(time, came) => self.add(*time, *came, &[]),
            Track::Spans(other) => self.spread().merge(other),
        }
    }

    /// Length of a span in seconds.
    pub fn width(&self) -> u64 {
        if let Track::Spans(spans) = self { 1 << spans.doublings } else { 1 }
    }

    /// The spans with attempts, in order of time.
    pub fn spans(&self) -> impl Iterator<Item = Counts> {
        let (one, list): (Option<Counts>, &[Counts]) = match self {
            Track::Empty => (None, &[]),
            Track::Once(time, came) => (Some(Counts::one(*time, *came)), &[]),
            Track::Spans(spans) => (None, &spans.list),
        };
        one.into_iter().chain(list.iter().copied())
    }

    /// Interference by mechanism; an attempt that met two counts for both.
    pub fn mechanisms(&self) -> impl Iterator<Item = (Mechanism, u64)> {
        let spans = if let Track::Spans(spans) = self { Some(spans) } else { None };
        spans.into_iter().flat_map(|s| &s.mechanisms).map(|(mechanism, n)| (*mechanism, *n))
    }

    /// Everything together; nothing for a track without attempts.
    pub fn total(&self) -> Option<Counts> {
        self.spans().reduce(Counts::and)
    }

    pub fn is_hit(&self) -> bool {
        self.spans().any(|c| c.interfered > 0)
    }

    /// This track as one mechanism sees it: attempts that others interfered with are none of its own, and what failed for no visible
    /// reason says nothing about it.
    pub fn seen_by(&self, hits: &Track) -> Track {
        let others = self.spans().map(|c| Counts { interfered: 0, failed: 0, unjudged: c.unjudged + c.failed, ..c });
        let doublings = if let Track::Spans(spans) = self { spans.doublings } else { 0 };
        let list = others.filter(|c| c.all() > 0).collect();
        let mut seen = Track::Spans(Box::new(Spans { doublings, list, mechanisms: BTreeMap::new() }));
        seen.merge(hits);
        seen
    }

    /// Octets that a track is reckoned to take beside its key. No measure of the heap: what is kept must not change with how it is laid
    /// out.
    pub fn reckoned(&self) -> usize {
        /// Of a span, and of a mechanism with its share of a tree.
        const SPAN: usize = 56;
        const MECHANISM: usize = 32;
        match self {
            Track::Empty => 0,
            Track::Once(..) => SPAN,
            Track::Spans(spans) => spans.list.capacity() * SPAN + spans.mechanisms.len() * MECHANISM,
        }
    }

    /// As spans, whatever it was.
    fn spread(&mut self) -> &mut Spans {
        let list = match self {
            Track::Empty => Some(Vec::new()),
            Track::Once(time, came) => Some(vec![Counts::one(*time, *came)]),
            Track::Spans(_) => None,
        };
        if let Some(list) = list {
            *self = Track::Spans(Box::new(Spans { list, ..Spans::default() }));
        }
        let Track::Spans(spans) = self else { unreachable!("made so above") };
        spans
    }
}

impl Joins for Track {
    fn join(&mut self, other: &mut Track) {
        if matches!(self, Track::Empty) {
            *self = std::mem::take(other);
        } else {
            self.merge(other);
        }
    }
}

impl Spans {
    fn merge(&mut self, other: &Spans) {
        while self.doublings < other.doublings {
            self.coarsen();
        }
        other.list.iter().for_each(|counts| self.put(*counts));
        for (mechanism, n) in &other.mechanisms {
            *self.mechanisms.entry(*mechanism).or_default() += n;
        }
        self.fit();
    }

    /// Number of the span since 1970 that attempts lie in.
    fn place(&self, counts: &Counts) -> i64 {
        counts.first.second() >> self.doublings
    }

    /// Adds attempts of one span.
    fn put(&mut self, counts: Counts) {
        let at = self.place(&counts);
        // Flows end more or less in the order they began in.
        let last = self.list.last().map(|last| self.place(last));
        let found = match last {
            Some(last) if last == at => Ok(self.list.len() - 1),
            Some(last) if last < at => Err(self.list.len()),
            _ => self.list.binary_search_by_key(&at, |known| self.place(known)),
        };
        match found {
            Ok(i) => {
                if let Some(known) = self.list.get_mut(i) {
                    *known = known.and(counts);
                }
            }
            Err(i) => {
                if self.list.is_empty() {
                    // Most names are hit once, and a vector's first growth makes room for four.
                    self.list.reserve_exact(1);
                }
                self.list.insert(i, counts);
            }
        }
    }

    fn fit(&mut self) {
        while self.list.len() > TIMELINE_SPANS {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.doublings += 1;
        let mut fewer: Vec<Counts> = Vec::with_capacity(self.list.len());
        for counts in std::mem::take(&mut self.list) {
            match fewer.last_mut() {
                Some(known) if self.place(known) == self.place(&counts) => *known = known.and(counts),
                _ => fewer.push(counts),
            }
        }
        self.list = fewer;
    }
}

#[cfg(test)]
mod tests;
