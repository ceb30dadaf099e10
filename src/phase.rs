//! Phase 1 of a window: what a chunk's walk makes of its frames, before flows.

use crate::app::dns;
use crate::capture::{Filter, Frame, Sink, Timestamp};
use crate::flow::entry::{Record, fact};
use crate::flow::key::Hasher;
use crate::packet::fragment::Reassembler;
use crate::packet::usual::{self, Take};
use crate::packet::{Packet, Skip, Transport, dissect, ip, link};
use crate::stats::Stats;

/// A fragment, to be put together between the phases.
struct Piece {
    index: u32,
    at: u32,
    ip_at: u32,
    length: u32,
    time: Timestamp,
}

/// Where a packet was found.
#[derive(Clone, Copy)]
struct Place {
    time: Timestamp,
    /// Offset of its bytes in the window, or among the reassembled packets.
    at: u32,
    /// Facts known from outside its bytes.
    extra: u16,
    /// Number of its frame within the chunk.
    index: u32,
}

/// Records of one chunk, each with the shard it goes to.
pub struct ChunkSink {
    hasher: Hasher,
    filter: Option<Filter>,
    /// In file order.
    records: Vec<Record>,
    /// Those of the records.
    shards: Vec<u8>,
    pieces: Vec<Piece>,
    frames: u32,
    stats: Stats,
    times: Option<Times>,
}

/// When a chunk's frames came.
#[derive(Clone, Copy)]
pub struct Times {
    pub first: Timestamp,
    pub last: Timestamp,
    pub earliest: Timestamp,
    pub latest: Timestamp,
}

impl ChunkSink {
    /// An empty sink.
    pub fn new(hasher: Hasher, filter: Option<Filter>) -> ChunkSink {
        ChunkSink {
            hasher,
            filter,
            records: Vec::new(),
            shards: Vec::new(),
            pieces: Vec::new(),
            frames: 0,
            stats: Stats::default(),
            times: None,
        }
    }

    pub fn frames(&self) -> u32 {
        self.frames
    }

    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Of the frames, if there were any.
    pub fn times(&self) -> Option<Times> {
        self.times
    }

    /// Its records in file order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Which shard each of them goes to.
    pub fn shards(&self) -> &[u8] {
        &self.shards
    }

    /// Puts what was added behind everything else where its frame number says.
    fn order(&mut self) {
        let mut dealt: Vec<(Record, u8)> = self.records.drain(..).zip(self.shards.drain(..)).collect();
        dealt.sort_by_key(|(record, _)| record.index);
        (self.records, self.shards) = dealt.into_iter().unzip();
    }

    /// Deals a packet that came the long way.
    #[inline(never)]
    fn deal(&mut self, packet: &Packet<'_>, bytes: &[u8], place: Place) {
        self.dealer(bytes, place).take(packet);
    }

    /// Deals the datagrams that the packet at `ip_at` is carried in: Wireshark numbers their conversations with the others.
    #[cold]
    fn carriers(&mut self, bytes: &[u8], ip_at: usize, place: Place) {
        for (around, datagram) in (0..).zip(ip::carriers(bytes, ip_at)) {
            let (direction, shard, print) = self.hasher.place(&datagram, None);
            if let Some(record) = Record::new(&datagram, (direction, print, None), place.time, place.at, bytes) {
                let record = record.of_carrier(around);
                self.records.push(Record { index: place.index, facts: record.facts | place.extra, ..record });
                self.shards.push(shard as u8);
            }
        }
    }

    /// Deals a usual packet that stands somewhere else than most.
    #[inline(never)]
    fn take_elsewhere(&mut self, frame: &Frame<'_>, place: Place) -> bool {
        usual::take_elsewhere(frame, &mut self.dealer(frame.bytes, place))
    }

    #[inline(always)]
    fn dealer<'s>(&'s mut self, bytes: &'s [u8], place: Place) -> Dealer<'s> {
        Dealer {
            hasher: &self.hasher,
            records: &mut self.records,
            shards: &mut self.shards,
            too_deep: &mut self.stats.too_deep,
            bytes,
            place,
        }
    }
}

/// Deals one packet to its shard.
struct Dealer<'s> {
    hasher: &'s Hasher,
    records: &'s mut Vec<Record>,
    shards: &'s mut Vec<u8>,
    too_deep: &'s mut u64,
    bytes: &'s [u8],
    place: Place,
}

