//! A flow under judgement: roles, timing and sequence reasoning folded over its transcript. Borrowed, read-only, short-lived.

mod clock;
mod roles;

use super::messages::{Messages, Request};
use super::timing::{Course, Timing};
use super::transfer::Transfer;
use crate::capture::Timestamp;
use crate::flow::entry::{Entry, fact};
use crate::flow::key::Direction;
use crate::flow::record::Flow;
use crate::flow::stream::ahead;
use crate::packet::{Endpoint, tcp};
use roles::{client, handshake_rtt, senders, starts, unsay_copied_resets};
use std::cell::OnceCell;

/// How the client was told from the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Syn,
    Message,
    FirstSpeaker,
    Ports,
}

/// A flow with what can be worked out from it.
pub struct Case<'f> {
    pub flow: &'f Flow,
    /// Kept packets in capture order.
    pub entries: Vec<Entry>,
    /// Packets left out before each.
    pub left_out: Vec<u64>,
    /// Whose packet an entry is: nobody's, if it is an ICMP error or another capture of an earlier one.
    senders: Vec<Option<Direction>>,
    /// All entries' facts together, and the longest payload of one.
    facts: u16,
    pub largest: u32,
    /// How many of them are copies.
    pub copies: usize,
    /// They come from a tap some hops on, and those of resets are known by it as well.
    pub second_tap: bool,
    courses: [Course; 2],
    pub client: Direction,
    pub role: Role,
    /// Shortest time in which each side (by direction index) answered the other, seen from the capture point.
    pub rtt: [Option<i64>; 2],
    /// The same from the handshake alone.
    pub handshake_rtt: [Option<i64>; 2],
    /// How late the latest reordered packet was.
    pub reordering: i64,
    /// Sequence number of the first byte of each side's stream.
    pub starts: [Option<u32>; 2],
    /// Frames of the client's that were not meant to arrive.
    pub decoys: Vec<u64>,
    pub messages: Messages,
    transfer: OnceCell<Option<Transfer>>,
}

