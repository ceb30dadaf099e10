//! The way between two hosts and where on it the capture is taken.

/// Which end of a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Client,
    Server,
}

impl Side {
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// Round trip times between the ends and the capture point.
#[derive(Clone, Copy, Debug)]
pub struct Rtt {
    left: i64,
    right: i64,
}

/// A capture on a host itself sees its packets this long before or after they are really on the wire.
const OWN_STACK_NS: i64 = 20_000;

impl Rtt {
    /// Captured on the client, `ms` from the server.
    pub fn ms(ms: f64) -> Rtt {
        Rtt { left: OWN_STACK_NS, right: ns(ms) }
    }

    /// Captured on the server instead.
    pub fn at_server(self) -> Rtt {
        Rtt { left: self.right, right: self.left }
    }

    /// Captured between: so far from the client, so far from the server.
    pub fn in_middle(left_ms: f64, right_ms: f64) -> Rtt {
        Rtt { left: ns(left_ms), right: ns(right_ms) }
    }

    /// One-way times of a packet from `side`: to the capture point, and on to the other end.
    pub(super) fn legs(self, side: Side) -> (i64, i64) {
        match side {
            Side::Client => (self.left / 2, self.right / 2),
            Side::Server => (self.right / 2, self.left / 2),
        }
    }

    /// There and back.
    pub fn round_trip(self) -> i64 {
        self.left + self.right
    }

    /// Whether packets of `side` come to the capture over the wire.
    pub(super) fn received(self, side: Side) -> bool {
        self.legs(side).0 > OWN_STACK_NS
    }
}

/// Milliseconds as nanoseconds.
pub fn ns(ms: f64) -> i64 {
    (ms * 1e6).round() as i64
}

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Delivered,
    /// Captured, then lost or dropped.
    LostAfter,
    /// Lost before the capture point.
    LostBefore,
    /// Delivered, but the capture missed it.
    Missed,
}
