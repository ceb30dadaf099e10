//! QUIC long headers (RFC 8999, RFC 9000, RFC 9369): what may be read of a datagram without keys. Initial packets
//! are protected with keys anyone can derive from the connection ID; [`InitialReader`] opens them.

mod crypto;
mod frames;
mod initial;

pub use initial::{InitialReader, read_hello};

pub const VERSION_1: u32 = 1;
pub const VERSION_2: u32 = 0x6b33_43cf;

/// RFC 9000 section 17.2: connection IDs of these versions have at most 20 octets.
const MAX_CID: u8 = 20;
/// Packets looked at in one datagram: Initial, 0-RTT and Handshake, and some room.
const MAX_COALESCED: usize = 8;

/// What kind of packet a long header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
    VersionNegotiation,
}

/// A long header and where its packet stands in the datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongHeader<'a> {
    pub version: u32,
    pub kind: Kind,
    pub dcid: &'a [u8],
    pub scid: &'a [u8],
    /// Length of an Initial's token.
    pub token_len: usize,
    /// Offset of the packet number; the header's end for kinds without one.
    pub packet_number_at: usize,
    /// One past the packet, as it declares; beyond the datagram if that was cut.
    pub end: usize,
}

/// The first packet's long header, if the datagram starts with one of a version known here. Short headers show
/// nothing that tells them from noise.
pub fn classify(datagram: &[u8]) -> Option<LongHeader<'_>> {
    let (&first, rest) = datagram.split_first()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    let version = u32::from_be_bytes(*version);
    let (dcid, rest) = connection_id(rest)?;
    let (scid, rest) = connection_id(rest)?;
    let header = |kind, rest: &[u8], token_len, length| {
        let at = datagram.len() - rest.len();
        LongHeader { version, kind, dcid, scid, token_len, packet_number_at: at, end: at.saturating_add(length) }
    };
    if version == 0 && first & 0x80 != 0 {
        return lists_versions(rest).then(|| header(Kind::VersionNegotiation, rest, 0, rest.len()));
    }
    if first & 0xc0 != 0xc0 {
        return None;
    }
    match kind(version, first >> 4 & 3)? {
        Kind::Initial => {
            let (token_len, rest) = varint(rest)?;
            let token_len = usize::try_from(token_len).ok()?;
            let rest = rest.get(token_len..)?;
            let (length, rest) = varint(rest)?;
            Some(header(Kind::Initial, rest, token_len, usize::try_from(length).ok()?))
        }
        Kind::Retry => Some(header(Kind::Retry, rest, 0, rest.len())),
        other => {
            let (length, rest) = varint(rest)?;
            Some(header(other, rest, 0, usize::try_from(length).ok()?))
        }
    }
}

/// Cheap: does the datagram start with a long header of a known version?
pub fn looks_like_quic(datagram: &[u8]) -> bool {
    classify(datagram).is_some()
}

/// The long-header packets of a datagram, each with its bytes from its first on (RFC 9000 section 12.2).
pub fn coalesced(datagram: &[u8]) -> impl Iterator<Item = (LongHeader<'_>, &[u8])> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let header = classify(rest)?;
        let (packet, after) = rest.split_at_checked(header.end).unwrap_or((rest, &[]));
        rest = after;
        Some((header, packet))
    })
    .take(MAX_COALESCED)
}

/// The packet type bits mean something else in each version, on purpose.
fn kind(version: u32, bits: u8) -> Option<Kind> {
    const V1: [Kind; 4] = [Kind::Initial, Kind::ZeroRtt, Kind::Handshake, Kind::Retry];
    const V2: [Kind; 4] = [Kind::Retry, Kind::Initial, Kind::ZeroRtt, Kind::Handshake];
    let kinds = match version {
        VERSION_1 => V1,
        VERSION_2 => V2,
        _ => return None,
    };
    kinds.get(usize::from(bits)).copied()
}

fn connection_id(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    (length <= MAX_CID).then(|| rest.split_at_checked(usize::from(length))).flatten()
}

/// A Version Negotiation packet lists versions; one of them must be a version someone uses, or zeros and noise
/// would pass for it.
fn lists_versions(bytes: &[u8]) -> bool {
    let (versions, rest) = bytes.as_chunks::<4>();
    let known = |version: u32| matches!(version, VERSION_1 | VERSION_2 | 0xff00_001b..=0xff00_0022);
    rest.is_empty() && versions.len() <= 64 && versions.iter().any(|&v| known(u32::from_be_bytes(v)))
}

/// A variable-length integer (RFC 9000 section 16) and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let &first = bytes.first()?;
    let (octets, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = octets.iter().skip(1).fold(u64::from(first & 0x3f), |sum, &b| sum << 8 | u64::from(b));
    Some((value, rest))
}

/// Protects a version 1 Initial, as the side that sends it: for captures made by hand. The header ends with the packet number.
#[doc(hidden)]
pub fn seal_initial(keys_from: &[u8], from_client: bool, header: &[u8], number_at: usize, payload: &[u8]) -> Option<Vec<u8>> {
    let keys = crypto::InitialKeys::derive(VERSION_1, keys_from)?;
    let side = if from_client { keys.client() } else { keys.server() };
    side?.seal(header, number_at, payload)
}

#[cfg(test)]
mod tests;
