//! Attempts over time by name, by server, by client and by mechanism: over one capture, and by merging over all captures of a run.
//!
//! Space is bounded by keeping fewer keys, never less of a key: beyond the bound only keys whose hash lies below a limit are kept, and
//! the limit is the same for a key wherever its attempts were seen. So what is told of a key below it is all there was, and merging
//! stays exact. Keys that were interfered with stay as long as there is room, above the limit marked as incomplete.

use super::gathered::Joins;
use super::key::{KEY, Key, could_hit};
use super::listed::Listed;
use super::track::{Came, Counts, Track};
use super::tries::Try;
use crate::capture::Timestamp;
use crate::detect::finding::Mechanism;
use crate::limits::TIMELINE;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// The tracks of all keys.
#[derive(Clone)]
pub struct Timeline {
    tracks: Listed<Key, Track>,
    /// Keys with a hash from here on were given up.
    limit: u64,
    octets: usize,
    budget: usize,
    /// Clients are counted as well: on a busy line there are as many of them as attempts.
    clients: bool,
    /// Attempts that were not counted under some key, or no longer are.
    pub left_out: u64,
}

impl Default for Timeline {
    /// With the room of a capture or of a run.
    fn default() -> Timeline {
        Timeline::new(TIMELINE)
    }
}

/// In order of keys: two that hold the same are told alike.
impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timeline { tracks, limit, octets, budget, clients, left_out } = self;
        let tracks: BTreeMap<&Key, &Track> = tracks.iter().map(|(key, track)| (key, track)).collect();
        f.debug_tuple("Timeline").field(&tracks).field(&(limit, octets, budget, clients, left_out)).finish()
    }
}

impl Timeline {
    /// An empty one that may take so many octets.
    pub fn new(budget: usize) -> Timeline {
        Timeline { tracks: Listed::default(), limit: u64::MAX, octets: 0, budget, clients: false, left_out: 0 }
    }

    /// Counts by client as well, if `wanted`.
    pub fn with_clients(self, wanted: bool) -> Timeline {
        Timeline { clients: wanted, ..self }
    }

    /// Gives away what it holds.
    pub fn give(&mut self) -> Timeline {
        let rest = Timeline::new(self.budget).with_clients(self.clients);
        std::mem::replace(self, rest)
    }

    /// Octets that it is reckoned to take.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Takes what the attempts of a flow came to.
    pub fn note(&mut self, tries: Vec<Try>) {
        for t in tries {
            if !t.name.is_empty() {
                // What the server or an earlier request drew is not the name's doing.
                let came = if t.came == Came::Interfered && !t.by_name { Came::Failed } else { t.came };
                let mechanisms: &[Mechanism] = if t.by_name { &t.mechanisms } else { &[] };
                self.add(Key::Name(t.kind, t.name), t.time, came, mechanisms);
            }
            self.add(Key::Server(t.server.ip, t.server.port, t.protocol), t.time, t.came, &t.mechanisms);
            if self.clients {
                self.add(Key::Client(t.client), t.time, t.came, &t.mechanisms);
            }
            self.add(Key::Kind(t.kind), t.time, t.came, &t.mechanisms);
            for mechanism in &t.mechanisms {
                self.add(Key::Mechanism(*mechanism), t.time, Came::Interfered, &[*mechanism]);
            }
        }
    }

    /// Gives addresses and names others; what comes to have the same is one.
    pub fn rename(&mut self, address: impl Fn(IpAddr) -> IpAddr, name: impl Fn(&mut Vec<u8>)) {
        // In order: how much room a track takes depends on what it was put together from first.
        let mut tracks: Vec<(Key, Track)> = std::mem::take(&mut self.tracks).into_list();
        tracks.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (key, track) in tracks {
            let key = match key {
                Key::Name(kind, text) => {
                    let mut text = text.into_vec();
                    name(&mut text);
                    Key::Name(kind, text.into())
                }
                Key::Server(ip, port, protocol) => Key::Server(address(ip), port, protocol),
                Key::Client(ip) => Key::Client(address(ip)),
                other => other,
            };
            if let Some(known) = self.tracks.of(key, usize::MAX) {
                known.merge(&track);
            }
        }
        self.octets = self.reckoned();
    }

    fn add(&mut self, key: Key, time: Timestamp, came: Came, mechanisms: &[Mechanism]) {
        if self.has_room_for(&key, came == Came::Interfered) {
            self.put(key, |track| track.add(time, came, mechanisms));
            self.trim();
        } else {
            self.left_out += 1;
        }
    }

