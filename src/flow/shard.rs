//! A shard of the flow table: absorbs records in file order. How flows leave it is in [`leaving`].

mod leaving;
mod slot;

use super::closing::Over;
use super::conversations;
use super::entry::{Entry, Record, fact};
use super::heard::Heard;
use super::index::Index;
use super::key::{Fingerprint, FlowKey, Hasher};
pub use super::packets::WindowBytes;
use super::packets::{check, entry_of, key_of, vlan};
use super::record::Flow;
use super::slab::Slab;
use crate::capture::Timestamp;
use crate::limits::REMEMBERED_STREAMS;
use crate::packet::tags::Tags;
use crate::prefetch;
use hashbrown::HashMap;
use slot::{Slot, offer, print_of};
use std::num::NonZeroU64;

/// Counters of a shard.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShardCounts {
    pub evicted: u64,
    pub streams_forgotten: u64,
    pub bad_checksums: u64,
    /// Packets of connections that were over.
    pub late_packets: u64,
    /// Connections that were over, forgotten for memory.
    pub closed_forgotten: u64,
}

/// One of the [`super::key::SHARDS`] parts of the flow table.
pub struct Shard {
    hasher: Hasher,
    /// Half of a fingerprint with the place of its flow: a probe rarely has to look at flows that are not meant.
    index: Index,
    slots: Slab<Slot>,
    /// Connections that are over.
    over: Slab<Over>,
    /// Places of those that will be over, with when: flows are not looked at before their time.
    closed: Vec<(i64, u32)>,
    /// Octets that live flows may take, and do take.
    budget: usize,
    used: usize,
    /// The latest capture time seen; never moves back.
    clock: Timestamp,
    swept: Timestamp,
    /// First frames of TCP and UDP conversations, ascending: Wireshark's stream numbers are ranks in these lists.
    pub tcp_streams: Vec<u64>,
    pub udp_streams: Vec<u64>,
    /// First frames of UDP conversations, by fingerprint: those heard of lately, and those before.
    conversations: [HashMap<Fingerprint, u64>; 2],
    finished: Vec<Flow>,
    /// What was heard of flows in which seconds, as far as the flows themselves do not remember it.
    heard: Vec<(i64, Heard)>,
    pub counts: ShardCounts,
}

/// A live flow's slot with its share of the index.
const SLOT: usize = size_of::<Option<Slot>>() + 8;
/// A place in the index that is none of a live flow but of a connection that is over.
const OVER: u32 = 1 << 31;
/// Packets whose flows are fetched together: more than a memory system has loads in flight, few enough to stay in its first cache.
const BATCH: usize = 24;
/// Octets from the start of an IP header behind which the payload of most packets starts, in a line of its own.
const PAYLOAD_FROM: usize = 64;

impl Shard {
    /// An empty shard whose live flows take at most `budget` octets.
    pub fn new(hasher: Hasher, budget: usize) -> Shard {
        Shard {
            hasher,
            index: Index::default(),
            slots: Slab::default(),
            over: Slab::default(),
            closed: Vec::new(),
            budget,
            used: 0,
            clock: Timestamp(i64::MIN),
            swept: Timestamp(i64::MIN),
            tcp_streams: Vec::new(),
            udp_streams: Vec::new(),
            conversations: Default::default(),
            finished: Vec::new(),
            heard: Vec::new(),
            counts: ShardCounts::default(),
        }
    }

