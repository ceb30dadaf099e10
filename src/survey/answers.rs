//! Addresses that DNS answers gave, by name. Of a name only the first few in order of address, resolver and frame are kept: what is
//! left depends on the answers, not on when they came.

use super::gathered::by_rank;
use super::listed::Listed;
use crate::detect::surroundings::OtherAnswer;
use crate::limits::{ANSWERS_PER_NAME, SURVEY_SERVERS};
use std::net::IpAddr;

/// An address that was given for a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Given {
    pub address: IpAddr,
    pub resolver: IpAddr,
    pub frame: u64,
    /// First frame of its flow.
    pub flow: u64,
    /// IP TTL that the answer came with.
    pub ttl: u8,
    /// Microseconds from the question to it.
    pub delay: u32,
    /// Second in which it came, and seconds for which it may be remembered.
    pub time: u32,
    pub lifetime: u32,
}

impl Given {
    /// As the rules are told of it.
    pub fn other(&self) -> OtherAnswer {
        OtherAnswer {
            address: self.address,
            resolver: self.resolver,
            frame: self.frame,
            flow: self.flow,
            ttl: self.ttl,
            delay: i64::from(self.delay) * 1000,
        }
    }
}

/// Addresses that answers gave.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    open: Listed<Box<[u8]>, Vec<Given>>,
    /// In order of name, after [`Answers::settle`].
    names: Vec<(Box<[u8]>, Vec<Given>)>,
    pub dropped: u64,
}

impl Answers {
    pub fn add(&mut self, name: &[u8], given: Given) {
        match self.open.get_mut(name) {
            Some(list) => self.dropped += put(list, given),
            None => {
                self.open.put(name.into(), vec![given], usize::MAX, |_, _| ());
                self.bound();
            }
        }
    }

    /// Adds another shard's.
    pub fn merge(&mut self, other: Answers) {
        self.dropped += other.dropped;
        if self.open.is_empty() {
            self.open = other.open;
            return;
        }
        let dropped = &mut self.dropped;
        self.open.join(other.open, |known, given| *dropped += given.into_iter().map(|g| put(known, g)).sum::<u64>());
        self.bound();
    }

    fn bound(&mut self) {
        // Of twice as many as there is room for; each time there is one too many would take a search each time.
        if self.open.len() > 2 * SURVEY_SERVERS {
            self.cut();
        }
    }

    /// The last names go, because which shard comes first says nothing.
    fn cut(&mut self) {
        let mut names: Vec<&[u8]> = self.open.iter().map(|(name, _)| &**name).collect();
        let (_, beyond, _) = names.select_nth_unstable(SURVEY_SERVERS);
        let beyond: Box<[u8]> = (*beyond).into();
        let dropped = &mut self.dropped;
        self.open.retain(|name, list| {
            let stays = *name < beyond;
            *dropped += if stays { 0 } else { list.len() as u64 };
            stays
        });
    }

    /// Puts all names in order, once there are no more to come.
    pub fn settle(&mut self) {
        /// As much of a name as fits in a number, in the same order.
        fn rank(name: &[u8]) -> u128 {
            let mut first = [0; size_of::<u128>()];
            first.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
            u128::from_be_bytes(first)
        }
        self.names = std::mem::take(&mut self.open).into_list();
        by_rank(&mut self.names, |(name, _)| rank(name));
        for alike in self.names.chunk_by_mut(|(a, _), (b, _)| rank(a) == rank(b)) {
            alike.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        }
        self.dropped += self.names.iter().skip(SURVEY_SERVERS).map(|(_, list)| list.len() as u64).sum::<u64>();
        self.names.truncate(SURVEY_SERVERS);
        self.names.iter_mut().for_each(|(_, list)| list.shrink_to_fit());
    }

    /// Names that were answered.
    pub fn len(&self) -> usize {
        self.open.len() + self.names.len()
    }

    /// What a name was answered with, in order; after [`Answers::settle`].
    pub fn of(&self, name: &[u8]) -> &[Given] {
        let at = self.names.binary_search_by(|(known, _)| (**known).cmp(name));
        at.ok().and_then(|at| self.names.get(at)).map_or(&[], |(_, list)| list)
    }

