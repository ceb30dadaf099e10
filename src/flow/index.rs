//! Where the flow of a fingerprint stands: an open table of half a fingerprint each, probed in a line. What is listed by a hash is found
//! in the same way.
//!
//! A table of one's own because whoever is about to look something up can ask for the place in memory first, which general ones keep
//! to themselves, and because what stands here says where it belongs: growing looks at no flow.

use crate::prefetch;

/// Half fingerprints and places. Halves may be equal, and places tell them apart.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// As many as a power of two, or none.
    entries: Vec<(u32, u32)>,
    taken: usize,
}

/// A place that is none.
const FREE: u32 = u32::MAX;
/// Entries of a small table: four lines. Of the facts of a small capture there are hundreds of tables.
const LEAST: usize = 32;

impl Index {
    fn first(&self, half: u32) -> usize {
        half as usize & self.entries.len().wrapping_sub(1)
    }

    fn behind(&self, at: usize) -> usize {
        (at + 1) & self.entries.len().wrapping_sub(1)
    }

    /// Asks for where a half would stand.
    #[inline(always)]
    pub fn prefetch(&self, half: u32) {
        if let Some(entry) = self.entries.get(self.first(half)) {
            prefetch::value(entry);
        }
    }

    /// The place of a half that is the one.
    #[inline(always)]
    pub fn find(&self, half: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.first(half);
        // At least a third of a table is free, so each search ends.
        while let Some((other, place)) = self.entries.get(at).filter(|(_, place)| *place != FREE) {
            if *other == half && is_it(*place) {
                return Some(*place);
            }
            at = self.behind(at);
        }
        None
    }

    pub fn insert(&mut self, half: u32, place: u32) {
        if (self.taken + 1) * 3 > self.entries.len() * 2 {
            let more = vec![(0, FREE); (self.entries.len() * 2).max(LEAST)];
            let known = std::mem::replace(&mut self.entries, more);
            known.into_iter().filter(|(_, place)| *place != FREE).for_each(|(half, place)| self.put(half, place));
        }
        self.taken += 1;
        self.put(half, place);
    }

    fn put(&mut self, half: u32, place: u32) {
        let mut at = self.first(half);
        while self.entries.get(at).is_some_and(|(_, place)| *place != FREE) {
            at = self.behind(at);
        }
        if let Some(entry) = self.entries.get_mut(at) {
            *entry = (half, place);
        }
    }

    fn at(&self, half: u32, place: u32) -> Option<usize> {
        let mut at = self.first(half);
        while let Some(entry) = self.entries.get(at).filter(|(_, place)| *place != FREE) {
            if *entry == (half, place) {
                return Some(at);
            }
            at = self.behind(at);
        }
        None
    }

    /// Puts a place in another one's stead.
    pub fn replace(&mut self, half: u32, place: u32, by: u32) {
        if let Some(entry) = self.at(half, place).and_then(|at| self.entries.get_mut(at)) {
            entry.1 = by;
        }
    }

    pub fn remove(&mut self, half: u32, place: u32) {
        let Some(mut hole) = self.at(half, place) else { return };
        self.taken -= 1;
        let mask = self.entries.len().wrapping_sub(1);
        let far = |from: usize, to: usize| to.wrapping_sub(from) & mask;
        // What stands behind the hole and belongs before it moves up: a search must not end there.
        let mut at = self.behind(hole);
        while let Some((other, _)) = self.entries.get(at).filter(|(_, place)| *place != FREE) {
            if far(self.first(*other), at) >= far(hole, at) {
                self.entries.swap(at, hole);
                hole = at;
            }
            at = self.behind(at);
        }
        if let Some(entry) = self.entries.get_mut(hole) {
            entry.1 = FREE;
        }
    }

    pub fn clear(&mut self) {
        *self = Index::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a list, with halves that crowd together.
        #[test]
        fn it_holds_what_a_list_does(steps in prop::collection::vec((0..3u8, 0..40u32, 0..30u32), 0..900)) {
            let (mut index, mut list) = (Index::default(), Vec::new());
            for (step, half, place) in steps {
                // Some at the end of the table, from where it goes on at its start.
                let half = half * 7 % 32 + 240;
                match (step, list.iter().position(|known| *known == (half, place))) {
                    (0 | 1, None) => {
                        index.insert(half, place);
                        list.push((half, place));
                    }
                    (2, Some(at)) if place % 2 == 0 => {
                        index.replace(half, place, place + 1000);
                        list[at].1 = place + 1000;
                    }
                    (2, _) => {
                        index.remove(half, place);
                        list.retain(|known| *known != (half, place));
                    }
                    _ => {}
                }
                prop_assert_eq!(index.taken, list.len());
                for (half, place) in &list {
                    prop_assert_eq!(index.find(*half, |p| p == *place), Some(*place));
                }
                prop_assert_eq!(index.entries.iter().filter(|(_, place)| *place != FREE).count(), list.len());
            }
        }
    }
}
