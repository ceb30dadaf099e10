//! JA4, the client fingerprint of FoxIO (its TLS part is free to use): a readable part, a hash of the ciphers, and
//! a hash of the extensions and signature algorithms. Lists are sorted, so permuted extensions do not matter.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// What of a ClientHello goes into JA4. GREASE values may be left in; they are ignored here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ja4 {
    /// `t` over TCP, `q` over QUIC.
    pub transport: char,
    pub legacy_version: u16,
    pub versions: Vec<u16>,
    pub ciphers: Vec<u16>,
    /// Extension types in wire order.
    pub extensions: Vec<u16>,
    pub signature_algorithms: Vec<u16>,
    pub alpn: Option<Vec<u8>>,
}

pub fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

fn ja4(input: &Ja4) -> String {
    let real = |list: &[u16]| list.iter().copied().filter(|&v| !is_grease(v)).collect::<Vec<u16>>();
    let mut ciphers = real(&input.ciphers);
    let mut extensions = real(&input.extensions);
    let version = real(&input.versions).into_iter().max().unwrap_or(input.legacy_version);
    let to = if extensions.contains(&0) { 'd' } else { 'i' };
    let head = format!(
        "{}{}{to}{:02}{:02}{}",
        input.transport,
        version_code(version),
        ciphers.len().min(99),
        extensions.len().min(99),
        alpn_code(input.alpn.as_deref())
    );
    ciphers.sort_unstable();
    // Server name and ALPN vary with the site, not with the client.
    extensions.retain(|&e| e != 0x0000 && e != 0x0010);
    extensions.sort_unstable();
    let mut third = list(&extensions);
    let algorithms = real(&input.signature_algorithms);
    if !algorithms.is_empty() && !third.is_empty() {
        third.push('_');
        third.push_str(&list(&algorithms));
    }
    format!("{head}_{}_{}", short_hash(&list(&ciphers)), short_hash(&third))
}

impl Ja4 {
    /// The fingerprint. Two hashes: for whoever prints it, not for every hello that is read.
    pub fn text(&self) -> String {
        ja4(self)
    }
}

fn list(values: &[u16]) -> String {
    values.iter().map(|v| format!("{v:04x}")).collect::<Vec<_>>().join(",")
}

/// First twelve hex digits of SHA-256; twelve zeros stand for "nothing to hash".
fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    let mut hash = String::new();
    for byte in Sha256::digest(text.as_bytes()).iter().take(6) {
        // Writing to a String cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

fn version_code(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0200 => "s2",
        0x0100 => "s1",
        _ => "00",
    }
}

/// First and last character of the first protocol; of its hex form if either is no letter or digit.
fn alpn_code(alpn: Option<&[u8]>) -> String {
    let (Some(&first), Some(&last)) = (alpn.and_then(<[u8]>::first), alpn.and_then(<[u8]>::last)) else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [first, last].map(char::from).iter().collect()
    } else {
        format!("{:x}{:x}", first >> 4, last & 0xf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the published description of JA4.
    #[test]
    fn published_example() {
        let input = Ja4 {
            transport: 't',
            legacy_version: 0x0303,
            versions: vec![0x7a7a, 0x0304, 0x0303],
            ciphers: vec![
                0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f,
                0x0035,
            ],
            extensions: vec![
                0x2a2a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b,
                0x000a, 0x0015, 0x3a3a,
            ],
            signature_algorithms: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            alpn: Some(b"h2".to_vec()),
        };
        assert_eq!(ja4(&input), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn empty_lists_and_odd_protocols() {
        let mut input = Ja4 {
            transport: 'q',
            legacy_version: 0x0303,
            versions: vec![],
            ciphers: vec![],
            extensions: vec![],
            signature_algorithms: vec![],
            alpn: None,
        };
        assert_eq!(ja4(&input), "q12i000000_000000000000_000000000000");
        input.alpn = Some(b"http/1.1".to_vec());
        assert!(ja4(&input).starts_with("q12i0000h1_"));
        input.alpn = Some(b"\xab\xcd".to_vec());
        assert!(ja4(&input).starts_with("q12i0000ad_"));
        assert!(is_grease(0xfafa) && !is_grease(0x1a2a));
    }
}