impl Take for Dealer<'_> {
    #[inline(always)]
    fn take(&mut self, packet: &Packet<'_>) {
        let Place { time, at, extra, index } = self.place;
        // The payload is in cache now; later it would cost a miss a packet.
        let transaction = match packet.transport {
            Transport::Udp => dns::quick_txid(packet.payload),
            _ => None,
        };
        let (direction, shard, print) = self.hasher.place(packet, transaction);
        let Some(mut record) = Record::new(packet, (direction, print, transaction), time, at, self.bytes) else {
            *self.too_deep += 1;
            return;
        };
        record.index = index;
        record.facts |= extra;
        self.records.push(record);
        self.shards.push(shard as u8);
    }
}

impl Sink for ChunkSink {
    fn frame(&mut self, frame: &Frame<'_>, at: u32) {
        let index = self.frames;
        self.frames += 1;
        self.stats.packets += 1;
        self.stats.bytes += frame.bytes.len() as u64;
        self.stats.snaplen_cut += u64::from((frame.bytes.len() as u64) < u64::from(frame.wire_len));
        let time = frame.time;
        let times = self.times.get_or_insert(Times { first: time, last: time, earliest: time, latest: time });
        self.stats.out_of_order += u64::from(time < times.last);
        *times = Times { last: time, earliest: times.earliest.min(time), latest: times.latest.max(time), ..*times };
        let mut extra = 0;
        if let Some(filter) = &mut self.filter
            && !filter.matches(frame)
        {
            self.stats.filtered += 1;
            extra = fact::HIDDEN;
        }
        let place = Place { time, at, extra, index };
        if usual::take(frame, &mut self.dealer(frame.bytes, place)) || self.take_elsewhere(frame, place) {
            return;
        }
        if let Ok(start) = link::network(frame.link, frame.bytes) {
            self.carriers(frame.bytes, start.at, place);
        }
        match dissect(frame) {
            Ok(packet) => self.deal(&packet, frame.bytes, place),
            Err(Skip::Fragment) if extra == 0 => {
                self.stats.fragments += 1;
                if let Ok(start) = link::network(frame.link, frame.bytes) {
                    self.pieces.push(Piece { index, at, ip_at: start.at as u32, length: frame.bytes.len() as u32, time: frame.time });
                }
            }
            Err(why) => *self.stats.skipped.entry(why).or_default() += 1,
        }
    }

    fn numbered(&mut self) {
        self.frames += 1;
    }

    fn reset(&mut self) {
        self.records.clear();
        self.shards.clear();
        self.pieces.clear();
        self.frames = 0;
        self.stats = Stats::default();
        self.times = None;
    }
}

/// Puts a chunk's fragments together, in capture order; whole datagrams join their shard as one packet, numbered as the frame that
/// completed them. Returns how many fragments could not be used at all.
pub fn reassemble(sink: &mut ChunkSink, bytes: &[u8], reassembler: &mut Reassembler, side: &mut Vec<u8>) -> u64 {
    let mut lost = 0;
    let known = sink.records.len();
    for piece in std::mem::take(&mut sink.pieces) {
        let frame = bytes.get(piece.at as usize..(piece.at + piece.length) as usize).unwrap_or_default();
        // A fragment inside a tunnel is not followed; its outer header says where it is.
        let Some(header) = ip::header(frame, piece.ip_at as usize).ok().filter(|h| h.fragment.is_some()) else {
            lost += 1;
            continue;
        };
        let Some(whole) = reassembler.push(&header, piece.time) else { continue };
        let at = side.len();
        side.extend_from_slice(&whole.header());
        side.extend_from_slice(&whole.body);
        let Some(packet_bytes) = side.get(at..) else { continue };
        let packet_bytes = packet_bytes.to_vec();
        let place = Place { time: piece.time, at: at as u32, extra: fact::REASSEMBLED, index: piece.index };
        sink.carriers(&packet_bytes, 0, place);
        match ip::dissect(&packet_bytes, 0, None) {
            Ok(packet) => sink.deal(&packet, &packet_bytes, place),
            Err(why) => *sink.stats.skipped.entry(why).or_default() += 1,
        }
    }
    if sink.records.len() > known {
        sink.order();
    }
    lost
}