    /// Each name's answers; after [`Answers::settle`].
    pub fn names(&self) -> impl Iterator<Item = &[Given]> {
        self.names.iter().map(|(_, list)| list.as_slice())
    }

    /// All answers with their names; after [`Answers::settle`].
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Given)> {
        self.names.iter().flat_map(|(name, list)| list.iter().map(move |given| (&**name, given)))
    }
}

/// Puts an answer in its place among a name's, each once; how many were dropped for it.
fn put(list: &mut Vec<Given>, given: Given) -> u64 {
    // Most come behind all that is known.
    let behind = list.last().is_none_or(|last| *last < given);
    let Err(place) = (if behind { Err(list.len()) } else { list.binary_search(&given) }) else { return 0 };
    let full = list.len() >= ANSWERS_PER_NAME;
    if full && behind {
        return 1;
    }
    if full {
        list.pop();
    } else if list.len() == list.capacity() {
        // By half, not to twice: most names are answered a few times.
        list.reserve_exact(1 + list.len() / 2);
    }
    list.insert(place, given);
    u64::from(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(frames: impl Iterator<Item = u64>) -> Answers {
        let mut all = Answers::default();
        let ip = |n: u64| IpAddr::from([45, 6, 0, n as u8]);
        let given = |f: u64| Given { address: ip(f % 3), resolver: ip(9), frame: f, flow: f, ttl: 60, delay: 0, time: 0, lifetime: 0 };
        frames.for_each(|f| all.add(if f % 2 == 0 { b"even" } else { b"odd" }, given(f)));
        all
    }

    #[test]
    fn what_is_kept_does_not_depend_on_when_it_was_cut() {
        let mut whole = answers(1..1000);
        let mut parts = answers(400..1000);
        parts.merge(answers(1..400));
        whole.settle();
        parts.settle();
        assert_eq!((&whole.names, whole.dropped), (&parts.names, parts.dropped));
        assert_eq!((whole.of(b"odd").len(), whole.dropped), (ANSWERS_PER_NAME, 999 - 2 * ANSWERS_PER_NAME as u64));
        assert!(whole.of(b"neither").is_empty() && whole.of(b"even").is_sorted());
    }

    #[test]
    fn the_first_names_stay_whenever_the_others_are_cut() {
        const MANY: u64 = 2 * SURVEY_SERVERS as u64 + 1000;
        let of = |numbers: &mut dyn Iterator<Item = u64>| {
            let mut all = Answers::default();
            let given = |n: u64| Given {
                address: [45, 6, 0, 1].into(),
                resolver: [9; 4].into(),
                frame: n + 1,
                flow: n + 1,
                ttl: 60,
                delay: 0,
                time: 0,
                lifetime: 0,
            };
            numbers.for_each(|n| all.add(&n.to_be_bytes(), given(n)));
            all
        };
        // The last names first, some of them once more when they were cut; and in two shards, of which neither is full.
        let mut whole = of(&mut (0..MANY).rev().chain(MANY - 9..MANY));
        let mut parts = of(&mut (0..MANY).step_by(2));
        parts.merge(of(&mut (1..MANY).step_by(2)));
        assert!(whole.len() < MANY as usize && parts.len() < MANY as usize, "cut before they are settled");
        whole.settle();
        parts.settle();
        assert!(whole.iter().map(|(name, _)| name).eq((0..SURVEY_SERVERS as u64).map(u64::to_be_bytes).collect::<Vec<_>>().iter()));
        assert_eq!(whole.names, parts.names);
        assert_eq!((whole.dropped, parts.dropped), (MANY - SURVEY_SERVERS as u64 + 9, MANY - SURVEY_SERVERS as u64));
    }

    #[test]
    fn an_answer_counts_once() {
        let mut all = answers([4, 4].into_iter());
        all.settle();
        assert_eq!((all.of(b"even").len(), all.dropped), (1, 0));
    }
}
