//! Places for live flows, in segments of fixed size: growing never copies what is there, and wastes at most a segment.

use crate::prefetch;

/// Places a segment has: some tens of kilobytes, so that a shard with a few flows stays small.
const SEGMENT: usize = 32;

/// Numbered places; freed ones are used again, the latest first.
#[derive(Debug)]
pub struct Slab<T> {
    segments: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    len: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { segments: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> Slab<T> {
    /// Puts something in, and says where.
    #[inline(always)]
    pub fn insert(&mut self, value: T) -> u32 {
        if let Some(i) = self.free.pop() {
            if let Some(place) = self.place(i) {
                *place = Some(value);
            }
            return i;
        }
        if self.segments.last().is_none_or(|s| s.len() == SEGMENT) {
            self.segments.push(Vec::with_capacity(SEGMENT));
        }
        if let Some(last) = self.segments.last_mut() {
            last.push(Some(value));
        }
        self.len += 1;
        self.len - 1
    }

    /// Asks for a place before it is needed.
    #[inline]
    pub fn prefetch(&self, i: u32) {
        if let Some(place) = self.segments.get(i as usize / SEGMENT).and_then(|s| s.get(i as usize % SEGMENT)) {
            prefetch::value(place);
        }
    }

    fn place(&mut self, i: u32) -> Option<&mut Option<T>> {
        self.segments.get_mut(i as usize / SEGMENT)?.get_mut(i as usize % SEGMENT)
    }

    pub fn get(&self, i: u32) -> Option<&T> {
        self.segments.get(i as usize / SEGMENT)?.get(i as usize % SEGMENT)?.as_ref()
    }

    pub fn get_mut(&mut self, i: u32) -> Option<&mut T> {
        self.place(i)?.as_mut()
    }

    pub fn remove(&mut self, i: u32) -> Option<T> {
        let value = self.place(i)?.take()?;
        self.free.push(i);
        Some(value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len as usize - self.free.len()
    }

    /// Places there are, taken or free.
    pub fn places(&self) -> u32 {
        self.len
    }

    /// What is there, with its place.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(self.segments.iter().flatten()).filter_map(|(i, place)| place.as_ref().map(|value| (i, value)))
    }

    /// Takes everything out, in order of places, and hands it over one by one: an iterator would move each some times more. What stands
    /// so many places `ahead` is told to `coming`.
    pub fn drain(&mut self, ahead: usize, coming: impl Fn(&T), mut each: impl FnMut(T)) {
        self.free.clear();
        self.len = 0;
        for segment in std::mem::take(&mut self.segments) {
            let mut places = segment.into_iter();
            while let Some(place) = places.next() {
                if let Some(Some(value)) = places.as_slice().get(ahead - 1) {
                    coming(value);
                }
                place.into_iter().for_each(&mut each);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again() {
        let mut slab = Slab::default();
        let places: Vec<u32> = (0..100).map(|n| slab.insert(n)).collect();
        assert_eq!(places, (0..100).collect::<Vec<u32>>());
        assert_eq!((slab.remove(40), slab.remove(40), slab.remove(7)), (Some(40), None, Some(7)));
        assert_eq!((slab.insert(500), slab.insert(600), slab.insert(700)), (7, 40, 100));
        assert_eq!((slab.get(40), slab.get(101), slab.places()), (Some(&600), None, 101));
        assert_eq!(slab.iter().filter(|(i, v)| i != *v).count(), 3);
        let mut drained = 0;
        slab.drain(2, |_| (), |_| drained += 1);
        assert_eq!(drained, 101);
        assert_eq!(slab.insert(1), 0);
    }
}
