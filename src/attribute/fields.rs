//! The fields of a fingerprint, as they are written.

use crate::packet::tcp;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What the packets of an injector are like. Fields left out are not asked about.
#[derive(Deserialize, Serialize, Debug, Clone, Default, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    /// Whose packet it pretends to be.
    pub from: Option<From>,
    /// TCP flags by letter, any of these sets exactly.
    pub flags: Vec<String>,
    /// TCP flags that are among those set.
    pub flags_contain: Option<String>,
    /// Reserved TCP flags are set.
    pub reserved_flags: Option<bool>,
    /// Packets alike in a group.
    pub count: Option<usize>,
    /// Header fields with one value throughout the group.
    pub constant: Vec<Header>,
    /// Milliseconds from the first of the group to the last, at most.
    pub burst_ms: Option<f64>,
    pub dont_fragment: Option<bool>,
    pub ip_id: Vec<u16>,
    /// Lowest and highest.
    pub ip_id_range: Option<[u16; 2]>,
    /// Above the identification of the packet that set it off.
    pub ip_id_above_trigger: Option<u16>,
    pub window: Vec<u16>,
    pub window_min: Option<u16>,
    /// The window of the packet that set it off.
    pub window_of_trigger: Option<bool>,
    /// `(65535 - identification) / window`, rounded down.
    pub quotient: Option<u16>,
    pub ttl_range: Option<[u8; 2]>,
    /// The initial TTL the observed one points to.
    pub ttl_initial: Option<u8>,
    pub tos: Option<u8>,
    /// The acknowledgement field holds zero, or not.
    pub ack_zero: Option<bool>,
    pub options: Option<bool>,
    pub payload_len: Option<u32>,
    /// The whole payload, in hexadecimal.
    pub payload_hex: Option<String>,
    pub seq_next: Option<bool>,
    pub ack_trigger_end: Option<bool>,
    /// Sequence numbers of the group, counted from the first.
    pub seq_offsets: Vec<u32>,
    pub in_handshake: Option<bool>,
    pub status: Vec<u16>,
    /// Rows of `blockpages.toml`.
    pub page: Vec<String>,
    /// Rows of `issuers.toml`.
    pub issuer: Vec<String>,
    pub dns_flags: Vec<u16>,
    /// Records in the answer, authority and additional sections.
    pub dns_counts: Option<[u16; 3]>,
    /// Zones, one of which the name asked for lies in.
    pub dns_name: Vec<String>,
    /// Rows of `forged_answers.toml` that hold every address given, or (a user's rows) a name the answer leads to.
    pub answer_row: Vec<String>,
    pub answer: Vec<IpAddr>,
    pub answer_in: Option<IpNet>,
    /// Seconds.
    pub answer_ttl: Option<u32>,
}

#[derive(Deserialize, Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum From {
    Server,
    Client,
    Either,
}

#[derive(Deserialize, Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    Seq,
    Ack,
    IpId,
    Ttl,
    Window,
}

/// TCP flags of letters; `None` for a letter that is none.
pub fn flags(letters: &str) -> Option<u16> {
    letters.chars().try_fold(0, |all, letter| {
        let bit = match letter {
            'F' => tcp::FIN,
            'S' => tcp::SYN,
            'R' => tcp::RST,
            'P' => tcp::PSH,
            'A' => tcp::ACK,
            'U' => tcp::URG,
            _ => return None,
        };
        Some(all | bit)
    })
}

/// Octets of hexadecimal digits.
pub fn octets(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok()).collect()
}
