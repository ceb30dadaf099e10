//! Issuers that intercept TLS (`issuers.toml`).

use crate::app::certificate::Certificate;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use std::sync::OnceLock;

/// A row of the table.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    pub id: String,
    pub scope: String,
    pub country: String,
    pub system: String,
    /// Lower-case parts of the issuer's name.
    pub contains: Vec<String>,
    /// Hashes of its roots, which sign themselves.
    #[serde(default)]
    pub sha256: Vec<String>,
    pub source: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code)]
    schema: u32,
    issuer: Vec<Issuer>,
}

struct Known {
    table: Table,
    /// Matches the name of an issuer that some row is for: every certificate is asked about, and hardly any is.
    names: Option<Regex>,
    /// Roots by their hashes, each with the place of its row.
    roots: Vec<([u8; 32], usize)>,
}

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        // The file is part of the program and a test parses it.
        let table: Table = toml::from_str(include_str!("issuers.toml")).unwrap_or_default();
        let parts: Vec<String> = table.issuer.iter().flat_map(|row| &row.contains).map(|part| regex::escape(part)).collect();
        let names = RegexBuilder::new(&parts.join("|")).unicode(false).case_insensitive(true).build().ok();
        let hashes = (0..).zip(&table.issuer).flat_map(|(n, row)| row.sha256.iter().filter_map(move |hash| Some((octets(hash)?, n))));
        let roots = hashes.collect();
        Known { table, names, roots }
    })
}

fn octets(hexadecimal: &str) -> Option<[u8; 32]> {
    let digit = |b: &u8| (*b as char).to_digit(16).map(|d| d as u8);
    let pairs: Option<Vec<u8>> = hexadecimal.as_bytes().as_chunks().0.iter().map(|[a, b]| Some(digit(a)? << 4 | digit(b)?)).collect();
    pairs?.try_into().ok()
}

/// Whether a row has that id.
pub fn has(id: &str) -> bool {
    known().table.issuer.iter().any(|i| i.id == id)
}

/// The first row that a certificate's issuer, or its own hash, stands in.
pub fn lookup(certificate: &Certificate) -> Option<&'static Issuer> {
    let Known { table, names, roots } = known();
    let issuer = [&certificate.issuer_cn, &certificate.issuer_o].into_iter().flatten();
    let by_name = || {
        let named: Vec<String> = issuer.clone().map(|n| n.to_ascii_lowercase()).collect();
        table.issuer.iter().position(|row| row.contains.iter().any(|part| named.iter().any(|n| n.contains(part.as_str()))))
    };
    let may_be_named = issuer.clone().any(|n| names.as_ref().is_none_or(|names| names.is_match(n.as_bytes())));
    let by_hash = certificate.sha256.and_then(|hash| roots.iter().find(|(root, _)| *root == hash)).map(|(_, n)| *n);
    let row = may_be_named.then(by_name).flatten().into_iter().chain(by_hash).min()?;
    table.issuer.get(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses() {
        let table: Table = toml::from_str(include_str!("issuers.toml")).unwrap();
        assert!(table.issuer.iter().all(|i| !i.source.is_empty() && i.contains.iter().all(|c| c.to_ascii_lowercase() == *c)));
        assert!(table.issuer.iter().flat_map(|i| &i.sha256).all(|h| octets(h).is_some()));
        assert!(known().names.is_some());
    }

    #[test]
    fn every_part_of_a_name_and_every_root_is_found_and_others_are_not() {
        let by = |name: &str| Certificate { issuer_cn: Some(name.into()), ..Certificate::default() };
        for row in &known().table.issuer {
            for part in &row.contains {
                let certificate = by(&format!("The {} (2)", part.to_ascii_uppercase()));
                assert!(lookup(&certificate).is_some(), "{part}");
                let organization = Certificate { issuer_cn: Some("x".into()), issuer_o: certificate.issuer_cn, ..Certificate::default() };
                assert!(lookup(&organization).is_some(), "{part}");
            }
            for hash in &row.sha256 {
                let root = Certificate { sha256: octets(hash), ..by("nobody") };
                assert_eq!(root.sha256.unwrap().map(|o| format!("{o:02x}")).concat(), *hash);
                assert_eq!(lookup(&root).map(|found| &found.id), Some(&row.id));
            }
        }
        assert!(lookup(&by("Example Trust Services")).is_none());
        assert!(lookup(&Certificate { sha256: Some([7; 32]), ..by("Example Trust Services") }).is_none());
    }
}
