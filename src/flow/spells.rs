//! Spells of a connection in which one side said the same again and again and nothing was heard of the other, until it was: what a
//! line that went away and came back leaves in a connection that outlives it. Such a spell may lie among the packets of a long flow
//! that are not kept, so it is noticed when it ends.
//!
//! What is said of two packet lists one after the other follows from what is said of each, like all that a flow remembers.

use super::entry::{Entry, fact};
use super::key::Direction;
use super::stream::ahead;
use crate::capture::Timestamp;

/// Retransmissions before somebody is heard again (RFC 6298 section 2): one packet may be lost anywhere.
const REPEATS: u8 = 2;
/// By then a live path has let one of them through.
pub const LEAST_NS: i64 = 3_000_000_000;
/// Spells remembered of a flow, the first ones: a line that fails more often explains itself. The rest is counted.
const SPELLS: usize = 16;

/// Nothing was heard, for so long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spell {
    /// Who was not answered.
    pub side: Direction,
    pub from: Timestamp,
    pub until: Timestamp,
    /// What ended it acknowledges something of what was said: both ways are open again.
    pub answered: bool,
    /// What was said, its first two repetitions, and what was heard in the end.
    pub frames: [u64; 4],
}

/// When a packet came, its frame (none is 0), and what it acknowledges.
type Place = (Timestamp, u64, u32);

/// Packets of one side in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Run {
    from_high: bool,
    /// Packets that did not go beyond the one said before them.
    repeats: u8,
    /// Sequence number of what was said first and last.
    first: u32,
    last: u32,
    since: Timestamp,
    /// What was said first, and the first repetitions; 0 where there was none.
    frames: [u64; 3],
}

impl Run {
    #[inline(always)]
    fn take(&mut self, e: &Entry) {
        if e.seq_end() == e.seq {
            return;
        }
        if self.frames[0] == 0 {
            (self.since, self.first, self.frames[0]) = (e.time, e.seq, e.frame);
        } else if ahead(e.seq, self.last) <= 0 {
            self.repeat(&[e.frame], 1);
        }
        self.last = e.seq;
    }

    fn repeat(&mut self, frames: &[u64], count: u8) {
        let room = self.frames.iter_mut().filter(|f| **f == 0);
        room.zip(frames).for_each(|(to, from)| *to = *from);
        self.repeats = self.repeats.saturating_add(count);
    }

    /// The same side's packets that follow.
    fn join(&mut self, later: &Run) {
        let [said, again @ ..] = &later.frames;
        if *said == 0 {
            return;
        }
        if self.frames[0] == 0 {
            *self = *later;
            return;
        }
        if ahead(later.first, self.last) <= 0 {
            self.repeat(&[*said], 1);
        }
        self.repeat(again, later.repeats);
        self.last = later.last;
    }

    /// The spell that ends when the other side is heard.
    fn ended(&self, (until, frame, ack): Place) -> Option<Spell> {
        let [said, once, twice] = self.frames;
        let side = if self.from_high { Direction::FromHigh } else { Direction::FromLow };
        let lasted = said != 0 && self.repeats >= REPEATS && until.since(self.since) >= LEAST_NS;
        let answered = ahead(ack, self.first) > 0;
        lasted.then_some(Spell { side, from: self.since, until, answered, frames: [said, once, twice, frame] })
    }
}

/// The spells of a packet list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spells {
    ended: Vec<Spell>,
    /// Those beyond the bound.
    more: u32,
    /// The first packet, and the first of the side that was heard second.
    begins: Place,
    turned: Place,
    /// Runs that the list begins and ends with; one and the same before somebody else is heard.
    first: Run,
    last: Run,
}

impl Spells {
    /// Adds the next packet.
    #[inline(always)]
    pub fn push(&mut self, e: &Entry) {
        if !e.is_tcp() || e.is_rst() {
            return;
        }
        let from_high = e.is(fact::FROM_HIGH);
        if self.begins.1 == 0 || self.last.from_high != from_high {
            self.turn((e.time, e.frame, e.ack), from_high);
        }
        self.last.take(e);
    }

    #[inline(always)]
    fn turn(&mut self, place: Place, from_high: bool) {
        if self.turned.1 == 0 {
            self.turn_first(place);
        }
        if self.last.repeats >= REPEATS {
            self.keep(self.last.ended(place));
        }
        self.last = Run { from_high, ..Run::default() };
    }

    #[cold]
    fn turn_first(&mut self, place: Place) {
        if self.begins.1 == 0 {
            self.begins = place;
        } else {
            (self.first, self.turned) = (self.last, place);
        }
    }

    #[cold]
    fn keep(&mut self, spells: impl IntoIterator<Item = Spell>) {
        for spell in spells {
            if self.ended.len() < SPELLS {
                self.ended.push(spell);
            } else {
                self.more += 1;
            }
        }
    }