impl<'f> Case<'f> {
    /// Works a flow out.
    pub fn new(flow: &'f Flow) -> Case<'f> {
        let (entries, left_out) = flow.transcript.entries();
        let mut senders = senders(&entries);
        let (facts, largest) = entries.iter().fold((0, 0), |(facts, largest), e| (facts | e.facts, e.payload_len.max(largest)));
        let errors = if facts & fact::ICMP == 0 { 0 } else { entries.iter().filter(|e| e.is(fact::ICMP)).count() };
        let copies = senders.iter().filter(|sender| sender.is_none()).count() - errors;
        let second_tap = copies > 0 && flow.sides.iter().any(|s| s.resets > 0) && unsay_copied_resets(&entries, &mut senders);
        let (client, role) = client(&entries, flow);
        let mut case = Case {
            flow,
            entries,
            left_out,
            senders,
            facts,
            largest,
            copies,
            second_tap,
            courses: Default::default(),
            client,
            role,
            rtt: [None; 2],
            handshake_rtt: [None; 2],
            reordering: 0,
            starts: [None; 2],
            decoys: Vec::new(),
            messages: Messages::default(),
            transfer: OnceCell::new(),
        };
        if flow.key.protocol == 6 {
            case.follow();
        }
        case.messages = Messages::read(&case);
        case
    }

    /// What sequence numbers and acknowledgements tell.
    fn follow(&mut self) {
        let entries = &self.entries;
        self.starts = starts(entries);
        self.handshake_rtt = handshake_rtt(entries, self.client);
        let told = entries.iter().zip(&self.senders).zip(&self.left_out).filter(|((e, sender), _)| sender.is_some() && !e.is_rst());
        let timing = Timing::of(told.map(|((e, _), left_out)| (e, *left_out)));
        self.rtt = [0, 1].map(|side| self.handshake_rtt[side].into_iter().chain(timing.data_rtt[side]).min());
        self.reordering = timing.reordering;
        self.courses = timing.courses;
        // What is not meant to arrive looks unlike the rest.
        let resets = self.flow.sides[self.client.index()].resets > 0;
        if !self.course(self.client).alike || resets || self.copies > 0 || self.has(fact::CHECKSUM_BAD | fact::MD5) {
            self.decoys = super::evasion::decoys(&self.entries, self.client);
        }
    }

    pub fn server(&self) -> Direction {
        self.client.other()
    }

    pub fn client_end(&self) -> Endpoint {
        self.flow.key.sender(self.client)
    }

    pub fn server_end(&self) -> Endpoint {
        self.flow.key.sender(self.server())
    }

    /// Its bulk transfer, if it is one; measured when first asked for.
    pub fn transfer(&self) -> Option<&Transfer> {
        self.transfer.get_or_init(|| Transfer::of(self)).as_ref()
    }

    /// Entries of one side that are no copies, with their indices.
    pub fn of(&self, side: Direction) -> impl DoubleEndedIterator<Item = (usize, &Entry)> + Clone {
        self.before(side, self.entries.len())
    }

    /// The same of those before entry `i`.
    fn before(&self, side: Direction, i: usize) -> impl DoubleEndedIterator<Item = (usize, &Entry)> + Clone {
        let seen = self.entries.get(..i).unwrap_or(&self.entries).iter().zip(&self.senders).enumerate();
        seen.filter(move |(_, (_, sender))| **sender == Some(side)).map(|(i, (e, _))| (i, e))
    }

    /// The same of those after entry `i`.
    pub fn after(&self, side: Direction, i: usize) -> impl DoubleEndedIterator<Item = (usize, &Entry)> + Clone {
        let later = self.entries.iter().zip(&self.senders).enumerate().skip(i + 1);
        later.filter(move |(_, (_, sender))| **sender == Some(side)).map(|(i, (e, _))| (i, e))
    }

    /// Packets of a side other than resets before entry `i`.
    pub fn ordinary_before(&self, side: Direction, i: usize) -> impl DoubleEndedIterator<Item = (usize, &Entry)> + Clone {
        self.before(side, i).filter(|(_, e)| !e.is_rst())
    }

    /// Sequence number a side would send next, as its packets before entry `i` show; resets do not count.
    pub fn next_seq(&self, side: Direction, i: usize) -> Option<u32> {
        self.ordinary_before(side, i).map(|(_, e)| e.seq_end()).reduce(|a, b| if ahead(b, a) > 0 { b } else { a })
    }

    /// Highest acknowledgement a side has sent before entry `i`.
    pub fn highest_ack(&self, side: Direction, i: usize) -> Option<u32> {
        let acks = self.ordinary_before(side, i).filter(|(_, e)| e.has(tcp::ACK)).map(|(_, e)| e.ack);
        acks.reduce(|a, b| if ahead(b, a) > 0 { b } else { a })
    }

    /// When the other side first sent the data that `ack` covers last: the earliest `side` can have known of it.
    pub fn sent_at(&self, side: Direction, ack: u32) -> Option<Timestamp> {
        let data = self.of(side.other()).filter(|(_, e)| e.seq_end() != e.seq);
        let covering = data.filter(|(_, e)| ahead(ack, e.seq_end()) >= 0);
        // The last new byte covered: the highest sequence end at or below the acknowledgement, at its first transmission.
        let highest = covering.map(|(_, e)| (e.seq_end(), e.time)).reduce(|a, b| if ahead(b.0, a.0) > 0 { b } else { a });
        highest.map(|(_, t)| t)
    }

    /// Latest packet of the other side that entry `i` provably reacts to, by its acknowledgement or its timestamp echo.
    pub fn reacts_to(&self, i: usize) -> Option<Timestamp> {
        let e = self.entries.get(i)?;
        let by_ack = e.has(tcp::ACK).then(|| self.sent_at(e.direction(), e.ack)).flatten();
        let by_echo = e.timestamps().filter(|(_, echo)| *echo != 0).and_then(|(_, echo)| {
            let other = self.of(e.direction().other()).filter(|(j, _)| *j < i);
            other.filter(|(_, o)| o.timestamps().is_some_and(|(v, _)| v == echo)).map(|(_, o)| o.time).next()
        });
        by_ack.max(by_echo)
    }

    /// Whether `side` is proved to have sent entry `later` after it would have sent entry `reset`: `later` reacts to something that
    /// was on the wire so late before the reset's arrival that the reset, if it were `side`'s, had been sent before; or its own clock says so.
    pub fn sent_after(&self, later: usize, reset: usize, rtt: i64) -> bool {
        let Some(r) = self.entries.get(reset) else { return false };
        // Three quarters: the shortest round trip known may be a little longer than the path.
        self.reacts_to(later).is_some_and(|reacts| r.time.since(reacts) < rtt / 4 * 3) || clock::is_later(self, later, reset)
    }

    /// The first request of the client, or the last one begun before entry `i`.
    pub fn request_before(&self, i: usize) -> Option<&Request> {
        let frame = self.entries.get(i).map_or(u64::MAX, |e| e.frame);
        self.messages.requests.iter().rev().find(|r| r.frame < frame)
    }

    /// Whether both SYN and SYN/ACK are there and the client went on.
    pub fn established(&self) -> bool {
        let syn_ack = self.of(self.server()).find(|(_, e)| e.is_syn_ack()).map(|(i, _)| i);
        let acked =
            |after: usize| self.of(self.client).any(|(j, e)| j > after && e.has(tcp::ACK) && e.ack != 0 && !e.is_syn() && !e.is_rst());
        // A SYN/ACK that the capture missed was acknowledged all the same.
        let syn = self.of(self.client).find(|(_, e)| e.is_syn()).map(|(i, _)| i);
        syn_ack.or(syn).is_some_and(acked)
    }

    /// TTLs of a side's packets other than resets: equal ones in a row, with how many there are. Most sides have one.
    pub fn ttls(&self, side: Direction) -> impl Iterator<Item = (u8, u64)> {
        let course = self.course(side);
        let one = (course.alike && course.packets > 0).then_some((course.ttl, course.packets));
        let looked_at = if course.alike { 0 } else { self.entries.len() };
        let mut each = self.ordinary_before(side, looked_at).map(|(_, e)| e.ttl).peekable();
        let runs = std::iter::from_fn(move || {
            let ttl = each.next()?;
            let more = std::iter::from_fn(|| each.next_if_eq(&ttl)).count();
            Some((ttl, 1 + more as u64))
        });
        one.into_iter().chain(runs)
    }

    /// Index of an entry by its frame.
    pub fn index_of(&self, frame: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&frame, |e| e.frame).ok()
    }

