use super::crypto::InitialKeys;
use super::*;
use crate::app::mutate::{Rng, each_mutation, hex};

/// The client's CRYPTO frame of RFC 9001 and RFC 9369, Appendix A.2; padding follows it to 1162 bytes.
const CLIENT_CRYPTO: &str = "
    060040f1010000ed0303ebf8fa56f129 39b9584a3896472ec40bb863cfd3e868
    04fe3a47f06a2b69484c000004130113 02010000c000000010000e00000b6578
    616d706c652e636f6dff01000100000a 00080006001d00170018001000070005
    04616c706e0005000501000000000033 00260024001d00209370b2c9caa47fba
    baf4559fedba753de171fa71f50f1ce1 5d43e994ec74d748002b000302030400
    0d0010000e0403050306030203080408 050806002d00020101001c0002400100
    3900320408ffffffffffffffff050480 00ffff07048000ffff08011001048000
    75300901100f088394c8f03e51570806 048000ffff";

/// ACK and ServerHello, Appendix A.3 of both.
const SERVER_FRAMES: &str = "
    02000000000600405a020000560303ee fce7f7b37ba1d1632e96677825ddf739
    88cfc79825df566dc5430b9a045a1200 130100002e00330024001d00209d3c94
    0d89690b84d08a60993c144eca684d10 81287c834d5311bcf32bb9da1a002b00
    020304";

const DCID: &str = "8394c8f03e515708";

fn client_payload() -> Vec<u8> {
    let mut payload = hex(CLIENT_CRYPTO);
    payload.resize(1162, 0);
    payload
}

/// The first packets of both sides for one version, checked against the bytes the RFC prints.
fn rfc_packets(version: u32) -> (Vec<u8>, Vec<u8>) {
    let keys = InitialKeys::derive(version, &hex(DCID)).unwrap();
    let (head, tail, server, client_head, server_head) = match version {
        VERSION_1 => (
            "c000000001088394c8f03e5157080000 449e7b9aec34d1b1c98dd7689fb8ec11",
            "e221af44860018ab0856972e194cd934",
            "cf000000010008f067a5502a4262b500 4075c0d95a482cd0991cd25b0aac406a
             5816b6394100f37a1c69797554780bb3 8cc5a99f5ede4cf73c3ec2493a1839b3
             dbcba3f6ea46c5b7684df3548e7ddeb9 c3bf9c73cc3f3bded74b562bfb19fb84
             022f8ef4cdd93795d77d06edbb7aaf2f 58891850abbdca3d20398c276456cbc4
             2158407dd074ee",
            "c300000001088394c8f03e5157080000449e00000002",
            "c1000000010008f067a5502a4262b50040750001",
        ),
        _ => (
            "d76b3343cf088394c8f03e5157080000 449ea0c95e82ffe67b6abcdb4298b485",
            "a18b2faa745b6fe189cf772a9f84cbfc",
            "dc6b3343cf0008f067a5502a4262b500 4075d92faaf16f05d8a4398c47089698
             baeea26b91eb761d9b89237bbf872630 17915358230035f7fd3945d88965cf17
             f9af6e16886c61bfc703106fbaf3cb4c fa52382dd16a393e42757507698075b2
             c984c707f0a0812d8cd5a6881eaf21ce da98f4bd23f6fe1a3e2c43edd9ce7ca8
             4bed8521e2e140",
            "d36b3343cf088394c8f03e5157080000449e00000002",
            "d16b3343cf0008f067a5502a4262b50040750001",
        ),
    };
    let client = keys.client().unwrap().seal(&hex(client_head), 18, &client_payload()).unwrap();
    assert!(client.starts_with(&hex(head)) && client.ends_with(&hex(tail)) && client.len() == 1200);
    let sealed = keys.server().unwrap().seal(&hex(server_head), 18, &hex(SERVER_FRAMES)).unwrap();
    assert_eq!(sealed, hex(server));
    (client, sealed)
}

