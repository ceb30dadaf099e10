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

/// Whether a datagram begins with an Initial that is all there: no other brings anything of a hello.
fn may_open(datagram: &[u8]) -> bool {
    quic::classify(datagram).is_some_and(|h| h.kind == Kind::Initial && h.end <= datagram.len())
}

fn is_initial(datagram: &[u8]) -> bool {
    quic::classify(datagram).is_some_and(|h| h.kind == Kind::Initial)
}

impl Opened {
    /// Opens what was kept of a direction, if a whole hello is in it.
    pub fn of(head: &Head) -> Option<Opened> {
        // Asked with each datagram: what came before the newest did not suffice.
        if head.segments.len() > TRIED || !head.segments.last().is_some_and(|s| may_open(head.slice(s))) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::flow::entry::{Entry, fact};
    use crate::flow::key::FlowKey;
    use crate::flow::record::Flow;
    use crate::flow::settle::settle;
    use crate::packet::Endpoint;
    use crate::script::quic::Quic;
    use crate::script::random::Random;
    use crate::script::tls::Hello;

    /// A client's direction that was settled after each datagram, and one that never was.
    fn heads(datagrams: &[Vec<u8>]) -> [Head; 2] {
        let end = |port| Endpoint { ip: std::net::Ipv4Addr::LOCALHOST.into(), port };
        let flow = Flow::new(FlowKey::new(end(443), end(50_000), 17, None).0, Timestamp(0));
        [true, false].map(|settled| {
            let mut flow = flow.clone();
            for (datagram, frame) in datagrams.iter().zip(7..) {
                let entry = Entry { frame, payload_len: datagram.len() as u32, facts: fact::UDP | fact::FROM_HIGH, ..Entry::blank() };
                flow.absorb(&entry, datagram);
                if settled {
                    settle(&mut flow, 1);
                }
            }
            let [_, head] = flow.heads;
            head
        })
    }

    #[test]
    fn what_is_kept_says_what_the_datagrams_said() {
        for (hello, datagrams) in [(Hello::new("www.example.org"), 1), (Hello::new("www.example.org").big(), 2)] {
            let mut random = Random::new(5);
            let mut quic = Quic::new(&hello, &mut random);
            let mut sent = quic.client_initials();
            assert_eq!(sent.len(), datagrams);
            sent.push(quic.handshake(true, 90, &mut random));
            sent.extend((0..3).flat_map(|_| quic.client_initials()));
            let [settled, whole] = heads(&sent);
            let opened = settled.opened.as_ref().unwrap();
            assert!(settled.segments.is_empty() && settled.bytes.is_empty() && opened.heap() < 2400);
            let kept: Vec<(u64, &[u8])> = whole.segments.iter().map(|s| (s.frame, whole.slice(s))).collect();
            let mut reader = InitialReader::new(quic::classify(kept[0].1).unwrap().dcid);
            kept.iter().for_each(|(_, datagram)| _ = reader.feed_client(datagram));
            assert_eq!(opened.hello().map(|h| format!("{h:?}")), reader.client_hello().map(|h| format!("{h:?}")));
            assert!(opened.hello().unwrap().complete);
            assert_eq!(opened.initials, kept.iter().filter(|(_, d)| is_initial(d)).map(|(frame, _)| *frame).collect::<Vec<_>>());
            assert_eq!((opened.version, opened.first_frame, settled.capped), (quic::VERSION_1, 7, whole.capped));
            assert_eq!(settled.first_frame(), whole.first_frame());
        }
    }

    #[test]
    fn what_does_not_open_is_kept() {
        let mut random = Random::new(6);
        let mut first = Quic::new(&Hello::new("www.example.org"), &mut random).client_initials().remove(0);
        first[600] ^= 1;
        let half = Quic::new(&Hello::new("www.example.org").big(), &mut random).client_initials().remove(0);
        let cut = half[..700].to_vec();
        for datagrams in [vec![first], vec![half], vec![cut], vec![vec![0xc3; 40]]] {
            let [settled, whole] = heads(&datagrams);
            assert_eq!(settled, whole);
        }
    }
}
