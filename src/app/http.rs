//! HTTP/1 heads (RFC 9112): the request that may have triggered something, the response that may be a block page.
//!
//! Heads are read by a line reader of our own, because circumvention tools write them on the edge of the grammar and
//! captures cut them.

mod lines;
mod request;
mod response;

pub use lines::Head;
pub use request::{Oddity, Request, is_request_start, request};
pub use response::{Response, is_response_start, response};

/// Headers read of one head.
const MAX_HEADERS: usize = 64;
/// Bytes of a head looked at: the limit common servers set themselves.
const MAX_HEAD: usize = 16 * 1024;
/// Kept of one value (a cookie or URL may be long; a host is not).
const MAX_VALUE: usize = 2048;

#[cfg(test)]
mod tests;
