use super::*;
use proptest::prelude::*;

fn entry() -> impl Strategy<Value = Entry> {
    let numbers = (any::<u64>(), any::<u64>(), any::<i64>(), any::<[u32; 5]>());
    let words = (any::<[u16; 4]>(), any::<[u8; 3]>(), any::<[u8; PEEK]>(), 0..=PEEK);
    (numbers, words).prop_map(|((frame, offset, time, longs), (words, octets, mut peek, peek_len))| {
        let [seq, ack, tsval, tsecr, payload_len] = longs;
        let [window, ip_id, flags, facts] = words;
        let [ttl, tos, header_len] = octets;
        peek.iter_mut().skip(peek_len).for_each(|octet| *octet = 0);
        let time = Timestamp(time);
        let peek_len = peek_len as u8;
        Entry {
            frame,
            offset,
            time,
            seq,
            ack,
            tsval,
            tsecr,
            payload_len,
            window,
            ip_id,
            flags,
            facts,
            ttl,
            tos,
            header_len,
            peek,
            peek_len,
        }
    })
}

proptest! {
    /// Whatever the fields hold, what was packed comes out again; repeats exercise what is expected rather than written.
    #[test]
    fn nothing_is_lost(list in prop::collection::vec((entry(), 1..3usize), 0..12)) {
        let list: Vec<Entry> = list.into_iter().flat_map(|(e, n)| vec![e; n]).collect();
        let packed: Packed = list.iter().copied().collect();
        prop_assert_eq!(packed.iter().collect::<Vec<_>>(), list);
    }
}

#[test]
fn an_acknowledgement_in_passing_is_small() {
    let mut e = Entry { frame: 1, payload_len: 1448, header_len: 32, facts: fact::TIMESTAMPS, flags: 0x10, ..Entry::blank() };
    let mut packed = Packed::default();
    packed.push(&e);
    let data = packed.octets.len();
    e = Entry { frame: 9000, offset: 9_000_000, time: Timestamp(20_000_000), ack: 1448, payload_len: 0, ..e };
    e.facts |= fact::FROM_HIGH;
    packed.push(&e);
    let first = packed.octets.len();
    packed.push(&Entry { frame: 9001, offset: 9_000_900, time: Timestamp(20_010_000), ..e });
    assert!(packed.octets.len() - first <= 12, "{} {} {}", data, first, packed.octets.len());
}
