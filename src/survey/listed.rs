//! Values by key in the order they came, with a table of their places: a table of the values themselves is a third empty, and moves
//! all of them whenever it grows.

use crate::flow::index::Index;
use crate::prefetch;
use hashbrown::DefaultHashBuilder;
use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

/// Values by key. Of one key there is one.
#[derive(Clone, Debug)]
pub struct Listed<K, V> {
    /// Where in the list a key stands, by part of its hash.
    places: Index,
    hasher: DefaultHashBuilder,
    list: Vec<(K, V)>,
}

impl<K, V> Default for Listed<K, V> {
    fn default() -> Self {
        Listed { places: Index::default(), hasher: DefaultHashBuilder::default(), list: Vec::new() }
    }
}

impl<K: Hash + Eq, V> Listed<K, V> {
    fn part<Q: Hash + ?Sized>(&self, key: &Q) -> u32 {
        self.hasher.hash_one(key) as u32
    }

    fn place<Q: Hash + Eq + ?Sized>(&self, part: u32, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        let is_it = |at: u32| self.list.get(at as usize).is_some_and(|(known, _)| known.borrow() == key);
        self.places.find(part, is_it).map(|at| at as usize)
    }

    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.place(self.part(key), key)?;
        self.list.get_mut(at).map(|(_, value)| value)
    }

    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = self.place(self.part(key), key)?;
        self.list.get(at).map(|(_, value)| value)
    }

    /// The value of a key; a new one, if there are fewer than `room` and it has none.
    pub fn of(&mut self, key: K, room: usize) -> Option<&mut V>
    where
        V: Default,
    {
        let part = self.part(&key);
        let at = match self.place(part, &key) {
            Some(at) => at,
            None if self.list.len() < room => self.push(part, (key, V::default())),
            None => return None,
        };
        self.list.get_mut(at).map(|(_, value)| value)
    }

    /// Gives a key a value, or lets it join the one that the key has. Whether it did either: not, if there are `room` already.
    pub fn put(&mut self, key: K, value: V, room: usize, join: impl FnOnce(&mut V, V)) -> bool {
        let part = self.part(&key);
        match self.place(part, &key) {
            Some(at) => {
                if let Some((_, known)) = self.list.get_mut(at) {
                    join(known, value);
                }
            }
            None if self.list.len() < room => {
                self.push(part, (key, value));
            }
            None => return false,
        }
        true
    }

    /// Adds all that another list holds.
    pub fn join(&mut self, other: Listed<K, V>, mut join: impl FnMut(&mut V, V)) {
        let mut rest = other.list.into_iter();
        while let Some((key, value)) = rest.next() {
            self.ask(rest.as_slice());
            self.put(key, value, usize::MAX, &mut join);
        }
    }

    /// Asks for where some keys of a list stand that is put one by one, before their turn.
    pub fn ask(&self, rest: &[(K, V)]) {
        /// Keys between the one that is put and the one whose value is asked for, and as many again to the one whose place is.
        const AHEAD: usize = 8;
        if let Some((key, _)) = rest.get(2 * AHEAD) {
            self.places.prefetch(self.part(key));
        }
        if let Some((key, _)) = rest.get(AHEAD)
            && let Some(entry) = self.places.find(self.part(key), |_| true).and_then(|at| self.list.get(at as usize))
        {
            prefetch::value(entry);
        }
    }

    fn push(&mut self, part: u32, entry: (K, V)) -> usize {
        let at = self.list.len();
        self.places.insert(part, at as u32);
        self.list.push(entry);
        at
    }

    /// Keeps those that are to be kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.list.retain(|(key, value)| keep(key, value));
        self.places.clear();
        for (at, (key, _)) in self.list.iter().enumerate() {
            self.places.insert(self.hasher.hash_one(key) as u32, at as u32);
        }
    }
}

impl<K, V> Listed<K, V> {
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// As they came.
    pub fn iter(&self) -> std::slice::Iter<'_, (K, V)> {
        self.list.iter()
    }

    /// All of them as they came, without the table.
    pub fn into_list(self) -> Vec<(K, V)> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map, with keys that come again, no room for some, and some taken out in between.
        #[test]
        fn is_a_map(steps in prop::collection::vec((0..40u8, 0..9u32, any::<bool>()), 0..300), out in prop::collection::btree_set(0..40u8, 0..9)) {
            let (mut listed, mut map) = (Listed::<Box<[u8]>, u32>::default(), BTreeMap::<Box<[u8]>, u32>::new());
            for (n, (key, value, by_put)) in steps.into_iter().enumerate() {
                let key: Box<[u8]> = [key].into();
                let room = map.len() < 25 || map.contains_key(&key);
                if room {
                    *map.entry(key.clone()).or_default() += value;
                }
                let did = if by_put {
                    listed.put(key.clone(), value, 25, |known, more| *known += more)
                } else {
                    listed.of(key.clone(), 25).map(|known| *known += value).is_some()
                };
                prop_assert_eq!(did, room);
                prop_assert_eq!(listed.get(&*key), map.get(&key));
                prop_assert_eq!(listed.get_mut(&*key).copied(), map.get(&key).copied());
                if n == 150 {
                    listed.retain(|key, _| !out.contains(&key[0]));
                    map.retain(|key, _| !out.contains(&key[0]));
                }
                prop_assert_eq!(listed.len(), map.len());
            }
            prop_assert_eq!(listed.into_list().into_iter().collect::<BTreeMap<_, _>>(), map);
        }
    }
}