    /// Absorbs records in file order, each with the number of its frame in the capture.
    ///
    /// A batch at a time: while one is absorbed, the flows of the next are on their way from memory.
    pub fn absorb_all(&mut self, records: &[(&Record, u64)], window: &WindowBytes<'_>) {
        records.iter().for_each(|(record, _)| self.index.prefetch(record.fingerprint_high));
        let mut batches = records.chunks(BATCH);
        let mut batch = batches.next().unwrap_or_default();
        let mut places = self.fetch(batch, window);
        self.fetch_rest(batch, &places, window);
        // Written for all of a batch before any is read: small fields are read back in larger pieces, for which a processor waits until
        // they have left its store buffer.
        let mut entries = [Entry::blank(); BATCH];
        while !batch.is_empty() {
            let next = batches.next().unwrap_or_default();
            let next_places = self.fetch(next, window);
            for (entry, (record, frame)) in entries.iter_mut().zip(batch) {
                *entry = entry_of(record, *frame, window, window.payload(record));
            }
            for ((entry, (record, _)), place) in entries.iter_mut().zip(batch).zip(places) {
                let payload = window.payload(record);
                // The packets before it may have moved what it was looked up for.
                match place.and_then(|i| self.slots.get_mut(i).map(|slot| (i, slot))) {
                    Some((i, slot)) if slot.takes(record, entry, self.clock) => {
                        self.go_on(i, entry, record, payload, window);
                    }
                    _ => self.absorb(record, *entry, payload, window),
                }
            }
            self.fetch_rest(next, &next_places, window);
            (batch, places) = (next, next_places);
        }
    }

    /// Looks up where the flows of packets are, and asks for them.
    #[inline(always)]
    fn fetch(&self, batch: &[(&Record, u64)], window: &WindowBytes<'_>) -> [Option<u32>; BATCH] {
        let mut places = [None; BATCH];
        for (place, (record, _)) in places.iter_mut().zip(batch) {
            let header = window.header(record);
            prefetch::start(header);
            // The payload lies where the header says, never far behind.
            prefetch::start(header.get(PAYLOAD_FROM..).unwrap_or_default());
            *place = self.index.find(record.fingerprint_high, |_| true);
            if let Some(i) = place {
                self.slots.prefetch(*i);
            }
        }
        places
    }

    /// Asks for what flows that have come refer to.
    #[inline(always)]
    fn fetch_rest(&self, batch: &[(&Record, u64)], places: &[Option<u32>; BATCH], window: &WindowBytes<'_>) {
        /// Lines after which the processor sees by itself where a segment leads.
        const SEGMENT: usize = 8;
        for (i, (record, _)) in places.iter().zip(batch).filter_map(|(place, of)| place.zip(Some(of))) {
            if let Some(slot) = self.slots.get(i) {
                slot.flow.transcript.prefetch();
                if slot.is_checked(record.facts & fact::FROM_HIGH != 0) {
                    prefetch::lines(window.payload(record), SEGMENT);
                }
            }
        }
    }

    /// Absorbs a packet whose flow was not found where it was expected.
    fn absorb(&mut self, record: &Record, mut entry: Entry, payload: &[u8], window: &WindowBytes<'_>) {
        let print = print_of(record);
        self.clock = self.clock.max(entry.time);
        let (slots, over) = (&self.slots, &self.over);
        let mut found = self.index.find(print.high, |i| print_at(slots, over, i) == Some(print));
        if let Some(around) = record.carrier() {
            self.conversation(print, conversations::carrier(entry.frame, around));
            return;
        }
        if record.facts & fact::HIDDEN != 0 {
            // Only the stream numbers need to know of it.
            if found.is_none() {
                self.start(print, record, &entry, window, None);
            }
            return;
        }
        let mut stream = None;
        if let Some(i) = found
            && i & OVER == 0
            && self.slots.get(i).is_some_and(|s| s.closing.is_over(self.clock))
        {
            found = self.finish(i);
        }
        if let Some(i) = found
            && i & OVER != 0
        {
            let place = i & !OVER;
            let over = self.over.get(place).copied();
            if over.is_some_and(|o| o.includes(&entry, self.clock)) {
                self.counts.late_packets += 1;
                return;
            }
            stream = over.and_then(|o| o.conversation(&entry));
            self.forget(place);
            found = None;
        }
        if let Some(i) = found
            && self.slots.get(i).is_some_and(|s| s.takes(record, &entry, self.clock))
        {
            return self.go_on(i, &mut entry, record, payload, window);
        }
        // The key's flow ended with this packet, or there was none.
        if let Some(old) = found.and_then(|i| self.remove(i)) {
            let heard = old.flow.sides[entry.direction().index()].packets > 0;
            stream = old.flow.stream_first.filter(|_| !(entry.is_syn() && heard) || old.flow.repeats_syn(&entry));
            self.finished.push(old.flow);
        }
        if let Some(i) = self.start(print, record, &entry, window, stream) {
            // A flow of one packet closes nothing, but may carry the first FIN.
            self.add(i, &mut entry, record, payload, window);
        }
    }

