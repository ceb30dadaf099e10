//! Issuers that intercept TLS (`issuers.toml`).

use crate::app::certificate::Certificate;
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
    /// Lower-case parts of the issuer's or subject's name.
    pub contains: Vec<String>,
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

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    // The file is part of the program and a test parses it.
    TABLE.get_or_init(|| toml::from_str(include_str!("issuers.toml")).unwrap_or_default())
}

/// Whether a row has that id.
pub fn has(id: &str) -> bool {
    table().issuer.iter().any(|i| i.id == id)
}

/// The row a certificate's issuer (or its own hash) stands in.
pub fn lookup(certificate: &Certificate) -> Option<&'static Issuer> {
    let names = [&certificate.issuer_cn, &certificate.issuer_o];
    let names: Vec<String> = names.into_iter().flatten().map(|n| n.to_ascii_lowercase()).collect();
    let hash = certificate.sha256.map(|h| h.iter().map(|b| format!("{b:02x}")).collect::<String>());
    table().issuer.iter().find(|row| {
        row.contains.iter().any(|part| names.iter().any(|n| n.contains(part.as_str())))
            || hash.as_ref().is_some_and(|h| row.sha256.contains(h))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses() {
        let table: Table = toml::from_str(include_str!("issuers.toml")).unwrap();
        assert!(table.issuer.iter().all(|i| !i.source.is_empty() && i.contains.iter().all(|c| c.to_ascii_lowercase() == *c)));
        assert!(table.issuer.iter().flat_map(|i| &i.sha256).all(|h| h.len() == 64));
    }
}
