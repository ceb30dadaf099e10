//! When a conversation is over: each end of a TCP connection has closed its direction and been acknowledged, a DNS query has been
//! answered. Its flow is then let go of after a while, long before it would have been idle, so that memory holds the conversations that
//! are open and not all that ever were.
//!
//! A policy of the table like settling and evicting, not part of the flow's law. What arrives for a connection that is over (copies on
//! their way, an acknowledgement of an acknowledgement) says nothing about what happened before: it is counted, and not taken for a
//! flow of its own. What has the identification of a DNS transaction that is over belongs to another one.

use super::entry::{Entry, fact};
use super::key::{Fingerprint, FlowKey};
use super::record::Flow;
use super::stream::ahead;
use crate::capture::Timestamp;
use crate::limits::{ANSWERED_NS, LINGER_MOST_NS, LINGER_NS, LINGER_ROUND_TRIPS, LINGER_UNKNOWN_NS, TIME_WAIT_NS};
use crate::packet::tcp;
use std::num::NonZeroU64;

/// How far a connection has got in closing.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// Number behind the FIN of each side.
    fin: [u32; 2],
    sent: [bool; 2],
    acknowledged: [bool; 2],
    /// Stands in the table's list of those that have closed.
    listed: bool,
    /// Capture time from which the connection is over.
    over: i64,
}

impl Default for Closing {
    fn default() -> Closing {
        Closing { fin: [0; 2], sent: [false; 2], acknowledged: [false; 2], listed: false, over: i64::MAX }
    }
}

impl Closing {
    /// Takes the flow's latest packet into account; whether the connection closed with it and is to be listed as closed.
    ///
    /// `clock` is the table's, not the packet's time: in a file whose packets are out of order a connection must not be over with
    /// the packet that closes it.
    #[inline]
    pub fn see(&mut self, e: &Entry, flow: &Flow, clock: Timestamp) -> bool {
        if e.is(fact::UDP) {
            return is_asked_once(&flow.key) && self.answer(e, clock);
        }
        if e.flags & tcp::FIN == 0 && self.sent == [false; 2] {
            return false;
        }
        self.step(e, flow, clock)
    }

    /// A forged answer may come before the genuine one, so the first does not end a transaction, but a while without another does.
    fn answer(&mut self, e: &Entry, clock: Timestamp) -> bool {
        let is_response = e.peek().get(2).is_some_and(|flags| flags & 0x80 != 0);
        if !is_response && !self.is_closed() {
            return false;
        }
        self.over = clock.0.saturating_add(ANSWERED_NS);
        !std::mem::replace(&mut self.listed, true)
    }

    fn step(&mut self, e: &Entry, flow: &Flow, clock: Timestamp) -> bool {
        if !e.is_tcp() || e.is_rst() {
            return false;
        }
        let (own, other) = (e.direction().index(), e.direction().other().index());
        let beyond = self.sent[own] && ahead(e.seq_end(), self.fin[own]) > 0;
        if e.has(tcp::FIN) && (beyond || !self.sent[own]) {
            (self.fin[own], self.sent[own], self.acknowledged[own]) = (e.seq_end(), true, false);
        } else if beyond && e.payload_len > 0 {
            // Whoever goes on sending has not closed: that FIN was somebody else's.
            (self.sent[own], self.acknowledged[own]) = (false, false);
        }
        self.acknowledged[other] |= self.sent[other] && e.has(tcp::ACK) && (0..1 << 30).contains(&ahead(e.ack, self.fin[other]));
        if self.acknowledged != [true; 2] {
            self.over = i64::MAX;
            return false;
        }
        if self.over == i64::MAX {
            self.over = clock.0.saturating_add(linger(flow));
        }
        !std::mem::replace(&mut self.listed, true)
    }

    /// Taken from the list of those that have closed, since it has opened again.
    pub fn unlist(&mut self) {
        self.listed = false;
    }

    /// Whether the connection is over at a capture time.
    #[inline]
    pub fn is_over(&self, clock: Timestamp) -> bool {
        self.over < clock.0
    }

    /// Capture time from which it is over, as far as is known.
    pub fn over(&self) -> i64 {
        self.over
    }

    pub fn is_closed(&self) -> bool {
        self.over < i64::MAX
    }
}

/// A transaction whose identification nobody uses again soon. From mDNS and NetBIOS, whose hosts speak from one port with each other
/// and to all, a question may be answered many times, and its identification is that of every other.
fn is_asked_once(key: &FlowKey) -> bool {
    key.transaction.is_some() && key.low.port != key.high.port
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
    /// Since when it has been over; for one that only fell silent, since ever.
    since: Timestamp,
    /// Number behind the FIN of each side.
    fin: [u32; 2],
    /// First frame of its conversation.
    stream_first: Option<NonZeroU64>,
    syn: [Option<u32>; 2],
    heard: [bool; 2],
}

impl Over {
    pub fn new(print: Fingerprint, closing: &Closing, flow: &Flow) -> Over {
        let since = Timestamp(if closing.is_closed() { closing.over } else { i64::MIN });
        let heard = [0, 1].map(|side| flow.sides[side].packets > 0);
        Over { print, since, fin: closing.fin, stream_first: flow.stream_first, syn: flow.syns(), heard }
    }

    /// Whether a packet belongs to the connection that is over, and not to the next flow of its key.
    pub fn includes(&self, e: &Entry, clock: Timestamp) -> bool {
        if self.is_past(clock) {
            return false;
        }
        let side = e.direction().index();
        // Whoever goes on sending has not closed, however late that shows.
        let goes_on = e.is_tcp() && e.payload_len > 0 && ahead(e.seq_end(), self.fin[side]) > 0;
        if e.is_syn() { self.syn[side] == Some(e.seq) } else { !goes_on }
    }

    /// First frame of the conversation that Wireshark counts a packet to which is not included: the next one begins with a SYN whose
    /// number is not that of an end heard before, however long nothing came.
    pub fn conversation(&self, e: &Entry) -> Option<NonZeroU64> {
        let side = e.direction().index();
        self.stream_first.filter(|_| !(e.is_syn() && self.heard[side]) || self.syn[side] == Some(e.seq))
    }

    /// Nothing of it can be on its way any more: remembered for Wireshark's numbers alone.
    pub fn is_past(&self, clock: Timestamp) -> bool {
        clock.since(self.since) > TIME_WAIT_NS
    }
}
