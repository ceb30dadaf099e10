//! How fast each side of a connection answers the other, and how far its packets overtake one another.

use crate::capture::Timestamp;
use crate::flow::entry::{Entry, fact};
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

/// What the packets of a connection show of its path.
pub struct Timing {
    /// Shortest time in which each side (by direction index) answered the other's data, seen from the capture point.
    pub data_rtt: [Option<i64>; 2],
    /// How late the latest reordered packet was.
    pub reordering: i64,
    /// What each side's are like.
    pub courses: [Course; 2],
}

/// What a side's packets are like, all together. Most conversations are ordinary throughout, and need not be searched for what this
/// rules out.
#[derive(Clone, Copy, Default)]
pub struct Course {
    pub packets: u64,
    /// Of the first.
    pub ttl: u8,
    /// Each began where those before it ended, or little behind: nothing was sent twice or out of turn, and no second SYN.
    pub in_order: bool,
    /// All have one TTL, and timestamps if any has; none has an identification that fragments would need.
    pub alike: bool,
    /// None acknowledges what the other side's before it do not reach.
    pub acks_seen: bool,
}

impl Timing {
    /// Of all packets but resets, each with the number of packets left out before it.
    pub fn of<'e>(packets: impl Iterator<Item = (&'e Entry, u64)>) -> Timing {
        let [mut low, mut high] = [Sender::new(), Sender::new()];
        for (e, left_out) in packets {
            if left_out > 0 {
                low.sent.clear();
                high.sent.clear();
            }
            let (own, other) = if e.direction() == Direction::FromLow { (&mut low, &mut high) } else { (&mut high, &mut low) };
            own.take(e, other);
        }
        Timing {
            data_rtt: [low.data_rtt, high.data_rtt],
            reordering: low.reordering.max(high.reordering),
            courses: [low.course, high.course],
        }
    }
}

/// One side's packets so far.
struct Sender {
    course: Course,
    data_rtt: Option<i64>,
    reordering: i64,
    /// How the first of them looks, and where the numbers of all end.
    look: Option<u32>,
    end: u32,
    /// Data on its way: the number behind it, when it was sent, and whether only once.
    sent: Vec<(u32, Timestamp, bool)>,
    /// Latest timestamp, and when it came.
    newest: Option<(u32, Timestamp)>,
    /// Highest number of those without timestamps, and when it came.
    highest: Option<(u32, Timestamp)>,
}

impl Sender {
    fn new() -> Sender {
        let course = Course { packets: 0, ttl: 0, in_order: true, alike: true, acks_seen: true };
        let (sent, newest, highest) = (Vec::new(), None, None);
        Sender { course, data_rtt: None, reordering: 0, look: None, end: 0, sent, newest, highest }
    }

    /// The side's next packet. Kept apart, or each field would be chosen anew of one side or the other.
    #[inline(never)]
    fn take(&mut self, e: &Entry, other: &mut Sender) {
        if let Some(sample) = other.acknowledged(e) {
            self.data_rtt = Some(self.data_rtt.map_or(sample, |best| best.min(sample)));
        }
        if ahead(e.ack, other.end) > 0 && e.has(tcp::ACK) && other.look.is_some() {
            self.course.acks_seen = false;
        }
        self.follow(e);
        self.send(e);
        self.reordering = self.reordering.max(self.lag(e));
    }

    fn follow(&mut self, e: &Entry) {
        /// More than gets lost in between. All that a transcript holds then lies within half the sequence space.
        const JUMP: i64 = 1 << 20;
        let shape = e.facts & (fact::TIMESTAMPS | fact::HAS_ID | fact::DONT_FRAGMENT);
        let look = u32::from(shape) << 8 | u32::from(e.ttl);
        self.course.packets += 1;
        let Some(first) = self.look else {
            self.course.alike = shape & (fact::HAS_ID | fact::DONT_FRAGMENT) != fact::HAS_ID;
            self.course.ttl = e.ttl;
            (self.look, self.end) = (Some(look), e.seq_end());
            return;
        };
        if look != first {
            self.course.alike = false;
        }
        let syn = e.flags & tcp::SYN != 0;
        if e.seq != self.end || syn {
            let behind = ahead(e.seq, self.end);
            self.course.in_order &= behind < JUMP && (e.seq_end() == e.seq || behind >= 0 && !syn);
        }
        let end = e.seq_end();
        if ahead(end, self.end) > 0 {
            self.end = end;
        }
    }

