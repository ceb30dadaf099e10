//! Packets of a flow, one after another in as few octets as they need: most of a packet repeats the one before it.
//!
//! An [`Entry`] takes 72 octets, and live flows are mostly entries. Packed, each field is written as its difference from what the
//! packets before it lead to expect: some 20 octets for a bare acknowledgement, 38 for data with its peek. Nothing is lost, and equal
//! lists pack into equal octets.

use super::entry::{Entry, PEEK, fact};
use super::prefetch;
use crate::capture::Timestamp;

/// What the last packet of a direction leads to expect of its next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Expected {
    seq: u32,
    ack: u32,
    tsval: u32,
    window: u16,
    ip_id: u16,
    flags: u16,
    facts: u16,
    ttl: u8,
    tos: u8,
    header_len: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    frame: u64,
    offset: u64,
    time: i64,
    sides: [Expected; 2],
}

/// A list of entries, to be added to at its end and read from its start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Packed {
    octets: Vec<u8>,
    len: u32,
    state: State,
}

/// Which fields of an entry are written out. The mark comes first; lengths of numbers follow it from bit 12 on.
mod mark {
    pub const FROM_HIGH: u32 = 1;
    pub const SEQ: u32 = 1 << 1;
    pub const ACK: u32 = 1 << 2;
    /// The acknowledgement is what the other side sends next.
    pub const ACKS_ALL: u32 = 1 << 3;
    pub const WINDOW: u32 = 1 << 4;
    pub const IP_ID: u32 = 1 << 5;
    /// The identification is one more than the last.
    pub const NEXT_ID: u32 = 1 << 6;
    pub const FLAGS: u32 = 1 << 7;
    pub const FACTS: u32 = 1 << 8;
    pub const HEADER: u32 = 1 << 9;
    pub const PEEK: u32 = 1 << 10;
    /// The peek is shorter than it can be: its length comes first.
    pub const SHORT_PEEK: u32 = 1 << 11;
    /// Where three bits each say how many octets a number has: of the first three, beyond the one they always have.
    pub const FRAME: u32 = 12;
    pub const OFFSET: u32 = 15;
    pub const TIME: u32 = 18;
    pub const PAYLOAD: u32 = 21;
    pub const TSVAL: u32 = 24;
    pub const TSECR: u32 = 27;
}

/// Octets an entry can take at most: all fields written out, and a word behind its last number.
const MOST: usize = 96;
/// Octets made room for at first: a handshake.
const FIRST: usize = 96;

struct Writer {
    octets: [u8; MOST],
    at: usize,
}

impl Writer {
    #[inline(always)]
    fn put<const N: usize>(&mut self, octets: [u8; N]) {
        if let Some(place) = self.octets.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<N>()) {
            *place = octets;
        }
        self.at += N;
    }

    /// As many octets as the number has but at least `least`, the lowest first. Returns how many.
    #[inline(always)]
    fn number(&mut self, n: u64, least: u32) -> u32 {
        let octets = ((71 - n.leading_zeros()) / 8).max(least);
        self.put(n.to_le_bytes());
        self.at = self.at - 8 + octets as usize;
        octets
    }
}

