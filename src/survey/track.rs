//! How the attempts of one name, server or client went over time: counts in spans of equal length, in bounded space.
//!
//! A span begins one second long. When more spans hold attempts than a track may have, all of them double. How long they end up is
//! the least that suffices for all attempts together, so `merge(a, b)` is the track of all attempts of both, in any order.

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

/// Counts over time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Track {
    /// Spans are 2^`doublings` seconds long.
    doublings: u8,
    /// By number of the span since 1970, in order; only those with attempts.
    spans: Vec<(i64, Counts)>,
    /// Interference by mechanism; an attempt that met two counts for both.
    pub mechanisms: BTreeMap<Mechanism, u64>,
}

impl Track {
    /// Takes an attempt, or several of one span.
    pub fn add(&mut self, counts: Counts) {
        let second = counts.first.0.div_euclid(1_000_000_000);
        self.put(second >> self.doublings, counts);
        self.fit();
    }

    /// Adds what another track holds.
    pub fn merge(&mut self, other: &Track) {
        while self.doublings < other.doublings {
            self.coarsen();
        }
        for (at, counts) in &other.spans {
            self.put(at >> (self.doublings - other.doublings), *counts);
        }
        for (mechanism, n) in &other.mechanisms {
            *self.mechanisms.entry(*mechanism).or_default() += n;
        }
        self.fit();
    }

    /// The same, of a track that is needed no more.
    pub fn take(&mut self, other: Track) {
        if self.spans.is_empty() && self.mechanisms.is_empty() {
            *self = other;
        } else {
            self.merge(&other);
        }
    }

    /// Length of a span in seconds.
    pub fn width(&self) -> u64 {
        1 << self.doublings
    }

    /// The spans with attempts, in order of time.
    pub fn spans(&self) -> impl Iterator<Item = &Counts> {
        self.spans.iter().map(|(_, c)| c)
    }

    /// Everything together; nothing for a track without attempts.
    pub fn total(&self) -> Option<Counts> {
        self.spans().copied().reduce(Counts::and)
    }

    pub fn is_hit(&self) -> bool {
        self.spans().any(|c| c.interfered > 0)
    }

    /// This track as one mechanism sees it: attempts that others interfered with are none of its own, and what failed for no visible
    /// reason says nothing about it.
    pub fn seen_by(&self, hits: &Track) -> Track {
        let mut seen = Track { doublings: self.doublings, mechanisms: hits.mechanisms.clone(), ..Track::default() };
        let others = self.spans.iter().map(|(at, c)| (*at, Counts { interfered: 0, failed: 0, unjudged: c.unjudged + c.failed, ..*c }));
        seen.spans = others.filter(|(_, c)| c.all() > 0).collect();
        seen.merge(hits);
        seen.mechanisms.clone_from(&hits.mechanisms);
        seen
    }

    /// Octets on the heap.
    pub fn heap(&self) -> usize {
        self.spans.capacity() * size_of::<(i64, Counts)>() + self.mechanisms.len() * size_of::<(Mechanism, u64)>() * 2
    }

    fn put(&mut self, at: i64, counts: Counts) {
        match self.spans.binary_search_by_key(&at, |(n, _)| *n) {
            Ok(i) => {
                if let Some((_, known)) = self.spans.get_mut(i) {
                    *known = known.and(counts);
                }
            }
            Err(i) => {
                if self.spans.is_empty() {
                    // Most names are asked for once, and a vector's first growth makes room for four.
                    self.spans.reserve_exact(1);
                }
                self.spans.insert(i, (at, counts));
            }
        }
    }

    fn fit(&mut self) {
        while self.spans.len() > TIMELINE_SPANS {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.doublings += 1;
        let mut fewer: Vec<(i64, Counts)> = Vec::with_capacity(self.spans.len());
        for (at, counts) in self.spans.drain(..) {
            match fewer.last_mut() {
                Some((last, known)) if *last == at >> 1 => *known = known.and(counts),
                _ => fewer.push((at >> 1, counts)),
            }
        }
        self.spans = fewer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn track(attempts: &[(i64, bool)]) -> Track {
        let mut track = Track::default();
        for (second, hit) in attempts {
            let came = if *hit { Came::Interfered } else { Came::Fine };
            track.add(Counts::one(Timestamp(second.saturating_mul(1_000_000_000)), came));
        }
        track
    }

    proptest! {
        /// The law: cut anywhere, merged in either order, it is the track of all.
        #[test]
        fn merging_is_adding(attempts in proptest::collection::vec((-4000i64..900_000, any::<bool>()), 0..1500), cut in 0usize..1500) {
            let (a, b) = attempts.split_at(cut.min(attempts.len()));
            let (mut ab, mut ba) = (track(a), track(b));
            ab.merge(&track(b));
            ba.merge(&track(a));
            prop_assert_eq!(&ab, &track(&attempts));
            prop_assert_eq!(&ab, &ba);
            prop_assert!(ab.spans.len() <= TIMELINE_SPANS);
            prop_assert_eq!(ab.total().map_or(0, |c| c.all()), attempts.len() as u64);
        }
    }

    #[test]
    fn a_clock_that_jumps_costs_no_resolution() {
        let mut seconds: Vec<(i64, bool)> = (0..200).map(|s| (s, false)).collect();
        seconds.push((4_000_000_000, true));
        let track = track(&seconds);
        assert_eq!((track.width(), track.spans.len()), (1, 201));
    }

    #[test]
    fn the_ends_of_time() {
        let mut track = track(&[(i64::MAX / 1_000_000_000, true)]);
        track.add(Counts::one(Timestamp(i64::MIN), Came::Fine));
        track.add(Counts::one(Timestamp(i64::MAX), Came::Fine));
        assert_eq!(track.total().unwrap().all(), 3);
    }

    #[test]
    fn a_mechanism_leaves_out_what_others_did() {
        let mut all = track(&[(0, true), (1, true), (2, false)]);
        all.mechanisms.insert(Mechanism::TcpReset, 1);
        let hits = track(&[(1, true)]);
        let seen = all.seen_by(&hits).total().unwrap();
        assert_eq!((seen.interfered, seen.fine), (1, 1));
    }
}
