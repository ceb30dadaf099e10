//! `--share`: results that can be shown to others. One meaning for every output.
//!
//! [`Share`] holds the key of a run, [`Names`] the mapping of one capture. [`report`] applies it to what reports are written from, and
//! [`scrub`] to the packets of the evidence; so every output says the same name for the same client.

mod checksums;
mod crypto_pan;
mod dns;
mod headers;
mod http;
mod names;
mod quic;
pub mod report;
pub mod scrub;
mod streams;
pub mod text;
mod tls;

pub use crypto_pan::KEY;
pub use names::Names;

use crate::survey::Conclusion;
use crypto_pan::CryptoPan;
use std::sync::Arc;

/// What can still tell who somebody was: said once a run, and in the evidence.
pub const WARNING: &str = "shared results can still identify somebody: they keep the names that were asked for (SNI, Host, paths, DNS \
questions and answers), times, ports, addresses of servers and routers, TTLs, numbers of VLANs and tunnels, sequence numbers and TCP \
timestamps, TLS and QUIC fingerprints, QUIC Initials whole, server certificates and block pages. Read them before you pass them on";

/// The mapping of a run.
#[derive(Clone)]
pub struct Share {
    pan: Arc<CryptoPan>,
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret.
        f.write_str("Share")
    }
}

impl Share {
    pub fn new(key: &[u8; KEY]) -> Share {
        Share { pan: Arc::new(CryptoPan::new(key)) }
    }

    /// The mapping of a capture with these clients.
    pub fn names(&self, conclusion: &Conclusion) -> Names {
        Names::new(Arc::clone(&self.pan), &conclusion.clients, conclusion.everybody)
    }
}
