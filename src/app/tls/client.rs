//! The client's direction: its hello, whole or in parts.

use super::hello::{self, Extension, Offered};
use crate::app::ja4::Ja4;
use crate::app::pieces::Pieces;
use crate::app::tls_records::{Alert, Handshake, MAX_HANDSHAKE, Records};
use std::ops::Range;

const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const KEY_SHARE: u16 = 51;
const ESNI: u16 = 0xffce;
const ECH: u16 = 0xfe0d;

/// What the client's direction of a TLS stream shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSide {
    pub hello: Option<ClientHello>,
    pub alerts: Vec<Alert>,
    pub application_data: bool,
    pub change_cipher_spec: bool,
    pub records: usize,
    /// Where something that is no record follows the records.
    pub not_tls_at: Option<u32>,
}

/// A ClientHello, as far as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    pub legacy_version: u16,
    /// Cipher suites offered, GREASE included.
    pub ciphers: usize,
    /// The raw server name; empty if the extension holds none.
    pub sni: Option<Vec<u8>>,
    pub ech: Option<Ech>,
    rest: Rest,
    /// JA4's letter.
    transport: char,
    pub session_id_len: usize,
    /// Every byte of the message is there.
    pub complete: bool,
    /// The message with its four-byte header, as it declares itself; 0 if its head is missing.
    pub handshake_len: usize,
    /// One past the hello's last byte in the stream, or past the last byte there is.
    pub stream_len: usize,
    /// First byte of the server name in the stream, and one past its last.
    pub sni_at: Option<(u32, u32)>,
    /// Records the hello came in; 0 over QUIC.
    pub records: usize,
    /// Some bytes are missing; what is said of the hello is what the others show.
    pub partial: bool,
}

/// What more can be told of a hello, to whoever prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rest {
    /// The whole message: every byte of it is there.
    Message(Vec<u8>),
    /// What could be read.
    Offered(Offered),
}

impl ClientHello {
    /// The versions and protocols it offers. Of a hello that is whole they are read when they are asked for.
    pub fn offered(&self) -> Offered {
        match &self.rest {
            Rest::Message(message) => {
                let (handshake, head) = read_whole(message);
                hello::decode(&handshake, &head.extensions, true)
            }
            Rest::Offered(offered) => offered.clone(),
        }
    }

    /// The JA4 fingerprint of a hello that is whole. Read anew and hashed twice: for whoever prints it.
    pub fn ja4(&self) -> Option<String> {
        let Rest::Message(message) = &self.rest else { return None };
        let (handshake, head) = read_whole(message);
        let offered = hello::decode(&handshake, &head.extensions, true);
        let ja4 = Ja4 {
            transport: self.transport,
            legacy_version: head.legacy_version,
            versions: offered.versions,
            ciphers: head.ciphers(&handshake).collect(),
            extensions: head.extensions.iter().map(|extension| extension.kind).collect(),
            signature_algorithms: hello::signature_algorithms(&handshake, &head.extensions),
            alpn: offered.alpn.into_iter().next(),
        };
        Some(ja4.text())
    }
}

/// How the real server name was hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ech {
    /// The ESNI drafts' extension, which some networks drop on sight.
    Esni,
    /// Encrypted ClientHello. Browsers without a key send one of random bytes (GREASE), made to look the same.
    Outer,
}

pub(super) fn read(pieces: &Pieces) -> Option<ClientSide> {
    if pieces.is_empty() {
        return None;
    }
    let records = Records::walk(pieces);
    let headless = pieces.array::<1>(0).is_none();
    if records.not_tls_at == Some(0) && !headless {
        return None;
    }
    let mut found = hello(records.handshake, 't');
    let lost = found.as_ref().is_none_or(|hello| hello.partial && hello.sni.is_none());
    if lost && pieces.has_gap() && !records.application_data {
        found = scan(pieces, found.clone()).or(found);
    }
    if found.is_none() && records.count == 0 {
        return None;
    }
    Some(ClientSide {
        hello: found,
        alerts: records.alerts,
        application_data: records.application_data,
        change_cipher_spec: records.change_cipher_spec,
        records: records.count,
        not_tls_at: records.not_tls_at.filter(|_| !headless),
    })
}

/// Octets of the hello at the start of a handshake buffer, by its header.
pub(in crate::app) fn hello_len(handshake: &Handshake) -> Option<usize> {
    (handshake.u8(0)? == CLIENT_HELLO).then_some(4 + handshake.u24(1)?)
}

/// Reads the hello at the start of a handshake buffer; `transport` is JA4's letter.
pub(in crate::app) fn hello(handshake: Handshake, transport: char) -> Option<ClientHello> {
    let handshake_len = hello_len(&handshake)?;
    let complete = handshake.get(0, handshake_len).is_some();
    let head = Head::read(&handshake, handshake_len);
    let (sni, sni_at) = server_name(&handshake, &head.extensions);
    let ciphers = head.ciphers(&handshake).len();
    let last = if complete { handshake_len } else { handshake.len() }.saturating_sub(1);
    Some(ClientHello {
        legacy_version: head.legacy_version,
        ciphers,
        sni,
        ech: head.extensions.iter().find_map(|extension| match extension.kind {
            ESNI => Some(Ech::Esni),
            ECH => Some(Ech::Outer),
            _ => None,
        }),
        transport,
        session_id_len: head.session_id_len,
        complete,
        handshake_len,
        stream_len: handshake.stream_at(last).map_or(0, |last| last as usize + 1),
        sni_at,
        records: handshake.records(handshake_len.min(handshake.len())),
        partial: !complete,
        rest: if complete {
            Rest::Message(handshake.into_first(handshake_len))
        } else {
            Rest::Offered(hello::decode(&handshake, &head.extensions, true))
        },
    })
}

