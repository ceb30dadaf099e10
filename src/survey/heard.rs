//! Which flows were heard in which second: what tells a silence from a line that was down.

use super::facts::Facts;
use std::collections::btree_map::Entry;

pub use crate::flow::heard::Heard;

/// Flows kept of a second, over all clients. A list this long says that the line was up, whoever is asked about.
pub const HEARD: usize = 8;

impl Facts {
    /// Takes over what another shard has heard.
    pub fn take_heard(&mut self, other: &mut Facts) {
        self.lately.append(&mut other.lately);
        for (second, flows) in std::mem::take(&mut other.heard) {
            self.lately.extend(flows.into_iter().map(|heard| (second, heard)));
        }
    }

    /// Puts what was heard lately to its seconds.
    pub fn settle_heard(&mut self) {
        for (second, heard) in std::mem::take(&mut self.lately) {
            self.heard_at(second, heard);
        }
    }

    /// A second in which a flow was heard from its server.
    fn heard_at(&mut self, second: i64, heard: Heard) {
        /// A week of seconds; beyond that silences are judged without it.
        const SECONDS: usize = 7 * 86_400;
        /// The latest two: one may be the suspect's own.
        const OF_A_CLIENT: usize = 2;
        let room = self.heard.len() < SECONDS;
        let list = match self.heard.entry(second) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) if room => place.insert(Vec::new()),
            Entry::Vacant(_) => {
                self.dropped += 1;
                return;
            }
        };
        // The latest, because which shard comes first says nothing.
        if list.len() == HEARD && list.last().is_some_and(|last| last.frame > heard.frame) {
            return;
        }
        let known = list.iter().position(|h| h.flow == heard.flow).map(|at| list.remove(at));
        let heard = Heard { frame: known.map_or(0, |k| k.frame).max(heard.frame), ..known.unwrap_or(heard) };
        list.insert(list.partition_point(|h| h.frame > heard.frame), heard);
        let of_client = |h: &&Heard| h.client == heard.client;
        if let Some(spare) = list.iter().filter(of_client).nth(OF_A_CLIENT).map(|h| h.flow) {
            list.retain(|h| h.flow != spare);
        }
        list.truncate(HEARD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::net::{IpAddr, Ipv4Addr};

    /// Puts a flow to a second's, and cuts those to their bounds each time.
    fn one_by_one(all: &mut BTreeMap<i64, Vec<Heard>>, second: i64, heard: Heard) {
        let list = all.entry(second).or_default();
        list.retain(|h| h.flow != heard.flow);
        list.insert(list.partition_point(|h| h.frame > heard.frame), heard);
        if let Some(spare) = list.iter().filter(|h| h.client == heard.client).nth(2).map(|h| h.flow) {
            list.retain(|h| h.flow != spare);
        }
        list.truncate(HEARD);
    }

    proptest! {
        /// Whoever takes over what others have heard, and when: together they know the same.
        #[test]
        fn what_was_heard_may_be_taken_over(
            heard in prop::collection::vec((0..4usize, 0..3i64, 0..12u64), 0..120),
            when in 0..120usize,
        ) {
            let (mut apart, mut gathered, mut expected) = (vec![Facts::default(); 4], vec![Facts::default(); 4], BTreeMap::new());
            for (n, ((shard, second, flow), frame)) in heard.into_iter().zip(100..).enumerate() {
                // A flow is in one shard, and has one client.
                let flow = flow * 4 + shard as u64;
                let heard = Heard { flow, frame, client: IpAddr::V4(Ipv4Addr::from_bits(flow as u32 % 5)), named: true };
                apart[shard].lately.push((second, heard));
                gathered[shard].lately.push((second, heard));
                one_by_one(&mut expected, second, heard);
                if n == when {
                    let (first, others) = gathered.split_first_mut().unwrap();
                    others.iter_mut().for_each(|other| first.take_heard(other));
                    first.settle_heard();
                }
            }
            let joined = |parts: Vec<Facts>| {
                let mut all = parts.into_iter().reduce(|mut all, part| { all.merge(part); all }).unwrap();
                all.settle_heard();
                all.heard
            };
            prop_assert_eq!(&joined(gathered), &expected);
            prop_assert_eq!(&joined(apart), &expected);
        }
    }
}