    fn send(&mut self, e: &Entry) {
        if e.payload_len > 0 {
            // Karn: a retransmitted segment gives no sample.
            let known = if self.course.in_order { None } else { self.sent.iter_mut().find(|s| s.0 == e.seq_end()) };
            match known {
                Some(again) => again.2 = false,
                None => self.sent.push((e.seq_end(), e.time, true)),
            }
        }
    }

    /// How long the other side took to acknowledge what it does acknowledge.
    fn acknowledged(&mut self, e: &Entry) -> Option<i64> {
        if self.sent.is_empty() || !e.has(tcp::ACK) {
            return None;
        }
        let (_, at, once) = self.sent.iter().rfind(|s| ahead(e.ack, s.0) >= 0).copied()?;
        self.sent.retain(|s| ahead(e.ack, s.0) < 0);
        once.then(|| e.time.since(at)).filter(|sample| *sample >= 0)
    }

    /// How long ago a packet was overtaken: by timestamps where there are any, else by a hole that is filled at once.
    fn lag(&mut self, e: &Entry) -> i64 {
        /// A hole filled sooner than this was no retransmission.
        const FAST_NS: i64 = 5_000_000;
        match (e.timestamps(), self.newest) {
            (Some((value, _)), Some((seen, at))) if ahead(seen, value) > 0 => return e.time.since(at),
            (Some((value, _)), _) => self.newest = Some((value, e.time)),
            (None, _) if e.payload_len > 0 => match self.highest {
                Some((end, at)) if ahead(end, e.seq_end()) > 0 => return Some(e.time.since(at)).filter(|lag| *lag <= FAST_NS).unwrap_or(0),
                _ => self.highest = Some((e.seq_end(), e.time)),
            },
            _ => {}
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(high: bool, flags: u16, (seq, payload_len): (u32, u32), ack: u32) -> Entry {
        let facts = fact::HAS_ID | fact::DONT_FRAGMENT | if high { fact::FROM_HIGH } else { 0 };
        Entry { seq, ack, payload_len, flags, facts, ttl: 60, ..Entry::blank() }
    }

    /// A handshake, a request and an answer in two packets whose numbers run over, then what comes behind them.
    fn courses(behind: &[Entry]) -> [Course; 2] {
        let (top, ack) = (u32::MAX, tcp::ACK);
        let mut all = vec![
            sent(false, tcp::SYN, (10, 0), 0),
            sent(true, tcp::SYN | ack, (top - 100, 0), 11),
            sent(false, ack, (11, 50), top - 99),
            sent(true, ack, (top - 99, 80), 61),
            sent(true, ack, (top - 19, 80), 61),
            sent(false, ack, (61, 0), 60),
        ];
        all.extend(behind);
        Timing::of(all.iter().map(|e| (e, 0))).courses
    }

    #[test]
    fn an_ordinary_course_is_told_from_an_odd_one() {
        let ack = tcp::ACK;
        let told = |c: Course| (c.packets, c.in_order, c.alike, c.acks_seen);
        assert_eq!(courses(&[]).map(told), [(3, true, true, true); 2]);
        let low = |e: Entry| told(courses(&[e])[0]);
        assert_eq!(low(sent(false, ack, (11, 50), 60)), (4, false, true, true), "sent twice");
        assert_eq!(low(sent(false, tcp::SYN, (61, 0), 0)), (4, false, true, true), "a second SYN");
        assert_eq!(low(sent(false, ack, (61 + (1 << 20), 5), 60)), (4, false, true, true), "far behind");
        assert_eq!(low(sent(false, ack, (60, 0), 60)), (4, true, true, true), "a keepalive");
        assert_eq!(low(sent(false, ack, (70, 5), 61)), (4, true, true, false), "one never seen");
        assert_eq!(low(Entry { ttl: 61, ..sent(false, ack, (61, 5), 60) }), (4, true, false, true));
        let fragile = |e: &Entry| Entry { facts: e.facts & !fact::DONT_FRAGMENT, ..*e };
        let all = [sent(false, ack, (1, 5), 1), sent(false, ack, (6, 5), 1)].map(|e| fragile(&e));
        assert!(!Timing::of(all.iter().map(|e| (e, 0))).courses[0].alike, "may be fragmented");
    }
}
