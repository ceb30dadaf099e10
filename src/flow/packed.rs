//! Packets of a flow, one after another in as few octets as they need: most of a packet repeats the one before it.
//!
//! An [`Entry`] takes 72 octets, and live flows are mostly entries. Packed, each field is written as its difference from what the
//! packets before it lead to expect: some 13 octets for a bare acknowledgement, 33 for data with its peek. Nothing is lost, and equal
//! lists pack into equal octets.

mod numbers;
#[cfg(test)]
mod tests;

use super::entry::{Entry, PEEK, fact};
use crate::capture::Timestamp;
use crate::prefetch;
use numbers::{PLACES, ROOM, Reader, Writer, folded, step, stepped, unfolded};

/// What the last packet of a direction leads to expect of its next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Expected {
    shape: u64,
    seq: u32,
    ack: u32,
    tsval: u32,
    payload_len: u32,
    window: u16,
    ip_id: u16,
    /// By how much the identification rises from packet to packet: 1 with most stacks, 0 where it is not used, 256 with some.
    id_step: u16,
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

/// The mark comes first: who sent the packet, whether it acknowledges all the other side sent, and how long its numbers are.
mod mark {
    pub const FROM_HIGH: u32 = 1;
    /// The acknowledgement is what the other side sends next.
    pub const ACKS_ALL: u32 = 1 << 1;
    /// From here on three bits for each number, in the order of [`super::NUMBERS`].
    pub const LENGTHS: u32 = 2;
    /// Those of the next two numbers, when the ones before them have been read.
    pub const TWO_LENGTHS: u32 = 0b11_1111;
}

/// Frame, offset, time, payload length, TSval, TSecr, sequence number, acknowledgement, identification and window, shape.
const NUMBERS: u32 = 10;
const _: () = assert!(mark::LENGTHS + 3 * NUMBERS == u32::BITS);

/// Octets an entry can take at most: the mark, its numbers and the peek.
const MOST: usize = 4 + 8 * NUMBERS as usize + PEEK;
/// Octets few entries go beyond.
const USUAL: usize = 40;
/// Octets made room for at first: a handshake and a request.
const FIRST: usize = 112;
const _: () = assert!(MOST < PLACES);

/// Flags, facts, and what of the headers hardly ever changes, as one number. What changes most stands lowest. The octets kept of the
/// payload are as many as there are: the top says where they are not.
#[inline(always)]
fn shape(e: &Entry) -> u64 {
    let octets = [e.header_len, e.ttl, e.tos, e.peek_len ^ full_peek(e.payload_len)];
    u64::from(e.flags) | u64::from(e.facts) << 16 | u64::from(u32::from_le_bytes(octets)) << 32
}

#[inline(always)]
fn full_peek(payload_len: u32) -> u8 {
    payload_len.min(PEEK as u32) as u8
}

impl State {
    /// What is expected of a side, and what the other one sends next and carries as its clock.
    #[inline(always)]
    fn of(&self, from_high: bool) -> (&Expected, &Expected) {
        let [low, high] = &self.sides;
        if from_high { (high, low) } else { (low, high) }
    }

    #[inline(always)]
    fn update(&mut self, e: &Entry, shape: u64, from_high: bool) {
        (self.frame, self.offset, self.time) = (e.frame, e.offset, e.time.0);
        let [low, high] = &mut self.sides;
        let own = if from_high { high } else { low };
        // The first identification is no step.
        let first = own.ip_id == 0 && own.id_step == 0;
        *own = Expected {
            shape,
            seq: if e.is_tcp() { e.seq_end() } else { e.seq },
            ack: e.ack,
            tsval: e.tsval,
            payload_len: e.payload_len,
            window: e.window,
            ip_id: e.ip_id,
            id_step: if first { 0 } else { e.ip_id.wrapping_sub(own.ip_id) },
        };
    }
}

impl Packed {
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Octets on the heap.
    pub fn heap(&self) -> usize {
        self.octets.capacity()
    }

    /// Asks for the place of the next entry before it is needed; for all of them, where they are soon to be moved.
    pub fn prefetch(&self) {
        if self.octets.capacity() - self.octets.len() < USUAL {
            self.prefetch_all();
        } else {
            prefetch::end(&self.octets);
        }
    }

    /// Asks for the entries before they are read.
    pub fn prefetch_all(&self) {
        prefetch::lines(&self.octets, 16);
    }

