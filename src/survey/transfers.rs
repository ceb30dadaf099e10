//! Bulk transfers of a capture: what stalls and throttled transfers are measured against.

use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Suspect};
use crate::detect::surroundings::Seen;
use crate::detect::suspects::stall::freeze;

/// Less than this is no measure of what a path lets through: the smallest limit on record is 14 kB.
const LEAST: u64 = 16 * 1024;
/// Ordinary transfers kept per shard: some near any suspect are enough, so a long capture keeps every other one, then every fourth.
const ORDINARY: usize = 512;
/// Those that stopped or were slow, per shard.
const STRANGE: usize = 256;
/// Handed to the rules, nearest in time.
const SHOWN: usize = 128;

/// What a shard remembers, and after merging a capture.
#[derive(Clone, Debug, Default)]
pub struct Transfers {
    ordinary: Vec<Seen>,
    /// Every so many-th is kept.
    stride: u64,
    met: u64,
    strange: Vec<Seen>,
    pub dropped: u64,
}

/// Order of time, of frames within one.
fn place(t: &Seen) -> (Timestamp, u64) {
    (t.first, t.frame)
}

impl Transfers {
    /// Remembers a flow's transfer, if it has one.
    pub fn note(&mut self, case: &Case<'_>, suspects: &[Suspect]) {
        let is = |m: Mechanism| suspects.iter().any(|s| s.mechanism == m);
        let (frozen, slow) = (is(Mechanism::Stall), is(Mechanism::Throttle));
        let most = case.flow.sides.iter().map(|s| s.payload_bytes).max().unwrap_or(0);
        if !(frozen || slow || most >= LEAST) {
            return;
        }
        let Some(t) = case.transfer() else { return };
        self.stride = self.stride.max(1);
        if !(frozen || slow) {
            self.met += 1;
            if !(self.met - 1).is_multiple_of(self.stride) {
                return;
            }
        }
        let request = case.messages.requests.first();
        let seen = Seen {
            first: case.flow.first,
            last: case.flow.last,
            frame: case.entries.first().map_or(0, |e| e.frame),
            flow: super::notes::flow_ref(case),
            server: case.server_end().ip,
            port: case.server_end().port,
            name: request.map(|r| r.value.to_ascii_lowercase()).unwrap_or_default().into(),
            bytes: t.bytes,
            packets: t.packets,
            rate: t.rate,
            frozen,
            stopped: if frozen { freeze(case).map_or(case.flow.last, |f| f.from) } else { case.flow.last },
            slow,
        };
        if frozen || slow {
            if self.strange.len() < STRANGE {
                self.strange.push(seen)
            } else {
                self.dropped += 1
            }
            return;
        }
        if self.ordinary.len() == ORDINARY {
            let mut n = 0;
            self.ordinary.retain(|_| {
                n += 1;
                n % 2 == 1
            });
            self.stride *= 2;
        }
        self.ordinary.push(seen);
    }

    /// Ordinary ones that others stand for.
    pub fn left_out(&self) -> u64 {
        self.met - self.ordinary.len() as u64
    }

    /// Adds another shard's.
    pub fn merge(&mut self, other: Transfers) {
        self.ordinary.extend(other.ordinary);
        self.strange.extend(other.strange);
        self.met += other.met;
        self.dropped += other.dropped;
    }

    /// In order of time: a long capture has tens of thousands of transfers, and thousands of suspects that are measured against them.
    pub fn order(&mut self) {
        for list in [&mut self.strange, &mut self.ordinary] {
            list.sort_unstable_by_key(place);
        }
    }

    /// Others than a flow's own, nearest in time first, strange and ordinary ones alike; after [`Transfers::order`].
    pub fn around(&self, at: Timestamp, own: u64) -> Vec<Seen> {
        let distance = |t: &Seen| (t.first.since(at).unsigned_abs(), t.frame);
        let mut near: Vec<Seen> = Vec::new();
        for list in [&self.strange, &self.ordinary] {
            let (before, after) = list.split_at(list.partition_point(|t| t.first < at));
            let sides = [nearest(before.iter().rev(), own), nearest(after.iter(), own)];
            let mut both = sides.concat();
            both.sort_unstable_by_key(|t| distance(t));
            near.extend(both.into_iter().take(SHOWN).cloned());
        }
        near.sort_unstable_by_key(distance);
        near
    }
}

/// The first of a list in order of distance, with all that are as far as the last of them: of those the frame decides.
fn nearest<'t>(list: impl Iterator<Item = &'t Seen>, own: u64) -> Vec<&'t Seen> {
    let mut list = list.filter(|t| t.frame != own);
    let mut found: Vec<&Seen> = list.by_ref().take(SHOWN).collect();
    if let Some(last) = found.last().map(|t| t.first) {
        found.extend(list.take_while(|t| t.first == last));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::surroundings::FlowRef;
    use proptest::prelude::*;
    use std::sync::Arc;

    proptest! {
        /// What is picked from both sides is what sorting all by distance would give.
        #[test]
        fn the_nearest_are_found(times in prop::collection::vec(0..60i64, 0..400), at in 0..60i64, own in 0..400u64) {
            let seen = |(time, frame)| Seen {
                first: Timestamp(time),
                last: Timestamp(time),
                frame,
                flow: FlowRef::default(),
                server: FlowRef::default().client.ip,
                port: 443,
                name: Arc::default(),
                bytes: 0,
                packets: 0,
                rate: 0.0,
                frozen: false,
                stopped: Timestamp(time),
                slow: false,
            };
            let all: Vec<Seen> = times.into_iter().zip(0..).map(seen).collect();
            let mut expected: Vec<u64> = Vec::new();
            let mut sorted: Vec<&Seen> = all.iter().filter(|t| t.frame != own).collect();
            sorted.sort_by_key(|t| (t.first.since(Timestamp(at)).unsigned_abs(), t.frame));
            expected.extend(sorted.iter().take(SHOWN).map(|t| t.frame));
            let mut transfers = Transfers { ordinary: all, ..Transfers::default() };
            transfers.order();
            let found: Vec<u64> = transfers.around(Timestamp(at), own).iter().map(|t| t.frame).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
