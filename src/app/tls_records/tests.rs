use super::*;

#[test]
fn strips_headers_and_keeps_positions() {
    let stream = b"\x16\x03\x01\x00\x02\x01\x00\x16\x03\x01\x00\x03\x00\x01\x55\x15\x03\x03\x00\x02\x02\x28junk";
    let records = Records::walk(&Pieces::whole(stream));
    assert_eq!(records.handshake.get(0, 5), Some(&b"\x01\x00\x00\x01\x55"[..]));
    assert_eq!(records.handshake.stream_at(1), Some(6));
    assert_eq!(records.handshake.stream_at(2), Some(12));
    assert_eq!((records.handshake.records(2), records.handshake.records(5)), (1, 2));
    assert_eq!(records.alerts, vec![Alert { level: 2, description: 40, at: 15 }]);
    assert_eq!(records.alerts[0].name(), "handshake_failure");
    assert_eq!(records.not_tls_at, Some(22));
}

#[test]
fn a_missing_segment_leaves_a_hole() {
    let stream = b"\x16\x03\x01\x00\x08\x01\x00\x00\x04abcd\x17\x03\x03\x00\x01z";
    let pieces = Pieces::from_segments([(0, &stream[..7]), (11, &stream[11..])]);
    let records = Records::walk(&pieces);
    assert_eq!(records.handshake.get(0, 2), Some(&b"\x01\x00"[..]));
    assert_eq!(records.handshake.get(1, 2), None);
    assert_eq!(records.handshake.get(6, 2), Some(&b"cd"[..]));
    assert!(records.application_data && !records.lost_in_gap);
    // The hole hides a record header.
    let pieces = Pieces::from_segments([(0, &stream[..7]), (16, &stream[16..])]);
    assert!(Records::walk(&pieces).lost_in_gap);
}

#[test]
fn not_tls_is_told_early() {
    assert_eq!(Records::walk(&Pieces::whole(b"HT")).not_tls_at, Some(0));
    assert_eq!(Records::walk(&Pieces::whole(b"\x16\x03")).not_tls_at, None);
    assert_eq!(Records::walk(&Pieces::default()).not_tls_at, None);
    assert!(!looks_like_record(b"\x16\x03\x01\x00\x00"));
    assert!(looks_like_record(b"\x17\x03\x03\x40\x00"));
}
