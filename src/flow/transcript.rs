//! Which packets of a flow are remembered: the first H, the last T, and the neighbours of the first C control packets.
//!
//! Each part is a function of the packet list alone, so two transcripts merge to what one over both lists would hold:
//! a control packet near the cut finds its earlier neighbours in the left tail and its later ones in the right head.

use super::entry::Entry;
use super::packed::Packed;
use crate::limits::{CONTROLS, HEAD, NEIGHBOURS, TAIL};
use crate::prefetch;
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

#[derive(Clone, Debug, Default)]
struct Rest {
    /// The last [`TAIL`] packets beyond the head, as they are: each takes the place of the one that leaves, and packing it would cost
    /// more than all else that is done with a packet of a long flow.
    tail: Vec<Entry>,
    /// Where the oldest of them stands.
    oldest: u8,
    /// Beyond the head: control packets and their neighbours, with their ordinals.
    around: Vec<(u64, Entry)>,
}

/// An octet counts to beyond it, and so beyond the neighbours of a control packet.
const _: () = assert!(TAIL < u8::MAX as usize);

/// Where the tail begins depends on how it came about; what counts is what it holds.
impl PartialEq for Rest {
    fn eq(&self, other: &Rest) -> bool {
        self.around == other.around && self.tail().eq(other.tail())
    }
}

impl Eq for Rest {}

impl Rest {
    /// The last [`TAIL`] beyond the head.
    fn tail(&self) -> impl Iterator<Item = &Entry> {
        let [older, newer] = self.parts();
        older.iter().chain(newer)
    }

    /// The same in the two pieces that it lies in.
    fn parts(&self) -> [&[Entry]; 2] {
        let (newer, older) = self.tail.split_at_checked(usize::from(self.oldest)).unwrap_or_default();
        [older, newer]
    }

    fn push(&mut self, entry: &Entry) {
        if self.tail.len() < TAIL {
            self.tail.push(*entry);
            return;
        }
        if let Some(oldest) = self.tail.get_mut(usize::from(self.oldest)) {
            *oldest = *entry;
        }
        self.oldest = (self.oldest + 1) % TAIL as u8;
    }
}

impl Transcript {
    /// Octets on the heap.
    pub fn heap(&self) -> usize {
        let rest = |r: &Rest| size_of::<Rest>() + r.tail.capacity() * size_of::<Entry>() + r.around.capacity() * size_of::<(u64, Entry)>();
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

    /// Adds the next packet.
    pub fn push(&mut self, entry: &Entry) {
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
            return;
        }
        let follows = self.controls > 0 && usize::from(self.since_control) <= NEIGHBOURS;
        let rest = self.rest.get_or_insert_default();
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
        rest.push(entry);
    }

    /// Kept packets beyond the head, by ordinal.
    fn beyond(&self) -> impl Iterator<Item = (u64, Entry)> {
        let rest = self.rest.as_ref();
        let tail = rest.map_or(0, |r| r.tail.len() as u64);
        let around = rest.into_iter().flat_map(|r| r.around.iter().copied());
        around.chain(rest.into_iter().flat_map(|r| r.tail()).zip(self.count - tail..).map(|(e, i)| (i, *e)))
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
        let rest = (count > split).then(|| {
            let tail_from = count.saturating_sub(TAIL as u64).max(split);
            let near = |i: u64| controls.iter().any(|c| i.abs_diff(*c) <= NEIGHBOURS as u64);
            Box::new(Rest {
                tail: known.range(tail_from..).map(|(_, e)| *e).collect(),
                oldest: 0,
                around: known.range(split..).filter(|(i, _)| near(**i)).map(|(i, e)| (*i, *e)).collect(),
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
        let most = self.head.len() + rest.around.len() + rest.tail.len();
        let (mut entries, mut left_out) = (Vec::with_capacity(most), Vec::with_capacity(most));
        self.head.append_to(&mut entries);
        left_out.resize(entries.len(), 0);
        let mut next = entries.len() as u64;
        let tail_from = self.count - rest.tail.len() as u64;
        // Both lists ascend; what stands in both is taken from the tail.
        for (i, e) in rest.around.iter().take_while(|(i, _)| *i < tail_from) {
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
        /// Against the definition: the first packets, the last ones, and the neighbours of the first control packets.
        #[test]
        fn what_is_kept_is_what_is_said(count in 1..140u64, controls in prop::collection::btree_set(0..140u64, 0..24), cut in 0..140u64) {
            let packet = |i: u64| {
                let flags = if controls.contains(&i) { tcp::FIN } else { tcp::ACK };
                Entry { frame: i + 1, seq: i as u32 * 100, payload_len: 100, flags, ..Entry::blank() }
            };
            let of = |range: std::ops::Range<u64>| {
                let mut transcript = Transcript::default();
                range.for_each(|i| transcript.push(&packet(i)));
                transcript
            };
            let near = |i: u64| controls.iter().take(CONTROLS).any(|c| *c < count && c.abs_diff(i) <= NEIGHBOURS as u64);
            let kept = (0..count).filter(|i| *i < HEAD as u64 || i + TAIL as u64 >= count || near(*i));
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
