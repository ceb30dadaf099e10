//! Responses: status, the headers a forged page lacks or a redirect needs, and the start of the body.

use super::MAX_VALUE;
use super::lines::Head;
use crate::limits::BODY_BYTES;

/// A response's head, as far as it is there, and what body follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub server: Option<Vec<u8>>,
    pub location: Option<Vec<u8>>,
    pub connection_close: bool,
    pub date_present: bool,
    head_len: usize,
    pub complete: bool,
}

impl Response {
    /// The body in the bytes that the response was read from: at most 2 KiB, as sent (perhaps chunked or compressed).
    pub fn body<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let body = bytes.get(self.head_len..).filter(|_| self.complete).unwrap_or(&[]);
        body.get(..BODY_BYTES).unwrap_or(body)
    }
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
    Some(Response {
        status,
        server: value(b"server"),
        location: value(b"location"),
        connection_close: value(b"connection").is_some_and(|v| v.eq_ignore_ascii_case(b"close")),
        date_present: head.find(bytes, b"date").is_some(),
        head_len: head.len,
        complete: head.complete,
    })
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}