    /// Adds what another timeline holds.
    pub fn merge(&mut self, other: Timeline) {
        // Who has given up less holds keys that are to go; of the others each is asked when it is put.
        let to_cut = if self.tracks.is_empty() { other.limit > self.limit } else { other.limit < self.limit };
        self.limit = self.limit.min(other.limit);
        self.left_out += other.left_out;
        self.clients |= other.clients;
        if self.tracks.is_empty() {
            (self.tracks, self.octets) = (other.tracks, other.octets);
        } else {
            let mut rest = other.tracks.into_list().into_iter();
            while let Some((key, mut track)) = rest.next() {
                self.tracks.ask(rest.as_slice());
                if self.has_room_for(&key, track.is_hit()) {
                    self.put(key, |known| known.join(&mut track));
                } else {
                    self.left_out += track.total().map_or(0, |c| c.all());
                }
            }
        }
        if to_cut {
            self.cut();
        }
        self.trim();
    }

    /// Whether a key was not given up, or was interfered with.
    fn has_room_for(&self, key: &Key, is_hit: bool) -> bool {
        is_hit || self.limit == u64::MAX || key.hash() < self.limit
    }

    /// Puts something to a key's track.
    fn put(&mut self, key: Key, put: impl FnOnce(&mut Track)) {
        let (own, counts) = (KEY + key.heap(), key.is_counted());
        let Some(known) = self.tracks.of(key, usize::MAX) else { return };
        let before = if *known == Track::Empty { 0 } else { own + known.reckoned() };
        put(known);
        if counts {
            self.octets = self.octets + own + known.reckoned() - before;
        }
    }

    fn keep(&mut self, mut keep: impl FnMut(u64, &Track) -> bool) {
        let left_out = &mut self.left_out;
        self.tracks.retain(|key, track| {
            let stays = keep(key.hash(), track);
            *left_out += if stays { 0 } else { track.total().map_or(0, |c| c.all()) };
            stays
        });
        self.octets = self.reckoned();
    }

    /// Octets that all keys are reckoned to take.
    fn reckoned(&self) -> usize {
        self.tracks.iter().filter(|(k, _)| k.is_counted()).map(|(k, t)| KEY + k.heap() + t.reckoned()).sum()
    }

    /// Gives up the keys from the limit on that nothing interfered with.
    fn cut(&mut self) {
        let limit = self.limit;
        if limit < u64::MAX {
            self.keep(|hash, track| hash < limit || track.is_hit());
        }
    }

    /// Keeps within the budget: half of the keys go at a time, so that this is rare.
    fn trim(&mut self) {
        while self.octets > self.budget {
            let mut hashes: Vec<u64> = self.tracks.iter().map(|(key, _)| key.hash()).filter(|h| *h > 0).collect();
            hashes.sort_unstable();
            // Hits that lie above the limit already are given up last, the highest first.
            let below = hashes.partition_point(|h| *h < self.limit);
            if let Some(median) = hashes.get(below / 2).filter(|_| below > 0) {
                self.limit = *median;
                self.cut();
            } else {
                let Some(last) = hashes.get(hashes.len() / 2).copied() else { return };
                self.keep(|hash, _| hash < last);
            }
        }
    }

    /// All keys with their tracks, in no order; whether something of one may have been left out is [`Timeline::is_partial`].
    pub fn tracks(&self) -> impl Iterator<Item = (&Key, &Track)> {
        self.tracks.iter().map(|(key, track)| (key, track))
    }

    pub fn is_partial(&self, key: &Key) -> bool {
        key.hash() >= self.limit
    }

    /// The attempts that a mechanism could have hit, and those it did.
    pub fn of_mechanism(&self, mechanism: Mechanism) -> Option<Track> {
        let hits = self.tracks.get(&Key::Mechanism(mechanism))?;
        let mut all = Track::default();
        for kind in could_hit(mechanism) {
            if let Some(track) = self.tracks.get(&Key::Kind(*kind)) {
                all.merge(track);
            }
        }
        Some(all.seen_by(hits))
    }

    /// Everything that was attempted.
    pub fn total(&self) -> Option<Counts> {
        let kinds = self.tracks.iter().filter(|(k, _)| matches!(k, Key::Kind(_)));
        kinds.filter_map(|(_, t)| t.total()).reduce(Counts::and)
    }
}

#[cfg(test)]
mod tests;
