//! Transfers of many segments, paced and lossy.

use super::Tcp;
use crate::packet::tcp::ACK;
use crate::script::Draft;
use crate::script::path::{Fate, Side};
use crate::script::tls;
use std::collections::VecDeque;

/// How a download goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Full segments to send.
    pub segments: usize,
    /// Between two of them.
    pub gap_ms: f64,
    /// Every so many-th is lost before the capture point and sent again behind the next two; 0 for none.
    pub lost: usize,
}

impl Tcp<'_> {
    /// Full segments one way, each acknowledged, as paced: the sender does not wait for acknowledgements.
    pub fn bulk(&mut self, side: Side, pace: Pace) -> &mut Self {
        let room = self.ends[side.index()].room(self.ends[side.other().index()].host.mss);
        let bytes = tls::data(&mut self.random, room * pace.segments);
        let mut missing: Option<(u32, &[u8], usize)> = None;
        let mut coming = VecDeque::new();
        for (n, part) in bytes.chunks(room).take(pace.segments).enumerate() {
            self.wait_ms(side, pace.gap_ms);
            self.hear(side, &mut coming, false);
            if pace.lost > 0 && (n + 1).is_multiple_of(pace.lost) && missing.is_none() {
                missing = Some((self.end(side).next, part, n));
                self.fate(Fate::LostBefore).segment(side, ACK, part);
                continue;
            }
            self.segment(side, ACK, part);
            self.ack_later(side, &mut coming);
            if let Some((seq, payload, _)) = missing.take_if(|(_, _, at)| n >= *at + 2) {
                self.put(side, ACK, seq, payload);
                self.ack_later(side, &mut coming);
            }
        }
        self.hear(side, &mut coming, true);
        self
    }

    /// The receiver acknowledges; the sender hears of it when it gets there.
    fn ack_later(&mut self, side: Side, coming: &mut VecDeque<(i64, Draft)>) {
        let before = self.end(side).clone();
        self.ack(side.other());
        let arrival = self.end(side).now;
        *self.end(side) = before;
        coming.extend(self.last.clone().map(|ack| (arrival, ack)));
    }

    /// Takes in what has arrived by now, or waits for all of it.
    fn hear(&mut self, side: Side, coming: &mut VecDeque<(i64, Draft)>, all: bool) {
        let end = self.end(side);
        while coming.front().is_some_and(|(at, _)| all || *at <= end.now) {
            let Some((arrival, ack)) = coming.pop_front() else { return };
            end.now = end.now.max(arrival);
            end.absorb(&ack);
        }
    }
}
