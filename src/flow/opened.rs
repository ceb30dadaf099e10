//! What is kept of a QUIC client's Initial packets once its hello is whole: the hello, and which packets they were.
//!
//! A datagram with an Initial has at least 1,200 octets (RFC 9000 section 14.1), most of them padding that only who opens the packet
//! can tell from the rest, and a flow is remembered for as long as it would be idle: QUIC's end is encrypted. Opened at once, a third
//! is left. Part of settling, not of the flow's law.

use super::record::Head;
use crate::app::quic::{self, InitialReader, Kind};
use crate::app::tls::ClientHello;

/// The client's side of a QUIC handshake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// Of the first Initial.
    pub version: u32,
    /// The hello's octets, all of them.
    hello: Box<[u8]>,
    /// Frame of the first datagram that was kept.
    pub first_frame: u64,
    /// Frames of the Initials.
    pub initials: Vec<u64>,
    /// Octets that datagrams took before they were opened, and those since would have taken.
    octets: usize,
}

/// Datagrams after which a hello that is not whole is left as it is: one with post-quantum keys takes two, and what is lost comes again.
const TRIED: usize = 4;

fn is_initial(datagram: &[u8]) -> bool {
    quic::classify(datagram).is_some_and(|h| h.kind == Kind::Initial)
}

impl Opened {
    /// Opens what was kept of a direction, if a whole hello is in it.
    pub fn of(head: &Head) -> Option<Opened> {
        if head.segments.len() > TRIED {
            return None;
        }
        let datagrams = || head.segments.iter().map(|s| (s.frame, head.slice(s)));
        let first = datagrams().find_map(|(_, d)| quic::classify(d).filter(|h| h.kind == Kind::Initial))?;
        let mut reader = InitialReader::new(first.dcid);
        for (_, datagram) in datagrams() {
            reader.feed_client(datagram);
        }
        Some(Opened {
            version: first.version,
            hello: reader.whole_client_hello()?.into(),
            first_frame: head.segments.first()?.frame,
            initials: datagrams().filter(|(_, d)| is_initial(d)).map(|(frame, _)| frame).collect(),
            octets: head.bytes.len(),
        })
    }

    /// Takes a later datagram, as far as there was room for it; whether all of it was.
    pub fn note(&mut self, frame: u64, datagram: &[u8], cap: usize) -> bool {
        let room = cap.saturating_sub(self.octets);
        let kept = datagram.get(..room).unwrap_or(datagram);
        self.octets += kept.len();
        if is_initial(kept) {
            self.initials.push(frame);
        }
        kept.len() == datagram.len()
    }

    pub fn hello(&self) -> Option<ClientHello> {
        quic::read_hello(&self.hello)
    }

    /// Octets on the heap, its own included.
    pub fn heap(&self) -> usize {
        size_of::<Opened>() + self.hello.len() + self.initials.capacity() * size_of::<u64>()
    }
}
