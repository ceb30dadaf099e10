//! Block pages and redirects to them (`blockpages.toml`), with the innocent look-alikes that are tested first.

use crate::app::http::Response;
use serde::Deserialize;
use std::sync::OnceLock;

/// A row of the table.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Page {
    pub id: String,
    pub scope: String,
    pub country: String,
    #[serde(rename = "where")]
    pub place: Place,
    pub how: How,
    pub pattern: String,
    pub source: String,
}

/// Where a pattern is looked for.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    Body,
    Location,
    Server,
}

/// How it must match.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum How {
    Contains,
    Prefix,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code)]
    schema: u32,
    innocent: Vec<String>,
    page: Vec<Page>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        // The file is part of the program and a test parses it.
        let mut table: Table = toml::from_str(include_str!("blockpages.toml")).unwrap_or_default();
        table.innocent.iter_mut().for_each(|p| p.make_ascii_lowercase());
        table.page.iter_mut().for_each(|p| p.pattern.make_ascii_lowercase());
        table
    })
}

/// Whether a row has that id.
pub fn has(id: &str) -> bool {
    table().page.iter().any(|p| p.id == id)
}

fn contains(text: &[u8], pattern: &str) -> bool {
    memchr::memmem::find(text, pattern.as_bytes()).is_some()
}

/// The row an HTTP response matches.
pub fn of_response(response: &Response) -> Option<&'static Page> {
    let field = |value: &Option<Vec<u8>>| value.as_deref().unwrap_or_default().to_ascii_lowercase();
    find(&response.body.to_ascii_lowercase(), &field(&response.location), &field(&response.server))
}

/// The row that bytes match which are no HTTP response: some boxes send a page without a head.
pub fn of_bytes(bytes: &[u8]) -> Option<&'static Page> {
    find(&bytes.to_ascii_lowercase(), b"", b"")
}

fn find(body: &[u8], location: &[u8], server: &[u8]) -> Option<&'static Page> {
    let table = table();
    if table.innocent.iter().any(|p| contains(body, p)) {
        return None;
    }
    table.page.iter().find(|p| {
        let text = match p.place {
            Place::Body => body,
            Place::Location => location,
            Place::Server => server,
        };
        match p.how {
            How::Contains => contains(text, &p.pattern),
            How::Prefix => text.starts_with(p.pattern.as_bytes()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_has_no_duplicates() {
        let table: Table = toml::from_str(include_str!("blockpages.toml")).unwrap();
        let mut ids: Vec<_> = table.page.iter().map(|p| p.id.clone()).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(count >= 150 && table.innocent.len() >= 100);
        assert!(table.page.iter().all(|p| p.pattern.len() >= 8 && !p.source.is_empty()));
    }

    #[test]
    fn pages_match_and_ordinary_ones_do_not() {
        assert!(of_bytes(b"<html><iframe src=\"http://10.10.34.36/?type=x\"></html>").is_some());
        assert!(of_bytes(b"<html><title>Surf Safely!</title></html>").is_some());
        assert!(of_bytes(b"<html><title>Welcome to nginx!</title></html>").is_none());
        assert!(
            of_bytes(b"<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center></body></html>")
                .is_none()
        );
    }
}
