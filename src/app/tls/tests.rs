use super::*;
use crate::app::mutate::{Rng, each_mutation, hex};
use crate::app::tls_records::MAX_HANDSHAKE;

const NAME: &[u8] = b"blocked.example.com";

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn prefixed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes()[..], body].concat()
}

fn server_name(name: &[u8]) -> Vec<u8> {
    extension(0, &prefixed(&[&[0], &prefixed(name)[..]].concat()))
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

/// A hello with the given extensions.
fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([0x11; 32]);
    body.push(32);
    body.extend([0x22; 32]);
    body.extend([0, 8, 0x1a, 0x1a, 0x13, 0x01, 0xc0, 0x2b, 0x00, 0x2f, 1, 0]);
    body.extend(prefixed(&extensions.concat()));
    message(1, &body)
}

/// GREASE, a post-quantum key share in front of the name (so that the name falls into the second segment), ALPN.
fn browser_hello() -> Vec<u8> {
    hello(&[
        extension(0x5a5a, &[]),
        extension(51, &[0x33; 1300]),
        server_name(NAME),
        extension(16, &prefixed(b"\x02h2\x08http/1.1")),
        extension(13, &prefixed(&[4, 3, 8, 4])),
        extension(43, &[6, 0x6a, 0x6a, 3, 4, 3, 3]),
        extension(0xfe0d, &[0; 40]),
    ])
}

fn records(handshake: &[u8], size: usize) -> Vec<u8> {
    handshake.chunks(size).flat_map(|part| [&[22, 3, 1][..], &prefixed(part)].concat()).collect()
}

fn read(pieces: &Pieces) -> ClientHello {
    client(pieces).unwrap().hello.unwrap()
}

#[test]
fn whole_hello() {
    let stream = [records(&browser_hello(), 16384), b"\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x02zz".to_vec()].concat();
    let side = client(&Pieces::whole(&stream)).unwrap();
    assert!(side.application_data && side.change_cipher_spec);
    let hello = side.hello.unwrap();
    assert_eq!(hello.sni.as_deref(), Some(NAME));
    let (from, to) = hello.sni_at.unwrap();
    assert_eq!(&stream[from as usize..to as usize], NAME);
    assert_eq!(hello.offered().versions, [0x6a6a, 0x0304, 0x0303]);
    assert_eq!(hello.offered().alpn, [&b"h2"[..], b"http/1.1"]);
    assert_eq!((hello.ciphers, hello.session_id_len, hello.records), (4, 32, 1));
    assert_eq!(hello.ech, Some(Ech::Outer));
    assert!(hello.complete && !hello.partial);
    assert_eq!(hello.handshake_len + 5, hello.stream_len);
    assert!(hello.ja4().unwrap().starts_with("t13d0306h2_"), "{:?}", hello.ja4());
    assert!(is_client_hello_start(&stream) && is_client_hello_start(&stream[..1]) && looks_like_record(&stream));
    assert!(!is_client_hello_start(b"") && !is_client_hello_start(b"\x16\x03\x01\x00\x50\x02"));
}

#[test]
fn two_segments_and_many_tiny_records() {
    let handshake = browser_hello();
    let plain = records(&handshake, 16384);
    let (first, second) = plain.split_at(1300);
    let split = read(&Pieces::from_segments([(1300, second), (0, first)]));
    assert_eq!(split, read(&Pieces::whole(&plain)));
    assert!(split.sni_at.unwrap().0 > 1300, "the name came in the second segment");
    for size in [1, 3, 50] {
        let tiny = records(&handshake, size);
        let hello = read(&Pieces::whole(&tiny));
        assert_eq!(hello.sni.as_deref(), Some(NAME));
        assert_eq!((hello.records, hello.stream_len), (handshake.len().div_ceil(size), tiny.len()));
        assert_eq!(hello.ja4(), split.ja4());
        assert!(hello.complete);
    }
}

