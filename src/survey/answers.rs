//! Addresses that DNS answers gave, by name. Of a name only the first few in order of address, resolver and frame are kept: what is
//! left depends on the answers, not on when they came.

use crate::limits::{ANSWERS_PER_NAME, SURVEY_SERVERS};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;

/// An address that was given for a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Given {
    pub address: IpAddr,
    pub resolver: IpAddr,
    pub frame: u64,
    /// First frame of its flow.
    pub flow: u64,
}

/// Addresses that answers gave.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    names: BTreeMap<Box<[u8]>, Vec<Given>>,
    pub dropped: u64,
}

impl Answers {
    pub fn add(&mut self, name: &[u8], (address, resolver, frame, flow): (IpAddr, IpAddr, u64, u64)) {
        let given = Given { address, resolver, frame, flow };
        match self.names.get_mut(name) {
            Some(list) => self.dropped += put(list, given),
            None => {
                self.names.insert(name.into(), vec![given]);
                self.bound();
            }
        }
    }

    /// Adds another shard's.
    pub fn merge(&mut self, other: Answers) {
        self.dropped += other.dropped;
        for (name, given) in other.names {
            match self.names.entry(name) {
                Entry::Occupied(mut known) => self.dropped += given.into_iter().map(|g| put(known.get_mut(), g)).sum::<u64>(),
                Entry::Vacant(place) => {
                    place.insert(given);
                    self.bound();
                }
            }
        }
    }

    /// Gives back room that is no longer needed.
    pub fn settle(&mut self) {
        self.names.values_mut().for_each(Vec::shrink_to_fit);
    }

    /// Names that were answered.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// What a name was answered with, in order.
    pub fn of(&self, name: &[u8]) -> &[Given] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// All answers with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Given)> {
        self.names.iter().flat_map(|(name, list)| list.iter().map(move |given| (&**name, given)))
    }

    /// The last names go, because which shard comes first says nothing.
    fn bound(&mut self) {
        if self.names.len() > SURVEY_SERVERS {
            self.dropped += self.names.pop_last().map_or(0, |(_, list)| list.len() as u64);
        }
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
        frames.for_each(|f| all.add(if f % 2 == 0 { b"even" } else { b"odd" }, (ip(f % 3), ip(9), f, f)));
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
    fn an_answer_counts_once() {
        let mut all = answers([4, 4].into_iter());
        all.settle();
        assert_eq!((all.of(b"even").len(), all.dropped), (1, 0));
    }
}
