//! A resolver's answers by what they say and how their packets look, so that one can be measured against those that have nothing to do
//! with it: what a forger answers himself must not become what the resolver is known by.
//!
//! Of each look a few kinds are kept, those whose numbers come first: a sample of all that does not depend on when they came.

use super::baselines::zone;
use super::examples::{Few, Least};
use crate::capture::Timestamp;
use std::net::IpAddr;

/// Kinds of answers kept of one look: rules ask whether there are others, and whether a handful agree.
const KINDS: usize = 16;
/// Looks kept of a resolver: one that has more has no look of its own.
const LOOKS: usize = 12;

/// How answers come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Look {
    /// They say nothing, or what a forger could have said: such may be measured, and nothing is measured by them.
    pub doubtful: bool,
    /// OPT was asked for, and they have none.
    pub bare: bool,
    pub ttl: u8,
    pub df: bool,
}

/// One answer.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub look: Look,
    pub name: &'a [u8],
    /// The first it gives.
    pub address: Option<IpAddr>,
    pub time: Timestamp,
    /// Nanoseconds since the only question.
    pub delay: Option<i64>,
    /// Seconds for which it may be repeated by whoever remembers it.
    pub lifetime: u32,
    /// First frame of its flow.
    pub flow: u64,
}

/// Answers that give one address to names of one domain.
#[derive(Clone, Debug)]
pub struct Kin {
    pub look: Look,
    rank: u64,
    pub domain: u32,
    pub address: u32,
    pub count: u64,
    pub least: Least,
    pub most: i64,
    first: Timestamp,
    last: Timestamp,
    lifetime: u32,
    pub flows: Few<4>,
    /// First frame of the last flow.
    pub latest: u64,
}

impl Kin {
    fn of(seen: &Seen<'_>) -> Kin {
        let (domain, address) = (number(zone(seen.name)), number_of(seen.address));
        let mut least = Least::default();
        seen.delay.iter().for_each(|d| least.add(*d, seen.flow));
        let mut flows = Few::default();
        flows.add(seen.flow);
        Kin {
            look: seen.look,
            // Spread: the numbers themselves are those of names and addresses.
            rank: (u64::from(domain) << 32 | u64::from(address)).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            domain,
            address,
            count: 1,
            least,
            most: seen.delay.unwrap_or(0),
            first: seen.time,
            last: seen.time,
            lifetime: seen.lifetime,
            flows,
            latest: seen.flow,
        }
    }

    fn key(&self) -> (Look, u64) {
        (self.look, self.rank)
    }

    fn join(&mut self, other: &Kin) {
        self.count += other.count;
        self.least.merge(other.least);
        self.most = self.most.max(other.most);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.lifetime = self.lifetime.max(other.lifetime);
        self.flows.merge(&other.flows);
        self.latest = self.latest.max(other.latest);
    }

    /// Asked for again while it was still good: who had remembered it would not have had to ask elsewhere.
    pub fn is_repeated(&self) -> bool {
        let good = i64::from(self.lifetime).saturating_mul(1_000_000_000);
        self.count >= 2 && self.last.since(self.first) / (self.count as i64 - 1).max(1) <= good
    }
}

/// A resolver's answers, in order of look.
#[derive(Clone, Debug, Default)]
pub struct Kindred {
    kept: Vec<Kin>,
    /// All answers: of those of a kind that is kept none is missing, so what is left of these came of others.
    all: u64,
}

impl Kindred {
    pub fn add(&mut self, seen: &Seen<'_>) {
        self.all += 1;
        self.put(Kin::of(seen));
    }

    pub fn merge(&mut self, other: Kindred) {
        self.all += other.all;
        if self.kept.is_empty() {
            self.kept = other.kept;
            return;
        }
        other.kept.into_iter().for_each(|kin| self.put(kin));
    }

    /// Answers of which nothing is kept.
    pub fn left_out(&self) -> u64 {
        self.all - self.kept.iter().map(|kin| kin.count).sum::<u64>()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Kin> {
        self.kept.iter()
    }

    fn put(&mut self, kin: Kin) {
        // Most resolvers of a capture taken beside one of them are asked once.
        if self.kept.is_empty() {
            self.kept.reserve_exact(1);
            self.kept.push(kin);
            return;
        }
        let place = match self.kept.binary_search_by_key(&kin.key(), Kin::key) {
            Ok(known) => {
                if let Some(known) = self.kept.get_mut(known) {
                    known.join(&kin);
                }
                return;
            }
            Err(place) => place,
        };
        let from = self.kept.partition_point(|k| k.look < kin.look);
        let until = self.kept.partition_point(|k| k.look <= kin.look);
        let full = until - from >= KINDS;
        if full && place == until {
            return;
        }
        if full {
            self.kept.remove(until - 1);
        } else if self.kept.len() == self.kept.capacity() {
            self.kept.reserve_exact(1 + self.kept.len());
        }
        self.kept.insert(place, kin);
        if from == until && self.kept.len() > LOOKS && self.kept.chunk_by(|a, b| a.look == b.look).count() > LOOKS {
            let last = self.kept.last().map(|k| k.look);
            self.kept.retain(|k| Some(k.look) != last);
        }
    }
}

/// A number for octets, the same in every run (FNV-1a).
pub fn number(octets: &[u8]) -> u32 {
    octets.iter().fold(0x811c_9dc5, |n: u32, octet| (n ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}

/// The same for an address; 0 for none.
pub fn number_of(address: Option<IpAddr>) -> u32 {
    match address {
        Some(IpAddr::V4(ip)) => number(&ip.octets()),
        Some(IpAddr::V6(ip)) => number(&ip.octets()),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(n: u64, name: &[u8]) -> Seen<'_> {
        Seen {
            look: Look { ttl: 50 + (n % 15) as u8, df: false, doubtful: n.is_multiple_of(7), bare: false },
            name,
            address: Some(IpAddr::from([45, 6, (n % 23) as u8, 1])),
            time: Timestamp(n as i64),
            delay: Some(n as i64),
            lifetime: 60,
            flow: n,
        }
    }

    #[test]
    fn what_is_kept_does_not_depend_on_when_it_came() {
        let of = |numbers: &mut dyn Iterator<Item = u64>| {
            let mut all = Kindred::default();
            numbers.for_each(|n| all.add(&seen(n, format!("a{}.example{}.com", n % 5, n % 11).as_bytes())));
            all
        };
        let whole = of(&mut (1..3000));
        let mut parts = of(&mut (1..3000).rev().step_by(2));
        parts.merge(of(&mut (1..3000).rev().skip(1).step_by(2)));
        assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
        let kept: u64 = whole.iter().map(|kin| kin.count).sum();
        assert_eq!((whole.all, whole.left_out()), (2999, 2999 - kept));
        let looks: Vec<usize> = whole.kept.chunk_by(|a, b| a.look == b.look).map(<[Kin]>::len).collect();
        assert!(looks.len() == LOOKS && looks.iter().all(|n| *n <= KINDS), "{looks:?}");
    }

    #[test]
    fn what_is_good_for_a_minute_is_repeated_within_it() {
        let mut kin = Kin::of(&seen(1, b"example.com"));
        assert!(!kin.is_repeated());
        kin.join(&Kin { last: Timestamp(59_000_000_000), ..kin.clone() });
        assert!(kin.is_repeated());
        kin.last = Timestamp(600_000_000_000);
        assert!(!kin.is_repeated());
    }
}