#[test]
fn a_missing_segment_keeps_the_name() {
    let stream = records(&browser_hello(), 16384);
    // Only a part of the key share is missing: every header is there.
    let pieces = Pieces::from_segments([(0, &stream[..400]), (900, &stream[900..])]);
    let hello = read(&pieces);
    assert_eq!(hello.sni.as_deref(), Some(NAME));
    assert!(hello.partial && !hello.complete && hello.ja4().is_none());
    assert_eq!(hello.offered().alpn.len(), 2);
    // The hole hides an extension header, then the head of the hello: the scan finds the name.
    for from in [20, 0] {
        let pieces = Pieces::from_segments([(0, &stream[..from]), (700, &stream[700..])]);
        let found = read(&pieces);
        assert_eq!((found.sni.as_deref(), found.sni_at), (Some(NAME), hello.sni_at));
        assert!(found.partial);
    }
    // The segment with the name is missing: no name is made up.
    let pieces = Pieces::from_segments([(0, &stream[..1300]), (1500, &stream[1500..])]);
    assert_eq!(read(&pieces).sni, None);
}

#[test]
fn cut_inside_the_extensions() {
    let stream = records(&browser_hello(), 16384);
    let (from, to) = read(&Pieces::whole(&stream)).sni_at.unwrap();
    let before = read(&Pieces::whole(&stream[..from as usize - 12]));
    assert!(before.partial && before.sni.is_none() && before.handshake_len > before.stream_len);
    let inside = read(&Pieces::whole(&stream[..to as usize - 3]));
    assert_eq!(inside.sni, None);
    assert!(inside.sni_at.is_none() || inside.sni_at == Some((from, to)));
    let after = read(&Pieces::whole(&stream[..to as usize]));
    assert_eq!((after.sni.as_deref(), after.stream_len), (Some(NAME), to as usize));
    assert!(after.partial && after.ja4().is_none());
}

#[test]
fn esni_no_name_and_old_clients() {
    let esni = records(&hello(&[extension(0xffce, &[1; 60])]), 16384);
    let esni = read(&Pieces::whole(&esni));
    assert_eq!((esni.ech, esni.sni.as_deref()), (Some(Ech::Esni), None));
    assert!(esni.ja4().unwrap().starts_with("t12i030100_"));
    let empty = read(&Pieces::whole(&records(&hello(&[extension(0, &[])]), 16384))).sni;
    assert_eq!(empty, Some(Vec::new()));
    // No extensions at all.
    let mut body = vec![3, 1];
    body.extend([9; 32]);
    body.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let old = read(&Pieces::whole(&records(&message(1, &body), 16384)));
    assert!(old.complete && old.sni.is_none());
    assert!(old.ja4().unwrap().starts_with("t10i010000_"));
    assert!(client(&Pieces::whole(b"GET / HTTP/1.1\r\n")).is_none());
    assert!(client(&Pieces::default()).is_none());
}

fn server_hello(random: &[u8; 32], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.extend([0, 0x13, 0x01, 0]);
    body.extend(prefixed(&extensions.concat()));
    message(2, &body)
}

#[test]
fn tls13_server_with_retry() {
    let retry: [u8; 32] = hex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c").try_into().unwrap();
    let versions = extension(43, &[3, 4]);
    let first = records(&server_hello(&retry, std::slice::from_ref(&versions)), 99);
    let second = records(&server_hello(&[7; 32], &[versions, extension(16, &prefixed(b"\x02h2"))]), 99);
    let stream = [&first[..], b"\x14\x03\x03\x00\x01\x01", &second, b"\x17\x03\x03\x00\x05hello"].concat();
    let side = server(&Pieces::whole(&stream)).unwrap();
    assert!(side.application_data && side.handshake_started && !side.first_bytes_not_tls);
    let hello = side.hello.unwrap();
    assert_eq!((hello.version, hello.cipher, hello.hello_retry), (0x0304, 0x1301, true));
    assert_eq!(hello.alpn.as_deref(), Some(&b"h2"[..]));
    assert!(side.certificates.is_empty());
}

