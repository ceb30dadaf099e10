//! Which machines answer in a resolver's name, told apart by the TTL that their packets come with, and whether it depends on what is
//! asked for which of them does.
//!
//! Two sites of a resolver, or two paths to it, share the questions by who asks and from which port: of a name that is asked for again and
//! again either answers now and then. A box on the way that lies answers for its names, always, and for no others. So does a cache; but
//! what that says is what the resolver said, and the time for which it may be remembered runs off while it is asked.

use super::answers::{Answers, Given};
use crate::detect::rules::hop_distance;
use crate::detect::surroundings::Machine;
use crate::limits::ANSWERS_PER_NAME;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Packets of one machine differ by as many hops when a path wavers.
const SAME_PLACE: u8 = 2;
/// Seconds between two answers after which a cache is told from who answers anew.
const APART: u32 = 3;
/// Flows of a machine that are remembered to show what it does.
const SHOWN: usize = 16;

/// The machines behind one resolver's address that give addresses of one family, by TTL.
#[derive(Debug, Default)]
pub(super) struct Machines(BTreeMap<u8, Seen>);

/// What came with one TTL, and what its neighbours' say as well.
#[derive(Debug)]
struct Seen {
    answers: u64,
    fastest: u32,
    slowest: u32,
    /// Frames.
    first: u64,
    last: u64,
    /// How often names were asked for that only this machine answered, of those that were asked for more than once.
    repeated: Vec<u64>,
    /// Names that others answered as well.
    shared: u64,
    flows: Vec<u64>,
    /// Flows in which it gave the same address for a name as another that takes longer.
    agreed: Option<(u64, u64)>,
    /// Flows between which a lifetime ran off; and how often one was as long as before.
    runs_off: Option<(u64, u64)>,
    anew: u64,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen {
            answers: 0,
            fastest: u32::MAX,
            slowest: 0,
            first: u64::MAX,
            last: 0,
            repeated: Vec::new(),
            shared: 0,
            flows: Vec::new(),
            agreed: None,
            runs_off: None,
            anew: 0,
        }
    }
}

impl Machines {
    /// Those of each resolver, for IPv4 and IPv6 addresses.
    pub fn of(answers: &Answers) -> BTreeMap<(IpAddr, bool), Machines> {
        let mut all: BTreeMap<(IpAddr, bool), Machines> = BTreeMap::new();
        // Of a name with more answers some are missing, and which is no chance.
        for list in answers.names().filter(|list| list.len() < ANSWERS_PER_NAME) {
            let key = |g: &Given| (g.resolver, g.address.is_ipv6());
            let mut name: Vec<&Given> = list.iter().collect();
            name.sort_by_key(|g| (key(g), g.flow, g.frame));
            for same in name.chunk_by(|a, b| key(a) == key(b)) {
                if let Some(first) = same.first() {
                    all.entry(key(first)).or_default().add(same);
                }
            }
        }
        all
    }

    /// One name's answers, in order of flow.
    fn add(&mut self, name: &[&Given]) {
        let mut ttls: Vec<u8> = name.iter().map(|g| g.ttl).collect();
        ttls.sort_unstable();
        ttls.dedup();
        for ttl in ttls {
            self.0.entry(ttl).or_default().add(name, ttl);
        }
    }

    /// What is known of the machine whose answers come with a TTL.
    pub fn told(&self, ttl: u8) -> Option<Machine> {
        let seen = self.0.get(&ttl)?;
        let (own, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|(t, _)| is_near(**t, ttl));
        let sum = |list: &[(&u8, &Seen)]| list.iter().map(|(_, s)| s.answers).sum::<u64>();
        let first = own.iter().map(|(_, s)| s.first).min()?;
        let last = own.iter().map(|(_, s)| s.last).max()?;
        // A path that is another one for a while brings all that is asked for meanwhile.
        let between = others.iter().any(|(_, s)| s.first < last && s.last > first);
        let (answers, rest) = (sum(&own), sum(&others));
        Some(Machine {
            chance: if between && seen.shared == 0 { chance(&seen.repeated, answers, rest) } else { 1.0 },
            apart: others.iter().map(|(t, _)| hop_distance(**t, ttl)).min().unwrap_or(0),
            slowest: own.iter().map(|(_, s)| i64::from(s.slowest) * 1000).max()?,
            others_fastest: others.iter().map(|(_, s)| i64::from(s.fastest) * 1000).min().unwrap_or(0),
            answers,
            others: rest,
            cache: seen.agreed.or(seen.runs_off.filter(|_| seen.anew == 0)),
        })
    }

    /// Flows that show it: what this machine does, and some of what the others do.
    pub fn flows(&self, ttl: u8) -> Vec<u64> {
        let pairs = self.0.get(&ttl).into_iter().flat_map(|s| [s.agreed, s.runs_off]).flatten().flat_map(|(a, b)| [a, b]);
        let of = |near: bool| {
            let seen = self.0.iter().filter(move |(t, _)| is_near(**t, ttl) == near);
            seen.flat_map(|(_, s)| s.flows.iter().copied()).take(SHOWN)
        };
        pairs.chain(of(true)).chain(of(false)).collect()
    }
}

fn is_near(a: u8, b: u8) -> bool {
    hop_distance(a, b) <= SAME_PLACE
}

