//! A flow: what was seen between two endpoints, bounded and mergeable.

use super::entry::{Entry, fact};
pub use super::head::{Head, Segment};
use super::key::FlowKey;
use super::profile::Profile;
use super::transcript::{Sounded, Transcript};
use crate::capture::Timestamp;
use crate::limits::{DATAGRAM_BYTES, DNS_IDLE_NS, HEAD_BYTES, LATEST_BYTES, TCP_IDLE_NS, UDP_IDLE_NS};
use crate::packet::tags::Tags;
use crate::prefetch;
use std::num::NonZeroU64;

/// The shortest of the idle times: most packets come sooner, and it need not be known then of what kind their flow is.
const LEAST_IDLE_NS: i64 = DNS_IDLE_NS;
const _: () = assert!(LEAST_IDLE_NS <= UDP_IDLE_NS && LEAST_IDLE_NS <= TCP_IDLE_NS);

/// The last packet of a direction that began a request, other than the direction's first data packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Latest {
    pub frame: u64,
    pub seq: u32,
    pub bytes: Vec<u8>,
}

/// Initial sequence number of a side's last SYN, if there was one: an option of it would take eight octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Syn {
    seq: [u8; 4],
    seen: bool,
}

impl Syn {
    fn of(seq: u32) -> Syn {
        Syn { seq: seq.to_ne_bytes(), seen: true }
    }

    fn number(self) -> Option<u32> {
        self.seen.then(|| u32::from_ne_bytes(self.seq))
    }
}

/// Everything remembered about one flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    pub key: FlowKey,
    pub first: Timestamp,
    /// Time of the packet seen last.
    pub last: Timestamp,
    /// First frame of the conversation Wireshark would count this flow in.
    pub stream_first: Option<NonZeroU64>,
    pub sides: [Profile; 2],
    pub transcript: Transcript,
    pub heads: [Head; 2],
    pub latest: [Option<Box<Latest>>; 2],
    syn: [Syn; 2],
    pub vlan: Option<u16>,
    /// Of its first packet.
    pub tags: Tags,
    pub tunnel: bool,
    /// Largest segment size each side offered (RFC 9293 section 3.7.1); 0 if none was seen. The table sets it.
    pub mss: [u16; 2],
    /// Given up for memory before it ended.
    pub evicted: bool,
    /// Only packets that the capture filter hides.
    pub hidden: bool,
}

/// A request that begins here could be what sets off interference.
pub fn begins_request(payload: &[u8]) -> bool {
    match payload.first() {
        Some(0x16) => payload.get(1) == Some(&3),
        Some(b'A'..=b'Z') => {
            let end = payload.iter().take(8).position(|b| *b == b' ');
            end.is_some_and(|n| n >= 3 && payload.iter().take(n).all(u8::is_ascii_uppercase))
        }
        _ => false,
    }
}

/// Of datagrams other than DNS only QUIC's long headers (RFC 9000 section 17.2) are ever read beyond their first octets.
pub fn is_long_header(payload: &[u8]) -> bool {
    payload.first().is_some_and(|b| b & 0x80 != 0)
}

impl Flow {
    /// An empty flow for a key.
    #[inline(always)]
    pub fn new(key: FlowKey, time: Timestamp) -> Flow {
        Flow {
            key,
            first: time,
            last: time,
            stream_first: None,
            sides: Default::default(),
            transcript: Transcript::default(),
            heads: Default::default(),
            latest: [None, None],
            syn: Default::default(),
            vlan: None,
            tags: Tags::default(),
            tunnel: false,
            mss: [0; 2],
            evicted: false,
            hidden: false,
        }
    }

    /// Asks for what is kept of its packets before they are judged: it has lain untouched for long.
    pub fn prefetch(&self) {
        self.transcript.prefetch_all();
        for head in &self.heads {
            prefetch::lines(&head.bytes, 16);
            if let Some(first) = head.segments.first() {
                prefetch::value(first);
            }
        }
    }

    /// Octets on the heap.
    pub fn heap(&self) -> usize {
        let opened = |h: &Head| h.opened.as_ref().map_or(0, |o| o.heap());
        let head = |h: &Head| h.bytes.capacity() + h.segments.capacity() * size_of::<Segment>() + opened(h);
        let latest = |l: &Option<Box<Latest>>| l.as_ref().map_or(0, |l| size_of::<Latest>() + l.bytes.capacity());
        self.transcript.heap() + self.heads.iter().map(head).sum::<usize>() + self.latest.iter().map(latest).sum::<usize>()
    }

    /// Idle time that ends a flow of this kind.
    pub fn idle(key: &FlowKey) -> i64 {
        match (key.protocol, key.transaction) {
            (6, _) => TCP_IDLE_NS,
            (_, Some(_)) => DNS_IDLE_NS,
            _ => UDP_IDLE_NS,
        }
    }

