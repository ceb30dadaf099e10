//! TLS records (RFC 8446 section 5.1) stripped off a byte stream.
//!
//! `tls_parser` knows no record reassembly: a hello spread over two records is a hard error to it. So the record
//! headers come off here, and what the handshake layer sees is one buffer, with its holes where segments are
//! missing: a record whose header is known tells how long it is even when its middle was never captured.

use std::ops::Range;

use super::pieces::Pieces;

/// Handshake bytes kept of one direction: several times the largest hello with post-quantum key shares.
pub const MAX_HANDSHAKE: usize = 16 * 1024;
/// Records walked. Evasion tools cut a hello into records of a few bytes each; one byte each still fits a hello.
const MAX_RECORDS: usize = 4096;
/// Alerts kept: one ends a connection.
const MAX_ALERTS: usize = 8;
/// RFC 5246 section 6.2.3: 2^14 plus 2048 for protection.
const MAX_RECORD_LEN: u16 = (1 << 14) + 2048;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// Could these be the first bytes of a TLS record?
pub fn looks_like_record(bytes: &[u8]) -> bool {
    matches!(bytes, [CHANGE_CIPHER_SPEC..=HEARTBEAT, 3, 0..=4, high, low, ..]
        if (1..=MAX_RECORD_LEN).contains(&u16::from_be_bytes([*high, *low])))
}

/// An alert sent in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    pub level: u8,
    pub description: u8,
    /// Where its record starts in the stream.
    pub at: u32,
}

impl Alert {
    pub fn is_fatal(&self) -> bool {
        self.level == 2
    }

    /// The description as RFC 8446 section 6 (and its predecessors) name it.
    pub fn name(&self) -> &'static str {
        match self.description {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            121 => "ech_required",
            _ => "unknown",
        }
    }
}

/// The handshake layer's bytes, with holes, and where each stood in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handshake {
    /// Holes are zero here; `known` tells them apart.
    bytes: Vec<u8>,
    known: Vec<Range<usize>>,
    fragments: Vec<Fragment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fragment {
    at: usize,
    stream_at: u32,
    record: usize,
}

impl Handshake {
    /// A buffer without record headers under it, as CRYPTO frames of QUIC carry it.
    pub fn from_crypto(pieces: &Pieces) -> Handshake {
        let mut handshake = Handshake::default();
        handshake.take(pieces, 0..pieces.end(), 0);
        handshake
    }

    /// The first `len` bytes, known or not.
    pub fn into_first(mut self, len: usize) -> Vec<u8> {
        self.bytes.truncate(len);
        self.bytes
    }

    fn know(&mut self, start: usize, end: usize) {
        match self.known.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ if start < end => self.known.push(start..end),
            _ => {}
        }
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// `len` bytes at `at`, if none of them is missing.
    pub fn get(&self, at: usize, len: usize) -> Option<&[u8]> {
        let end = at.checked_add(len)?;
        let index = self.known.partition_point(|range| range.end < end);
        let covered = self.known.get(index).is_some_and(|range| range.start <= at && end <= range.end);
        (covered || len == 0).then(|| self.bytes.get(at..end)).flatten()
    }

    pub fn u8(&self, at: usize) -> Option<u8> {
        self.get(at, 1)?.first().copied()
    }

    pub fn u16(&self, at: usize) -> Option<u16> {
        self.get(at, 2)?.try_into().ok().map(u16::from_be_bytes)
    }

