//! Which packets of a flow are remembered: the first H, the last T and each side's last, and the neighbours of the first C control
//! packets.
//!
//! Each part is a function of the packet list alone, so two transcripts merge to what one over both lists would hold:
//! a control packet near the cut finds its earlier neighbours in the left tail and its later ones in the right head.

mod rest;

use super::entry::{Entry, fact};
use super::key::Direction;
use super::packed::Packed;
use super::spells::{Spell, Spells};
use crate::limits::{CONTROLS, HEAD, NEIGHBOURS, TAIL};
use crate::prefetch;
pub use rest::Sounded;
use rest::{LONG, Rest};
use std::collections::BTreeMap;

/// The remembered packets of a flow, in capture order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Transcript {
    /// Packets seen in all.
    count: u64,
    /// The first [`HEAD`].
    head: Packed,
    /// What only flows longer than that need.
    rest: Option<Box<Rest>>,
    /// Control packets so far, no more than [`CONTROLS`], and how many packets came since the last of them, as far as that matters.
    controls: u8,
    since_control: u8,
}

impl Transcript {
    /// Octets on the heap.
    pub fn heap(&self) -> usize {
        let rest = |r: &Rest| {
            size_of::<Rest>()
                + r.tail.capacity() * size_of::<Entry>()
                + (r.around.capacity() + r.apart.iter().flatten().count()) * size_of::<(u64, Entry)>()
                + r.spells.heap()
        };
        self.head.heap() + self.rest.as_deref().map_or(0, rest)
    }

    /// Asks for the place of the next packet before it is needed.
    pub fn prefetch(&self) {
        match &self.rest {
            Some(rest) => prefetch::value(rest.as_ref()),
            None => self.head.prefetch(),
        }
    }

    /// Asks for what is kept before it is read.
    pub fn prefetch_all(&self) {
        self.head.prefetch_all();
        if let Some(rest) = &self.rest {
            prefetch::value(rest.as_ref());
        }
    }

    /// Packets seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first packets, without a gap.
    pub fn head(&self) -> impl Iterator<Item = Entry> + '_ {
        self.head.iter()
    }

    /// Frame of the first packet, 0 if there was none.
    pub fn first_frame(&self) -> u64 {
        self.head().next().map_or(0, |e| e.frame)
    }

    /// Whether some packets are not kept.
    pub fn has_gaps(&self) -> bool {
        self.count > (HEAD + TAIL) as u64
    }

    /// Adds the next packet. Returns when its side was heard before, if that was in another second and the packet may not be kept.
    pub fn push(&mut self, entry: &Entry) -> Option<Sounded> {
        let ordinal = self.count;
        self.count += 1;
        let is_control = entry.is_control() && usize::from(self.controls) < CONTROLS;
        if is_control {
            self.controls += 1;
            self.since_control = 0;
        } else if self.controls > 0 {
            self.since_control = self.since_control.saturating_add(1);
        }
        if self.head.len() < HEAD {
            self.head.push(entry);
            return None;
        }
        let follows = self.controls > 0 && usize::from(self.since_control) <= NEIGHBOURS;
        let rest = self.rest.get_or_insert_with(|| Box::new(Rest::new()));
        if is_control {
            let known = rest.tail.len();
            let near = known.min(NEIGHBOURS);
            for back in (1..=near).rev() {
                let place = (usize::from(rest.oldest) + known - back) % known;
                if let Some(e) = rest.tail.get(place) {
                    keep(&mut rest.around, ordinal - back as u64, *e);
                }
            }
        }
        if follows {
            keep(&mut rest.around, ordinal, *entry);
        }
        rest.push(entry, ordinal)
    }

    /// Kept packets beyond the head, by ordinal.
    fn beyond(&self) -> impl Iterator<Item = (u64, Entry)> {
        let rest = self.rest.as_ref();
        let tail = rest.map_or(0, |r| r.tail.len() as u64);
        let around = rest.into_iter().flat_map(|r| r.around.iter().copied());
        let apart = rest.into_iter().flat_map(|r| r.apart.iter().flatten().map(|kept| **kept));
        around.chain(apart).chain(rest.into_iter().flat_map(|r| r.tail()).zip(self.count - tail..).map(|(e, i)| (i, *e)))
    }

    /// Whether there may be spells, though nothing is repeated among the kept packets.
    pub fn may_have_spells(&self) -> bool {
        self.rest.as_ref().is_some_and(|r| r.spells.may_follow())
    }

    /// Spells in all packets, kept or not, and how many more there were; `entries` are the kept ones.
    pub fn spells(&self, entries: &[Entry]) -> (Vec<Spell>, u32) {
        let all: Spells = entries.iter().take(HEAD).collect();
        let all = self.rest.iter().fold(all, |all, rest| all.merge(&rest.spells));
        let (spells, more) = all.ended();
        (spells.to_vec(), more)
    }

    /// `self` then `later`: what one transcript over both packet lists would hold.
    pub fn merge(self, later: &Transcript) -> Transcript {
        let shift = self.count;
        let count = shift + later.count;
        let mut known: BTreeMap<u64, Entry> = BTreeMap::new();
        known.extend(self.beyond());
        known.extend((0..).zip(self.head.iter()));
        known.extend((shift..).zip(later.head.iter()));
        known.extend(later.beyond().map(|(i, e)| (i + shift, e)));
        // The first control packets of either side are all known, so the first of both are the first known ones.
        let controls: Vec<u64> = known.iter().filter(|(_, e)| e.is_control()).map(|(i, _)| *i).take(CONTROLS).collect();
        let split = HEAD as u64;
        let head: Packed = known.range(..split).map(|(_, e)| *e).collect();
        let last = [Direction::FromLow, Direction::FromHigh].map(|side| {
            let of_side = |(_, e): &(&u64, &Entry)| e.direction() == side && !e.is(fact::ICMP);
            known.range(split..).rfind(of_side).map(|(i, e)| (*i, *e))
        });
        let begun = self.rest.map_or_else(Spells::default, |r| r.spells);
        let rest = (count > split).then(|| {
            let between = known.range(split.max(shift)..shift + later.head.len() as u64).map(|(_, e)| e).collect();
            let spells = later.rest.iter().fold(begun.merge(&between), |all, rest| all.merge(&rest.spells));
            let tail_from = count.saturating_sub(TAIL as u64).max(split);
            let near = |i: u64| controls.iter().any(|c| i.abs_diff(*c) <= NEIGHBOURS as u64);
            Box::new(Rest {
                tail: known.range(tail_from..).map(|(_, e)| *e).collect(),
                oldest: 0,
                seconds: Default::default(),
                since: last.map(|last| last.map_or(LONG, |(i, _)| u32::try_from(count - 1 - i).unwrap_or(LONG))),
                apart: last.map(|last| last.filter(|(i, _)| *i < tail_from).map(Box::new)),
                around: known.range(split..).filter(|(i, _)| near(**i)).map(|(i, e)| (*i, *e)).collect(),
                spells,
            })
        });
        let since_control = controls.last().map_or(0, |last| u8::try_from(count - 1 - last).unwrap_or(u8::MAX));
        Transcript { count, head, rest, controls: controls.len() as u8, since_control }
    }

    /// All kept packets in capture order, each once, with the number of packets left out before each.
    pub fn entries(&self) -> (Vec<Entry>, Vec<u64>) {
        let Some(rest) = &self.rest else {
            let mut head = Vec::with_capacity(self.head.len());
            self.head.append_to(&mut head);
            return (head, vec![0; self.head.len()]);
        };
        let most = self.head.len() + rest.around.len() + rest.tail.len() + rest.apart.len();
        let (mut entries, mut left_out) = (Vec::with_capacity(most), Vec::with_capacity(most));
        self.head.append_to(&mut entries);
        left_out.resize(entries.len(), 0);
        let mut next = entries.len() as u64;
        let tail_from = self.count - rest.tail.len() as u64;
        // What stands in the tail as well is taken from there.
        let mut between: Vec<&(u64, Entry)> = rest.around.iter().take_while(|(i, _)| *i < tail_from).collect();
        if rest.apart.iter().any(Option::is_some) {
            between.extend(rest.apart.iter().flatten().map(|kept| &**kept));
            between.sort_by_key(|(i, _)| *i);
            between.dedup_by_key(|(i, _)| *i);
        }
        for (i, e) in between {
            entries.push(*e);
            left_out.push(i - next);
            next = i + 1;
        }
        let tail = entries.len();
        rest.parts().iter().for_each(|part| entries.extend_from_slice(part));
        left_out.resize(entries.len(), 0);
        if let Some(first) = left_out.get_mut(tail) {
            *first = tail_from - next;
        }
        (entries, left_out)
    }
}