    /// Whether an entry is another capture of an earlier one.
    pub fn is_copy(&self, i: usize) -> bool {
        self.senders.get(i).is_some_and(Option::is_none) && self.entries.get(i).is_some_and(|e| !e.is(fact::ICMP))
    }

    /// Whether a fact (see [`fact`]), or one of several, is one of some entry: most are of none, and every flow is asked.
    pub fn has(&self, fact: u16) -> bool {
        self.facts & fact != 0
    }

    /// What a side's ordinary packets are like, all together.
    pub fn course(&self, side: Direction) -> &Course {
        &self.courses[side.index()]
    }

    /// Data packets of a side that say no more than what it had said before; a keep-alive's one octet is none.
    pub fn repeated(&self, side: Direction) -> u64 {
        if self.course(side).in_order {
            return 0;
        }
        let (mut end, mut repeated) = (None, 0);
        for (_, e) in self.ordinary_before(side, self.entries.len()).filter(|(_, e)| e.payload_len > 1) {
            if end.is_some_and(|end| ahead(e.seq_end(), end) <= 0) {
                repeated += 1;
            } else {
                end = Some(e.seq_end());
            }
        }
        repeated
    }

    /// Whether most of a side's ordinary packets were captured twice.
    pub fn is_duplicated(&self, side: Direction) -> bool {
        let mut ordinary = 0;
        let mut copied = 0;
        for (i, e) in self.entries.iter().enumerate() {
            if e.direction() == side && !e.is_rst() && !e.is(fact::ICMP) {
                ordinary += 1;
                copied += usize::from(self.is_copy(i));
            }
        }
        copied >= 2 && copied * 3 >= ordinary
    }
}
