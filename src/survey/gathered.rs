//! Facts by key: looked up by hash while flows end and when shards are put together, and in order once all are known, so that nothing
//! depends on the hash.

use super::listed::Listed;
use std::hash::Hash;
use std::net::IpAddr;

/// A fact that is the same told in parts.
pub trait Joins {
    /// Takes what `other` tells; that is needed no more.
    fn join(&mut self, other: &mut Self);
}

impl<T: Joins> Joins for Box<T> {
    fn join(&mut self, other: &mut Box<T>) {
        T::join(self, other);
    }
}

/// A key with a number in the same order, as far as one can tell keys apart.
pub trait Ranked: Ord + Copy + Hash {
    fn rank(&self) -> u64;
}

impl Ranked for IpAddr {
    fn rank(&self) -> u64 {
        (*self, 0).rank()
    }
}

impl Ranked for (IpAddr, u16) {
    /// All of it, but for the lower half of an IPv6 address and its port.
    fn rank(&self) -> u64 {
        match self {
            (IpAddr::V4(ip), port) => u64::from(ip.to_bits()) << 16 | u64::from(*port),
            (IpAddr::V6(ip), _) => 1 << 63 | (ip.to_bits() >> 65) as u64,
        }
    }
}

/// Puts a list in order of a number that each has, in any order where it is the same. Numbers are sorted, and then each is moved once.
pub fn by_rank<T>(list: &mut [T], rank: impl Fn(&T) -> u128) {
    let mut places: Vec<(u128, usize)> = list.iter().map(rank).zip(0..).collect();
    places.sort_unstable_by_key(|(rank, _)| *rank);
    for at in 0..places.len() {
        // What was to be taken from a place before has been swapped away from there.
        let mut from = places.get(at).map_or(at, |(_, from)| *from);
        while from < at {
            from = places.get(from).map_or(at, |(_, from)| *from);
        }
        if let Some((_, place)) = places.get_mut(at) {
            *place = from;
        }
        list.swap(at, from);
    }
}

/// Facts of no more than `ROOM` keys.
#[derive(Clone, Debug)]
pub struct Gathered<K, V, const ROOM: usize> {
    open: Listed<K, V>,
    /// In order after [`Gathered::order`].
    list: Vec<(K, V)>,
    /// Facts left out for want of room.
    pub dropped: u64,
}

impl<K, V, const ROOM: usize> Default for Gathered<K, V, ROOM> {
    fn default() -> Self {
        Gathered { open: Listed::default(), list: Vec::new(), dropped: 0 }
    }
}

impl<K: Ranked, V: Joins, const ROOM: usize> Gathered<K, V, ROOM> {
    /// What is known of a key so far, unless there is no room for more keys.
    pub fn of(&mut self, key: K) -> Option<&mut V>
    where
        V: Default,
    {
        let known = self.open.of(key, ROOM);
        self.dropped += u64::from(known.is_none());
        known
    }

    /// Adds a fact.
    pub fn add(&mut self, key: K, fact: V) {
        let known = self.open.put(key, fact, ROOM, |known, mut fact| known.join(&mut fact));
        self.dropped += u64::from(!known);
    }

    /// Keys so far.
    pub fn len(&self) -> usize {
        self.open.len() + self.list.len()
    }

    /// Adds another shard's facts.
    pub fn merge(&mut self, other: Self) {
        self.dropped += other.dropped;
        if self.open.is_empty() {
            self.open = other.open;
            return;
        }
        self.open.join(other.open, |known, mut fact| known.join(&mut fact));
        // Of what has come twice as often as there is room for; each time there is one too many would take a search each time.
        if self.open.len() > 2 * ROOM {
            self.cut();
        }
    }