    /// Whether a packet with these facts, the key's next one, starts a new flow.
    pub fn is_ended_by(&self, entry: &Entry) -> bool {
        let silent = entry.time.since(self.last);
        if silent > LEAST_IDLE_NS && silent > Flow::idle(&self.key) {
            return true;
        }
        entry.is_syn() && self.transcript.count() > 0 && !self.repeats_syn(entry)
    }

    /// Whether a SYN has the number of the last one of its side: Wireshark then counts the same conversation, however late it comes.
    pub fn repeats_syn(&self, entry: &Entry) -> bool {
        entry.is_syn() && self.syn[entry.direction().index()] == Syn::of(entry.seq)
    }

    /// Initial sequence number of the last SYN of each side.
    pub fn syns(&self) -> [Option<u32>; 2] {
        self.syn.map(|syn| syn.number())
    }

    fn cap(&self) -> usize {
        if self.key.protocol == 6 { HEAD_BYTES } else { DATAGRAM_BYTES }
    }

    /// Adds the key's next packet. `payload` is what was captured of it.
    pub fn absorb(&mut self, entry: &Entry, payload: &[u8]) {
        self.note(entry);
        self.hear(entry, payload);
    }

    /// The part of absorbing that concerns every packet, and nothing of its payload. Returns what [`Transcript::push`] does.
    #[inline(always)]
    pub fn note(&mut self, entry: &Entry) -> Option<Sounded> {
        let side = entry.direction().index();
        self.last = entry.time;
        if entry.is_syn() {
            self.syn[side] = Syn::of(entry.seq);
        }
        self.sides[side].absorb(entry);
        self.tunnel |= entry.is(fact::TUNNEL);
        self.transcript.push(entry)
    }

    /// The rest, for packets with payload: what is kept of it.
    pub fn hear(&mut self, entry: &Entry, payload: &[u8]) {
        let side = entry.direction().index();
        if entry.payload_len > 0 && !entry.is(fact::ICMP) {
            let cap = self.cap();
            if self.sides[side].data_packets > 1 && self.key.protocol == 6 && begins_request(payload) {
                let bytes = payload.get(..LATEST_BYTES).unwrap_or(payload).to_vec();
                self.latest[side] = Some(Box::new(Latest { frame: entry.frame, seq: entry.seq, bytes }));
            }
            if self.key.protocol == 6 || self.key.transaction.is_some() || is_long_header(payload) {
                self.heads[side].push(entry, payload, cap);
            }
        }
    }

    /// `self` then `later`, flows of the same key where `later` continues `self`.
    pub fn merge(mut self, later: &Flow) -> Flow {
        let cap = self.cap();
        for side in 0..2 {
            // The first data packet of `later` is no longer the first here, so it may count as a later request.
            let moved = self.sides[side].data_packets > 0 && self.key.protocol == 6;
            let first = later.heads[side].segments.first().filter(|_| moved);
            let promoted = first.map(|s| (s, later.heads[side].slice(s))).filter(|(_, bytes)| begins_request(bytes));
            let promoted = promoted.map(|(s, bytes)| {
                Box::new(Latest { frame: s.frame, seq: s.seq, bytes: bytes.get(..LATEST_BYTES).unwrap_or(bytes).to_vec() })
            });
            self.latest[side] = later.latest[side].clone().or(promoted).or(self.latest[side].take());
            self.sides[side].merge(&later.sides[side]);
            self.heads[side].merge(&later.heads[side], cap);
            self.syn[side] = if later.syn[side].seen { later.syn[side] } else { self.syn[side] };
            self.mss[side] = self.mss[side].max(later.mss[side]);
        }
        self.last = later.last;
        self.transcript = self.transcript.merge(&later.transcript);
        self.vlan = self.vlan.or(later.vlan);
        self.tunnel |= later.tunnel;
        self.evicted |= later.evicted;
        self.hidden &= later.hidden;
        self
    }

    /// Packets seen.
    pub fn packets(&self) -> u64 {
        self.transcript.count()
    }

    /// Whether `next`, the key's next flow, continues this one (its own first packet would not have started a new flow here).
    pub fn is_continued_by(&self, next: &Flow) -> bool {
        next.transcript.head().next().is_some_and(|e| !self.is_ended_by(&e))
    }
}

/// The flows of a packet list of one key: the definition that parallel runs and merges are held to.
pub fn flows_of<'a>(key: FlowKey, packets: impl IntoIterator<Item = (Entry, &'a [u8])>) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    for (entry, payload) in packets {
        match flows.last_mut() {
            Some(flow) if !flow.is_ended_by(&entry) => flow.absorb(&entry, payload),
            _ => {
                let mut flow = Flow::new(key, entry.time);
                flow.absorb(&entry, payload);
                flows.push(flow);
            }
        }
    }
    flows
}

/// Merges two lists of one key's flows, `a` before `b`.
pub fn merge_lists(mut a: Vec<Flow>, b: Vec<Flow>) -> Vec<Flow> {
    for flow in b {
        match a.pop() {
            Some(last) if last.is_continued_by(&flow) => a.push(last.merge(&flow)),
            last => {
                a.extend(last);
                a.push(flow);
            }
        }
    }
    a
}
