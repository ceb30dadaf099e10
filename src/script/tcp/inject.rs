//! Packets that the side they name did not send.

use super::Tcp;
use crate::packet::tcp::{ACK, FIN, PSH, RST};
use crate::script::path::{Side, ns};
use crate::script::{Body, Draft, Role};

/// A forged packet, put into the capture when the statement ends.
///
/// It starts as what a careful forger would send in the name of a side: the numbers that side would use next, a TTL of 64, no
/// options. It goes off a moment after the other side's latest packet passed the capture point.
pub struct Injection<'t, 's> {
    tcp: &'t mut Tcp<'s>,
    side: Side,
    draft: Draft,
    after: i64,
    copies: usize,
    gap: i64,
    step: u32,
    role: Role,
}

impl<'s> Tcp<'s> {
    /// Forges a packet in the name of `side`. Neither end notices.
    pub fn inject(&mut self, side: Side) -> Injection<'_, 's> {
        let (from, to) = (&self.ends[side.index()], &self.ends[side.other().index()]);
        let body = Body::Tcp { seq: from.next, ack: to.next, flags: RST, window: 0, options: Vec::new() };
        let draft =
            Draft { src: from.at, dst: to.at, ttl: 64, ip_id: 0, df: false, tos: 0, body, payload: Vec::new(), bad_checksum: false };
        Injection { tcp: self, side, draft, after: ns(1.0), copies: 1, gap: ns(0.03), step: 0, role: Role::Forged }
    }
}

impl Injection<'_, '_> {
    /// Changes whatever has no method of its own.
    pub fn with(mut self, change: impl FnOnce(&mut Draft)) -> Self {
        change(&mut self.draft);
        self
    }

    /// Sent by a device in the middle, but no forgery: a router that has forgotten a connection.
    pub fn genuine(mut self) -> Self {
        self.role = Role::Ordinary;
        self
    }

    /// A bare RST; its acknowledgement field is 0.
    pub fn rst(self) -> Self {
        self.flags(RST).ack(0)
    }

    pub fn rst_ack(self) -> Self {
        self.flags(RST | ACK)
    }

    pub fn fin_ack(self) -> Self {
        self.flags(FIN | ACK)
    }

    /// Data in a segment of its own.
    pub fn data(self, payload: &[u8]) -> Self {
        self.flags(PSH | ACK).payload(payload)
    }

    pub fn flags(mut self, flags: u16) -> Self {
        self.draft.set_flags(flags);
        self
    }

    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.draft.payload = payload.to_vec();
        self
    }

    pub fn ttl(mut self, ttl: u8) -> Self {
        self.draft.ttl = ttl;
        self
    }

    pub fn ip_id(mut self, id: u16) -> Self {
        self.draft.ip_id = id;
        self
    }

    pub fn df(mut self) -> Self {
        self.draft.df = true;
        self
    }

    pub fn window(mut self, window: u16) -> Self {
        self.draft.set_window(window);
        self
    }

    pub fn ack(mut self, number: u32) -> Self {
        if let Body::Tcp { ack, .. } = &mut self.draft.body {
            *ack = number;
        }
        self
    }

    /// Moves the sequence number.
    pub fn seq_plus(mut self, offset: u32) -> Self {
        if let Body::Tcp { seq, .. } = &mut self.draft.body {
            *seq = seq.wrapping_add(offset);
        }
        self
    }

    /// Moves the acknowledgement.
    pub fn ack_plus(mut self, offset: i32) -> Self {
        if let Body::Tcp { ack, .. } = &mut self.draft.body {
            *ack = ack.wrapping_add_signed(offset);
        }
        self
    }

    /// When it passes the capture point, after the other side's latest packet.
    pub fn after_ms(mut self, ms: f64) -> Self {
        self.after = ns(ms);
        self
    }

    pub fn copies(mut self, copies: usize) -> Self {
        self.copies = copies;
        self
    }

    /// Time between copies.
    pub fn gap_us(mut self, us: i64) -> Self {
        self.gap = us * 1000;
        self
    }

    /// Each copy's sequence number is so much higher than the one before.
    pub fn seq_step(mut self, step: u32) -> Self {
        self.step = step;
        self
    }
}

impl Drop for Injection<'_, '_> {
    fn drop(&mut self) {
        let trigger = self.tcp.passed[self.side.other().index()];
        let hop = self.tcp.hop(self.side);
        for copy in 0..self.copies {
            let time = trigger + self.after + self.gap * copy as i64;
            self.tcp.script.record(time, &self.draft, hop, self.tcp.talk, self.role);
            if let Body::Tcp { seq, .. } = &mut self.draft.body {
                *seq = seq.wrapping_add(self.step);
            }
        }
    }
}
