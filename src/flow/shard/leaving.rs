//! How flows leave a shard: over, idle, evicted for memory, or left at the end of the capture.

use super::slot::Slot;
use super::{OVER, SLOT, Shard};
use crate::capture::Timestamp;
use crate::flow::closing::Over;
use crate::flow::heard::Heard;
use crate::flow::record::Flow;
use crate::flow::slab::Slab;
use crate::limits::{DISORDER_NS, REMEMBERED_STREAMS};

/// Memory of a connection that is over.
const REMEMBERED: usize = size_of::<Option<Over>>() + 8;
/// Capture time between sweeps for ended flows; sweeping costs a pass over the live ones.
const SWEEP_NS: i64 = 20_000_000_000;
/// Evicting one flow at a time would scan the shard for each; an eighth at once is an amortised constant.
const EVICT_SHARE: usize = 8;
/// Flows between the one that is handed over and the one that is fetched meanwhile.
const AHEAD: usize = 2;

impl Shard {
    pub(super) fn remove(&mut self, i: u32) -> Option<Slot> {
        let slot = self.slots.remove(i)?;
        self.used -= SLOT + slot.heap as usize;
        self.index.remove(slot.print().high, i);
        Some(slot)
    }

    /// Lets go of a flow that is over. Of a TCP connection that is remembered: should it be heard of again, Wireshark's number depends
    /// on it. Returns where in the index.
    pub(super) fn finish(&mut self, i: u32) -> Option<u32> {
        if self.slots.get(i)?.flow.key.protocol != 6 {
            let slot = self.remove(i)?;
            self.finished.push(slot.flow);
            return None;
        }
        let slot = self.slots.remove(i)?;
        self.used -= SLOT + slot.heap as usize;
        let place = self.over.insert(Over::new(slot.print(), &slot.closing, &slot.flow)) | OVER;
        self.used += REMEMBERED;
        self.index.replace(slot.print().high, i, place);
        self.finished.push(slot.flow);
        Some(place)
    }

    pub(super) fn forget(&mut self, place: u32) {
        if let Some(over) = self.over.remove(place) {
            self.used -= REMEMBERED;
            self.index.remove(over.print.high, place | OVER);
        }
    }

    /// Forgets what fits of the connections that are over.
    fn forget_all(&mut self, fits: impl Fn(&Over) -> bool) {
        for place in 0..self.over.places() {
            if self.over.get(place).is_some_and(&fits) {
                self.counts.closed_forgotten += 1;
                self.forget(place);
            }
        }
    }

    pub(super) fn evict(&mut self) {
        // Of a flood of short connections the ends must not crowd out what is open.
        let (crowded, clock) = (self.over.len() * REMEMBERED > self.budget / 2, self.clock);
        self.forget_all(|over| crowded || over.is_past(clock));
        let age = |(i, slot): (u32, &Slot)| (slot.flow.last, slot.flow.transcript.first_frame(), i);
        let mut by_age: Vec<(Timestamp, u64, u32)> = self.slots.iter().map(age).collect();
        by_age.sort_unstable();
        let enough = self.budget - self.budget / EVICT_SHARE;
        for (_, _, i) in by_age {
            if self.used <= enough {
                return;
            }
            if let Some(mut slot) = self.remove(i) {
                slot.flow.evicted = true;
                self.counts.evicted += 1;
                self.finished.push(slot.flow);
            }
        }
    }

    /// Hands over the flows that have ended. Called once a window.
    pub fn take_finished(&mut self, mut each: impl FnMut(Flow)) {
        self.sweep();
        let mut flows = std::mem::take(&mut self.finished).into_iter();
        flows.as_slice().iter().take(AHEAD).for_each(Flow::prefetch);
        while let Some(flow) = flows.next() {
            if let Some(later) = flows.as_slice().get(AHEAD - 1) {
                later.prefetch();
            }
            each(flow);
        }
    }

    /// What was heard of flows since it was asked last, by seconds.
    pub fn take_heard(&mut self) -> impl Iterator<Item = (i64, Heard)> {
        self.heard.drain(..)
    }

    /// Finishes what is over, and what is idle when enough capture time has passed.
    fn sweep(&mut self) {
        if self.swept.0 == i64::MIN {
            self.swept = self.clock;
        }
        let mut closed = std::mem::take(&mut self.closed);
        // Nothing has come for them since they closed.
        closed.iter().filter(|(over, _)| *over < self.clock.0).for_each(|(_, i)| self.slots.prefetch(*i));
        closed.retain_mut(|(over, i)| {
            // Whatever came since can only have put it off.
            if *over >= self.clock.0 {
                return true;
            }
            let Some(closing) = self.slots.get_mut(*i).map(|s| &mut s.closing) else { return false };
            if !closing.is_closed() {
                closing.unlist();
                return false;
            }
            if closing.is_over(self.clock) {
                self.finish(*i);
                return false;
            }
            *over = closing.over();
            true
        });
        self.closed = closed;
        if self.clock.since(self.swept) >= SWEEP_NS {
            self.swept = self.clock;
            for i in 0..self.slots.places() {
                let idle = |s: &Slot| self.clock.since(s.flow.last) > Flow::idle(&s.flow.key) + DISORDER_NS;
                if self.slots.get(i).is_some_and(idle) {
                    self.finish(i);
                }
            }
            if self.over.len() > REMEMBERED_STREAMS {
                let clock = self.clock;
                self.forget_all(|over| over.is_past(clock));
            }
        }
    }

    /// Hands over every flow that is left, at the end of the capture.
    pub fn drain(&mut self, mut each: impl FnMut(Flow)) {
        self.index.clear();
        self.over = Slab::default();
        self.used = 0;
        std::mem::take(&mut self.finished).into_iter().for_each(&mut each);
        self.slots.drain(AHEAD, |slot| slot.flow.prefetch(), |slot| each(slot.flow));
    }
}
