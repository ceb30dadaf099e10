//! The client's direction: its hello, whole or in parts.

use super::hello::{self, Extension};
use crate::app::ja4::Ja4;
use crate::app::pieces::Pieces;
use crate::app::tls_records::{Alert, Handshake, MAX_HANDSHAKE, Records};

const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
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
    /// `supported_versions`, GREASE included.
    pub versions: Vec<u16>,
    /// Cipher suites offered, GREASE included.
    pub ciphers: usize,
    /// The raw server name; empty if the extension holds none.
    pub sni: Option<Vec<u8>>,
    pub alpn: Vec<Vec<u8>>,
    pub ech: Option<Ech>,
    /// Empty unless the hello is complete.
    /// What its JA4 fingerprint is made of, if it is whole.
    pub ja4: Option<Ja4>,
    pub session_id_len: usize,
    /// Every byte of the message is there.
    pub complete: bool,
    /// A strict parser accepts it.
    pub strict: bool,
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
    let mut found = hello(&records.handshake, 't');
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

/// Reads the hello at the start of a handshake buffer; `transport` is JA4's letter.
pub(in crate::app) fn hello(handshake: &Handshake, transport: char) -> Option<ClientHello> {
    if handshake.u8(0)? != CLIENT_HELLO {
        return None;
    }
    let handshake_len = 4 + handshake.u24(1)?;
    let whole = handshake.get(0, handshake_len);
    let head = Head::read(handshake, handshake_len);
    let decoded = hello::decode(handshake, &head.extensions, true);
    let (sni, sni_at) = server_name(handshake, &head.extensions);
    let stream_end = match whole {
        Some(_) => handshake.stream_at(handshake_len - 1),
        None => handshake.stream_at(handshake.len().saturating_sub(1)),
    };
    let kinds: Vec<u16> = head.extensions.iter().map(|extension| extension.kind).collect();
    let ja4 = whole.is_some().then(|| Ja4 {
        transport,
        legacy_version: head.legacy_version,
        versions: decoded.versions.clone(),
        ciphers: head.ciphers.clone(),
        extensions: kinds.clone(),
        signature_algorithms: decoded.signature_algorithms,
        alpn: decoded.alpn.first().cloned(),
    });
    Some(ClientHello {
        legacy_version: head.legacy_version,
        versions: decoded.versions,
        ciphers: head.ciphers.len(),
        sni,
        alpn: decoded.alpn,
        ech: kinds.iter().find_map(|&kind| match kind {
            ESNI => Some(Ech::Esni),
            ECH => Some(Ech::Outer),
            _ => None,
        }),
        ja4,
        session_id_len: head.session_id_len,
        complete: whole.is_some(),
        strict: head.all_read && whole.is_some_and(hello::is_well_formed),
        handshake_len,
        stream_len: stream_end.map_or(0, |last| last as usize + 1),
        sni_at,
        records: handshake.records(handshake_len.min(handshake.len())),
        partial: whole.is_none(),
    })
}

/// The fields in front of the extensions, and where the extensions stand.
#[derive(Default)]
struct Head {
    legacy_version: u16,
    session_id_len: usize,
    ciphers: Vec<u16>,
    extensions: Vec<Extension>,
    all_read: bool,
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
        let ciphers_len = usize::from(handshake.u16(at)?);
        // A hole inside the list hides the ciphers but not what follows.
        if let Some(bytes) = handshake.get(at + 2, ciphers_len) {
            self.ciphers = bytes.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect();
        }
        at += 2 + ciphers_len;
        at += 1 + usize::from(handshake.u8(at)?);
        (self.extensions, self.all_read) = hello::extensions(handshake, at, message_end);
        Some(())
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
        versions: Vec::new(),
        ciphers: 0,
        sni: None,
        alpn: Vec::new(),
        ech: None,
        ja4: None,
        session_id_len: 0,
        complete: false,
        strict: false,
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
