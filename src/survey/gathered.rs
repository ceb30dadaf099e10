//! Facts by key. While flows end a shard looks its keys up in a tree; the shards' are then put together as lists in order, which is
//! ten times as fast as to insert a hundred thousand keys into one tree.

use std::collections::BTreeMap;

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

/// Puts facts in order of their keys, each key once.
pub fn order<K: Ord, V: Joins>(list: &mut Vec<(K, V)>) {
    // Stable, because that makes use of the stretches in order that the list consists of.
    list.sort_by(|(a, _), (b, _)| a.cmp(b));
    list.dedup_by(|(key, fact), (last, known)| {
        let same = key == last;
        if same {
            known.join(fact);
        }
        same
    });
}

/// Facts of no more than `ROOM` keys.
#[derive(Clone, Debug)]
pub struct Gathered<K, V, const ROOM: usize> {
    open: BTreeMap<K, V>,
    /// In order after [`Gathered::order`].
    list: Vec<(K, V)>,
    /// Facts left out for want of room.
    pub dropped: u64,
}

impl<K, V, const ROOM: usize> Default for Gathered<K, V, ROOM> {
    fn default() -> Self {
        Gathered { open: BTreeMap::new(), list: Vec::new(), dropped: 0 }
    }
}

impl<K: Ord + Copy, V: Joins, const ROOM: usize> Gathered<K, V, ROOM> {
    /// What is known of a key so far, unless there is no room for more keys.
    pub fn of(&mut self, key: K) -> Option<&mut V>
    where
        V: Default,
    {
        if self.open.len() >= ROOM && !self.open.contains_key(&key) {
            self.dropped += 1;
            return None;
        }
        Some(self.open.entry(key).or_default())
    }

    /// Adds a fact.
    pub fn add(&mut self, key: K, mut fact: V) {
        let room = self.open.len() < ROOM;
        match self.open.get_mut(&key) {
            Some(known) => known.join(&mut fact),
            None if room => {
                self.open.insert(key, fact);
            }
            None => self.dropped += 1,
        }
    }

    /// Facts so far; of two shards the same key counts twice until they are in order.
    pub fn len(&self) -> usize {
        self.open.len() + self.list.len()
    }

    /// Makes room for the facts of other shards at once: a list of a million hosts that grew would be copied again and again.
    pub fn expect<'g>(&mut self, others: impl Iterator<Item = &'g Self>)
    where
        K: 'g,
        V: 'g,
    {
        let more: usize = others.map(Self::len).sum();
        self.list.reserve_exact(self.open.len() + more);
    }

    /// Adds another shard's facts; [`Gathered::order`] is to follow.
    pub fn merge(&mut self, other: Self) {
        self.list.extend(std::mem::take(&mut self.open));
        self.list.extend(other.list);
        self.list.extend(other.open);
        self.dropped += other.dropped;
    }

    /// Puts all facts in order, each key once.
    pub fn order(&mut self) {
        self.list.extend(std::mem::take(&mut self.open));
        order(&mut self.list);
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
    fn each_key_once_in_order() {
        let mut all = gathered(&[(5, 1), (2, 1), (5, 2)]);
        *all.of(2).unwrap() += 10;
        all.order();
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