    pub fn u24(&self, at: usize) -> Option<usize> {
        let [a, b, c] = *self.get(at, 3)?.first_chunk()?;
        Some(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
    }

    /// As much of `len` bytes at `at` as is known without a hole.
    pub fn available(&self, at: usize, len: usize) -> &[u8] {
        let index = self.known.partition_point(|range| range.end <= at);
        let range = self.known.get(index).filter(|range| range.start <= at);
        let end = range.map_or(at, |range| range.end.min(at.saturating_add(len)));
        self.bytes.get(at..end).unwrap_or(&[])
    }

    /// The stream offset of a handshake byte.
    pub fn stream_at(&self, at: usize) -> Option<u32> {
        let fragment = self.fragment(at)?;
        fragment.stream_at.checked_add(u32::try_from(at - fragment.at).ok()?)
    }

    /// How many records the first `len` handshake bytes came in.
    pub fn records(&self, len: usize) -> usize {
        self.fragment(len.saturating_sub(1)).map_or(0, |fragment| fragment.record)
    }

    fn fragment(&self, at: usize) -> Option<&Fragment> {
        let index = self.fragments.partition_point(|fragment| fragment.at <= at);
        self.fragments.get(index.checked_sub(1)?)
    }

    /// Takes a record's body; what is past the end of the capture or of the budget is left out.
    fn take(&mut self, pieces: &Pieces, body: Range<u32>, record: usize) {
        let at = self.bytes.len();
        let room = u32::try_from(MAX_HANDSHAKE - at).unwrap_or(0);
        let end = body.end.min(body.start.saturating_add(room)).min(pieces.end().max(body.start));
        if end <= body.start {
            return;
        }
        self.fragments.push(Fragment { at, stream_at: body.start, record });
        self.bytes.resize(at + (end - body.start) as usize, 0);
        for (start, part) in pieces.known(body.start..end) {
            let from = at + (start - body.start) as usize;
            if let Some(place) = self.bytes.get_mut(from..from + part.len()) {
                place.copy_from_slice(part);
            }
            self.know(from, from + part.len());
        }
    }
}

/// What one direction's records show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Records {
    pub handshake: Handshake,
    pub alerts: Vec<Alert>,
    pub application_data: bool,
    pub change_cipher_spec: bool,
    /// Record headers read.
    pub count: usize,
    /// The offset of the first bytes that are no record although one should start there.
    pub not_tls_at: Option<u32>,
    /// A hole in the capture hid a record header: nothing behind it could be read.
    pub lost_in_gap: bool,
}

impl Records {
    /// Walks the records from offset 0 until the bytes end, a header is missing, or no header stands there.
    pub fn walk(pieces: &Pieces) -> Records {
        let mut records = Records::default();
        let mut at = 0;
        while records.count < MAX_RECORDS {
            let Some(header) = pieces.array::<5>(at) else {
                records.lost_in_gap = pieces.end() > at.saturating_add(4);
                // A head shorter than a record header can still show that it is none.
                let stub = pieces.copy(at..at.saturating_add(5));
                let tls = stub.iter().zip([20..=24, 3..=3, 0..=4]).all(|(byte, fits)| fits.contains(byte));
                records.not_tls_at = (!tls).then_some(at);
                break;
            };
            if !looks_like_record(&header) {
                records.not_tls_at = Some(at);
                break;
            }
            let [kind, _, _, high, low] = header;
            let body = at.saturating_add(5)..at.saturating_add(5 + u32::from(u16::from_be_bytes([high, low])));
            records.count += 1;
            match kind {
                CHANGE_CIPHER_SPEC => records.change_cipher_spec = true,
                APPLICATION_DATA => records.application_data = true,
                ALERT => records.alert(pieces, at, &body),
                HANDSHAKE if records.in_clear(pieces, &body) => {
                    records.handshake.take(pieces, body.clone(), records.count);
                }
                _ => {}
            }
            at = body.end;
        }
        records
    }

    /// An alert in clear is two bytes; an encrypted one is longer.
    fn alert(&mut self, pieces: &Pieces, at: u32, body: &Range<u32>) {
        let bytes = pieces.array::<2>(body.start).filter(|_| body.end - body.start == 2);
        if let Some([level @ 1..=2, description]) = bytes
            && self.alerts.len() < MAX_ALERTS
        {
            self.alerts.push(Alert { level, description, at });
        }
    }

    /// After ChangeCipherSpec a handshake record is an encrypted Finished, unless it is the second hello that
    /// follows a HelloRetryRequest (TLS 1.3 sends the other message only to please middleboxes).
    fn in_clear(&self, pieces: &Pieces, body: &Range<u32>) -> bool {
        if !self.change_cipher_spec {
            return true;
        }
        // Type, length below 2^16, legacy version: ciphertext passes for that once in 10^9.
        let hello = |[kind, high, _, _, major, minor]: [u8; 6]| matches!((kind, high, major, minor), (1 | 2, 0, 3, 1..=3));
        pieces.array(body.start).is_some_and(hello) && !self.application_data
    }
}

#[cfg(test)]
mod tests;
