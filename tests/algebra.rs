//! The laws: a flow is the same however its packet list is cut, and a capture's verdicts are the same however it is read.

use interloper::capture::{OpenOptions, Timestamp};
use interloper::flow::entry::{Entry, fact};
use interloper::flow::key::FlowKey;
use interloper::flow::record::{Flow, flows_of, merge_lists};
use interloper::packet::Endpoint;
use interloper::pipeline::{ScanOptions, Watch, Workers, scan};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn key(protocol: u8, transaction: Option<u16>) -> FlowKey {
    let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
    FlowKey::new(end("192.0.2.1", 40000), end("198.51.100.2", 443), protocol, transaction).0
}

/// Packets with few distinct values, so that retransmissions, repeated SYNs and equal TTLs do happen.
fn packet() -> impl Strategy<Value = (Entry, Vec<u8>)> {
    let flags = prop_oneof![Just(0x10u16), Just(0x18), Just(0x02), Just(0x12), Just(0x11), Just(0x04), Just(0x14)];
    let payload = prop_oneof![
        4 => Just(Vec::new()),
        2 => Just(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1..900),
        1 => Just(vec![0x16, 3, 1, 2, 0, 1, 0]),
    ];
    // Gaps up to well past the idle time.
    let gap = prop_oneof![8 => 0i64..2_000_000_000, 1 => 200_000_000_000i64..400_000_000_000];
    (flags, payload, gap, 0u32..4, 0u8..6, any::<bool>(), any::<bool>()).prop_map(|(flags, payload, gap, seq, ttl, high, icmp)| {
        let mut e = Entry::blank();
        (e.flags, e.seq, e.ttl) = (flags, 1000 + seq * 700, 50 + ttl);
        e.time = Timestamp(gap);
        e.payload_len = payload.len() as u32;
        e.facts = if high { fact::FROM_HIGH } else { 0 };
        if icmp && payload.is_empty() && flags == 0x10 {
            e.facts |= fact::ICMP;
        }
        (e, payload)
    })
}

fn numbered(mut packets: Vec<(Entry, Vec<u8>)>) -> Vec<(Entry, Vec<u8>)> {
    let mut now = 1_700_000_000_000_000_000;
    for (i, (e, _)) in packets.iter_mut().enumerate() {
        now += e.time.0;
        e.time = Timestamp(now);
        e.frame = i as u64 + 1;
    }
    packets
}

fn flows(key: FlowKey, packets: &[(Entry, Vec<u8>)]) -> Vec<Flow> {
    flows_of(key, packets.iter().map(|(e, p)| (*e, p.as_slice())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// flows(a ++ b) == merge(flows(a), flows(b)), for every cut.
    #[test]
    fn any_cut_merges_to_the_same_flows(packets in proptest::collection::vec(packet(), 1..160), cut in any::<prop::sample::Index>()) {
        let packets = numbered(packets);
        let at = cut.index(packets.len() + 1);
        for key in [key(6, None), key(17, None), key(17, Some(7))] {
            let whole = flows(key, &packets);
            let (a, b) = packets.split_at(at);
            prop_assert_eq!(&whole, &merge_lists(flows(key, a), flows(key, b)));
        }
    }

    /// Merging is associative over three parts.
    #[test]
    fn merging_is_associative(packets in proptest::collection::vec(packet(), 3..120), one in any::<prop::sample::Index>(), two in any::<prop::sample::Index>()) {
        let packets = numbered(packets);
        let (mut i, mut j) = (one.index(packets.len()), two.index(packets.len()));
        if i > j { std::mem::swap(&mut i, &mut j); }
        let (a, b, c) = (&packets[..i], &packets[i..j], &packets[j..]);
        let key = key(6, None);
        let left = merge_lists(merge_lists(flows(key, a), flows(key, b)), flows(key, c));
        let right = merge_lists(flows(key, a), merge_lists(flows(key, b), flows(key, c)));
        prop_assert_eq!(left, right);
    }
}

/// Captures of the project, and of the shared collection where it is there.
fn captures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(Path::new("captures"), &mut found);
    let shared = Path::new("../shared/captures/lab");
    if shared.is_dir() {
        walk(shared, &mut found);
    } else {
        println!("skipped: no ../shared/captures/lab");
    }
    found.sort();
    found
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
            found.push(path);
        }
    }
}

fn verdicts(path: &Path, open: OpenOptions, threads: usize) -> String {
    let options = ScanOptions { open, lines: true, ..ScanOptions::default() };
    let report = scan(path, &options, &Watch::default(), &Workers::new(threads)).unwrap();
    let numbers: Vec<_> =
        report.conclusion.findings.iter().map(|f| f.ends.stream_first.and_then(|s| report.streams.number(f.ends.protocol, s))).collect();
    format!("{:?} {:?} {:?} {numbers:?}", report.conclusion, report.stats, report.audit)
}

/// Threads, chunk sizes and wrong boundary guesses must not show in anything that is said.
#[test]
fn verdicts_do_not_depend_on_how_a_capture_is_read() {
    let all = captures();
    assert!(!all.is_empty());
    for path in all {
        let plain = verdicts(&path, OpenOptions::default(), 1);
        for (chunk, wrong, threads) in [(1 << 20, false, 8), (4096, false, 3), (4096, true, 2), (64 << 10, true, 5)] {
            let open = OpenOptions { chunk, force_wrong_guess: wrong, ..OpenOptions::default() };
            assert_eq!(plain, verdicts(&path, open, threads), "{} chunk {chunk} wrong {wrong} threads {threads}", path.display());
        }
    }
}