#[test]
fn tls12_chain_whole_and_cut() {
    let leaf = hex(include_str!("../certificate/self_signed.hex"));
    let entry = |der: &[u8]| [&(der.len() as u32).to_be_bytes()[1..], der].concat();
    let list = [entry(&leaf), entry(&leaf)].concat();
    let flight = [server_hello(&[5; 32], &[]), message(11, &entry(&list)), message(14, &[])].concat();
    let stream = [records(&flight, 300), b"\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x28".to_vec(), vec![0xee; 40]].concat();
    let side = server(&Pieces::whole(&stream)).unwrap();
    assert_eq!(side.hello.as_ref().unwrap().version, 0x0303);
    assert_eq!(side.certificates.len(), 2);
    assert!(side.chain_complete && side.certificates[0].self_signed);
    let cut = server(&Pieces::whole(&stream[..400])).unwrap();
    assert_eq!(cut.certificates.len(), 1);
    assert_eq!(cut.certificates[0].issuer_cn.as_deref(), Some("blocked.example"));
    assert!(!cut.chain_complete && cut.certificates[0].sha256.is_none());
}

#[test]
fn alerts_and_plain_text() {
    let refused = server(&Pieces::whole(b"\x15\x03\x03\x00\x02\x02\x70")).unwrap();
    assert_eq!(refused.alerts[0].name(), "unrecognized_name");
    assert!(refused.alerts[0].is_fatal() && !refused.handshake_started);
    assert_eq!(alerts(&Pieces::whole(b"\x15\x03\x03\x00\x1a\x00\x00\x00")), vec![], "encrypted");
    let page = server(&Pieces::whole(b"HTTP/1.1 403 Forbidden\r\n")).unwrap();
    assert!(page.first_bytes_not_tls && page.hello.is_none());
    assert!(server(&Pieces::from_segments([(5, &b"abc"[..])])).is_none());
}

#[test]
fn survives_mutations_and_holes() {
    let leaf = hex(include_str!("../certificate/self_signed.hex"));
    let entry = [&(leaf.len() as u32).to_be_bytes()[1..], &leaf[..]].concat();
    let chain = [&(entry.len() as u32).to_be_bytes()[1..], &entry[..]].concat();
    let flight = [server_hello(&[5; 32], &[extension(43, &[3, 4])]), message(11, &chain)].concat();
    let small = hello(&[server_name(NAME), extension(16, &prefixed(b"\x02h2")), extension(43, &[2, 3, 4])]);
    let seeds = [records(&small, 999), records(&small, 7), records(&browser_hello(), 700), records(&flight, 400)];
    let mut rng = Rng(3);
    each_mutation(&seeds.each_ref().map(|s| &s[..]), 8_000, |bytes| {
        let hole = rng.below(bytes.len().max(1));
        let after = (hole + rng.below(300)).min(bytes.len());
        let holed = Pieces::from_segments([(0, &bytes[..hole.min(bytes.len())]), (after as u32, &bytes[after..])]);
        for pieces in [Pieces::whole(bytes), holed] {
            if let Some(hello) = client(&pieces).and_then(|side| side.hello) {
                assert!(hello.sni.as_ref().is_none_or(|sni| sni.len() <= MAX_HANDSHAKE));
                assert!(hello.stream_len <= pieces.end() as usize);
                assert!(hello.complete != hello.partial);
                if let (Some(sni), Some((from, to))) = (&hello.sni, hello.sni_at) {
                    // In one record the name stands there as it is.
                    assert!((to - from) as usize >= sni.len());
                }
            }
            if let Some(side) = server(&pieces) {
                assert!(side.certificates.len() <= 8);
            }
        }
    });
}