    /// Keeps the first keys in order, as many as there is room for: what is left in the end does not depend on when that is done.
    fn cut(&mut self) {
        let mut keys: Vec<K> = self.open.iter().map(|(key, _)| *key).collect();
        let (_, beyond, _) = keys.select_nth_unstable(ROOM);
        let beyond = *beyond;
        self.open.retain(|key, _| *key < beyond);
        self.dropped += (keys.len() - ROOM) as u64;
    }

    /// Puts all facts in order, once there are no more to come.
    pub fn order(&mut self) {
        self.list = std::mem::take(&mut self.open).into_list();
        by_rank(&mut self.list, |(key, _)| u128::from(key.rank()));
        for alike in self.list.chunk_by_mut(|(a, _), (b, _)| a.rank() == b.rank()) {
            if alike.len() > 1 {
                alike.sort_unstable_by_key(|(key, _)| *key);
            }
        }
        self.dropped += self.list.len().saturating_sub(ROOM) as u64;
        self.list.truncate(ROOM);
        self.list.shrink_to_fit();
    }

    /// All facts in order of key; after [`Gathered::order`].
    pub fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.list.iter()
    }

    /// What is known of a key; after [`Gathered::order`].
    pub fn get(&self, key: &K) -> Option<&V> {
        self.list.binary_search_by_key(key, |(k, _)| *k).ok().and_then(|at| self.list.get(at)).map(|(_, fact)| fact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Ranked for u8 {
        /// Of two keys each the same.
        fn rank(&self) -> u64 {
            u64::from(*self / 2)
        }
    }

    impl Joins for u32 {
        fn join(&mut self, other: &mut u32) {
            *self += *other;
        }
    }

    fn gathered(facts: &[(u8, u32)]) -> Gathered<u8, u32, 3> {
        let mut all = Gathered::default();
        facts.iter().for_each(|(key, n)| all.add(*key, *n));
        all
    }

    #[test]
    fn moved_once_to_where_their_numbers_say() {
        let mut list: Vec<u64> = (0..1000).map(|n| n * 7919 % 1009).collect();
        let mut expected = list.clone();
        expected.sort_unstable();
        by_rank(&mut list, |n| u128::from(*n) << 64);
        assert_eq!(list, expected);
        by_rank(&mut list, |_| 0);
        list.sort_unstable();
        assert_eq!(list, expected);
    }

    #[test]
    fn what_is_left_does_not_depend_on_when_it_is_cut() {
        let parts = || [[3, 9], [1, 8], [7, 2], [5, 6], [1, 4]].map(|keys| keys.map(|key| (key, 1)));
        let joined = |at_once: bool| {
            let mut all = Gathered::<u8, u32, 3>::default();
            for part in parts() {
                let mut other = Gathered::default();
                part.iter().for_each(|(key, n)| other.add(*key, *n));
                all.merge(other);
                if !at_once && all.len() > 3 {
                    all.cut();
                }
                assert!(all.len() <= 6);
            }
            all.order();
            (all.list, all.dropped)
        };
        assert_eq!(joined(true), joined(false));
        assert_eq!(joined(true), (vec![(1, 2), (2, 1), (3, 1)], 6));
    }

    #[test]
    fn each_key_once_in_order() {
        let mut all = gathered(&[(5, 1), (2, 1), (5, 2)]);
        *all.of(2).unwrap() += 10;
        all.merge(gathered(&[(4, 7), (2, 1)]));
        all.order();
        assert_eq!(all.list, [(2, 12), (4, 7), (5, 3)]);
        assert_eq!((all.get(&4), all.get(&3), all.dropped), (Some(&7), None, 0));
    }

    #[test]
    fn beyond_the_room_is_counted() {
        let mut all = gathered(&[(5, 1), (6, 1), (7, 1), (8, 1), (5, 1)]);
        assert!(all.of(9).is_none() && all.of(5).is_some());
        assert_eq!(all.dropped, 2);
        all.merge(gathered(&[(1, 1), (2, 1)]));
        all.order();
        assert_eq!((all.list.len(), all.dropped), (3, 4));
    }
}