/// Small whether ahead or behind.
#[inline(always)]
fn folded(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

#[inline(always)]
fn unfolded(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

struct Reader<'p> {
    rest: &'p [u8],
}

impl Reader<'_> {
    #[inline(always)]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                *taken
            }
            None => {
                self.rest = &[];
                [0; N]
            }
        }
    }

    #[inline(always)]
    fn number(&mut self, octets: u32) -> u64 {
        // Mostly more octets follow than the number has; at the end there may be fewer than a word.
        let word = match self.rest.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => self.rest.iter().rev().fold(0, |n, octet| n << 8 | u64::from(*octet)),
        };
        self.rest = self.rest.get(octets as usize..).unwrap_or_default();
        if octets >= 8 { word } else { word & ((1 << (octets * 8)) - 1) }
    }

    #[inline(always)]
    fn word(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    #[inline(always)]
    fn long(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
}

impl State {
    /// What is expected of a side, and what the other one sends next and carries as its clock.
    #[inline(always)]
    fn of(&self, from_high: bool) -> (&Expected, &Expected) {
        let [low, high] = &self.sides;
        if from_high { (high, low) } else { (low, high) }
    }

    #[inline(always)]
    fn update(&mut self, e: &Entry) {
        (self.frame, self.offset, self.time) = (e.frame, e.offset, e.time.0);
        let [low, high] = &mut self.sides;
        *(if e.is(fact::FROM_HIGH) { high } else { low }) = Expected {
            seq: if e.is_tcp() { e.seq_end() } else { e.seq },
            ack: e.ack,
            tsval: e.tsval,
            window: e.window,
            ip_id: e.ip_id,
            flags: e.flags,
            facts: e.facts,
            ttl: e.ttl,
            tos: e.tos,
            header_len: e.header_len,
        };
    }
}

impl Packed {
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Empties the list, and keeps its room.
    pub fn clear(&mut self) {
        self.octets.clear();
        (self.len, self.state) = (0, State::default());
    }

    /// Octets on the heap.
    pub fn heap(&self) -> usize {
        self.octets.capacity()
    }

    /// Asks for the place of the next entry before it is needed.
    pub fn prefetch(&self) {
        prefetch::end(&self.octets);
    }

    /// Adds an entry behind the others.
    pub fn push(&mut self, e: &Entry) {
        let from_high = e.is(fact::FROM_HIGH);
        let (own, other) = self.state.of(from_high);
        let acks_all = e.ack == other.seq;
        let next_id = e.ip_id == own.ip_id.wrapping_add(1);
        // Sums instead of branches: which fields repeat is no pattern that a processor learns.
        let mut marks = 0;
        marks |= mark::FROM_HIGH * u32::from(from_high);
        marks |= mark::SEQ * u32::from(e.seq != own.seq);
        marks |= mark::ACK * u32::from(e.ack != own.ack && !acks_all);
        marks |= mark::ACKS_ALL * u32::from(acks_all);
        marks |= mark::WINDOW * u32::from(e.window != own.window);
        marks |= mark::IP_ID * u32::from(e.ip_id != own.ip_id && !next_id);
        marks |= mark::NEXT_ID * u32::from(next_id);
        marks |= mark::FLAGS * u32::from(e.flags != own.flags);
        marks |= mark::FACTS * u32::from(e.facts != own.facts);
        marks |= mark::HEADER * u32::from((e.ttl, e.tos, e.header_len) != (own.ttl, own.tos, own.header_len));
        marks |= mark::PEEK * u32::from(e.peek_len != 0);
        marks |= mark::SHORT_PEEK * u32::from(e.peek_len != 0 && usize::from(e.peek_len) < PEEK);
        let mut w = Writer { octets: [0; MOST], at: size_of_val(&marks) };
        marks |= (w.number(e.frame.wrapping_sub(self.state.frame), 1) - 1) << mark::FRAME;
        marks |= (w.number(folded(e.offset.wrapping_sub(self.state.offset) as i64), 1) - 1) << mark::OFFSET;
        marks |= (w.number(folded(e.time.0.wrapping_sub(self.state.time)), 1) - 1) << mark::TIME;
        marks |= w.number(u64::from(e.payload_len), 0) << mark::PAYLOAD;
        let step = |now: u32, before: u32| folded(i64::from(now.wrapping_sub(before) as i32));
        marks |= w.number(step(e.tsval, own.tsval), 0) << mark::TSVAL;
        marks |= w.number(step(e.tsecr, other.tsval), 0) << mark::TSECR;
        if marks & mark::SEQ != 0 {
            w.put(e.seq.to_le_bytes());
        }
        if marks & mark::ACK != 0 {
            w.put(e.ack.to_le_bytes());
        }
        if marks & mark::WINDOW != 0 {
            w.put(e.window.to_le_bytes());
        }
        if marks & mark::IP_ID != 0 {
            w.put(e.ip_id.to_le_bytes());
        }
        if marks & mark::FLAGS != 0 {
            w.put(e.flags.to_le_bytes());
        }
        if marks & mark::FACTS != 0 {
            w.put(e.facts.to_le_bytes());
        }
        if marks & mark::HEADER != 0 {
            w.put([e.ttl, e.tos, e.header_len]);
        }
        if marks & mark::SHORT_PEEK != 0 {
            w.put([e.peek_len]);
            for octet in e.peek() {
                w.put([*octet]);
            }
        } else if marks & mark::PEEK != 0 {
            w.put(e.peek);
        }
        let end = w.at;
        w.at = 0;
        w.put(marks.to_le_bytes());
        if self.octets.capacity() - self.octets.len() < end {
            // Doubling would leave a third of all transcripts empty.
            self.octets.reserve_exact(FIRST.max(self.octets.len() / 2).max(end));
        }
        self.octets.extend_from_slice(w.octets.get(..end).unwrap_or_default());
        self.len += 1;
        self.state.update(e);
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        let mut reader = Reader { rest: &self.octets };
        let mut state = State::default();
        (0..self.len).map(move |_| read(&mut reader, &mut state))
    }
}

impl FromIterator<Entry> for Packed {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Packed {
        let mut packed = Packed::default();
        for entry in entries {
            packed.push(&entry);
        }
        packed
    }
}

#[inline]
fn read(r: &mut Reader<'_>, state: &mut State) -> Entry {
    let marks = r.long();
    let on = |bit: u32| marks & bit != 0;
    let octets = |shift: u32| marks >> shift & 7;
    let (own, other) = state.of(on(mark::FROM_HIGH));
    let mut e = Entry::blank();
    e.frame = state.frame.wrapping_add(r.number(octets(mark::FRAME) + 1));
    e.offset = state.offset.wrapping_add(unfolded(r.number(octets(mark::OFFSET) + 1)) as u64);
    e.time = Timestamp(state.time.wrapping_add(unfolded(r.number(octets(mark::TIME) + 1))));
    e.payload_len = r.number(octets(mark::PAYLOAD)) as u32;
    e.tsval = own.tsval.wrapping_add(unfolded(r.number(octets(mark::TSVAL))) as u32);
    e.tsecr = other.tsval.wrapping_add(unfolded(r.number(octets(mark::TSECR))) as u32);
    e.seq = if on(mark::SEQ) { r.long() } else { own.seq };
    e.ack = match (on(mark::ACK), on(mark::ACKS_ALL)) {
        (true, _) => r.long(),
        (_, true) => other.seq,
        _ => own.ack,
    };
    e.window = if on(mark::WINDOW) { r.word() } else { own.window };
    e.ip_id = match (on(mark::IP_ID), on(mark::NEXT_ID)) {
        (true, _) => r.word(),
        (_, true) => own.ip_id.wrapping_add(1),
        _ => own.ip_id,
    };
    e.flags = if on(mark::FLAGS) { r.word() } else { own.flags };
    e.facts = if on(mark::FACTS) { r.word() } else { own.facts };
    [e.ttl, e.tos, e.header_len] = if on(mark::HEADER) { r.take() } else { [own.ttl, own.tos, own.header_len] };
    if on(mark::SHORT_PEEK) {
        let [len] = r.take();
        e.peek_len = len;
        for octet in e.peek.iter_mut().take(usize::from(len)) {
            [*octet] = r.take();
        }
    } else if on(mark::PEEK) {
        e.peek_len = PEEK as u8;
        e.peek = r.take();
    }
    state.update(&e);
    e
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let numbers = (any::<u64>(), any::<u64>(), any::<i64>(), any::<[u32; 5]>());
        let words = (any::<[u16; 4]>(), any::<[u8; 3]>(), any::<[u8; PEEK]>(), 0..=PEEK);
        (numbers, words).prop_map(|((frame, offset, time, longs), (words, octets, mut peek, peek_len))| {
            let [seq, ack, tsval, tsecr, payload_len] = longs;
            let [window, ip_id, flags, facts] = words;
            let [ttl, tos, header_len] = octets;
            peek.iter_mut().skip(peek_len).for_each(|octet| *octet = 0);
            let time = Timestamp(time);
            let peek_len = peek_len as u8;
            Entry {
                frame,
                offset,
                time,
                seq,
                ack,
                tsval,
                tsecr,
                payload_len,
                window,
                ip_id,
                flags,
                facts,
                ttl,
                tos,
                header_len,
                peek,
                peek_len,
            }
        })
    }

    proptest! {
        /// Whatever the fields hold, what was packed comes out again; repeats exercise what is expected rather than written.
        #[test]
        fn nothing_is_lost(list in prop::collection::vec((entry(), 1..3usize), 0..12)) {
            let list: Vec<Entry> = list.into_iter().flat_map(|(e, n)| vec![e; n]).collect();
            let packed: Packed = list.iter().copied().collect();
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), list);
        }
    }

    #[test]
    fn an_acknowledgement_in_passing_is_small() {
        let mut e = Entry { frame: 1, payload_len: 1448, header_len: 32, facts: fact::TIMESTAMPS, flags: 0x10, ..Entry::blank() };
        let mut packed = Packed::default();
        packed.push(&e);
        let data = packed.octets.len();
        e = Entry { frame: 9000, offset: 9_000_000, time: Timestamp(20_000_000), ack: 1448, payload_len: 0, ..e };
        e.facts |= fact::FROM_HIGH;
        packed.push(&e);
        let first = packed.octets.len();
        packed.push(&Entry { frame: 9001, offset: 9_000_900, time: Timestamp(20_010_000), ..e });
        assert!(packed.octets.len() - first <= 12, "{} {} {}", data, first, packed.octets.len());
    }
}
