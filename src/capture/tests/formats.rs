//! Every format, cut into windows and chunks of every size.

use super::super::captures::Order::{Big, Little};
use super::super::captures::{self, Pcap, Pcapng, payload};
use super::super::{Capture, LinkType, OpenOptions};
use super::{Outcome, file, gzip, outcome, refusal};

#[test]
fn pcap_of_every_kind() {
    for order in [Little, Big] {
        for (magic, unit) in
            [(0xa1b2_c3d4, 1_000), (0xa1b2_3c4d, 1), (0xa1b2_cd34, 1_000), (0xa1e2_cb12, 1), (0x1c00_01ac, 1), (0x1c00_01ab, 1_000)]
        {
            let mut made = Pcap::new(order, magic, 100, 0x5400_0001);
            made.record(7, 9, b"abc").header(8, 1_000_000, 2, 60);
            made.bytes.extend_from_slice(b"xy");
            made.record(u32::MAX, 0, b"");
            let Outcome { frames, damage } = outcome(&made.bytes);
            assert_eq!(damage, [""; 0], "{magic:x} {order:?}");
            let times: Vec<i64> = frames.iter().map(|frame| frame.2).collect();
            assert_eq!(times, [7_000_000_000 + 9 * unit, 8_000_000_000 + 1_000_000 * unit, i64::from(u32::MAX) * 1_000_000_000]);
            assert_eq!((frames[0].3, &frames[0].5[..], frames[1].4, frames[2].0), (1, &b"abc"[..], 60, 3));
            assert_eq!(made.bytes[frames[1].1 as usize..][..2], *b"xy");
        }
    }
}

#[test]
fn header_only_and_empty() {
    assert_eq!(outcome(&captures::pcap(Little, 0xa1b2_c3d4, 0, 1)), Outcome { frames: vec![], damage: vec![] });
    assert_eq!(outcome(&captures::pcapng(Big, 0, 1)).frames, []);
    assert_eq!(refusal(b""), "empty file");
    assert!(refusal(&captures::pcap(Little, 0xa1b2_c3d4, 0, 1)[..20]).contains("cut short"));
    assert!(refusal(b"<html><body>Please log in").contains("HTML"));
    assert!(refusal(&gzip(b"hello")).contains("gzip data of text"), "{}", refusal(&gzip(b"hello")));
    assert!(refusal(&gzip(&gzip(b"hello"))).contains("unpack"));
}

#[test]
fn any_cutting_gives_the_same_frames() {
    for bytes in [
        captures::pcap(Little, 0xa1b2_c3d4, 1_500, 1_500),
        captures::pcap(Big, 0xa1b2_3c4d, 30_000, 40),
        captures::pcap(Little, 0xa1b2_c3d4, 60, 60_000),
        captures::pcapng(Little, 1_500, 1_500),
        captures::pcapng(Big, 20_000, 40),
    ] {
        assert_eq!(outcome(&bytes).damage, [""; 0]);
    }
}

#[test]
fn a_capture_inside_a_capture() {
    let inner = captures::pcap(Little, 0xa1b2_c3d4, 3_000, 200);
    let mut outer = Pcap::new(Little, 0xa1b2_c3d4, 0, 1);
    for (index, segment) in inner.chunks(1_448).enumerate() {
        outer.record(1_600_000_000, index as u32, &[&[0; 54], segment].concat());
    }
    let Outcome { frames, damage } = outcome(&outer.bytes);
    assert_eq!((frames.len(), damage.len()), (inner.len().div_ceil(1_448), 0));
}

#[test]
fn sections_interfaces_and_old_blocks() {
    for order in [Little, Big] {
        let other = if order == Little { Big } else { Little };
        let mut made = Pcapng::new(order);
        made.simple(4, b"none").interface(1, 8, &[(9, &[3]), (14, &order.u64(100))]).interface(101, 0, &[]);
        made.simple(20, b"12345678").enhanced(0, 5_000, b"ms").enhanced(1, 5_000_000, b"us").simple(2, b"ab");
        made.packet(1, 6_000_000, b"old").block(0x0bad, b"custom").block(77, b"unknown").block(5, &[0; 12]).block(10, b"dsb.");
        made.enhanced(9, 0, b"no such interface").enhanced(1, 7_000_000, b"next");
        made.section(other).enhanced(0, 0, b"no interface yet").interface(113, 0, &[]).enhanced(0, 8_000_000, b"swapped");
        let Outcome { frames, damage } = outcome(&made.bytes);
        let seen: Vec<_> = frames.iter().map(|frame| (frame.0, frame.2 / 1_000_000_000, frame.3, &frame.5[..])).collect();
        let expected: [(u64, i64, u16, &[u8]); 7] = [
            (1, 0, 1, b"12345678"),
            (2, 105, 1, b"ms"),
            (3, 5, 101, b"us"),
            (4, 5, 1, b"ab"),
            (5, 6, 101, b"old"),
            (7, 7, 101, b"next"),
            (8, 8, 113, b"swapped"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(damage.len(), 3, "{damage:?}");
    }
}

#[test]
fn interfaces_that_appear_in_the_middle() {
    let mut made = Pcapng::new(Little);
    made.interface(1, 0, &[]);
    for index in 0..3_000_u32 {
        if index % 700 == 350 {
            made.interface(113, 0, &[(9, &[9])]);
        }
        if index % 1_000 == 999 {
            made.section(if index % 2_000 == 999 { Big } else { Little }).interface(12, 0, &[]);
        }
        if index % 5 == 0 {
            made.simple(3, b"abc")
        } else {
            made.enhanced(0, u64::from(index), &payload(index, 300))
        };
    }
    let Outcome { frames, damage } = outcome(&made.bytes);
    assert_eq!((frames.len(), damage.len()), (3_000, 0));
    let bytes = file(&made.bytes);
    let mut capture = Capture::open(bytes.path(), &OpenOptions::default()).unwrap();
    capture.for_each_frame(|_, _, _| {});
    let description = capture.description();
    assert_eq!(description.link_types, [LinkType(1), LinkType(12), LinkType(113)]);
    assert_eq!((description.format.as_str(), description.resolution.as_str()), ("pcapng", "ns"));
    assert_eq!((description.bytes_total, capture.bytes_read()), (Some(made.bytes.len() as u64), made.bytes.len() as u64));
}
