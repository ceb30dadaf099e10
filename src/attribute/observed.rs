//! What a finding's forged packets are like: plain facts, for the rows of [`super::injectors`] to be held against.

use std::net::IpAddr;

/// A forged packet.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Packet {
    /// It claims to come from the server.
    pub from_server: bool,
    pub is_tcp: bool,
    /// TCP flags, the reserved bits among them.
    pub flags: u16,
    pub ttl: u8,
    /// `None` in IPv6, which has neither.
    pub ip_id: Option<u16>,
    pub dont_fragment: Option<bool>,
    pub tos: u8,
    pub window: u16,
    pub seq: u32,
    pub ack: u32,
    /// Octets of TCP options.
    pub options: u8,
    pub payload_len: u32,
    /// First octets of the payload.
    pub payload: Vec<u8>,
    /// Nanoseconds on the capture's clock.
    pub time: i64,
    /// Whether its sequence number is the next one of the side it speaks for; `None` where that side was not seen.
    pub is_next: Option<bool>,
    /// Whether it acknowledges the trigger to its last octet.
    pub ends_trigger: Option<bool>,
    pub dns: Option<Answer>,
}

/// What a forged DNS answer says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Answer {
    /// Second word of the header.
    pub flags: u16,
    /// Records of the answer, authority and additional sections, as announced.
    pub counts: [u16; 3],
    pub name: String,
    pub addresses: Vec<IpAddr>,
    /// Names it leads to (CNAME, DNAME), in small letters.
    pub aliases: Vec<String>,
    /// Seconds, of each record of the answer section.
    pub ttls: Vec<u32>,
}

/// The packet that set the injector off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cause {
    pub ip_id: Option<u16>,
    pub window: u16,
}

/// Everything about one finding that a row may ask for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Observed {
    pub packets: Vec<Packet>,
    pub cause: Option<Cause>,
    /// The handshake was still under way.
    pub in_handshake: bool,
    /// Status of a forged HTTP response.
    pub status: Option<u16>,
    /// Rows of the block pages that a forged payload matches.
    pub pages: Vec<String>,
    /// Row of the issuers that a forged certificate matches.
    pub issuer: Option<String>,
}

/// Initial TTLs that hosts and boxes start from.
const INITIAL: [u8; 4] = [32, 64, 128, 255];

/// The initial TTL that a packet most likely started with: the nearest above, for paths rarely have thirty hops.
pub fn initial_ttl(observed: u8) -> u8 {
    INITIAL.into_iter().find(|i| *i >= observed).unwrap_or(255)
}
