//! Requests and answers of a capture, in flat lists: tens of octets for each, where a map of maps takes a thousand.
//!
//! A list grows as flows end, is put in order and cut to its bounds whenever it has doubled, and once more after the shards'
//! lists were joined: what is kept depends on the flows, not on when it was cut.

use super::facts::Kind;
use super::gathered::by_rank;
use crate::capture::Timestamp;
use crate::detect::surroundings::{Afterwards, Attempt, FlowRef, Outcome};
use crate::limits::{ATTEMPTS_PER_NAME, NAMES_PER_SERVER, SURVEY_SERVERS};
use crate::packet::Endpoint;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Shorter lists are left alone: a shard's share of the requests of a busy minute.
const SHORT: usize = 2048;

/// A request and how it went: what an [`Attempt`] tells, in less room, because there is one for nearly every flow.
#[derive(Clone, Debug)]
pub struct Asked {
    pub kind: Kind,
    pub outcome: Outcome,
    pub ech: bool,
    pub session: bool,
    segments: u8,
    /// Octets of its largest packet's payload, in eights.
    eights: u8,
    pub afterwards: Afterwards,
    pub evasion: u8,
    pub time: Timestamp,
    pub frame: u64,
    /// First frame of its flow.
    pub flow: u64,
    /// First frame of the conversation; frames count from 1.
    stream: Option<NonZeroU64>,
    /// In lower case; requests of a shard for the same share it.
    pub name: Arc<[u8]>,
    pub client: Endpoint,
    pub server: Endpoint,
}

impl Asked {
    /// What it was asked on: server, port, and in which way.
    pub fn service(&self) -> (IpAddr, u16, Kind) {
        (self.server.ip, self.server.port, self.kind)
    }

    /// As much of the service and of the name as fits in a number, in the same order: of an IPv6 service the address but for its last bit,
    /// since nothing may come before port and kind; of others all, and of the name its first octets.
    fn rank(&self) -> u128 {
        let service = match self.server.ip {
            IpAddr::V4(ip) => u64::from(ip.to_bits()) << 24 | u64::from(self.server.port) << 8 | self.kind as u64,
            IpAddr::V6(ip) => return 1 << 127 | ip.to_bits() >> 1,
        };
        let mut name = [0; 8];
        name.iter_mut().zip(self.name.iter()).for_each(|(to, from)| *to = *from);
        u128::from(service) << 64 | u128::from(u64::from_be_bytes(name))
    }

    /// When it was asked, as a number in the same order.
    fn moment(&self) -> u128 {
        u128::from(self.time.0.cast_unsigned() ^ 1 << 63) << 64 | u128::from(self.frame)
    }

    /// In which way for which name.
    pub fn wanted(&self) -> (Kind, &[u8]) {
        (self.kind, &self.name)
    }

    pub fn is_answered(&self) -> bool {
        self.outcome == Outcome::Answered
    }

    /// As [`Attempt::is_answered_without`].
    pub fn is_answered_without(&self, evasion: u8) -> bool {
        self.is_answered() && self.evasion & !evasion == 0
    }

    /// As the rules are told of it.
    pub fn attempt(&self) -> Attempt<'_> {
        Attempt {
            time: self.time,
            frame: self.frame,
            flow: FlowRef { first: self.flow, stream_first: self.stream.map(NonZeroU64::get), client: self.client },
            server: self.server.ip,
            port: self.server.port,
            name: &self.name,
            outcome: self.outcome,
            same_kind: true,
            ech: self.ech,
            session: self.session,
            hit: false,
            segments: self.segments,
            largest: u16::from(self.eights) * 8,
            afterwards: self.afterwards,
            evasion: self.evasion,
        }
    }
}

/// Requests, how they went, and of what kind.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    list: Vec<Asked>,
    /// Other shards', until [`Attempts::settle`].
    others: Vec<Vec<Asked>>,
    /// Those of the list while it grows: a name is held once.
    names: BTreeSet<Arc<[u8]>>,
    next: usize,
    pub dropped: u64,
}

