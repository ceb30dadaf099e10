//! Captures written like stories: hosts talk, packets get lost, someone injects. For tests of rules, scenario captures and benches.
//!
//! ```
//! use interloper::script::{Host, Rtt, Script, Side::*};
//! let mut s = Script::new();
//! let client = Host::linux("192.168.1.20");
//! let server = Host::linux("45.60.70.80").hops(13);
//! let mut t = s.tcp(&client, 40000, &server, 443, Rtt::ms(80.0));
//! t.handshake();
//! t.hello("blocked.example.org");
//! t.inject(Server).rst_ack().ttl(90).ip_id(0x1234).window(1400).after_ms(3.0).copies(3);
//! t.ack(Server); // genuine, one round trip later
//! assert_eq!(s.frames().len(), 8);
//! assert_eq!(s.truth(0).forged, [5, 6, 7]);
//! ```
//!
//! Every end of a conversation has a clock of its own: sending moves it a little, a delivery moves the receiver's to the
//! arrival, and the capture shows each packet when it passes the capture point. Nothing depends on the machine or the day.
//! Frames are put in order of time when the script is read, so conversations may be told one after the other and overlap.

pub mod dns;
pub mod host;
pub mod http;
pub mod link;
pub mod path;
pub mod quic;
pub mod random;
mod save;
pub mod tcp;
pub mod tls;
pub mod udp;
pub mod wire;

#[cfg(test)]
mod tests;

pub use host::{Host, IpId};
pub use link::Link;
pub use path::{Fate, Rtt, Side};
pub use save::Format;
pub use tcp::{Pace, Tcp};
pub use udp::Udp;
pub use wire::{Body, Draft};

use link::Hop;
use std::net::SocketAddr;

/// The first conversation starts here: 2026-03-01 12:00:00 UTC.
pub const EPOCH_NS: i64 = 1_772_366_400_000_000_000;

/// What a packet is in the story. The first packet of a role is what ground truth cites.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Ordinary,
    /// Begins a request that names something: a hello, an HTTP request, a query.
    Request,
    /// Was not sent by the host it names, or was changed on the way.
    Forged,
}

/// A captured frame.
#[derive(Clone, Debug)]
pub struct Frame {
    pub time: i64,
    pub bytes: Vec<u8>,
    pub wire_len: u32,
    /// The conversation it belongs to, in order of telling.
    pub talk: usize,
    pub role: Role,
}

/// A conversation as ground truth names it.
#[derive(Clone, Debug)]
pub struct Talk {
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// Kind (`tls.sni`, `http.host`, `dns.qname`, `quic.sni`, `tls.ech`) and name of its last request.
    pub name: Option<(&'static str, String)>,
}

/// Ground truth of a conversation; frame numbers are 1-based.
#[derive(Clone, Debug)]
pub struct Truth {
    pub talk: Talk,
    pub forged: Vec<u64>,
    /// Requests, in order.
    pub requests: Vec<u64>,
    /// The last request before the first forgery; without a forgery the last of all.
    pub trigger: Option<u64>,
}

/// A capture in the making.
#[derive(Clone, Debug)]
pub struct Script {
    frames: Vec<Frame>,
    talks: Vec<Talk>,
    now: i64,
    seed: u64,
    link: Link,
    snap: Option<usize>,
    mirror: Option<(i64, Option<u16>)>,
    tap: Option<(i64, u8)>,
    flagged: bool,
    step: Option<(i64, i64)>,
    untidy: Option<usize>,
}

impl Default for Script {
    fn default() -> Script {
        Script::new()
    }
}

impl Script {
    /// An empty Ethernet capture.
    pub fn new() -> Script {
        Script {
            frames: Vec::new(),
            talks: Vec::new(),
            now: EPOCH_NS,
            seed: 1,
            link: Link::Ethernet,
            snap: None,
            mirror: None,
            tap: None,
            flagged: false,
            step: None,
            untidy: None,
        }
    }

    /// Sets the link layer; before the first packet.
    pub fn link(&mut self, link: Link) -> &mut Script {
        assert!(self.frames.is_empty(), "one link layer a capture");
        self.link = link;
        self
    }

    /// Other random numbers for the same story.
    pub fn seed(&mut self, seed: u64) -> &mut Script {
        self.seed = seed;
        self
    }

    /// Keeps the first bytes of every frame only.
    pub fn snap(&mut self, bytes: usize) -> &mut Script {
        self.snap = Some(bytes);
        self
    }

    /// A mirror port: every frame is captured again `us` later, the copy with a VLAN tag if one is given.
    pub fn mirror(&mut self, us: i64, tag: Option<u16>) -> &mut Script {
        self.mirror = Some((us * 1000, tag));
        self
    }

    /// A second tap so many hops on, in one file with the first: every frame (Ethernet, IPv4) is captured again `us` later.
    pub fn second_tap(&mut self, us: i64, hops: u8) -> &mut Script {
        self.tap = Some((us * 1000, hops));
        self
    }

    /// Captured with `tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0` (Ethernet, IPv4).
    pub fn flagged(&mut self) -> &mut Script {
        self.flagged = true;
        self
    }

