//! The shapes both hellos share: a head and a list of extensions. The only file that names `tls_parser`.

use tls_parser::{TlsExtension, parse_tls_client_hello_extension, parse_tls_server_hello_extension};

use crate::app::tls_records::Handshake;

/// Extensions walked. Browsers send about twenty.
pub const MAX_EXTENSIONS: usize = 64;
/// Protocols kept of an ALPN list.
const MAX_PROTOCOLS: usize = 16;

/// Where an extension stands in the handshake buffer.
#[derive(Debug, Clone, Copy)]
pub struct Extension {
    pub kind: u16,
    /// Of its body.
    pub at: usize,
    pub len: usize,
}

/// What the extensions said that is asked for here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offered {
    /// `supported_versions`, GREASE included.
    pub versions: Vec<u16>,
    pub alpn: Vec<Vec<u8>>,
}

/// The extensions whose headers are known, from the length field at `at` on.
/// A body may be missing: its length tells where the next one starts.
pub fn extensions(handshake: &Handshake, at: usize, message_end: usize) -> Vec<Extension> {
    let mut list = Vec::new();
    // A hello may end before the extensions (RFC 5246 section 7.4.1.2).
    let Some(total) = handshake.u16(at).filter(|_| at < message_end) else {
        return list;
    };
    // As many as browsers send.
    list.reserve(20);
    let end = (at + 2 + usize::from(total)).min(message_end);
    let mut pos = at + 2;
    while pos < end && list.len() < MAX_EXTENSIONS {
        let Some(&[kind @ .., high, low]) = handshake.get(pos, 4).and_then(<[u8]>::first_chunk::<4>) else {
            return list;
        };
        let (kind, len) = (u16::from_be_bytes(kind), usize::from(u16::from_be_bytes([high, low])));
        if pos + 4 + len > end {
            return list;
        }
        list.push(Extension { kind, at: pos + 4, len });
        pos += 4 + len;
    }
    list
}

/// Decodes the extensions that are all there; a malformed one costs only itself.
pub fn decode(handshake: &Handshake, extensions: &[Extension], from_client: bool) -> Offered {
    let mut offered = Offered::default();
    for extension in extensions {
        // Others are not used, and their parsers need not see hostile bytes.
        if !matches!(extension.kind, 16 | 43) {
            continue;
        }
        let Some(bytes) = whole(handshake, extension) else { continue };
        let parsed = match from_client {
            true => parse_tls_client_hello_extension(bytes),
            false => parse_tls_server_hello_extension(bytes),
        };
        match parsed {
            Ok((_, TlsExtension::SupportedVersions(versions))) => {
                offered.versions = versions.into_iter().map(u16::from).collect();
            }
            Ok((_, TlsExtension::ALPN(protocols))) => {
                offered.alpn = protocols.into_iter().take(MAX_PROTOCOLS).map(<[u8]>::to_vec).collect();
            }
            _ => {}
        }
    }
    offered
}

/// The last list of signature algorithms that a client's extensions hold.
pub fn signature_algorithms(handshake: &Handshake, extensions: &[Extension]) -> Vec<u16> {
    let mut lists =
        extensions.iter().filter(|e| e.kind == 13).filter_map(|e| match parse_tls_client_hello_extension(whole(handshake, e)?) {
            Ok((_, TlsExtension::SignatureAlgorithms(algorithms))) => Some(algorithms),
            _ => None,
        });
    lists.next_back().unwrap_or_default()
}

/// An extension with its kind and length, if all of it is there.
fn whole<'h>(handshake: &'h Handshake, extension: &Extension) -> Option<&'h [u8]> {
    handshake.get(extension.at.checked_sub(4)?, extension.len + 4)
}
