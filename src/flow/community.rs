//! Community ID version 1 (<https://github.com/corelight/community-id-spec>), seed 0.

use super::key::FlowKey;
use base64::Engine;
use sha1::{Digest, Sha1};
use std::net::IpAddr;

/// `1:` and the Base64 of SHA-1 over seed, ordered addresses, protocol and ordered ports.
pub fn community_id(key: &FlowKey) -> String {
    let mut hash = Sha1::new();
    hash.update([0u8, 0]);
    // Endpoints of a key are ordered by address, then port, as the specification asks.
    for end in [key.low, key.high] {
        match end.ip {
            IpAddr::V4(ip) => hash.update(ip.octets()),
            IpAddr::V6(ip) => hash.update(ip.octets()),
        }
    }
    hash.update([key.protocol, 0]);
    hash.update(key.low.port.to_be_bytes());
    hash.update(key.high.port.to_be_bytes());
    format!("1:{}", base64::engine::general_purpose::STANDARD.encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Endpoint;

    fn id(src: &str, sport: u16, dst: &str, dport: u16, protocol: u8) -> String {
        let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
        community_id(&FlowKey::new(end(src, sport), end(dst, dport), protocol, None).0)
    }

    /// The baseline vectors published with the specification.
    #[test]
    fn published_vectors() {
        assert_eq!(id("128.232.110.120", 34855, "66.35.250.204", 80, 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(id("66.35.250.204", 80, "128.232.110.120", 34855, 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(id("192.168.1.52", 54585, "8.8.8.8", 53, 17), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        assert_eq!(id("8.8.8.8", 53, "192.168.1.52", 54585, 17), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    }
}