    /// The capturing machine's clock is set: what comes `at_ms` after the start and later is stamped so much later or earlier.
    pub fn clock_step(&mut self, at_ms: f64, by_ms: f64) -> &mut Script {
        self.step = Some((EPOCH_NS + path::ns(at_ms), path::ns(by_ms)));
        self
    }

    /// A file written by several threads: every `nth` frame stands two places too late.
    pub fn untidy(&mut self, nth: usize) -> &mut Script {
        self.untidy = Some(nth);
        self
    }

    /// Moves the start of the next conversation.
    pub fn later_ms(&mut self, ms: f64) -> &mut Script {
        self.now += path::ns(ms);
        self
    }

    /// Sets the start of the next conversation, from the beginning of the capture.
    pub fn at_ms(&mut self, ms: f64) -> &mut Script {
        self.now = EPOCH_NS + path::ns(ms);
        self
    }

    /// A TCP connection.
    pub fn tcp(&mut self, client: &Host, client_port: u16, server: &Host, server_port: u16, rtt: Rtt) -> Tcp<'_> {
        Tcp::new(self, client, client_port, server, server_port, rtt)
    }

    /// Datagrams between two ports.
    pub fn udp(&mut self, client: &Host, client_port: u16, server: &Host, server_port: u16, rtt: Rtt) -> Udp<'_> {
        Udp::new(self, client, client_port, server, server_port, rtt)
    }

    fn begin_talk(&mut self, client: SocketAddr, server: SocketAddr) -> (usize, i64, random::Random) {
        self.talks.push(Talk { client, server, name: None });
        let talk = self.talks.len() - 1;
        // A stream of its own for each conversation: a new one does not change those told before.
        (talk, self.now, random::Random::new(self.seed << 32 | talk as u64))
    }

    fn record(&mut self, time: i64, draft: &Draft, hop: Hop, talk: usize, role: Role) {
        let bytes = self.link.wrap(&draft.encode(), hop);
        self.frames.push(Frame { time, wire_len: bytes.len() as u32, bytes, talk, role });
    }

    fn set_name(&mut self, talk: usize, kind: &'static str, name: &str) {
        self.talks[talk].name = Some((kind, name.to_owned()));
    }

    /// The frames in order of time.
    pub fn frames(&self) -> Vec<Frame> {
        let mut frames = self.frames.clone();
        if let Some((lag, tag)) = self.mirror {
            for frame in &self.frames {
                let mut copy = Frame { time: frame.time + lag, role: Role::Ordinary, ..frame.clone() };
                if let (Some(tag), Link::Ethernet) = (tag, self.link) {
                    copy.bytes.splice(12..12, [0x81, 0, (tag >> 8) as u8, tag as u8]);
                    copy.wire_len += 4;
                }
                frames.push(copy);
            }
        }
        if let Some((lag, hops)) = self.tap {
            for frame in &self.frames {
                let mut copy = Frame { time: frame.time + lag, role: Role::Ordinary, ..frame.clone() };
                copy.bytes[22] -= hops;
                let sum = u32::from(u16::from_be_bytes([copy.bytes[24], copy.bytes[25]])) + (u32::from(hops) << 8);
                copy.bytes[24..26].copy_from_slice(&((sum & 0xffff) as u16 + (sum >> 16) as u16).to_be_bytes());
                frames.push(copy);
            }
        }
        if self.flagged {
            frames.retain(|frame| frame.bytes[23] == 6 && frame.bytes[47] & 7 != 0);
        }
        frames.sort_by_key(|frame| frame.time);
        if let Some((at, by)) = self.step {
            frames.iter_mut().filter(|f| f.time >= at).for_each(|f| f.time += by);
        }
        if let Some(nth) = self.untidy {
            for n in (0..frames.len().saturating_sub(2)).step_by(nth) {
                frames[n..n + 3].rotate_left(1);
            }
        }
        if let Some(snap) = self.snap {
            frames.iter_mut().for_each(|frame| frame.bytes.truncate(snap));
        }
        frames
    }

    /// Calls `each` with every frame as a capture reader would yield it.
    pub fn each_frame(&self, mut each: impl FnMut(crate::capture::Frame<'_>)) {
        let link = crate::capture::LinkType(self.link.number());
        for f in self.frames() {
            each(crate::capture::Frame {
                time: crate::capture::Timestamp(f.time),
                link,
                interface: 0,
                wire_len: f.wire_len,
                bytes: &f.bytes,
            });
        }
    }

    /// How many conversations have been told.
    pub fn talks(&self) -> usize {
        self.talks.len()
    }

    /// Ground truth of a conversation, by its number in order of telling.
    pub fn truth(&self, talk: usize) -> Truth {
        let frames = self.frames();
        let of =
            |role: Role| -> Vec<u64> { (1..).zip(&frames).filter(|(_, f)| f.talk == talk && f.role == role).map(|(n, _)| n).collect() };
        let (forged, requests) = (of(Role::Forged), of(Role::Request));
        let before = forged.first().copied().unwrap_or(u64::MAX);
        let trigger = requests.iter().copied().rfind(|n| *n < before);
        Truth { talk: self.talks[talk].clone(), forged, requests, trigger }
    }
}