    /// `self` then `later`.
    pub fn merge(mut self, later: &Spells) -> Spells {
        if later.begins.1 == 0 {
            return self;
        }
        let whole = later.turned.1 == 0;
        let first = if whole { &later.last } else { &later.first };
        if self.begins.1 != 0 && self.last.from_high == first.from_high {
            self.last.join(first);
        } else {
            self.turn(later.begins, first.from_high);
            self.last = *first;
        }
        if !whole {
            // What `later` began with may have begun before it.
            let own = usize::from(first.ended(later.turned).is_some());
            self.turn(later.turned, later.last.from_high);
            self.keep(later.ended.iter().skip(own).copied());
            self.more += later.more;
            self.last = later.last;
        }
        self
    }

    /// Those that have ended, and how many more there were.
    pub fn ended(&self) -> (&[Spell], u32) {
        (&self.ended, self.more)
    }

    /// Whether some have ended, or one that began before these packets may have ended with them.
    pub fn may_follow(&self) -> bool {
        let first = if self.turned.1 == 0 { &self.last } else { &self.first };
        !self.ended.is_empty() || first.repeats > 0
    }

    /// Octets on the heap.
    pub fn heap(&self) -> usize {
        self.ended.capacity() * size_of::<Spell>()
    }
}

impl<'e> FromIterator<&'e Entry> for Spells {
    fn from_iter<I: IntoIterator<Item = &'e Entry>>(entries: I) -> Spells {
        let mut spells = Spells::default();
        entries.into_iter().for_each(|e| spells.push(e));
        spells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::tcp;
    use proptest::prelude::*;

    /// Seconds of the packets of both sides: who, when, at which number, how much. Each acknowledges its own second.
    fn packets(told: &[(bool, i64, u32, u32)]) -> Vec<Entry> {
        let packet = |(n, (from_high, seconds, seq, payload_len)): (u64, &(bool, i64, u32, u32))| Entry {
            frame: n,
            time: Timestamp(seconds * 1_000_000_000),
            seq: *seq,
            payload_len: *payload_len,
            ack: *seconds as u32,
            flags: tcp::ACK,
            facts: if *from_high { fact::FROM_HIGH } else { 0 },
            ..Entry::blank()
        };
        (1..).zip(told).map(packet).collect()
    }

    #[test]
    fn what_is_repeated_until_somebody_is_heard_is_a_spell() {
        let ladder =
            [(false, 1, 0, 100), (true, 1, 0, 0), (false, 10, 100, 50), (false, 11, 100, 50), (false, 13, 100, 50), (true, 14, 0, 0)];
        let spells: Spells = packets(&ladder).iter().collect();
        let (from, until) = (Timestamp(10_000_000_000), Timestamp(14_000_000_000));
        assert_eq!(spells.ended(), (&[Spell { side: Direction::FromLow, from, until, answered: false, frames: [3, 4, 5, 6] }][..], 0));
        // Numbered lower, it is what the packet of second 14 acknowledges.
        let mut answered = ladder;
        answered.iter_mut().for_each(|said| said.2 /= 100);
        assert!(packets(&answered).iter().collect::<Spells>().ended().0.iter().all(|s| s.answered && s.until == until));
        // Nobody is heard in the end; heard soon enough; said once; not said again but continued.
        let mut heard_soon = ladder;
        heard_soon[2].1 = 12;
        let mut continued = ladder;
        (continued[3].2, continued[4].2) = (150, 200);
        for told in [&ladder[..5], &heard_soon, &[ladder[2], ladder[3], ladder[5]], &continued] {
            assert_eq!(packets(told).iter().collect::<Spells>().ended(), (&[][..], 0));
        }
    }

    proptest! {
        /// However a list is cut, its parts know together what the whole does.
        #[test]
        fn parts_know_what_the_whole_does(
            told in prop::collection::vec((prop::bool::weighted(0.2), 0..4i64, 0..3u32, 0..2u32), 0..400),
            cuts in prop::collection::btree_set(0..400usize, 0..5),
        ) {
            let mut now = 0;
            let told: Vec<_> = told.into_iter().map(|(side, later, seq, len)| { now += later; (side, now, seq, len) }).collect();
            let packets = packets(&told);
            let whole: Spells = packets.iter().collect();
            let mut rest = packets.as_slice();
            let mut joined = Spells::default();
            let mut at = 0;
            for cut in cuts.into_iter().filter(|c| *c <= packets.len()) {
                let (part, behind) = rest.split_at(cut - at);
                joined = joined.merge(&part.iter().collect());
                (rest, at) = (behind, cut);
            }
            prop_assert_eq!(&joined.merge(&rest.iter().collect()), &whole);
        }
    }
}
