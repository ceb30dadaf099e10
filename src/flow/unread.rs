//! What of a whole ClientHello nobody reads: its key shares, two thirds of one with post-quantum keys (RFC 8446 section 4.2.8). They are
//! random, so nothing can be told from them, and a live flow would keep them until it ends. Part of settling, not of the flow's law.

use super::record::{Head, Segment};
use crate::app::pieces::Pieces;
use crate::app::tls;
use std::ops::Range;

/// Octets that are worth two more entries in the list of segments.
const WORTHWHILE: usize = 256;
/// Hellos without post-quantum keys are padded to 512 octets at most (RFC 7685): they are not searched.
const LONG: usize = 768;

/// Lets go of the key shares in a direction that begins with a ClientHello, and of which every segment goes on where the one before it
/// ended. Read again, they are zeros.
pub(super) fn leave_out_key_shares(head: &mut Head) {
    if head.bytes.len() < LONG || !tls::is_client_hello_start(&head.bytes) {
        return;
    }
    if let Some(keys) = tls::key_shares(&Pieces::whole(&head.bytes)).filter(|keys| keys.len() >= WORTHWHILE) {
        leave_out(head, keys);
    }
}

/// Takes a stretch of its bytes out of a direction, with a segment in its place that says so.
fn leave_out(head: &mut Head, gone: Range<u32>) {
    let mut segments = Vec::with_capacity(head.segments.len() + 2);
    for s in &head.segments {
        let end = s.at + s.len;
        let cuts = [s.at, gone.start.clamp(s.at, end), gone.end.clamp(s.at, end), end];
        let parts = cuts.iter().zip(cuts.iter().skip(1)).filter(|(from, to)| from < to);
        segments.extend(parts.map(|(from, to)| Segment {
            at: match *from {
                from if from < gone.start => from,
                from if from < gone.end => Segment::LEFT_OUT,
                from => from - gone.len() as u32,
            },
            seq: s.seq.wrapping_add(from - s.at),
            len: to - from,
            ..*s
        }));
    }
    head.segments = segments;
    head.bytes.drain(gone.start as usize..gone.end as usize);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::flow::entry::Entry;
    use crate::flow::key::FlowKey;
    use crate::flow::record::Flow;
    use crate::flow::settle::settle;
    use crate::flow::stream::lay;
    use crate::packet::Endpoint;
    use crate::script::random::Random;
    use crate::script::tls::{Hello, data};
    use proptest::prelude::*;

    const START: u32 = u32::MAX - 700;

    /// A client's direction that was settled, and one that was not. Each payload comes in a packet of its own.
    fn heads(payloads: &[&[u8]]) -> [Head; 2] {
        let end = |port| Endpoint { ip: std::net::Ipv4Addr::LOCALHOST.into(), port };
        [true, false].map(|settled| {
            let mut flow = Flow::new(FlowKey::new(end(443), end(50_000), 6, None).0, Timestamp(0));
            let mut seq = START;
            for (payload, frame) in payloads.iter().zip(5..) {
                let payload_len = payload.len() as u32;
                flow.absorb(&Entry { frame, seq, payload_len, ..Entry::blank() }, payload);
                seq = seq.wrapping_add(payload_len);
            }
            if settled {
                settle(&mut flow, 0);
            }
            let [head, _] = flow.heads;
            head
        })
    }

    /// What is read of a direction: the hello, and the frames that bring its name and its last octet.
    fn read(head: &Head) -> impl PartialEq + std::fmt::Debug {
        let laid = lay(head, START);
        let pieces = Pieces::from_segments(laid.pieces.iter().map(|(offset, _, bytes)| (*offset, *bytes)));
        let hello = tls::client(&pieces).and_then(|side| side.hello).expect("a hello");
        let name = hello.sni_at.and_then(|(from, _)| laid.carrier(from));
        let facts = (hello.sni.clone(), hello.ech, hello.complete, hello.stream_len, hello.records, hello.sni_at);
        (facts, hello.offered(), hello.ja4(), name, laid.completed_by(hello.stream_len as u32))
    }

    proptest! {
        /// However a hello is cut into packets: what is read of it is what was read with its keys.
        #[test]
        fn a_hello_reads_the_same_without_its_keys(cuts in prop::collection::btree_set(1..1700usize, 0..5), name_last: bool) {
            let hello = Hello::new("www.example.org").big();
            let stream = if name_last { hello.name_last() } else { hello }.record(&mut Random::new(7));
            let sealed = data(&mut Random::new(8), 35);
            let cuts: Vec<usize> = [0].into_iter().chain(cuts.into_iter().filter(|c| *c < stream.len())).chain([stream.len()]).collect();
            let mut payloads: Vec<&[u8]> = cuts.windows(2).map(|c| &stream[c[0]..c[1]]).collect();
            payloads.push(&sealed);
            let [settled, whole] = heads(&payloads);
            prop_assert!(settled.closed && settled.bytes.len() + 1000 < stream.len() && settled.bytes.capacity() == settled.bytes.len());
            prop_assert_eq!(read(&settled), read(&whole));
            prop_assert_eq!(settled.first_frame(), Some(5));
        }
    }

    #[test]
    fn what_is_no_whole_hello_of_that_size_stays() {
        let mut random = Random::new(7);
        let big = Hello::new("www.example.org").big().record(&mut random);
        let small = Hello::new("www.example.org").record(&mut random);
        let sealed = data(&mut random, 35);
        let (first, rest) = big.split_at(900);
        // It says itself that more is to come.
        let mut longer = big.clone();
        longer[8] = longer[8].wrapping_add(9);
        for payloads in [vec![&small[..], &sealed], vec![first, rest], vec![&longer[..], &sealed]] {
            let [settled, whole] = heads(&payloads);
            assert!(settled.segments.iter().all(|s| s.at != Segment::LEFT_OUT));
            assert_eq!(settled.bytes, whole.bytes.get(..settled.bytes.len()).unwrap());
        }
    }
}
