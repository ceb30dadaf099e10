//! Bulk transfers of a capture: what stalls and throttled transfers are measured against.

use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Suspect};
use crate::detect::surroundings::Seen;
use crate::detect::suspects::stall::freeze;

/// Less than this is no measure of what a path lets through: the smallest limit on record is 14 kB.
const LEAST: u64 = 16 * 1024;
/// Ordinary transfers kept per shard: some near any suspect are enough, so a long capture keeps every other one, then every fourth.
const ORDINARY: usize = 128;
/// Those that stopped or were slow, per shard.
const STRANGE: usize = 64;
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
        let request = case.messages.requests.first();
        let seen = Seen {
            first: case.flow.first,
            last: case.flow.last,
            frame: case.entries.first().map_or(0, |e| e.frame),
            flow: super::notes::flow_ref(case),
            server: case.server_end().ip,
            port: case.server_end().port,
            name: request.map(|r| r.value.to_ascii_lowercase()).unwrap_or_default(),
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
        self.stride = self.stride.max(1);
        if self.met.is_multiple_of(self.stride) {
            self.ordinary.push(seen);
        }
        self.met += 1;
        if self.ordinary.len() > ORDINARY {
            let mut n = 0;
            self.ordinary.retain(|_| {
                n += 1;
                n % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// Adds another shard's.
    pub fn merge(&mut self, other: Transfers) {
        self.ordinary.extend(other.ordinary);
        self.strange.extend(other.strange);
        self.dropped += other.dropped;
    }

    /// Others than a flow's own, nearest in time first: strange and ordinary ones alike.
    pub fn around(&self, at: Timestamp, own: u64) -> Vec<Seen> {
        let mut near: Vec<Seen> = Vec::new();
        for list in [&self.strange, &self.ordinary] {
            let mut others: Vec<&Seen> = list.iter().filter(|t| t.frame != own).collect();
            others.sort_by_key(|t| (t.first.since(at).unsigned_abs(), t.frame));
            near.extend(others.into_iter().take(SHOWN).cloned());
        }
        near.sort_by_key(|t| (t.first.since(at).unsigned_abs(), t.frame));
        near
    }
}
