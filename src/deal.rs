//! Deals the records of a window to the shards of the flow table: one counting sort of thousands of packets into a few dozen places.

use crate::flow::entry::Record;
use crate::flow::key::SHARDS;
use crate::phase::ChunkSink;

/// A shard is noted in an octet.
const _: () = assert!(SHARDS <= 1 << u8::BITS);

/// Records of a window by shard, those of each in file order, and each with the number of its frame in the capture.
pub struct Dealt<'s> {
    records: Vec<(&'s Record, u64)>,
    /// Where the records of each shard end.
    ends: [usize; SHARDS],
}

impl<'s> Dealt<'s> {
    /// Deals what chunks have up to the frame `limit`; each comes with the number of its first frame.
    pub fn new(chunks: impl Iterator<Item = (&'s ChunkSink, u64)> + Clone, limit: u64) -> Dealt<'s> {
        let mut ends = [0; SHARDS];
        let mut any = None;
        for (records, shards, _) in chunks.clone().map(|chunk| within(chunk, limit)) {
            any = any.or(records.first());
            for shard in shards {
                ends[usize::from(*shard)] += 1;
            }
        }
        let mut all = 0;
        for end in &mut ends {
            // Where the shard's next record goes; when all are dealt, that is its end.
            (all, *end) = (all + *end, all);
        }
        let Some(any) = any else { return Dealt { records: Vec::new(), ends } };
        let mut dealt = vec![(any, 0); all];
        for (records, shards, first) in chunks.map(|chunk| within(chunk, limit)) {
            for (record, shard) in records.iter().zip(shards) {
                let next = &mut ends[usize::from(*shard)];
                if let Some(place) = dealt.get_mut(*next) {
                    *place = (record, first + u64::from(record.index));
                }
                *next += 1;
            }
        }
        Dealt { records: dealt, ends }
    }

    /// What a shard is dealt.
    pub fn of(&self, shard: usize) -> &[(&'s Record, u64)] {
        let start = shard.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(shard).and_then(|end| self.records.get(start..*end)).unwrap_or_default()
    }
}

/// What a chunk has up to the frame `limit`.
fn within((sink, first): (&ChunkSink, u64), limit: u64) -> (&[Record], &[u8], u64) {
    let (records, shards) = (sink.records(), sink.shards());
    let n = records.partition_point(|r| first + u64::from(r.index) <= limit);
    (records.get(..n).unwrap_or_default(), shards.get(..n).unwrap_or_default(), first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Frame, LinkType, Sink, Timestamp};
    use crate::flow::key::Hasher;
    use crate::script::{Host, Rtt, Script, dns::Query};

    #[test]
    fn each_shard_gets_its_own_in_order_up_to_the_limit() {
        let mut s = Script::new();
        let (client, server) = (Host::linux("10.0.0.1"), Host::linux("45.0.0.1"));
        let q = Query::a("www.example.org").id(7);
        (40_000..40_400).for_each(|port| _ = s.udp(&client, port, &server, 53, Rtt::ms(20.0)).ask(&q));
        let frames = s.frames();
        let mut chunks = [0, 1, 2].map(|_| ChunkSink::new(Hasher::random(), None));
        for (n, frame) in frames.iter().enumerate() {
            let (wire_len, bytes) = (frame.bytes.len() as u32, &frame.bytes[..]);
            chunks[n * 3 / frames.len()]
                .frame(&Frame { time: Timestamp(frame.time), link: LinkType(1), interface: 0, wire_len, bytes }, n as u32);
        }
        let firsts = [1, 1 + chunks[0].frames(), 1 + chunks[0].frames() + chunks[1].frames()].map(u64::from);
        let shards: Vec<u8> = chunks.iter().flat_map(|c| c.shards()).copied().collect();
        assert_eq!(shards.len(), frames.len());
        for limit in [0, 1, 150, 300, u64::MAX] {
            let dealt = Dealt::new(chunks.iter().zip(firsts), limit);
            for shard in 0..SHARDS {
                let of_shard = (1..).zip(&shards).filter(|(frame, s)| *frame <= limit && usize::from(**s) == shard);
                let expected: Vec<u64> = of_shard.map(|(frame, _)| frame).collect();
                let given: Vec<u64> = dealt.of(shard).iter().map(|(_, frame)| *frame).collect();
                assert_eq!(given, expected);
                assert!(dealt.of(shard).iter().all(|(record, frame)| u64::from(record.at) + 1 == *frame));
            }
        }
    }
}
