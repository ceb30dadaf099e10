//! The server's direction: its hello, and its certificates where TLS 1.2 or older shows them.

use super::hello;
use crate::app::certificate::{self, Certificate};
use crate::app::pieces::Pieces;
use crate::app::tls_records::{Alert, Handshake, Records};

const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
/// Certificates read of a chain; genuine ones have two to four.
const MAX_CHAIN: usize = 8;
/// Handshake messages walked: a full TLS 1.2 flight has six.
const MAX_MESSAGES: usize = 16;

/// RFC 8446 section 4.1.3: the random value that makes a ServerHello a HelloRetryRequest.
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
    0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What the server's direction of a stream shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerSide {
    pub hello: Option<ServerHello>,
    /// Leaf first.
    pub certificates: Vec<Certificate>,
    /// The certificate message was read to its end.
    pub chain_complete: bool,
    pub alerts: Vec<Alert>,
    pub application_data: bool,
    pub change_cipher_spec: bool,
    /// Some handshake bytes came, readable or not.
    pub handshake_started: bool,
    /// The stream does not start with a TLS record: a block page on a TLS port, for one.
    pub first_bytes_not_tls: bool,
    /// Where something that is no record follows records.
    pub not_tls_at: Option<u32>,
    pub records: usize,
    /// A hole in the capture hid the rest.
    pub partial: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// The version in force: `supported_versions` if there, else the legacy field.
    pub version: u16,
    pub cipher: u16,
    /// The server asked for another ClientHello first.
    pub hello_retry: bool,
    pub alpn: Option<Vec<u8>>,
}

/// What a server's handshake buffer holds.
#[derive(Debug, Default)]
pub(in crate::app) struct Messages {
    pub hello: Option<ServerHello>,
    pub certificates: Vec<Certificate>,
    pub chain_complete: bool,
}

pub(super) fn read(pieces: &Pieces) -> Option<ServerSide> {
    pieces.array::<1>(0)?;
    let records = Records::walk(pieces);
    let messages = messages(&records.handshake);
    Some(ServerSide {
        hello: messages.hello,
        certificates: messages.certificates,
        chain_complete: messages.chain_complete,
        handshake_started: !records.handshake.is_empty(),
        first_bytes_not_tls: records.not_tls_at == Some(0),
        not_tls_at: records.not_tls_at,
        alerts: records.alerts,
        application_data: records.application_data,
        change_cipher_spec: records.change_cipher_spec,
        records: records.count,
        partial: pieces.has_gap(),
    })
}

/// Walks the handshake messages as far as their headers are known.
pub(in crate::app) fn messages(handshake: &Handshake) -> Messages {
    let mut messages = Messages::default();
    let mut at = 0;
    for _ in 0..MAX_MESSAGES {
        let (Some(kind), Some(len)) = (handshake.u8(at), handshake.u24(at + 1)) else {
            break;
        };
        match kind {
            SERVER_HELLO => {
                // Only a retry leaves room for a second one.
                let retried = messages.hello.as_ref().map(|hello| hello.hello_retry);
                let hello = server_hello(handshake, at, at + 4 + len);
                if let (Some(mut hello), None | Some(true)) = (hello, retried) {
                    hello.hello_retry |= retried == Some(true);
                    messages.hello = Some(hello);
                }
            }
            CERTIFICATE if messages.certificates.is_empty() => {
                (messages.certificates, messages.chain_complete) = chain(handshake, at + 4, len);
            }
            _ => {}
        }
        at += 4 + len;
    }
    messages
}

/// Reads a ServerHello; a cut behind the cipher only loses the extensions.
fn server_hello(handshake: &Handshake, at: usize, end: usize) -> Option<ServerHello> {
    let legacy_version = handshake.u16(at + 4)?;
    let retry = handshake.get(at + 6, RETRY_RANDOM.len())? == RETRY_RANDOM;
    let after_id = at + 39 + usize::from(handshake.u8(at + 38)?);
    let cipher = handshake.u16(after_id)?;
    let extensions = hello::extensions(handshake, after_id + 3, end);
    let decoded = hello::decode(handshake, &extensions, false);
    Some(ServerHello {
        version: decoded.versions.first().copied().unwrap_or(legacy_version),
        cipher,
        hello_retry: retry,
        alpn: decoded.alpn.into_iter().next(),
    })
}

/// The certificates of a TLS 1.2 Certificate message, the last of them possibly cut.
fn chain(handshake: &Handshake, at: usize, len: usize) -> (Vec<Certificate>, bool) {
    let mut certificates = Vec::new();
    let end = at + len;
    let mut pos = at + 3;
    while pos < end && certificates.len() < MAX_CHAIN {
        let Some(der_len) = handshake.u24(pos) else {
            return (certificates, false);
        };
        let der = handshake.available(pos + 3, der_len.min(end.saturating_sub(pos + 3)));
        certificates.extend(certificate::parse(der));
        if der.len() < der_len {
            return (certificates, false);
        }
        pos += 3 + der_len;
    }
    (certificates, pos == end)
}
