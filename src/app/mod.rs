//! Payload to messages: DNS, TLS, HTTP and QUIC. Ports are hints here, never proof.
//!
//! This room has not heard of packets, flows or ports: bytes come in (a datagram, or [`pieces::Pieces`] of one
//! direction of a byte stream) and messages go out. Everything is read as far as it can be: a cut, malformed or
//! hostile message yields what it still shows and says what was wrong with it, because a forger's mistakes are
//! evidence. Every loop and every allocation is bounded by a constant that stands next to its reason.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod certificate;
pub mod dns;
pub mod domain;
pub mod http;
pub mod ja4;
pub mod name;
pub mod pieces;
pub mod quic;
pub mod tls;
pub mod tls_records;

#[cfg(test)]
mod mutate;