fn keep(around: &mut Vec<(u64, Entry)>, ordinal: u64, entry: Entry) {
    if around.last().is_none_or(|(last, _)| *last < ordinal) {
        around.push((ordinal, entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::tcp;
    use proptest::prelude::*;

    proptest! {
        /// Against the definition: the first packets, the last ones, each side's last, and the neighbours of the first control packets.
        #[test]
        fn what_is_kept_is_what_is_said(
            count in 1..140u64,
            controls in prop::collection::btree_set(0..140u64, 0..24),
            turns in prop::collection::btree_set(0..140u64, 0..12),
            errors in prop::collection::btree_set(0..140u64, 0..6),
            cut in 0..140u64,
        ) {
            let side = |i: u64| if turns.range(..=i).count() % 2 == 0 { 0 } else { fact::FROM_HIGH };
            let packet = |i: u64| {
                let flags = if controls.contains(&i) { tcp::FIN } else { tcp::ACK };
                let facts = side(i) | if errors.contains(&i) { fact::ICMP } else { 0 };
                Entry { frame: i + 1, seq: i as u32 * 100, payload_len: 100, flags, facts, ..Entry::blank() }
            };
            let of = |range: std::ops::Range<u64>| {
                let mut transcript = Transcript::default();
                range.for_each(|i| _ = transcript.push(&packet(i)));
                transcript
            };
            let controls: Vec<u64> = (0..count).filter(|i| packet(*i).is_control()).take(CONTROLS).collect();
            let near = |i: u64| controls.iter().any(|c| c.abs_diff(i) <= NEIGHBOURS as u64);
            let last = [0, fact::FROM_HIGH].map(|of| (0..count).rfind(|i| side(*i) == of && !errors.contains(i)));
            let kept = (0..count).filter(|i| *i < HEAD as u64 || i + TAIL as u64 >= count || near(*i) || last.contains(&Some(*i)));
            let expected: Vec<u64> = kept.collect();
            let (entries, left_out) = of(0..count).entries();
            prop_assert_eq!(&entries, &expected.iter().map(|i| packet(*i)).collect::<Vec<_>>());
            let before = std::iter::once(0).chain(expected.iter().map(|i| i + 1));
            prop_assert_eq!(left_out, expected.iter().zip(before).map(|(i, next)| i - next).collect::<Vec<_>>());
            let cut = cut.min(count);
            prop_assert_eq!(of(0..cut).merge(&of(cut..count)), of(0..count));
        }
    }
}