impl Attempts {
    pub fn add(&mut self, kind: Kind, attempt: Attempt<'_>) {
        let Attempt { time, frame, flow, server, port, name, outcome, ech, session, segments, largest, afterwards, evasion, .. } = attempt;
        let asked = Asked {
            kind,
            outcome,
            ech,
            session,
            segments,
            eights: u8::try_from(largest.div_ceil(8)).unwrap_or(u8::MAX),
            afterwards,
            evasion,
            time,
            frame,
            flow: flow.first,
            stream: flow.stream_first.and_then(NonZeroU64::new),
            name: self.held(name),
            client: flow.client,
            server: Endpoint { ip: server, port },
        };
        self.list.push(asked);
        if self.list.len() >= self.next.max(SHORT) {
            self.settle();
            self.next = self.list.len() * 2;
            self.names.retain(|name| Arc::strong_count(name) > 1);
        }
    }

    fn held(&mut self, name: &[u8]) -> Arc<[u8]> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<[u8]> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    /// Adds another shard's; [`Attempts::settle`] is to follow.
    pub fn merge(&mut self, other: Attempts) {
        self.others.push(other.list);
        self.others.extend(other.others);
        self.dropped += other.dropped;
        self.names = BTreeSet::new();
    }

    /// In order of server, name and time, and no more than the bounds allow.
    pub fn settle(&mut self) {
        // All at once: a list that grows with each of them is moved again and again, and ends up with twice the room.
        self.list.reserve_exact(self.others.iter().map(Vec::len).sum());
        for other in std::mem::take(&mut self.others) {
            self.list.extend(other);
        }
        // By numbers first, and each moved once: what has them all alike is mostly one name on one service.
        by_rank(&mut self.list, Asked::rank);
        for alike in self.list.chunk_by_mut(|a, b| a.rank() == b.rank()) {
            by_rank(alike, Asked::moment);
            let one = alike.windows(2).all(|two| matches!(two, [a, b] if a.name == b.name && a.service() == b.service()));
            if !one {
                // Stable: what is one stays in order of time.
                alike.sort_by(|a, b| (a.service(), &a.name).cmp(&(b.service(), &b.name)));
            }
        }
        let (mut spare, mut at): (Vec<usize>, usize) = (Vec::new(), 0);
        for (n, service) in self.list.chunk_by(|a, b| a.service() == b.service()).enumerate() {
            for (m, name) in service.chunk_by(|a, b| a.name == b.name).enumerate() {
                let room = if n < SURVEY_SERVERS && m < NAMES_PER_SERVER { ATTEMPTS_PER_NAME } else { 0 };
                spare.extend(surplus(name, room).into_iter().map(|i| at + i));
                at += name.len();
            }
        }
        self.dropped += spare.len() as u64;
        let (mut spare, mut at) = (spare.into_iter().peekable(), 0..);
        self.list.retain(|_| at.next().is_some_and(|i| spare.next_if_eq(&i).is_none()));
        if self.list.len() < self.list.capacity() / 2 {
            self.list.shrink_to_fit();
        }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// In the order [`Attempts::settle`] puts them in.
    pub fn all(&self) -> &[Asked] {
        &self.list
    }
}

/// Which requests for one name go, in order: successes stay behind failures, those in between behind the first and the last.
fn surplus(name: &[Asked], room: usize) -> Vec<usize> {
    if name.len() <= room {
        return Vec::new();
    }
    let of = |answered: bool| -> Vec<usize> {
        let of_them = name.iter().enumerate().filter(|(_, a)| a.is_answered() == answered);
        of_them.map(|(i, _)| i).collect()
    };
    let (failed, answered) = (of(false), of(true));
    // Half the room for failures at most: that a name was ever answered must not be forgotten.
    let for_failed = failed.len().min(room - answered.len().min(room / 2));
    let mut go = between(failed, for_failed);
    go.extend(between(answered, room - for_failed));
    go.sort_unstable();
    go
}

/// Leaves out the first and the last, so many together.
fn between(mut list: Vec<usize>, ends: usize) -> Vec<usize> {
    if list.len() <= ends {
        return Vec::new();
    }
    list.truncate(list.len() - ends / 2);
    list.split_off(ends.div_ceil(2))
}

#[cfg(test)]
mod tests;
