//! Requests and answers of a capture, in flat lists: tens of octets for each, where a map of maps takes a thousand.
//!
//! A list grows as flows end, is put in order and cut to its bounds whenever it has doubled, and once more after the shards'
//! lists were joined: what is kept depends on the flows, not on when it was cut.

use super::facts::Kind;
use crate::detect::surroundings::{Attempt, Outcome};
use crate::limits::{ANSWERS_PER_NAME, ATTEMPTS_PER_NAME, NAMES_PER_SERVER, SURVEY_SERVERS};
use std::net::IpAddr;

/// Shorter lists are left alone.
const SHORT: usize = 4096;

/// Requests, how they went, and of what kind.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    list: Vec<(Kind, Attempt)>,
    next: usize,
    pub dropped: u64,
}

impl Attempts {
    pub fn add(&mut self, kind: Kind, attempt: Attempt) {
        self.list.push((kind, attempt));
        if self.list.len() >= self.next.max(SHORT) {
            self.settle();
            self.next = self.list.len() * 2;
        }
    }

    pub fn merge(&mut self, other: Attempts) {
        self.list.extend(other.list);
        self.dropped += other.dropped;
    }

    /// In order of server, name and time, and no more than the bounds allow.
    pub fn settle(&mut self) {
        fn key((kind, a): &(Kind, Attempt)) -> (IpAddr, u16, Kind) {
            (a.server, a.port, *kind)
        }
        // Stable, because that makes use of the stretches in order that merged lists consist of.
        self.list.sort_by(|a, b| (key(a), &a.1.name, a.1.time, a.1.frame).cmp(&(key(b), &b.1.name, b.1.time, b.1.frame)));
        let before = self.list.len();
        let mut keep = Vec::with_capacity(before);
        for (n, server) in self.list.chunk_by(|a, b| key(a) == key(b)).enumerate() {
            for (m, name) in server.chunk_by(|a, b| a.1.name == b.1.name).enumerate() {
                let room = if n < SURVEY_SERVERS && m < NAMES_PER_SERVER { ATTEMPTS_PER_NAME } else { 0 };
                keep.extend(kept(name, room));
            }
        }
        if keep.iter().any(|k| !k) {
            let mut each = keep.iter();
            self.list.retain(|_| each.next().copied().unwrap_or(true));
            self.dropped += (before - self.list.len()) as u64;
        }
    }

    /// In the order [`Attempts::settle`] puts them in.
    pub fn all(&self) -> &[(Kind, Attempt)] {
        &self.list
    }
}

/// Which attempts for one name stay: failures before successes, the first and the last before those in between.
fn kept(name: &[(Kind, Attempt)], room: usize) -> Vec<bool> {
    let mut keep = vec![name.len() <= room; name.len()];
    if name.len() <= room {
        return keep;
    }
    let of = |answered: bool| -> Vec<usize> {
        let wanted = |i: &usize| name.get(*i).is_some_and(|(_, a)| (a.outcome == Outcome::Answered) == answered);
        (0..name.len()).filter(wanted).collect()
    };
    let (failed, answered) = (of(false), of(true));
    // Half the room for failures at most: that a name was ever answered must not be forgotten.
    let for_failed = failed.len().min(room - answered.len().min(room / 2));
    for (list, room) in [(failed, for_failed), (answered, room - for_failed)] {
        let (first, last) = (room.div_ceil(2).min(list.len()), (room / 2).min(list.len()));
        let ends = list.iter().take(first).chain(list.iter().rev().take(last));
        for i in ends {
            if let Some(slot) = keep.get_mut(*i) {
                *slot = true;
            }
        }
    }
    keep
}

/// An address that was given for a name: the name, the address, the resolver, the frame, the first frame of its flow.
pub type Given = (Box<[u8]>, IpAddr, IpAddr, u64, u64);

/// Addresses that answers gave.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    list: Vec<Given>,
    next: usize,
    pub dropped: u64,
}

impl Answers {
    pub fn add(&mut self, name: &[u8], (address, resolver, frame, flow): (IpAddr, IpAddr, u64, u64)) {
        self.list.push((name.into(), address, resolver, frame, flow));
        if self.list.len() >= self.next.max(SHORT) {
            self.settle();
            self.next = self.list.len() * 2;
        }
    }

    pub fn merge(&mut self, other: Answers) {
        self.list.extend(other.list);
        self.dropped += other.dropped;
    }

    /// In order of name, each answer once, and no more than the bounds allow.
    pub fn settle(&mut self) {
        self.list.sort();
        self.list.dedup();
        let (mut names, mut of_name, mut dropped) = (0usize, 0usize, 0u64);
        let mut last: Option<Box<[u8]>> = None;
        self.list.retain(|given| {
            if last.as_ref() != Some(&given.0) {
                last = Some(given.0.clone());
                names += 1;
                of_name = 0;
            }
            of_name += 1;
            let keep = names <= SURVEY_SERVERS && of_name <= ANSWERS_PER_NAME;
            dropped += u64::from(!keep);
            keep
        });
        self.dropped += dropped;
    }

    /// What a name was answered with; after [`Answers::settle`].
    pub fn of(&self, name: &[u8]) -> &[Given] {
        let from = self.list.partition_point(|g| *g.0 < *name);
        let rest = self.list.get(from..).unwrap_or_default();
        rest.get(..rest.partition_point(|g| *g.0 == *name)).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Given> {
        self.list.iter()
    }
}