pub(super) fn key_shares(pieces: &Pieces) -> Option<Range<u32>> {
    let handshake = Records::walk(pieces).handshake;
    let length = hello_len(&handshake).filter(|length| handshake.get(0, *length).is_some())?;
    let keys = Head::read(&handshake, length).extensions.into_iter().find(|extension| extension.kind == KEY_SHARE && extension.len > 0)?;
    let stream = handshake.stream_at(keys.at)?..handshake.stream_at(keys.at + keys.len - 1)?.checked_add(1)?;
    (stream.len() == keys.len).then_some(stream)
}

fn read_whole(message: &[u8]) -> (Handshake, Head) {
    let handshake = Handshake::from_crypto(&Pieces::whole(message));
    let head = Head::read(&handshake, message.len());
    (handshake, head)
}

/// The fields in front of the extensions, and where the extensions stand.
#[derive(Default)]
struct Head {
    legacy_version: u16,
    session_id_len: usize,
    /// Where the list of ciphers stands, and its length.
    ciphers: (usize, usize),
    extensions: Vec<Extension>,
}

impl Head {
    fn read(handshake: &Handshake, message_end: usize) -> Head {
        let mut head = Head::default();
        head.read_until_cut(handshake, message_end);
        head
    }

    /// Fills in field by field, so that a cut leaves what came before it.
    fn read_until_cut(&mut self, handshake: &Handshake, message_end: usize) -> Option<()> {
        const AFTER_RANDOM: usize = 4 + 2 + 32;
        self.legacy_version = handshake.u16(4)?;
        self.session_id_len = usize::from(handshake.u8(AFTER_RANDOM)?);
        let mut at = AFTER_RANDOM + 1 + self.session_id_len;
        self.ciphers = (at + 2, usize::from(handshake.u16(at)?));
        at += 2 + self.ciphers.1;
        at += 1 + usize::from(handshake.u8(at)?);
        self.extensions = hello::extensions(handshake, at, message_end);
        Some(())
    }

    /// A hole inside the list hides the ciphers but not what follows.
    fn ciphers(&self, handshake: &Handshake) -> impl ExactSizeIterator<Item = u16> {
        let (at, len) = self.ciphers;
        handshake.get(at, len).unwrap_or_default().as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair))
    }
}

/// The first host name of the server_name extension (RFC 6066 section 3) and where it stands in the stream.
fn server_name(handshake: &Handshake, extensions: &[Extension]) -> (Option<Vec<u8>>, Option<(u32, u32)>) {
    let Some(extension) = extensions.iter().find(|extension| extension.kind == SERVER_NAME) else {
        return (None, None);
    };
    let end = extension.at + extension.len;
    let mut at = extension.at + 2;
    while at + 3 <= end {
        let (Some(kind), Some(len)) = (handshake.u8(at), handshake.u16(at + 1)) else {
            return (None, None);
        };
        let (start, len) = (at + 3, usize::from(len));
        if start + len > end {
            break;
        }
        if kind == 0 {
            let last = (start + len).saturating_sub(1);
            let place = handshake.stream_at(start).zip(handshake.stream_at(last).and_then(|at| at.checked_add(1)));
            return (handshake.get(start, len).map(<[u8]>::to_vec), place.filter(|_| len > 0));
        }
        at = start + len;
    }
    let seen = extension.len == 0 || handshake.get(extension.at, extension.len).is_some();
    (seen.then(Vec::new), None)
}

/// Looks for the server_name extension in what is left when a missing segment took the headers with it. Three
/// nested lengths must agree and the value must look like a host name, so random bytes do not pass.
fn scan(pieces: &Pieces, known: Option<ClientHello>) -> Option<ClientHello> {
    let limit = MAX_HANDSHAKE as u32;
    let (name, from) = pieces.runs().into_iter().take_while(|run| run.start < limit).find_map(|run| {
        let bytes = pieces.copy(run.start..run.end.min(limit));
        let (at, len) = find_server_name(&bytes)?;
        let name = bytes.get(at..at + len)?.to_vec();
        Some((name, run.start + at as u32))
    })?;
    let mut hello = known.unwrap_or(ClientHello {
        legacy_version: 0,
        ciphers: 0,
        sni: None,
        ech: None,
        rest: Rest::Offered(Offered::default()),
        transport: 't',
        session_id_len: 0,
        complete: false,
        handshake_len: 0,
        stream_len: pieces.end() as usize,
        sni_at: None,
        records: 0,
        partial: true,
    });
    hello.sni_at = Some((from, from + name.len() as u32));
    hello.sni = Some(name);
    Some(hello)
}

fn find_server_name(bytes: &[u8]) -> Option<(usize, usize)> {
    bytes.windows(9).enumerate().find_map(|(at, window)| {
        let [0, 0, e1, e0, l1, l0, 0, n1, n0] = *window else {
            return None;
        };
        let [extension, list, len] = [[e1, e0], [l1, l0], [n1, n0]].map(|n| usize::from(u16::from_be_bytes(n)));
        let name = bytes.get(at + 9..at + 9 + len)?;
        let host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let fits = extension == list + 2 && list == len + 3 && (4..=255).contains(&len);
        (fits && name.contains(&b'.') && name.iter().all(host)).then_some((at + 9, len))
    })
}