    /// Adds a packet to the flow at a place, and lists the flow once it has closed.
    #[inline(always)]
    fn go_on(&mut self, i: u32, entry: &mut Entry, record: &Record, payload: &[u8], window: &WindowBytes<'_>) {
        if let Some(over) = self.add(i, entry, record, payload, window) {
            self.closed.push((over, i));
        }
    }

    /// Adds a packet to the flow at a place; when the flow will be over, if it closes with the packet.
    #[inline(always)]
    fn add(&mut self, i: u32, entry: &mut Entry, record: &Record, payload: &[u8], window: &WindowBytes<'_>) -> Option<i64> {
        self.clock = self.clock.max(entry.time);
        let slot = self.slots.get_mut(i)?;
        if slot.is_checked(entry.is(fact::FROM_HIGH)) || entry.is_control() {
            self.counts.bad_checksums += check(entry, record, window);
        }
        let (grown, sounded) = slot.take(entry, payload);
        self.used = self.used.wrapping_add(grown);
        if let Some((second, frame)) = sounded {
            self.heard.extend(Heard::of(&slot.flow, entry.direction(), frame).map(|heard| (second, heard)));
        }
        offer(&mut slot.flow, entry, record, window);
        slot.closes(entry, self.clock).then(|| slot.closing.over())
    }

    fn start(
        &mut self,
        print: Fingerprint,
        record: &Record,
        entry: &Entry,
        window: &WindowBytes<'_>,
        stream: Option<NonZeroU64>,
    ) -> Option<u32> {
        let key = key_of(record, window)?;
        if self.used >= self.budget {
            self.evict();
        }
        self.used += SLOT;
        let mut flow = Flow::new(key, entry.time);
        flow.hidden = true;
        flow.vlan = vlan(window.frame(record), usize::from(record.ip_at));
        flow.tags = Tags::of(window.frame(record), usize::from(record.ip_at));
        flow.stream_first = stream.or_else(|| NonZeroU64::new(self.stream_of(&key, entry.frame)));
        let i = self.slots.insert(Slot::new(print, flow));
        self.index.insert(print.high, i);
        Some(i)
    }

    /// First frame of the conversation a new flow belongs to. Every transaction of a DNS port pair is one UDP stream.
    fn stream_of(&mut self, key: &FlowKey, frame: u64) -> u64 {
        if key.protocol == 6 {
            self.tcp_streams.push(frame);
            return frame;
        }
        self.conversation(self.hasher.conversation(key), frame)
    }

    /// Where a UDP conversation began, if it did not now.
    fn conversation(&mut self, plain: Fingerprint, first: u64) -> u64 {
        let [recent, older] = &mut self.conversations;
        if let Some(known) = recent.get(&plain).or(older.get(&plain)).copied() {
            recent.insert(plain, known);
            return known;
        }
        if recent.len() >= REMEMBERED_STREAMS {
            self.counts.streams_forgotten += older.len() as u64;
            *older = std::mem::take(recent);
        }
        recent.insert(plain, first);
        self.udp_streams.push(first);
        first
    }

    /// The hasher whose fingerprints this shard expects.
    pub fn hasher(&self) -> Hasher {
        self.hasher
    }
}

fn print_at(slots: &Slab<Slot>, over: &Slab<Over>, i: u32) -> Option<Fingerprint> {
    if i & OVER == 0 { slots.get(i).map(Slot::print) } else { over.get(i & !OVER).map(|o| o.print) }
}
