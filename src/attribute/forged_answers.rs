//! The table of answers known to be forged (`forged_answers.toml`), compiled in and read once, when first needed.

use super::given::{self, Standing};
use hashbrown::HashMap;
use serde::Deserialize;
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

/// Whether a row has that id, of ours or of a user's.
pub fn has(id: &str) -> bool {
    index().rows.iter().any(|r| r.id == id) || is_given(id)
}

fn is_given(id: &str) -> bool {
    given::given().answers.iter().any(|a| a.row.id == id)
}

/// The first of the addresses and names of an answer that is known to be forged, with its row; a user's rows go before ours. Nothing,
/// where a user's row says that it is genuine, or the table that it is for this name.
pub fn known(
    addresses: impl Iterator<Item = IpAddr> + Clone,
    aliases: impl FnOnce() -> Vec<String>,
    qname: &[u8],
) -> Option<(String, &'static Row)> {
    let mut ours = addresses.clone().filter_map(|a| lookup(a, qname).map(|row| (a.to_string(), row)));
    if given::given().answers.is_empty() {
        return ours.next();
    }
    let addresses: Vec<IpAddr> = addresses.collect();
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).chain(aliases()).collect();
    let theirs = || texts.iter().enumerate().flat_map(|(i, text)| given_rows(addresses.get(i), text).map(move |a| (text, a)));
    if theirs().any(|(_, a)| a.standing == Standing::Innocent) {
        return None;
    }
    let sure = theirs().find(|(_, a)| a.standing == Standing::Sure).map(|(text, a)| (text.clone(), &a.row));
    sure.or_else(|| ours.next())
}

/// Whether every address of an answer stands in one of these rows, or a name it leads to does.
pub fn stands_in(ids: &[String], addresses: &[IpAddr], aliases: &[String], qname: &[u8]) -> bool {
    let theirs = |address: Option<&IpAddr>, text: &str| given_rows(address, text).any(|a| ids.contains(&a.row.id));
    let inside = |a: &IpAddr| lookup(*a, qname).is_some_and(|row| ids.contains(&row.id)) || theirs(Some(a), &a.to_string());
    (!addresses.is_empty() && addresses.iter().all(inside)) || aliases.iter().any(|name| theirs(None, name))
}

/// A user's rows for an address (told as text as well) or a name.
fn given_rows<'t>(address: Option<&'t IpAddr>, text: &'t str) -> impl Iterator<Item = &'static given::Answer> + use<'t> {
    given::given().answers.iter().filter(move |a| match &a.pattern {
        Some(pattern) => pattern.matches(text.as_bytes()),
        None => address.is_some_and(|x| a.row.addresses.contains(x)),
    })
}

/// The row of ours an answered address stands in, unless the table says it is genuine for this name.
fn lookup(address: IpAddr, qname: &[u8]) -> Option<&'static Row> {
    let index = index();
    let row = index.rows.get(*index.by_address.get(&address)?)?;
    let name = String::from_utf8_lossy(qname).to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    let own = row.not_for.iter().any(|zone| name == zone || name.strip_suffix(zone.as_str()).is_some_and(|head| head.ends_with('.')));
    // A user's row of the same id stands in its place.
    (!own && !is_given(&row.id)).then_some(row)
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
