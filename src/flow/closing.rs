//! When a TCP connection is over: each end has closed its direction and been acknowledged. Its flow is then let go of after a while,
//! long before it would have been idle, so that memory holds the connections that are open and not all that ever were.
//!
//! A policy of the table like settling and evicting, not part of the flow's law. What arrives for a connection that is over (copies on
//! their way, an acknowledgement of an acknowledgement) says nothing about what happened before: it is counted, and not taken for a
//! flow of its own.

use super::entry::Entry;
use super::key::Fingerprint;
use super::record::Flow;
use super::stream::ahead;
use crate::capture::Timestamp;
use crate::limits::{LINGER_MOST_NS, LINGER_NS, LINGER_ROUND_TRIPS, LINGER_UNKNOWN_NS, TIME_WAIT_NS};
use crate::packet::tcp;

/// How far a connection has got in closing.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// Number behind the FIN of each side.
    fin: [u32; 2],
    sent: [bool; 2],
    acknowledged: [bool; 2],
    /// Capture time from which the connection is over.
    over: i64,
}

impl Default for Closing {
    fn default() -> Closing {
        Closing { fin: [0; 2], sent: [false; 2], acknowledged: [false; 2], over: i64::MAX }
    }
}

impl Closing {
    /// Takes the flow's latest packet into account; whether the connection closed with it.
    #[inline]
    pub fn see(&mut self, e: &Entry, flow: &Flow) -> bool {
        if e.flags & tcp::FIN == 0 && self.sent == [false; 2] {
            return false;
        }
        self.step(e, flow)
    }

    fn step(&mut self, e: &Entry, flow: &Flow) -> bool {
        if !e.is_tcp() || e.is_rst() {
            return false;
        }
        let (own, other) = (e.direction().index(), e.direction().other().index());
        let beyond = self.sent[own] && ahead(e.seq_end(), self.fin[own]) > 0;
        if e.has(tcp::FIN) && (beyond || !self.sent[own]) {
            (self.fin[own], self.sent[own], self.acknowledged[own]) = (e.seq_end(), true, false);
        } else if beyond && e.payload_len > 0 {
            // Whoever goes on sending has not closed: that FIN was somebody else's.
            *self = Closing::default();
            return false;
        }
        self.acknowledged[other] |= self.sent[other] && e.has(tcp::ACK) && (0..1 << 30).contains(&ahead(e.ack, self.fin[other]));
        if self.acknowledged != [true; 2] {
            self.over = i64::MAX;
            return false;
        }
        let closes = self.over == i64::MAX;
        if closes {
            self.over = e.time.0.saturating_add(linger(flow));
        }
        closes
    }

    /// Whether the connection is over at a capture time.
    #[inline]
    pub fn is_over(&self, clock: Timestamp) -> bool {
        self.over < clock.0
    }

    pub fn is_closed(&self) -> bool {
        self.over < i64::MAX
    }
}

/// For how long packets of a connection may still come after it has closed.
fn linger(flow: &Flow) -> i64 {
    let mut head = flow.transcript.head();
    let Some(syn) = head.find(Entry::is_syn) else { return LINGER_UNKNOWN_NS };
    let acknowledges = |e: &Entry| e.direction() == syn.direction() && e.has(tcp::ACK);
    let round_trip = head.find(acknowledges).map(|e| e.time.since(syn.time));
    round_trip.map_or(LINGER_UNKNOWN_NS, |r| r.saturating_mul(LINGER_ROUND_TRIPS).clamp(LINGER_NS, LINGER_MOST_NS))
}

/// What is remembered of a connection that is over.
#[derive(Clone, Copy, Debug)]
pub struct Over {
    pub print: Fingerprint,
    since: Timestamp,
    /// First frame of its conversation.
    stream_first: Option<u64>,
    syn: [Option<u32>; 2],
}

impl Over {
    pub fn new(print: Fingerprint, closing: &Closing, flow: &Flow) -> Over {
        Over { print, since: Timestamp(closing.over), stream_first: flow.stream_first, syn: flow.syns() }
    }

    /// Whether a packet belongs to the connection that is over, and not to the next one of its key.
    pub fn includes(&self, e: &Entry, clock: Timestamp) -> bool {
        !self.is_forgotten(clock) && (!e.is_syn() || self.syn[e.direction().index()] == Some(e.seq))
    }

    /// First frame of the conversation that Wireshark counts a packet to which is not included.
    pub fn conversation(&self, e: &Entry) -> Option<u64> {
        self.stream_first.filter(|_| !e.is_syn())
    }

    /// Nothing of it can be on its way any more.
    pub fn is_forgotten(&self, clock: Timestamp) -> bool {
        clock.since(self.since) > TIME_WAIT_NS
    }
}
