//! A TCP connection told step by step.

mod bulk;
mod end;
mod inject;
mod story;

pub use bulk::Pace;
pub use end::{End, Segment};
pub use inject::Injection;

use super::link::Hop;
use super::path::{Fate, Rtt, Side};
use super::random::Random;
use super::{Draft, Host, Role, Script};
use crate::packet::tcp::RST;
use std::collections::VecDeque;

/// What a host takes to react, and a wire to carry a packet.
const STEP_NS: i64 = 12_000;

type Change = Box<dyn FnOnce(&mut Draft)>;

/// A connection under way. Borrowed from the script until the story goes elsewhere.
pub struct Tcp<'s> {
    script: &'s mut Script,
    talk: usize,
    rtt: Rtt,
    random: Random,
    ends: [End; 2],
    /// Whether packets of a side reach the other from here on.
    cut: [bool; 2],
    /// Whether the capture sees a side at all.
    unseen: [bool; 2],
    /// Whether packets of a side are turned into resets on their way.
    rewritten: [bool; 2],
    fates: VecDeque<Fate>,
    change: Option<Change>,
    delay: i64,
    role: Role,
    /// When the last packet of each side passed the capture point.
    passed: [i64; 2],
    last: Option<Draft>,
}

impl<'s> Tcp<'s> {
    pub(super) fn new(script: &'s mut Script, client: &Host, client_port: u16, server: &Host, server_port: u16, rtt: Rtt) -> Tcp<'s> {
        let (at, to) = ((client.ip, client_port).into(), (server.ip, server_port).into());
        let (talk, now, mut random) = script.begin_talk(at, to);
        let ends = [End::new(client, client_port, now, &mut random), End::new(server, server_port, now, &mut random)];
        Tcp {
            script,
            talk,
            rtt,
            random,
            ends,
            cut: [false; 2],
            unseen: [false; 2],
            rewritten: [false; 2],
            fates: VecDeque::new(),
            change: None,
            delay: 0,
            role: Role::Ordinary,
            passed: [now - STEP_NS; 2],
            last: None,
        }
    }

    /// Number of the conversation, for [`Script::truth`].
    pub fn talk(&self) -> usize {
        self.talk
    }

    pub fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side.index()]
    }

    /// Identification of the packet sent last.
    pub fn last_ip_id(&self) -> u16 {
        self.last.as_ref().map_or(0, |d| d.ip_id)
    }

    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// A side does nothing for a while.
    pub fn wait_ms(&mut self, side: Side, ms: f64) -> &mut Self {
        self.end(side).now += super::path::ns(ms);
        self
    }

    /// Both sides do nothing for a while.
    pub fn pause_ms(&mut self, ms: f64) -> &mut Self {
        let now = self.ends[0].now.max(self.ends[1].now) + super::path::ns(ms);
        self.ends.iter_mut().for_each(|end| end.now = now);
        self
    }

    /// From here on nothing of a side arrives: an in-path device or a broken line beyond the capture point.
    pub fn cut(&mut self, side: Side) -> &mut Self {
        self.cut[side.index()] = true;
        self
    }

    /// Ends [`cut`](Self::cut) and [`rewrite`](Self::rewrite) of a side.
    pub fn heal(&mut self, side: Side) -> &mut Self {
        self.cut[side.index()] = false;
        self.rewritten[side.index()] = false;
        self
    }

    /// From here on a device turns every packet of a side into RST/ACK: same header, no payload.
    pub fn rewrite(&mut self, side: Side) -> &mut Self {
        self.rewritten[side.index()] = true;
        self
    }

    /// The capture sees nothing of a side.
    pub fn unseen(&mut self, side: Side) -> &mut Self {
        self.unseen[side.index()] = true;
        self
    }

    /// VLAN tag of a side's packets.
    pub fn vlan(&mut self, side: Side, tag: u16) -> &mut Self {
        self.end(side).vlan = Some(tag);
        self
    }

    /// What becomes of the next packet.
    pub fn fate(&mut self, fate: Fate) -> &mut Self {
        self.fates.push_back(fate);
        self
    }

    /// Changes the next packet.
    pub fn change(&mut self, change: impl FnOnce(&mut Draft) + 'static) -> &mut Self {
        self.change = Some(Box::new(change));
        self
    }

    /// The next packet takes that much longer before the capture point: others overtake it.
    pub fn delay_ms(&mut self, ms: f64) -> &mut Self {
        self.delay = super::path::ns(ms);
        self
    }

    /// Sends a segment and remembers it if it takes sequence numbers.
    pub fn segment(&mut self, side: Side, flags: u16, payload: &[u8]) -> &mut Self {
        let seq = self.end(side).next;
        let segment = Segment { seq, flags, payload: payload.to_vec() };
        if segment.end() != seq && flags & RST == 0 {
            self.end(side).next = segment.end();
            self.end(side).flight.push(segment);
        }
        self.put(side, flags, seq, payload);
        self
    }

    /// Sends a segment with a number of its own.
    pub fn put(&mut self, side: Side, flags: u16, seq: u32, payload: &[u8]) {
        let to = self.ends[side.other().index()].at;
        let end = self.end(side);
        end.now += STEP_NS;
        let draft = end.draft(to, flags, seq, payload);
        self.transmit(side, draft);
    }

    /// Carries a packet past the capture point and to the other end, or not.
    pub fn transmit(&mut self, side: Side, mut draft: Draft) {
        if let Some(change) = self.change.take() {
            change(&mut draft);
        }
        let mut role = std::mem::replace(&mut self.role, Role::Ordinary);
        if self.rewritten[side.index()] {
            draft.payload.clear();
            draft.set_flags(RST | crate::packet::tcp::ACK);
            role = Role::Forged;
        }
        let (before, after) = self.rtt.legs(side);
        let delay = std::mem::take(&mut self.delay);
        let jitter = self.random.below(before as u64 / 100 + 1) as i64;
        let passing = self.ends[side.index()].now + before + jitter;
        // Packets do not overtake one another unless they are told to.
        let passing = passing.max(self.passed[side.index()].saturating_add(STEP_NS)) + delay;
        if delay == 0 {
            self.passed[side.index()] = passing;
        }
        let usual = if self.cut[side.index()] { Fate::LostAfter } else { Fate::Delivered };
        let fate = self.fates.pop_front().unwrap_or(usual);
        if matches!(fate, Fate::Delivered | Fate::LostAfter) && !self.unseen[side.index()] {
            let hop = self.hop(side);
            self.script.record(passing, &draft, hop, self.talk, role);
        }
        if matches!(fate, Fate::Delivered | Fate::Missed) {
            let peer = &mut self.ends[side.other().index()];
            peer.now = peer.now.max(passing + after);
            if draft.flags() & RST == 0 {
                peer.absorb(&draft);
            }
        }
        self.last = Some(draft);
    }

    fn hop(&self, side: Side) -> Hop {
        let (from, to) = (&self.ends[side.index()], &self.ends[side.other().index()]);
        Hop { src: from.host.ip, dst: to.host.ip, vlan: from.vlan, received: self.rtt.received(side) }
    }
}
