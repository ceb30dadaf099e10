//! Attempts over time by name, by server, by client and by mechanism: over one capture, and by merging over all captures of a run.
//!
//! Space is bounded by keeping fewer keys, never less of a key: beyond the bound only keys whose hash lies below a limit are kept, and
//! the limit is the same for a key wherever its attempts were seen. So what is told of a key below it is all there was, and merging
//! stays exact. Keys that were interfered with stay as long as there is room, above the limit marked as incomplete.

use super::facts::Kind;
use super::gathered::{Joins, order};
use super::track::{Came, Counts, Track};
use super::tries::Try;
use crate::capture::Timestamp;
use crate::detect::finding::Mechanism;
use crate::limits::TIMELINE;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What attempts are counted by. What is met with each of them stands in front, where it is found first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// All attempts of a kind.
    Kind(Kind),
    /// Only what it interfered with; [`Timeline::of_mechanism`] adds the rest.
    Mechanism(Mechanism),
    /// A name asked for in one way: that DNS answers for it says nothing about TLS to it.
    Name(Kind, Box<[u8]>),
    /// Address, port and IP protocol.
    Server(IpAddr, u16, u8),
    Client(IpAddr),
}

impl Key {
    /// FNV-1a with a final mixing (Vigna's splitmix64). Fixed: what is kept must not differ from run to run.
    fn hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |bytes: &[u8]| {
            for b in bytes {
                hash = (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        let address = |ip: &IpAddr| match ip {
            IpAddr::V4(a) => a.to_ipv6_mapped().octets(),
            IpAddr::V6(a) => a.octets(),
        };
        match self {
            Key::Name(kind, name) => {
                eat(&[*kind as u8]);
                eat(name);
            }
            Key::Server(ip, port, protocol) => {
                eat(&address(ip));
                eat(&port.to_be_bytes());
                eat(&[*protocol]);
            }
            Key::Client(ip) => eat(&address(ip)),
            // A handful: always kept.
            Key::Mechanism(_) | Key::Kind(_) => return 0,
        }
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Never as low as those that are always kept.
        (hash ^ (hash >> 31)).max(1)
    }

    /// Takes part in the budget: of mechanisms and kinds there are fifteen.
    fn is_counted(&self) -> bool {
        !matches!(self, Key::Mechanism(_) | Key::Kind(_))
    }

    fn heap(&self) -> usize {
        if let Key::Name(_, name) = self { name.len() } else { 0 }
    }
}

/// The tracks of all keys.
#[derive(Clone, Debug)]
pub struct Timeline {
    tracks: BTreeMap<Key, Track>,
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

/// Octets that a key is reckoned to take beside its name and its spans.
const KEY: usize = 160;

impl Timeline {
    /// An empty one that may take so many octets.
    pub fn new(budget: usize) -> Timeline {
        Timeline { tracks: BTreeMap::new(), limit: u64::MAX, octets: 0, budget, clients: false, left_out: 0 }
    }

    /// Counts by client as well, if `wanted`.
    pub fn with_clients(self, wanted: bool) -> Timeline {
        Timeline { clients: wanted, ..self }
    }

    /// Takes what the attempts of a flow came to.
    pub fn note(&mut self, tries: &[Try]) {
        for t in tries {
            if !t.name.is_empty() {
                // What the server or an earlier request drew is not the name's doing.
                let came = if t.came == Came::Interfered && !t.by_name { Came::Failed } else { t.came };
                let mechanisms: &[Mechanism] = if t.by_name { &t.mechanisms } else { &[] };
                self.add(Key::Name(t.kind, t.name.clone()), t.time, came, mechanisms);
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
        for (key, track) in std::mem::take(&mut self.tracks) {
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
            self.tracks.entry(key).or_default().merge(&track);
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

    /// Adds what others hold, one after the other.
    pub fn merge_all(&mut self, others: Vec<Timeline>) {
        let parts = || others.iter().chain([&*self]);
        // Joined tracks have room for twice their spans at most.
        let fits = 2 * parts().map(|t| t.octets).sum::<usize>() <= self.budget && parts().all(|t| t.limit == u64::MAX);
        if !fits {
            others.into_iter().for_each(|other| self.merge(other));
            return;
        }
        // Nothing is to be given up on the way: then one sort does what would take a search for each key.
        let mut tracks = Vec::from_iter(std::mem::take(&mut self.tracks));
        for other in others {
            self.left_out += other.left_out;
            self.clients |= other.clients;
            tracks.extend(other.tracks);
        }
        order(&mut tracks);
        self.tracks = tracks.into_iter().collect();
        self.octets = self.reckoned();
    }

    /// Adds what another timeline holds.
    pub fn merge(&mut self, other: Timeline) {
        self.limit = self.limit.min(other.limit);
        self.left_out += other.left_out;
        self.clients |= other.clients;
        if self.tracks.is_empty() {
            (self.tracks, self.octets) = (other.tracks, other.octets);
        } else {
            for (key, mut track) in other.tracks {
                if self.has_room_for(&key, track.is_hit()) {
                    self.put(key, |known| known.join(&mut track));
                } else {
                    self.left_out += track.total().map_or(0, |c| c.all());
                }
            }
        }
        self.cut();
        self.trim();
    }

    /// Whether a key was not given up, or was interfered with.
    fn has_room_for(&self, key: &Key, is_hit: bool) -> bool {
        is_hit || self.limit == u64::MAX || key.hash() < self.limit
    }

    /// Puts something to a key's track.
    fn put(&mut self, key: Key, put: impl FnOnce(&mut Track)) {
        let (own, counts) = (KEY + key.heap(), key.is_counted());
        let known = self.tracks.entry(key).or_default();
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
            let mut hashes: Vec<u64> = self.tracks.keys().map(Key::hash).filter(|h| *h > 0).collect();
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

    /// All keys with their tracks, in order; whether something of one may have been left out is [`Timeline::is_partial`].
    pub fn tracks(&self) -> impl Iterator<Item = (&Key, &Track)> {
        self.tracks.iter()
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

fn could_hit(mechanism: Mechanism) -> &'static [Kind] {
    match mechanism {
        Mechanism::DnsAnswer => &[Kind::Dns],
        Mechanism::TlsIntercept => &[Kind::Tls],
        Mechanism::Drop | Mechanism::IcmpError => &[Kind::Tls, Kind::Http, Kind::Quic, Kind::Dns, Kind::Other],
        Mechanism::TcpReset | Mechanism::TcpFin | Mechanism::TcpData | Mechanism::TcpHandshake | Mechanism::Stall | Mechanism::Throttle => {
            &[Kind::Tls, Kind::Http, Kind::Other]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Endpoint;

    fn attempt(n: u64, name: &str, hit: bool) -> Try {
        Try {
            name: name.as_bytes().into(),
            kind: Kind::Tls,
            time: Timestamp(n as i64 * 1_000_000_000),
            client: IpAddr::from([10, 0, 0, 1]),
            server: Endpoint { ip: IpAddr::from([45, 60, 70, 80]), port: 443 },
            protocol: 6,
            came: if hit { Came::Interfered } else { Came::Fine },
            by_name: true,
            mechanisms: if hit { vec![Mechanism::TcpReset] } else { Vec::new() },
        }
    }

    fn timeline(budget: usize, tries: impl IntoIterator<Item = Try>) -> Timeline {
        let mut all = Timeline::new(budget);
        tries.into_iter().for_each(|t| all.note(&[t]));
        all
    }

    fn names(t: &Timeline) -> Vec<(Key, u64, bool)> {
        let names = t.tracks().filter(|(k, _)| matches!(k, Key::Name(..)));
        names.map(|(k, track)| (k.clone(), track.total().unwrap().all(), t.is_partial(k))).collect()
    }

    #[test]
    fn two_captures_in_either_order_are_one() {
        let all: Vec<Try> = (0..400).map(|n| attempt(n * 7, ["a", "b", "c"][n as usize % 3], n % 5 == 0)).collect();
        let whole = timeline(1 << 20, all.clone());
        let (a, b) = all.split_at(123);
        let (mut ab, mut ba) = (timeline(1 << 20, a.to_vec()), timeline(1 << 20, b.to_vec()));
        ab.merge(timeline(1 << 20, b.to_vec()));
        ba.merge(timeline(1 << 20, a.to_vec()));
        assert_eq!(ab.tracks, whole.tracks);
        assert_eq!(ba.tracks, whole.tracks);
        assert_eq!(whole.left_out, 0);
    }

    #[test]
    fn what_is_kept_of_too_much_is_whole_or_marked() {
        // Ten attempts each for two thousand names, one of which is blocked; seen by two halves with room for a tenth.
        let name = |i: u64| format!("name-{}", i % 2000);
        let all = || (0..20_000_u64).map(|i| attempt(i, &name(i), i % 2000 == 77));
        let mut seen = timeline(150_000, all().filter(|t| t.time.0 / 1_000_000_000 % 3 == 0));
        seen.merge(timeline(150_000, all().filter(|t| t.time.0 / 1_000_000_000 % 3 != 0)));
        assert!(seen.octets <= seen.budget && seen.left_out > 0);
        let kept = names(&seen);
        assert!(kept.len() > 10, "{}", kept.len());
        let blocked = Key::Name(Kind::Tls, b"name-77".as_slice().into());
        assert!(kept.iter().any(|(k, n, _)| *k == blocked && *n == 10));
        assert!(kept.iter().all(|(_, n, partial)| *n == 10 || *partial));
        assert_eq!(seen.total().unwrap().all(), 20_000);
    }

    #[test]
    fn all_at_once_is_one_by_one() {
        for budget in [1 << 20, 400_000, 100_000] {
            let part = |p: u64| timeline(budget, (0..900).map(|i| attempt(i * 7 + p, &format!("n{}", i * p % 700), i % 31 == p)));
            let (mut once, mut each) = (Timeline::new(budget), Timeline::new(budget));
            once.merge_all((0..5).map(part).collect());
            (0..5).map(part).for_each(|p| each.merge(p));
            assert_eq!(once.tracks, each.tracks);
            assert_eq!((once.octets, once.limit, once.left_out), (each.octets, each.limit, each.left_out));
        }
    }

    #[test]
    fn hits_alone_stay_within_the_budget() {
        let seen = timeline(150_000, (0..5000_u64).map(|i| attempt(i, &format!("n{i}"), true)));
        assert!(seen.octets <= seen.budget && seen.left_out > 0);
        assert_eq!(seen.of_mechanism(Mechanism::TcpReset).unwrap().total().unwrap().interfered, 5000);
    }

    #[test]
    fn a_mechanism_is_measured_by_what_it_could_have_hit() {
        let mut dns = attempt(3, "a", false);
        dns.kind = Kind::Dns;
        let seen = timeline(1 << 20, [attempt(1, "a", true), attempt(2, "a", false), dns]);
        let resets = seen.of_mechanism(Mechanism::TcpReset).unwrap().total().unwrap();
        assert_eq!((resets.interfered, resets.fine), (1, 1));
        assert!(seen.of_mechanism(Mechanism::Drop).is_none());
    }
}
