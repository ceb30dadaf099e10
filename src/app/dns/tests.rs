use super::*;
use crate::app::mutate::{Rng, each_mutation};

/// A message with one question for `www.example.com` and raw record bytes behind it.
fn message(flags: u16, qtype: u16, counts: [u16; 3], records: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34];
    bytes.extend(flags.to_be_bytes());
    for count in [1, counts[0], counts[1], counts[2]] {
        bytes.extend(u16::to_be_bytes(count));
    }
    bytes.extend(b"\x03www\x07example\x03com\x00");
    bytes.extend(qtype.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(records.concat());
    bytes
}

const A: &[u8] = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\xea\x00\x04\x1f\x0d\x55\x01";
const OPT_DO: &[u8] = b"\x00\x00\x29\x04\xd0\x01\x00\x80\x00\x00\x06\x00\x0a\x00\x02\xab\xcd";

#[test]
fn forged_a_for_an_mx_query() {
    let bytes = message(0x8580, 15, [1, 0, 0], &[A]);
    let reply = parse(&bytes).unwrap();
    assert_eq!((reply.id, reply.flags, reply.rcode), (0x1234, 0x8580, 0));
    assert!(reply.is_response && reply.authoritative && reply.recursion_available);
    assert_eq!(reply.question.as_ref().unwrap().qtype, 15);
    assert_eq!(reply.answers[0].data, Data::A([31, 13, 85, 1].into()));
    assert_eq!(reply.answers[0].ttl, 234);
    assert!(reply.notes.contains(Notes::ANSWER_NAME_IS_POINTER_TO_QUESTION.union(Notes::COMPRESSION)));
    assert!(!reply.notes.is_malformed());
    assert!(strictly_valid(&bytes));
    assert_eq!(quick_txid(&bytes), Some(0x1234));
    assert_eq!(reply.answers[0].name, reply.question.unwrap().name);
}

#[test]
fn https_records_z_bit_and_two_opts_cost_nothing() {
    let https: &[u8] = b"\xc0\x0c\x00\x41\x00\x01\x00\x00\x01\x2c\x00\x03\x00\x01\x00";
    let bytes = message(0x81c0, 65, [2, 0, 2], &[https, A, OPT_DO, OPT_DO]);
    assert!(!strictly_valid(&bytes));
    let reply = parse(&bytes).unwrap();
    assert_eq!(reply.answers[0].data, Data::Other { len: 3 });
    assert_eq!(reply.answers[1].data, Data::A([31, 13, 85, 1].into()));
    assert!(reply.notes.contains(Notes::Z_BIT) && reply.notes.contains(Notes::TWO_OPTS));
    let edns = reply.edns.unwrap();
    assert_eq!((edns.udp_size, edns.version, edns.dnssec_ok), (1232, 0, true));
    assert_eq!(edns.options, vec![(10, 2)]);
    assert_eq!(reply.rcode, 16, "BADVERS: upper bits come from the OPT");
    assert_eq!(qtype_name(65), "HTTPS");
    assert_eq!(qtype_name(65280), "TYPE65280");
}

#[test]
fn types_with_names() {
    let cname = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x10";
    let mx = b"\xc0\x0c\x00\x0f\x00\x01\x00\x00\x00\x3c\x00\x04\x00\x0a\xc0\x10";
    let srv = b"\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x3c\x00\x08\x00\x01\x00\x02\x00\x35\xc0\x10";
    let txt = b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x05\x02ab\x01c";
    let soa = b"\xc0\x10\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x18\xc0\x10\xc0\x0c\
                \x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05";
    let bytes = message(0x8180, 255, [4, 1, 0], &[cname, mx, srv, txt, soa]);
    let reply = parse(&bytes).unwrap();
    let example = Name::from_text(b"example.com").unwrap();
    let data: Vec<_> = reply.answers.iter().map(|r| r.data.clone()).collect();
    assert_eq!(
        data,
        vec![
            Data::Name(example.clone()),
            Data::Mx { preference: 10, exchange: example.clone() },
            Data::Srv { priority: 1, weight: 2, port: 53, target: example.clone() },
            Data::Txt(b"abc".to_vec()),
        ]
    );
    assert!(matches!(reply.authorities[0].data, Data::Soa { serial: 1, minimum: 5, .. }));
    assert!(!reply.notes.is_malformed());
}