impl Seen {
    fn add(&mut self, name: &[&Given], ttl: u8) {
        let flows = || name.chunk_by(|a, b| a.flow == b.flow);
        for given in flows().filter_map(|flow| flow.iter().find(|g| g.ttl == ttl)) {
            self.answers += 1;
            self.fastest = self.fastest.min(given.delay);
            self.slowest = self.slowest.max(given.delay);
            self.first = self.first.min(given.frame);
            self.last = self.last.max(given.frame);
        }
        // Where it raced another the question was its own as well.
        let (own, others): (Vec<_>, Vec<_>) = flows().partition(|flow| flow.iter().any(|g| is_near(g.ttl, ttl)));
        self.shared += u64::from(!others.is_empty());
        if others.is_empty() && own.len() > 1 {
            self.repeated.push(own.len() as u64);
        }
        let room = SHOWN.saturating_sub(self.flows.len());
        self.flows.extend(own.iter().filter_map(|flow| flow.first()).map(|g| g.flow).take(room));
        let mine = || own.iter().flat_map(|flow| flow.iter()).filter(|g| is_near(g.ttl, ttl));
        let theirs = || name.iter().filter(|g| !is_near(g.ttl, ttl));
        // A forger whose TTLs vary takes as long with each.
        let same =
            |a: &&&Given| theirs().find(|b| b.address == a.address && b.flow != a.flow && b.delay / 2 >= a.delay).map(|b| (a.flow, b.flow));
        self.agreed = self.agreed.or_else(|| mine().find_map(|a| same(&a)));
        let of_one: Vec<&&Given> = mine().collect();
        for (n, a) in of_one.iter().enumerate() {
            let Some(b) = of_one.iter().skip(n + 1).find(|b| b.address == a.address && b.time >= a.time.saturating_add(APART)) else {
                continue;
            };
            let spent = a.lifetime.saturating_sub(b.lifetime);
            if spent > 0 && spent.abs_diff(b.time - a.time) <= 1 {
                self.runs_off = self.runs_off.or(Some((a.flow, b.flow)));
            } else if a.lifetime == b.lifetime {
                self.anew += 1;
            }
        }
    }
}

/// The chance that of so many answers, dealt blindly to one machine and to others, it got all for these names once it had the first of
/// each.
fn chance(repeated: &[u64], own: u64, others: u64) -> f64 {
    let (mut own, mut all, mut chance) = (own as f64, (own + others) as f64, 1.0);
    for times in repeated {
        for again in 0..*times {
            chance *= if again == 0 || all <= 0.0 { 1.0 } else { own.max(0.0) / all };
            (own, all) = (own - 1.0, all - 1.0);
        }
    }
    chance
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOLVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(8, 8, 8, 8));

    /// Name, TTL, address, second, lifetime; those of TTL 60 are early.
    fn told(list: &[(&str, u8, u8, u32, u32)], ttl: u8) -> Machine {
        let mut answers = Answers::default();
        for (n, (name, ttl, address, time, lifetime)) in (1..).zip(list) {
            let (address, delay) = (IpAddr::from([45, 6, 0, *address]), if *ttl == 60 { 3_000 } else { 90_000 });
            answers.add(
                name.as_bytes(),
                Given { address, resolver: RESOLVER, frame: n, flow: n, ttl: *ttl, delay, time: *time, lifetime: *lifetime },
            );
        }
        answers.settle();
        Machines::of(&answers)[&(RESOLVER, false)].told(ttl).unwrap()
    }

    const BY_NAME: [(&str, u8, u8, u32, u32); 12] = [
        ("a", 60, 1, 0, 60),
        ("b", 48, 2, 1, 60),
        ("c", 48, 3, 2, 60),
        ("d", 60, 4, 3, 60),
        ("e", 48, 5, 4, 60),
        ("a", 60, 1, 10, 60),
        ("b", 48, 2, 11, 50),
        ("c", 48, 3, 12, 50),
        ("d", 60, 4, 13, 60),
        ("e", 49, 5, 14, 50),
        ("f", 48, 6, 15, 60),
        ("g", 48, 7, 16, 60),
    ];

    #[test]
    fn who_answers_goes_by_name() {
        let machine = told(&BY_NAME, 60);
        assert!((machine.chance - 3.0 / 11.0 / 9.0).abs() < 1e-9, "{machine:?}");
        assert_eq!((machine.answers, machine.others, machine.apart, machine.cache), (4, 8, 11, None));
        assert_eq!((machine.slowest, machine.others_fastest), (3_000_000, 90_000_000));
        // The others' path wavers; which of them is asked goes by name as well.
        assert!(told(&BY_NAME, 48).chance < 1.0 && told(&BY_NAME, 48).apart == 12);
    }

    #[test]
    fn who_answers_goes_by_chance() {
        let mut mixed = BY_NAME;
        mixed[5].1 = 48;
        assert_eq!(told(&mixed, 60).chance, 1.0);
        // A path that was another one for a while.
        let mut moved = BY_NAME;
        moved.sort_by_key(|(name, ..)| !matches!(*name, "a" | "d"));
        assert_eq!(told(&moved, 60).chance, 1.0);
    }

    #[test]
    fn what_is_remembered_is_told() {
        let mut repeats = BY_NAME;
        repeats[0].1 = 48;
        assert_eq!(told(&repeats, 60).cache, Some((6, 1)));
        let mut runs_off = BY_NAME;
        runs_off[5].4 = 51;
        assert_eq!(told(&runs_off, 60).cache, None, "the other name's does not");
        runs_off[8].4 = 50;
        assert_eq!(told(&runs_off, 60).cache, Some((1, 6)));
    }
}