#[test]
fn rfc_keys() {
    let v1 = InitialKeys::derive(VERSION_1, &hex(DCID)).unwrap();
    assert_eq!(v1.client().unwrap().key.to_vec(), hex("1f369613dd76d5467730efcbe3b1a22d"));
    assert_eq!(v1.client().unwrap().iv.to_vec(), hex("fa044b2f42a3fd3b46fb255c"));
    assert_eq!(v1.client().unwrap().hp.to_vec(), hex("9f50449e04a0e810283a1e9933adedd2"));
    assert_eq!(v1.server().unwrap().key.to_vec(), hex("cf3a5331653c364c88f0f379b6067e37"));
    assert_eq!(v1.server().unwrap().iv.to_vec(), hex("0ac1493ca1905853b0bba03e"));
    assert_eq!(v1.server().unwrap().hp.to_vec(), hex("c206b8d9b9f0f37644430b490eeaa314"));
    let v2 = InitialKeys::derive(VERSION_2, &hex(DCID)).unwrap();
    assert_eq!(v2.client().unwrap().key.to_vec(), hex("8b1a0bc121284290a29e0971b5cd045d"));
    assert_eq!(v2.client().unwrap().iv.to_vec(), hex("91f73e2351d8fa91660e909f"));
    assert_eq!(v2.client().unwrap().hp.to_vec(), hex("45b95e15235d6f45a6b19cbcb0294ba9"));
    assert_eq!(v2.server().unwrap().key.to_vec(), hex("82db637861d55e1d011f19ea71d5d2a7"));
    assert!(InitialKeys::derive(0xff00_001d, &hex(DCID)).is_none());
}

#[test]
fn rfc_packets_open() {
    for version in [VERSION_1, VERSION_2] {
        let (client, server) = rfc_packets(version);
        let header = classify(&client).unwrap();
        assert_eq!((header.version, header.kind, header.dcid), (version, Kind::Initial, &hex(DCID)[..]));
        assert_eq!((header.packet_number_at, header.end), (18, 1200));
        let mut reader = InitialReader::new(header.dcid);
        assert_eq!(reader.feed_client(&client), 1);
        assert_eq!(reader.feed_server(&server), 1);
        let hello = reader.client_hello().unwrap();
        assert_eq!(hello.sni.as_deref(), Some(&b"example.com"[..]));
        assert_eq!(hello.offered().alpn, [b"alpn"]);
        assert!(hello.complete && hello.ja4().unwrap().starts_with("q13d0211an_"), "{:?}", hello.ja4());
        assert_eq!(reader.server_hello().unwrap().version, 0x0304);
        // The tag is checked: one flipped bit and nothing opens.
        let mut damaged = client.clone();
        damaged[700] ^= 1;
        assert_eq!(InitialReader::new(&hex(DCID)).feed_client(&damaged), 0);
        assert_eq!(InitialReader::new(b"wrong").feed_server(&server), 0);
    }
}

/// An Initial with the given DCID and frames, as `keys_from` would have it protected.
fn initial(dcid: &[u8], keys_from: &[u8], number: u8, frames: &[u8]) -> Vec<u8> {
    let mut payload = frames.to_vec();
    payload.resize(payload.len().max(64), 0);
    let mut header = vec![0xc0, 0, 0, 0, 1, dcid.len() as u8];
    header.extend(dcid);
    header.extend([0, 0]);
    header.extend((0x4000 | (payload.len() as u16 + 17)).to_be_bytes());
    header.push(number);
    let number_at = header.len() - 1;
    InitialKeys::derive(VERSION_1, keys_from).unwrap().client().unwrap().seal(&header, number_at, &payload).unwrap()
}

fn crypto(offset: u16, data: &[u8]) -> Vec<u8> {
    [&[6][..], &(0x4000 | offset).to_be_bytes(), &(0x4000 | data.len() as u16).to_be_bytes(), data].concat()
}

