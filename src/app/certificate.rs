//! X.509 certificates (RFC 5280): who issued one, and for which names.
//!
//! A small bounded reader of DER instead of a certificate library: nothing is verified here, only shown, and a
//! certificate cut by a missing segment should still name its issuer, which stands near its start.

use std::net::{Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

/// Names kept of subjectAltName; shared certificates list up to a hundred.
const MAX_SANS: usize = 64;
/// Characters kept of one name: the longest RFC 5280 allows for these attributes is 64, host names have 253.
const MAX_TEXT: usize = 256;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// What a certificate says. Bytes that are no text are replaced, and escaping is the report's business.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificate {
    pub issuer_cn: Option<String>,
    pub issuer_o: Option<String>,
    /// DNS names and addresses of subjectAltName.
    pub sans: Vec<String>,
    /// Issuer and subject are the same; the signature is not checked.
    pub self_signed: bool,
    /// Of one that is self-signed and whole: it is roots that are known by their hash.
    pub sha256: Option<[u8; 32]>,
}

/// Reads a certificate, as far as it goes; `None` if it does not start like one.
pub fn parse(der: &[u8]) -> Option<Certificate> {
    let whole = Der(der).next()?;
    let mut fields = Der(Der(whole.expect(SEQUENCE)?).next()?.expect(SEQUENCE)?);
    let mut certificate = Certificate::default();
    let version_or_serial = fields.next()?;
    if version_or_serial.tag == 0xa0 {
        fields.next()?;
    }
    read_fields(fields, &mut certificate);
    certificate.sha256 = (whole.complete && certificate.self_signed).then(|| Sha256::digest(whole.raw).into());
    Some(certificate)
}

/// From the signature algorithm on; stops where the bytes do.
fn read_fields(mut fields: Der, certificate: &mut Certificate) -> Option<()> {
    fields.next()?.expect(SEQUENCE)?;
    let issuer = fields.next()?;
    (certificate.issuer_cn, certificate.issuer_o) = names(issuer.expect(SEQUENCE)?);
    fields.next().filter(|validity| validity.tag == SEQUENCE)?;
    let subject = fields.next().filter(|subject| subject.tag == SEQUENCE)?;
    certificate.self_signed = subject.complete && issuer.body == subject.body;
    let extensions = fields.find(|field| field.tag == 0xa3)?;
    for extension in Der(Der(extensions.body).next()?.expect(SEQUENCE)?) {
        let mut parts = Der(extension.body);
        if parts.next().is_some_and(|id| id.tag == OID && id.body == SUBJECT_ALT_NAME) {
            let value = parts.find(|part| part.tag == OCTET_STRING)?;
            certificate.sans = alternative_names(Der(value.body).next()?.body);
        }
    }
    Some(())
}

/// Common name and organization of a distinguished name; the last of each, which is the most specific.
fn names(rdns: &[u8]) -> (Option<String>, Option<String>) {
    let (mut common_name, mut organization) = (None, None);
    let sets = Der(rdns).filter(|set| set.tag == SET);
    for attribute in sets.flat_map(|set| Der(set.body)).take(MAX_SANS) {
        let mut parts = Der(attribute.body);
        let (Some(id), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        match id.body {
            COMMON_NAME => common_name = Some(text(value.tag, value.body)),
            ORGANIZATION => organization = Some(text(value.tag, value.body)),
            _ => {}
        }
    }
    (common_name, organization)
}

fn alternative_names(names: &[u8]) -> Vec<String> {
    let readable = Der(names).filter_map(|name| match name.tag {
        0x82 => Some(text(name.tag, name.body)),
        0x87 => match name.body.len() {
            4 => <[u8; 4]>::try_from(name.body).ok().map(|a| Ipv4Addr::from(a).to_string()),
            _ => <[u8; 16]>::try_from(name.body).ok().map(|a| Ipv6Addr::from(a).to_string()),
        },
        _ => None,
    });
    readable.take(MAX_SANS).collect()
}

/// A DER string as text. BMPString is UTF-16; all others are close enough to UTF-8.
fn text(tag: u8, body: &[u8]) -> String {
    const BMP_STRING: u8 = 0x1e;
    let mut decoded = if tag == BMP_STRING {
        let units: Vec<u16> = body.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(body).into_owned()
    };
    // No octet makes more than one character.
    if body.len() > MAX_TEXT
        && let Some((end, _)) = decoded.char_indices().nth(MAX_TEXT)
    {
        decoded.truncate(end);
    }
    decoded
}

/// Elements of DER one after the other; the last may be cut.
struct Der<'a>(&'a [u8]);

#[derive(Clone, Copy)]
struct Element<'a> {
    tag: u8,
    raw: &'a [u8],
    body: &'a [u8],
    complete: bool,
}

impl<'a> Element<'a> {
    fn expect(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.body)
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let all = self.0;
        let (&[tag, first], after) = all.split_first_chunk::<2>()?;
        let length_octets = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        // Indefinite lengths are not DER, and nothing in a handshake needs more than three octets.
        if first == 0x80 || length_octets > 3 {
            self.0 = &[];
            return None;
        }
        let (octets, content) = after.split_at_checked(length_octets)?;
        let length = match length_octets {
            0 => usize::from(first),
            _ => octets.iter().fold(0, |sum, &octet| sum << 8 | usize::from(octet)),
        };
        let (body, rest, complete) = match content.split_at_checked(length) {
            Some((body, rest)) => (body, rest, true),
            None => (content, &[][..], false),
        };
        self.0 = rest;
        let raw = all.get(..all.len() - rest.len()).unwrap_or(all);
        Some(Element { tag, raw, body, complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::mutate::{each_mutation, hex};

    /// Made for this test with openssl: P-256, SAN of two names and two addresses, signed by itself.
    const SELF_SIGNED: &str = include_str!("certificate/self_signed.hex");

    #[test]
    fn reads_a_whole_certificate() {
        let der = hex(SELF_SIGNED);
        let certificate = parse(&der).unwrap();
        assert_eq!(certificate.issuer_o.as_deref(), Some("Testing Füßler"));
        assert_eq!(certificate.sans, ["blocked.example", "*.blocked.example", "192.0.2.7", "2001:db8::7"]);
        assert!(certificate.self_signed);
        assert_eq!(certificate.sha256.unwrap(), <[u8; 32]>::from(Sha256::digest(&der)));
        // Bytes after the certificate change nothing.
        assert_eq!(parse(&[&der[..], b"tail"].concat()), Some(certificate));
    }

    #[test]
    fn a_cut_certificate_still_names_its_issuer() {
        let der = hex(SELF_SIGNED);
        let certificate = parse(&der[..120]).unwrap();
        assert_eq!(certificate.issuer_cn.as_deref(), Some("blocked.example"));
        assert_eq!(certificate.sha256, None);
        assert!(!certificate.self_signed && certificate.sans.is_empty());
        assert_eq!(parse(b"\x30"), None);
        assert_eq!(parse(b"HTTP/1.1 200 OK"), None);
        assert_eq!(parse(b"\x30\x80\x30\x80\x02\x01\x01"), None);
    }

    #[test]
    fn survives_mutations() {
        let der = hex(SELF_SIGNED);
        each_mutation(&[&der], 30_000, |bytes| {
            if let Some(certificate) = parse(bytes) {
                assert!(certificate.sans.len() <= MAX_SANS);
                assert!(certificate.sans.iter().all(|name| name.chars().count() <= MAX_TEXT));
            }
        });
    }
}