    /// Adds an entry behind the others.
    pub fn push(&mut self, e: &Entry) {
        let from_high = e.is(fact::FROM_HIGH);
        let (own, other) = self.state.of(from_high);
        let shape = shape(e);
        let acks_all = e.ack == other.seq;
        let mut w = Writer { octets: [0; _], at: size_of::<u32>(), lengths: 0 };
        // No branches: which fields repeat is no pattern that a processor learns.
        w.number(e.frame.wrapping_sub(self.state.frame));
        w.number(folded(e.offset.wrapping_sub(self.state.offset) as i64));
        w.number(folded(e.time.0.wrapping_sub(self.state.time)));
        w.number(u64::from(e.payload_len ^ own.payload_len));
        w.number(step(e.tsval, own.tsval));
        w.number(step(e.tsecr, other.tsval));
        let (seq, ack) = (step(e.seq, own.seq), if acks_all { 0 } else { step(e.ack, own.ack) });
        // But this: most packets go on where the last one ended and acknowledge what has come.
        if seq | ack != 0 {
            w.number(seq);
            w.number(ack);
        } else {
            w.zeros(2);
        }
        let id = e.ip_id.wrapping_sub(own.ip_id.wrapping_add(own.id_step));
        w.number(u64::from(id) | u64::from(e.window ^ own.window) << 16);
        w.number(shape ^ own.shape);
        match e.peek_len {
            0 => {}
            len if usize::from(len) == PEEK => w.put(e.peek),
            _ => e.peek().iter().for_each(|octet| w.put([*octet])),
        }
        let end = w.at;
        w.at = 0;
        let marks = w.lengths | (mark::FROM_HIGH * u32::from(from_high)) | (mark::ACKS_ALL * u32::from(acks_all));
        w.put(marks.to_le_bytes());
        if self.octets.capacity() - self.octets.len() < end {
            // Doubling would leave a third of all transcripts empty.
            self.octets.reserve_exact(FIRST.max(self.octets.len() / 2).max(end));
        }
        self.octets.extend_from_slice(w.octets.get(..end).unwrap_or_default());
        self.len += 1;
        self.state.update(e, shape, from_high);
    }

    /// Puts the entries behind others.
    pub fn append_to(&self, entries: &mut Vec<Entry>) {
        let (mut state, mut left) = (State::default(), self.len);
        let rest = append(&self.octets, &mut left, &mut state, entries);
        // The last ones, with room behind them.
        let mut last = [0; 2 * ROOM];
        if let Some(some) = last.get_mut(..rest.len()) {
            some.copy_from_slice(rest);
        }
        append(&last, &mut left, &mut state, entries);
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        let (mut rest, mut state) = (self.octets.as_slice(), State::default());
        (0..self.len).map(move |_| next(&mut rest, &mut state))
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

/// Puts entries behind others, as many as are left and stand in octets with room behind them. Returns what they do not stand in.
fn append<'o>(mut octets: &'o [u8], left: &mut u32, state: &mut State, entries: &mut Vec<Entry>) -> &'o [u8] {
    while *left > 0
        && let Some(first) = octets.first_chunk::<ROOM>()
    {
        let mut reader = Reader { octets: first, at: 0, marks: 0 };
        entries.push(read(&mut reader, state));
        octets = octets.get(reader.at..).unwrap_or_default();
        *left -= 1;
    }
    octets
}

/// Takes the first entry off a list's octets.
#[inline(always)]
fn next(rest: &mut &[u8], state: &mut State) -> Entry {
    let mut last = [0; ROOM];
    let octets = match rest.first_chunk::<ROOM>() {
        Some(octets) => octets,
        None => {
            // Near the end of the list less than that is left.
            if let Some(some) = last.get_mut(..rest.len()) {
                some.copy_from_slice(rest);
            }
            &last
        }
    };
    let mut reader = Reader { octets, at: 0, marks: 0 };
    let entry = read(&mut reader, state);
    *rest = rest.get(reader.at..).unwrap_or_default();
    entry
}

#[inline(always)]
fn read(r: &mut Reader<'_>, state: &mut State) -> Entry {
    let marks = u32::from_le_bytes(r.take());
    r.at = size_of_val(&marks);
    r.marks = marks >> mark::LENGTHS;
    let from_high = marks & mark::FROM_HIGH != 0;
    let (own, other) = state.of(from_high);
    let frame = state.frame.wrapping_add(r.number());
    let offset = state.offset.wrapping_add(unfolded(r.number()) as u64);
    let time = Timestamp(state.time.wrapping_add(unfolded(r.number())));
    let payload_len = r.number() as u32 ^ own.payload_len;
    let tsval = stepped(own.tsval, r.number());
    let tsecr = stepped(other.tsval, r.number());
    let (mut seq, mut ack) = (own.seq, own.ack);
    if r.marks & mark::TWO_LENGTHS != 0 {
        (seq, ack) = (stepped(seq, r.number()), stepped(ack, r.number()));
    } else {
        r.marks >>= 6;
    }
    let ack = if marks & mark::ACKS_ALL != 0 { other.seq } else { ack };
    let both = r.number();
    let ip_id = own.ip_id.wrapping_add(own.id_step).wrapping_add(both as u16);
    let window = own.window ^ (both >> 16) as u16;
    let shape = own.shape ^ r.number();
    let [header_len, ttl, tos, less] = ((shape >> 32) as u32).to_le_bytes();
    let peek_len = less ^ full_peek(payload_len);
    let peek: [u8; PEEK] = match usize::from(peek_len) {
        0 => [0; PEEK],
        PEEK.. => r.take(),
        some => (u128::from_le_bytes(r.take()) & ((1 << (8 * some)) - 1)).to_le_bytes(),
    };
    r.at += usize::from(peek_len);
    let (flags, facts) = (shape as u16, (shape >> 16) as u16);
    let e = Entry {
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
    };
    state.update(&e, shape, from_high);
    e
}
