//! What a transcript keeps behind its head: the last packets, and what is worth keeping of those between.

use crate::capture::Timestamp;
use crate::flow::entry::{Entry, fact};
use crate::flow::spells::Spells;
use crate::limits::TAIL;

/// More than any number of packets that matters.
pub const LONG: u32 = u32::MAX;

const SECOND_NS: i64 = 1_000_000_000;

/// A second, and the last frame of a side in it; no frame is 0.
pub type Sounded = (i64, u64);

#[derive(Clone, Debug)]
pub(super) struct Rest {
    /// The last [`TAIL`] packets beyond the head, as they are: each takes the place of the one that leaves, and packing it would cost
    /// more than all else that is done with a packet of a long flow.
    pub tail: Vec<Entry>,
    /// Where the oldest of them stands.
    pub oldest: u8,
    /// Packets since each side's last (by direction index); [`LONG`] where that is not among these.
    pub since: [u32; 2],
    /// When the second began in which each side was heard last, and by which frame.
    pub seconds: [(Timestamp, u64); 2],
    /// The last packet of a side that none of the tail is of, with its ordinal: what a silence is measured from.
    pub apart: [Option<Box<(u64, Entry)>>; 2],
    /// Beyond the head: control packets and their neighbours, with their ordinals.
    pub around: Vec<(u64, Entry)>,
    /// In all packets beyond the head.
    pub spells: Spells,
}

/// An octet counts to beyond it, and so beyond the neighbours of a control packet (see [`super::Transcript`]).
const _: () = assert!(TAIL < u8::MAX as usize);

/// Where the tail begins depends on how it came about, and so does what was told already; what counts is what it holds.
impl PartialEq for Rest {
    fn eq(&self, other: &Rest) -> bool {
        self.around == other.around && self.apart == other.apart && self.spells == other.spells && self.tail().eq(other.tail())
    }
}

impl Eq for Rest {}

impl Rest {
    /// Nothing yet.
    pub fn new() -> Rest {
        Rest {
            tail: Vec::new(),
            oldest: 0,
            since: [LONG; 2],
            seconds: Default::default(),
            apart: [None, None],
            around: Vec::new(),
            spells: Spells::default(),
        }
    }

    /// The last [`TAIL`] beyond the head.
    pub fn tail(&self) -> impl Iterator<Item = &Entry> {
        let [older, newer] = self.parts();
        older.iter().chain(newer)
    }

    /// The same in the two pieces that it lies in.
    pub fn parts(&self) -> [&[Entry]; 2] {
        let (newer, older) = self.tail.split_at_checked(usize::from(self.oldest)).unwrap_or_default();
        [older, newer]
    }

    /// Adds the next packet. Returns when its side was heard before, if that was in another second.
    #[inline(always)]
    pub fn push(&mut self, entry: &Entry, ordinal: u64) -> Option<Sounded> {
        self.spells.push(entry);
        self.keep(entry, ordinal);
        if entry.is(fact::ICMP) || entry.is_rst() {
            return None;
        }
        let (began, frame) = &mut self.seconds[entry.direction().index()];
        let before = std::mem::replace(frame, entry.frame);
        if (0..SECOND_NS).contains(&entry.time.since(*began)) {
            return None;
        }
        let second = std::mem::replace(began, Timestamp(entry.time.second() * SECOND_NS)).second();
        (before != 0).then_some((second, before))
    }

    #[inline(always)]
    fn keep(&mut self, entry: &Entry, ordinal: u64) {
        const ALL: u32 = TAIL as u32;
        self.since.iter_mut().for_each(|n| *n = n.saturating_add(1));
        if !entry.is(fact::ICMP) {
            let side = entry.direction().index();
            if std::mem::take(&mut self.since[side]) > ALL {
                self.apart[side] = None;
            }
        }
        if self.tail.len() < TAIL {
            self.tail.push(*entry);
            return;
        }
        if let Some(oldest) = self.tail.get_mut(usize::from(self.oldest)) {
            if let Some(side) = self.since.iter().position(|n| *n == ALL) {
                self.apart[side] = Some(Box::new((ordinal - TAIL as u64, *oldest)));
            }
            *oldest = *entry;
        }
        self.oldest = (self.oldest + 1) % TAIL as u8;
    }
}
