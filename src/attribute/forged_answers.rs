//! The table of answers known to be forged (`forged_answers.toml`), compiled in and read once, when first needed.

use serde::Deserialize;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::OnceLock;

/// A row of the table.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub id: String,
    pub system: String,
    pub country: String,
    pub scope: String,
    pub evidence: String,
    pub source: String,
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub not_for: Vec<String>,
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code)]
    schema: u32,
    answer: Vec<Row>,
}

struct Index {
    rows: Vec<Row>,
    by_address: HashMap<IpAddr, usize>,
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        // The file is part of the program; a test parses it, so here a defect only means no attribution.
        let rows = toml::from_str::<Table>(include_str!("forged_answers.toml")).map(|t| t.answer).unwrap_or_default();
        let by_address = rows.iter().enumerate().flat_map(|(i, r)| r.addresses.iter().map(move |a| (*a, i))).collect();
        Index { rows, by_address }
    })
}

/// All rows.
pub fn rows() -> &'static [Row] {
    &index().rows
}

/// The row an answered address stands in, unless the table says it is genuine for this name.
pub fn lookup(address: IpAddr, qname: &[u8]) -> Option<&'static Row> {
    let index = index();
    let row = index.rows.get(*index.by_address.get(&address)?)?;
    let name = String::from_utf8_lossy(qname).to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    let own = row.not_for.iter().any(|zone| name == zone || name.strip_suffix(zone.as_str()).is_some_and(|head| head.ends_with('.')));
    (!own).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_has_no_duplicates() {
        let table: Table = toml::from_str(include_str!("forged_answers.toml")).unwrap();
        let mut ids: Vec<&str> = table.answer.iter().map(|r| r.id.as_str()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "duplicate ids");
        let all: Vec<IpAddr> = table.answer.iter().flat_map(|r| r.addresses.clone()).collect();
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "an address in two rows");
        assert!(table.answer.iter().all(|r| !r.source.is_empty() && matches!(r.scope.as_str(), "nat" | "isp" | "legal" | "prod")));
    }

    #[test]
    fn owners_keep_their_addresses() {
        let pool = "31.13.94.37".parse().unwrap();
        assert!(lookup(pool, b"example.org").is_some());
        assert!(lookup(pool, b"www.facebook.com").is_none());
        assert!(lookup("192.0.2.1".parse().unwrap(), b"example.org").is_none());
    }
}