#[test]
fn scattered_out_of_order_and_missing() {
    let hello = hex(CLIENT_CRYPTO)[4..].to_vec();
    let part = |from: usize, to: usize| crypto(from as u16, &hello[from..to]);
    let first = initial(b"dcid", b"dcid", 0, &[part(180, 241), vec![1, 0, 0], part(0, 20), part(40, 90)].concat());
    let second = initial(b"dcid", b"dcid", 1, &[part(90, 180), part(15, 45)].concat());
    let mut reader = InitialReader::new(b"dcid");
    assert_eq!(reader.feed_client(&first), 1);
    let partial = reader.client_hello().unwrap();
    assert!(partial.partial);
    // Both in one datagram, with a coalesced Handshake packet behind.
    let handshake = [&[0xe0, 0, 0, 0, 1, 4][..], b"dcid", &[0, 20], &[0; 20]].concat();
    assert_eq!(reader.feed_client(&[&second[..], &handshake].concat()), 1);
    let whole = reader.client_hello().unwrap();
    assert_eq!(whole.sni.as_deref(), Some(&b"example.com"[..]));
    assert!(whole.complete && reader.handshake_packets().0);
    assert_eq!(reader.opened(), (2, 0));
}

#[test]
fn retry_changes_the_keys() {
    let mut reader = InitialReader::new(b"first-id");
    let hello = hex(CLIENT_CRYPTO);
    assert_eq!(reader.feed_client(&initial(b"first-id", b"first-id", 0, &hello[..100])), 1);
    let retry = [&[0xf0, 0, 0, 0, 1, 0, 6][..], b"server", b"token", &[0; 16]].concat();
    assert_eq!(reader.feed_server(&retry), 0);
    assert!(reader.retry_seen());
    assert_eq!(reader.feed_client(&initial(b"server", b"server", 1, &hello)), 1);
    assert_eq!(reader.client_hello().unwrap().sni.as_deref(), Some(&b"example.com"[..]));
    // Without a Retry the client's later Initials carry the server's id but keep the first keys.
    assert_eq!(reader.feed_client(&initial(b"other", b"server", 2, &[0x1c, 0x40, 0x80, 0, 0])), 1);
    assert_eq!(reader.closes(), (Some(0x80), None));
}

#[test]
fn floods_cost_little() {
    let mut reader = InitialReader::new(b"dcid");
    let good = initial(b"dcid", b"dcid", 0, &crypto(0, &[1; 40]));
    let mut bad = good.clone();
    bad[40] ^= 1;
    let opened: usize = (0..1000).map(|_| reader.feed_client(&good)).sum();
    assert_eq!(opened, 8);
    let mut reader = InitialReader::new(b"dcid");
    (0..1000).for_each(|_| assert_eq!(reader.feed_client(&bad), 0));
    assert_eq!(reader.feed_client(&good), 0, "given up");
}

#[test]
fn only_quic_looks_like_quic() {
    assert!(looks_like_quic(&[0xc3, 0, 0, 0, 1, 0, 0, 0, 4, 1, 2, 3, 4]));
    assert!(looks_like_quic(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
    assert!(!looks_like_quic(&[0x80; 40]) && !looks_like_quic(&[0; 40]) && !looks_like_quic(b""));
    assert!(!looks_like_quic(&[0xc3, 0, 0, 0, 1, 21, 0]));
    let mut rng = Rng(11);
    let hits = (0..300_000).filter(|_| looks_like_quic(&rng.bytes(40))).count();
    assert_eq!(hits, 0);
}

#[test]
fn survives_mutations() {
    let (client, server) = rfc_packets(VERSION_1);
    let frames = [hex(SERVER_FRAMES), hex(CLIENT_CRYPTO)].concat();
    each_mutation(&[&client, &server], 1_500, |bytes| {
        let mut reader = InitialReader::new(&hex(DCID));
        reader.feed_client(bytes);
        reader.feed_server(bytes);
        assert!(coalesced(bytes).count() <= 8);
        reader.client_hello();
        reader.server_hello();
    });
    // What a forger who can derive the keys may put inside.
    each_mutation(&[&frames], 3_000, |bytes| {
        let mut reader = InitialReader::new(b"dcid");
        reader.feed_client(&initial(b"dcid", b"dcid", 0, bytes));
        let _ = reader.client_hello();
    });
    each_mutation(&[&frames], 30_000, |bytes| assert!(super::frames::frames(bytes).count() <= bytes.len()));
}