#[test]
fn cut_lying_and_trailing() {
    let whole = message(0x8180, 1, [2, 0, 0], &[A, A]);
    let cut = parse(&whole[..whole.len() - 3]).unwrap();
    assert_eq!(cut.answers.len(), 1);
    assert!(cut.notes.contains(Notes::CUT) && !cut.notes.contains(Notes::COUNTS_LIE));
    let lying = parse(&whole[..whole.len() - A.len()]).unwrap();
    assert_eq!(lying.answers.len(), 1);
    assert!(lying.notes.contains(Notes::COUNTS_LIE));
    // An old injector copied the query's OPT behind its answer without announcing it.
    let trailing = parse(&message(0x8180, 1, [1, 0, 0], &[A, OPT_DO])).unwrap();
    assert!(trailing.notes.contains(Notes::TRAILING_BYTES) && trailing.edns.is_none());
    let short = message(0x8180, 1, [1, 0, 0], &[b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x03abc"]);
    let short = parse(&short).unwrap();
    assert_eq!(short.answers[0].data, Data::Other { len: 3 });
    assert!(short.notes.contains(Notes::BAD_RDATA));
    let flood = message(0x8180, 1, [500, 0, 0], &[&A.repeat(500)]);
    let flood = parse(&flood).unwrap();
    assert_eq!(flood.answers.len(), MAX_RECORDS);
    assert!(flood.notes.contains(Notes::RECORDS_CAPPED));
}

#[test]
fn pointer_loops_end_the_walk() {
    let loops = b"\xc0\x21\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04abcd";
    let reply = parse(&message(0x8180, 1, [1, 0, 0], &[loops])).unwrap();
    assert!(reply.answers.is_empty());
    assert!(reply.notes.contains(Notes::POINTER_LOOP));
}

#[test]
fn missing_qclass_is_recognised() {
    // The class left out: the answer's pointer stands in its place.
    let mut forged = message(0x81a0, 1, [1, 0, 0], &[A]);
    let class_at = 12 + 17 + 2;
    forged.drain(class_at..class_at + 2);
    assert_eq!(parse(&forged), None);
    assert_eq!(quick_txid(&forged), None);
    let reply = parse_lenient(&forged).unwrap();
    assert!(reply.notes.contains(Notes::NO_QCLASS) && reply.notes.is_malformed());
    assert_eq!(reply.answers[0].data, Data::A([31, 13, 85, 1].into()));
    let mut stream = (forged.len() as u16).to_be_bytes().to_vec();
    stream.extend(&forged);
    stream.extend([0, 99, 1, 2]);
    let messages = tcp_messages(&stream);
    assert_eq!(messages, vec![(&forged[..], true), (&[1u8, 2][..], false)]);
    assert!(tcp_messages(&[0; 4096]).is_empty());
    assert_eq!(tcp_messages(&[0, 1, 9].repeat(5000)).len(), 64);
}

#[test]
fn responses_without_a_question() {
    let refused = b"\x00\x07\x80\x05\x00\x00\x00\x00\x00\x00\x00\x00";
    assert_eq!(quick_txid(refused), Some(7));
    assert_eq!(parse(refused).unwrap().rcode, 5);
    let with_opt = [&b"\x00\x07\x80\x01\x00\x00\x00\x00\x00\x00\x00\x01"[..], OPT_DO].concat();
    assert_eq!(quick_txid(&with_opt), Some(7));
    assert!(parse(&with_opt).unwrap().edns.is_some());
    let query = b"\x00\x07\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    assert_eq!((quick_txid(query), parse(query)), (None, None));
    assert_eq!(parse(&[0; 64]), None);
}

#[test]
fn netbios_is_not_dns() {
    let mut query = b"\x87\x96\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00\x00\x21\x00\x01".to_vec();
    assert_eq!((quick_txid(&query), parse(&query)), (None, None));
    assert!(parse_lenient(&query).is_some());
    query[20] = b'q';
    assert_eq!(quick_txid(&query), Some(0x8796));
}

#[test]
fn other_protocols_are_turned_away() {
    let mut rng = Rng(42);
    let mut hits = 0;
    for round in 0..400_000 {
        let length = 8 + rng.below(72);
        let mut bytes = rng.bytes(length);
        // Heads of QUIC, STUN, RTP, NTP, DTLS, WireGuard, and plain noise.
        let head: &[u8] = match round % 8 {
            0 => &[0xc3, 0, 0, 0, 1, 8],
            1 => &[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42],
            2 => &[0x80, 0x60],
            3 => &[0x23, 2, 6, 0xec, 0, 0, 0x01, 0x4c, 0, 0, 0x03, 0x12],
            4 => &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0],
            5 => &[1, 0, 0, 0],
            6 => &[0x40],
            _ => &[],
        };
        for (at, byte) in head.iter().enumerate().take(length) {
            bytes[at] = *byte;
        }
        hits += usize::from(quick_txid(&bytes).is_some());
    }
    assert_eq!(hits, 0);
}

#[test]
fn survives_mutations() {
    let https: &[u8] = b"\xc0\x0c\x00\x41\x00\x01\x00\x00\x01\x2c\x00\x03\x00\x01\x00";
    let cname: &[u8] = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x10";
    let mx: &[u8] = b"\xc0\x0c\x00\x0f\x00\x01\x00\x00\x00\x3c\x00\x04\x00\x0a\xc0\x10";
    let seeds = [
        message(0x8180, 1, [3, 0, 1], &[A, cname, https, OPT_DO]),
        message(0x8180, 15, [2, 1, 0], &[mx, A, mx]),
        message(0x0100, 1, [0, 0, 1], &[OPT_DO]),
    ];
    each_mutation(&seeds.each_ref().map(|s| &s[..]), 20_000, |bytes| {
        if let Some(message) = parse_lenient(bytes) {
            assert!(message.answers.len() + message.authorities.len() + message.additionals.len() <= MAX_RECORDS);
            let text: usize = message.answers.iter().map(|r| r.name.as_lower_text().len()).sum();
            assert!(text <= MAX_RECORDS * 255 * 4);
        }
        // What the quick look takes for DNS, the full parse takes too.
        assert!(quick_txid(bytes).is_none() || parse(bytes).is_some() || bytes[12..].contains(&0xc0));
        strictly_valid(bytes);
        tcp_messages(bytes);
    });
}
