//! Block pages and redirects to them (`blockpages.toml`), with the innocent look-alikes that are tested first.

use super::given::{self, Place as GivenPlace, Standing};
use crate::app::http::{self, Response};
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

/// Whether a row has that id, of ours or of a user's.
pub fn has(id: &str) -> bool {
    table().page.iter().any(|p| p.id == id) || is_given(id)
}

fn is_given(id: &str) -> bool {
    given::given().pages.iter().any(|p| p.id == id)
}

fn contains(text: &[u8], pattern: &str) -> bool {
    memchr::memmem::find(text, pattern.as_bytes()).is_some()
}

/// A row that a payload matches.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub id: &'static str,
    pub scope: &'static str,
    pub country: &'static str,
    /// Of a user's row.
    pub source: Option<&'static str>,
    /// It may be held against the sender; else it is only worth a comparison.
    pub accuses: bool,
}

/// The rows that a payload matches, a user's before ours. Some boxes send a page without a head; that is all body then.
pub fn of_payload(bytes: &[u8]) -> Vec<Known> {
    let response = http::response(bytes);
    let theirs = of_given(bytes, response.as_ref());
    if theirs.iter().any(|p| p.standing == Standing::Innocent) {
        return Vec::new();
    }
    let field = |value: Option<&Vec<u8>>| value.map(|v| v.to_ascii_lowercase()).unwrap_or_default();
    let body = response.as_ref().map_or(bytes, |r| r.body(bytes)).to_ascii_lowercase();
    let location = field(response.as_ref().and_then(|r| r.location.as_ref()));
    let server = field(response.as_ref().and_then(|r| r.server.as_ref()));
    if table().innocent.iter().any(|p| contains(&body, p)) {
        return Vec::new();
    }
    let ours =
        find(&body, &location, &server).map(|p| Known { id: &p.id, scope: &p.scope, country: &p.country, source: None, accuses: true });
    let theirs = theirs.into_iter().map(|p| Known {
        id: &p.id,
        scope: &p.scope,
        country: &p.country,
        source: Some(&p.source),
        accuses: p.standing == Standing::Sure,
    });
    theirs.chain(ours).collect()
}

/// A user's rows that a payload matches.
fn of_given(bytes: &[u8], response: Option<&Response>) -> Vec<&'static given::Page> {
    let pages = &given::given().pages;
    if pages.is_empty() {
        return Vec::new();
    }
    let head = response.map(|_| http::Head::read(bytes));
    let holds = |page: &&given::Page| match &page.place {
        GivenPlace::Body => page.pattern.matches(response.map_or(bytes, |r| r.body(bytes))),
        GivenPlace::Header(name) => {
            let line = head.as_ref().and_then(|h| h.find(bytes, name.as_bytes()));
            line.and_then(|l| bytes.get(l.value.clone())).is_some_and(|v| page.pattern.matches(v))
        }
    };
    pages.iter().filter(holds).collect()
}

fn find(body: &[u8], location: &[u8], server: &[u8]) -> Option<&'static Page> {
    let matches = |p: &&Page| {
        let text = match p.place {
            Place::Body => body,
            Place::Location => location,
            Place::Server => server,
        };
        match p.how {
            How::Contains => contains(text, &p.pattern),
            How::Prefix => text.starts_with(p.pattern.as_bytes()),
        }
    };
    // A user's row of the same id stands in its place.
    table().page.iter().filter(matches).find(|p| !is_given(&p.id))
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
        assert_eq!(of_payload(b"<html><iframe src=\"http://10.10.34.36/?type=x\"></html>").len(), 1);
        assert!(of_payload(b"<html><title>Surf Safely!</title></html>").iter().all(|k| k.accuses && k.source.is_none()));
        assert!(of_payload(b"<html><title>Welcome to nginx!</title></html>").is_empty());
        assert!(
            of_payload(b"<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center></body></html>")
                .is_empty()
        );
    }
}
