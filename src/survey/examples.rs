//! A few flows that show a fact, so that the packets behind a sum can be found again.

use super::gathered::Joins;

/// First frames of flows: the lowest few, so that what is kept does not depend on the order of merging.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Few<const N: usize>([u64; N]);

impl<const N: usize> Default for Few<N> {
    fn default() -> Few<N> {
        // Frames count from 1: this is none.
        Few([u64::MAX; N])
    }
}

impl<const N: usize> Few<N> {
    pub fn add(&mut self, flow: u64) {
        if self.0.contains(&flow) {
            return;
        }
        if let Some(last) = self.0.last_mut().filter(|last| flow < **last) {
            *last = flow;
            self.0.sort_unstable();
        }
    }

    pub fn merge(&mut self, other: &Few<N>) {
        other.iter().for_each(|flow| self.add(flow));
    }

    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied().filter(|flow| *flow != u64::MAX)
    }
}

/// The first flow that shows something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct First(pub u64);

impl Joins for First {
    fn join(&mut self, other: &mut First) {
        self.0 = self.0.min(other.0);
    }
}

/// How often something was seen, and in which flows first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sighted {
    pub count: u64,
    pub flows: Few<2>,
}

impl Sighted {
    pub fn add(&mut self, flow: u64) {
        self.add_many(flow, 1);
    }

    pub fn add_many(&mut self, flow: u64, times: u64) {
        self.count += times;
        self.flows.add(flow);
    }

    pub fn merge(&mut self, other: &Sighted) {
        self.count += other.count;
        self.flows.merge(&other.flows);
    }
}

impl Joins for Sighted {
    fn join(&mut self, other: &mut Sighted) {
        self.merge(other);
    }
}

/// Values of a field with how often each was seen. Most hosts have one, which takes no place of its own.
#[derive(Clone, Debug, Default)]
pub struct Tally<V> {
    /// The lowest; none, if it was never seen.
    first: (V, Sighted),
    /// Those above it, in order.
    #[expect(clippy::box_collection, reason = "a third of what a list of its own would take, of which most have none")]
    more: Option<Box<Vec<(V, Sighted)>>>,
}

impl<V: Ord + Copy + Default> Tally<V> {
    pub fn add(&mut self, value: V, flow: u64, times: u64) {
        self.of(value).add_many(flow, times);
    }

    pub fn merge(&mut self, other: &Tally<V>) {
        for (value, seen) in other.iter() {
            self.of(*value).merge(seen);
        }
    }

    /// In order of value.
    pub fn iter(&self) -> impl Iterator<Item = &(V, Sighted)> {
        std::iter::once(&self.first).filter(|(_, seen)| seen.count > 0).chain(self.more.iter().flat_map(|more| more.iter()))
    }

    /// What was seen of a value: something, once the caller is done.
    fn of(&mut self, value: V) -> &mut Sighted {
        let (lowest, seen) = self.first;
        if seen.count == 0 {
            self.first.0 = value;
        }
        if seen.count == 0 || lowest == value {
            return &mut self.first.1;
        }
        let more = self.more.get_or_insert_default();
        if value < lowest {
            more.insert(0, std::mem::replace(&mut self.first, (value, Sighted::default())));
            return &mut self.first.1;
        }
        let at = more.partition_point(|(v, _)| *v < value);
        if more.get(at).is_none_or(|(v, _)| *v != value) {
            more.reserve_exact(1);
            more.insert(at, (value, Sighted::default()));
        }
        #[expect(clippy::indexing_slicing, reason = "inserted above if it was not there")]
        &mut more[at].1
    }
}

/// The smallest of a measure with the flow that shows it, the first of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Least {
    measure: i64,
    flow: u64,
}

impl Default for Least {
    /// None so far: an option would take half as much again.
    fn default() -> Least {
        Least { measure: i64::MAX, flow: u64::MAX }
    }
}

impl Least {
    pub fn add(&mut self, measure: i64, flow: u64) {
        self.merge(Least { measure, flow });
    }

    pub fn merge(&mut self, other: Least) {
        *self = other.min(*self);
    }

    pub fn measure(self) -> Option<i64> {
        Some(self.measure).filter(|_| self.flow < u64::MAX)
    }

    pub fn flow(self) -> Option<u64> {
        Some(self.flow).filter(|flow| *flow < u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_adding_does_not_matter() {
        let of = |flows: &[u64]| {
            let mut few = Few::<3>::default();
            flows.iter().for_each(|f| few.add(*f));
            few
        };
        assert_eq!(of(&[9, 2, 7, 2, 5]), of(&[5, 7, 9, 2]));
        assert_eq!(of(&[9, 2, 7, 2, 5]).iter().collect::<Vec<_>>(), [2, 5, 7]);
        let (mut a, b) = (of(&[9, 2]), of(&[7, 5]));
        a.merge(&b);
        assert_eq!(a, of(&[5, 7, 2]));
        assert_eq!(of(&[]).iter().count(), 0);
    }

    #[test]
    fn a_tally_is_in_order() {
        let (mut a, mut b) = (Tally::default(), Tally::default());
        a.add(64, 9, 2);
        a.add(51, 3, 1);
        b.add(64, 4, 1);
        b.add(52, 7, 1);
        a.merge(&b);
        let seen: Vec<_> = a.iter().map(|(v, s)| (*v, s.count, s.flows.iter().collect::<Vec<_>>())).collect();
        assert_eq!(seen, [(51, 1, vec![3]), (52, 1, vec![7]), (64, 3, vec![4, 9])]);
    }
}
