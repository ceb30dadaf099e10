//! TLS as an observer sees it: the client's hello, the server's hello, certificates where they are not
//! encrypted (TLS 1.2 and older), alerts in clear.
//!
//! Message envelopes are walked here over [`Handshake`](super::tls_records::Handshake), which knows its holes;
//! `tls_parser` decodes extensions ([`hello`]). Left alone it yields nothing for a cut hello, or, cut inside the
//! extensions, a hello that silently has no name.

mod client;
mod hello;
mod server;

pub use client::{ClientHello, ClientSide, Ech};
pub use hello::extensions;
pub use server::{ServerHello, ServerSide};

pub(super) use client::{hello as client_hello, hello_len as client_hello_len};
pub(super) use server::messages as server_messages;

use super::pieces::Pieces;
use super::tls_records::Records;
pub use super::tls_records::{Alert, looks_like_record};
use std::ops::Range;

/// Could a stream with these first bytes be a client's? A record header and the start of a ClientHello; with
/// fewer bytes, as much of that as there is (never nothing).
pub fn is_client_hello_start(bytes: &[u8]) -> bool {
    let record = [22..=22, 3..=3, 0..=4, 0..=72, 0..=255, 1..=1, 0..=0];
    !bytes.is_empty() && bytes.iter().zip(record).all(|(byte, fits)| fits.contains(byte))
}

/// What the client's direction shows; `None` if it is not TLS.
pub fn client(pieces: &Pieces) -> Option<ClientSide> {
    client::read(pieces)
}

/// What the server's direction shows; `None` if its first bytes are unknown.
pub fn server(pieces: &Pieces) -> Option<ServerSide> {
    server::read(pieces)
}

/// Where the key shares of the whole hello stand that a client's stream begins with, if it is one and no record header stands among them.
pub fn key_shares(pieces: &Pieces) -> Option<Range<u32>> {
    client::key_shares(pieces)
}

/// The alerts either side sent in clear.
pub fn alerts(pieces: &Pieces) -> Vec<Alert> {
    Records::walk(pieces).alerts
}

#[cfg(test)]
mod tests;
