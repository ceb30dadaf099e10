//! Responses: status, the headers a forged page lacks or a redirect needs, and the start of the body.

use super::lines::Head;
use super::{MAX_HEADERS, MAX_VALUE};
use crate::limits::BODY_BYTES;

/// A response's head, as far as it is there, and what body follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// `11` for HTTP/1.1.
    pub version: u8,
    pub status: u16,
    pub reason: Vec<u8>,
    pub server: Option<Vec<u8>>,
    pub location: Option<Vec<u8>>,
    pub content_type: Option<Vec<u8>>,
    pub content_length: Option<u64>,
    pub connection_close: bool,
    pub via: Option<Vec<u8>>,
    pub date_present: bool,
    pub head_len: usize,
    pub complete: bool,
    /// A strict parser accepts the head.
    pub strict: bool,
    /// At most 2 KiB, as sent (perhaps chunked or compressed).
    pub body: Vec<u8>,
}

/// Could these be the first bytes of a response?
pub fn is_response_start(bytes: &[u8]) -> bool {
    matches!(bytes, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', b' ', b'1'..=b'9', ..])
}

/// Reads the response at the start of a stream; `None` if none starts there.
pub fn response(bytes: &[u8]) -> Option<Response> {
    if !is_response_start(bytes) {
        return None;
    }
    let head = Head::read(bytes);
    let start_line = bytes.get(head.start_line.clone())?;
    let code = start_line.get(9..12)?;
    let status = code.iter().try_fold(0u16, |sum, &b| Some(sum * 10 + u16::from(digit(b)?)))?;
    let value = |name: &[u8]| {
        let line = head.find(bytes, name).filter(|line| line.complete)?;
        let value = bytes.get(line.value.clone())?;
        Some(value.get(..MAX_VALUE).unwrap_or(value).to_vec())
    };
    let body = bytes.get(head.len..).filter(|_| head.complete).unwrap_or(&[]);
    Some(Response {
        version: if start_line.get(7) == Some(&b'0') { 10 } else { 11 },
        status,
        reason: start_line.get(13..).unwrap_or(&[]).iter().copied().take(MAX_VALUE).collect(),
        server: value(b"server"),
        location: value(b"location"),
        content_type: value(b"content-type"),
        content_length: value(b"content-length").and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()),
        connection_close: value(b"connection").is_some_and(|v| v.eq_ignore_ascii_case(b"close")),
        via: value(b"via"),
        date_present: head.find(bytes, b"date").is_some(),
        head_len: head.len,
        complete: head.complete,
        strict: strict(bytes),
        body: body.get(..BODY_BYTES).unwrap_or(body).to_vec(),
    })
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

fn strict(bytes: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    httparse::Response::new(&mut headers).parse(bytes).is_ok_and(|status| status.is_complete())
}
