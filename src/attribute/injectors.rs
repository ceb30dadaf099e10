//! Known injectors (`injectors.toml`), with a user's rows laid over them.

use super::fields::{Fields, flags, octets};
use super::{blockpages, forged_answers, given, issuers};
use serde::Deserialize;
use std::fmt;
use std::sync::OnceLock;

/// A known injector.
#[derive(Deserialize, Debug, Clone, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub id: String,
    pub system: String,
    /// ISO 3166 codes with commas between; `*` for products found anywhere.
    pub country: String,
    pub technique: String,
    /// Of the latest observation.
    pub year: u16,
    pub evidence: Evidence,
    /// How far a full match may be trusted to name the system, 0 to 1.
    pub confidence: f64,
    pub source: String,
    #[serde(default)]
    pub residual: Option<Residual>,
    #[serde(default)]
    pub note: String,
    /// Scenarios under `captures/` that show it.
    #[serde(default)]
    pub examples: Vec<String>,
    #[serde(default, rename = "match")]
    pub fields: Option<Fields>,
    /// Why packets alone cannot show it; stands instead of `match`.
    #[serde(default)]
    pub unmatched: Option<String>,
    /// File and line of a user's row.
    #[serde(skip)]
    pub given: Option<String>,
    /// Line of its table, from 1.
    #[serde(skip)]
    pub line: usize,
}

/// Where a row comes from.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Packets were dissected.
    Pcap,
    /// The primary text was read.
    Source,
    SecondHand,
    /// From memory, not checked again.
    Recalled,
    /// A user's file says so.
    #[serde(skip)]
    Given,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Evidence::Pcap => "seen in captures",
            Evidence::Source => "primary source",
            Evidence::SecondHand => "second hand",
            Evidence::Recalled => "recalled, unchecked",
            Evidence::Given => "given by the user",
        })
    }
}

/// Blocking that goes on after the trigger.
#[derive(Deserialize, Debug, Clone, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    pub seconds: u32,
    /// Packets with the same what.
    pub tuple: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    schema: u32,
    #[serde(default)]
    injector: Vec<toml::Spanned<Row>>,
}

/// Rows as they come with the program.
const BUILT_IN: &str = include_str!("injectors.toml");

/// Chance matches are one in so many powers of two, at most, for a row to give a name.
pub(super) const RARE: u32 = 11;
/// Rows trusted less than this are compared but never named.
pub(super) const TRUSTED: f64 = 0.5;

/// Reads a table and checks what the types cannot. The error says which line, and what is wrong with which row.
pub fn parse(text: &str) -> Result<Vec<Row>, String> {
    let line_of = |at: usize| text.bytes().take(at).filter(|b| *b == b'\n').count() + 1;
    let table: Table = toml::from_str(text)
        .map_err(|e| format!("line {}: {}", e.span().map_or(1, |s| line_of(s.start)), e.message().replace('\n', ", ")))?;
    if table.schema != 1 {
        return Err(format!("line 1: schema {} is not known here; this program reads schema 1", table.schema));
    }
    let mut rows: Vec<Row> = Vec::new();
    for spanned in table.injector {
        let line = line_of(spanned.span().start);
        let row = Row { line, ..spanned.into_inner() };
        let twice = rows.iter().any(|earlier| earlier.id == row.id).then(|| "the id stands twice".to_owned());
        row.check().and(twice.map_or(Ok(()), Err)).map_err(|what| format!("line {line}: injector {:?}: {what}", row.id))?;
        rows.push(row);
    }
    Ok(rows)
}

impl Row {
    /// The source; for a user's row also where it stands.
    pub fn cited(&self) -> String {
        self.given.as_ref().map_or_else(|| self.source.clone(), |place| format!("{}; {place}", self.source))
    }

    /// Whether a full match gives a name.
    pub fn can_be_named(&self) -> bool {
        self.confidence >= TRUSTED && self.fields.as_ref().is_some_and(|f| f.bits() >= RARE)
    }

    fn check(&self) -> Result<(), String> {
        if !given::is_id(&self.id) {
            return Err("an id is made of small letters, digits, dots, hyphens and underscores".into());
        }
        if [&self.system, &self.country, &self.technique, &self.source].iter().any(|s| s.trim().is_empty()) {
            return Err("system, country, technique and source must say something".into());
        }
        if ![&self.system, &self.country, &self.technique, &self.source, &self.note].iter().all(|s| given::is_plain(s)) {
            return Err("control characters in system, country, technique, source or note".into());
        }
        if !(0.0..=1.0).contains(&self.confidence) {
            return Err("confidence lies between 0 and 1".into());
        }
        let fields = match (&self.fields, &self.unmatched) {
            (Some(fields), None) => fields,
            (None, Some(why)) if !why.trim().is_empty() => return Ok(()),
            _ => return Err("either match or unmatched, with the reason".into()),
        };
        if *fields == Fields::default() {
            return Err("an empty match would match everything".into());
        }
        let letters = fields.flags.iter().chain(&fields.flags_contain);
        if let Some(bad) = letters.into_iter().find(|l| l.is_empty() || flags(l).is_none()) {
            return Err(format!("\"{bad}\" are no flags; write letters of FSRPAU"));
        }
        if fields.payload_hex.as_deref().is_some_and(|h| h.is_empty() || h.len() > 32 || octets(h).is_none()) {
            return Err("payload_hex holds 1 to 16 octets in hexadecimal".into());
        }
        if let Some(bad) = fields.page.iter().find(|id| !blockpages::has(id)) {
            return Err(format!("there is no block page \"{bad}\""));
        }
        if let Some(bad) = fields.issuer.iter().find(|id| !issuers::has(id)) {
            return Err(format!("there is no issuer \"{bad}\""));
        }
        if let Some(bad) = fields.answer_row.iter().find(|id| !forged_answers::has(id)) {
            return Err(format!("there is no row of forged answers \"{bad}\""));
        }
        Ok(())
    }
}

static ROWS: OnceLock<Vec<Row>> = OnceLock::new();

fn built_in() -> Vec<Row> {
    // The file is part of the program; a test parses it, so here a defect only means no attribution.
    parse(BUILT_IN).unwrap_or_default()
}

/// All rows in use.
pub fn rows() -> &'static [Row] {
    ROWS.get_or_init(built_in)
}

/// Our table as it is written, and how many rows it has: for who only wants to tell it from another, and not read it.
pub fn written() -> (&'static str, usize) {
    (BUILT_IN, BUILT_IN.lines().filter(|line| *line == "[[injector]]").count())
}

/// Rows of a user's, if any were laid over ours.
pub fn theirs() -> Vec<&'static Row> {
    ROWS.get().into_iter().flatten().filter(|r| r.given.is_some()).collect()
}

/// Lays a user's rows over ours: an id of theirs replaces ours. Must come before the first look at [`rows`], else it is refused.
pub fn layer(theirs: Vec<Row>) -> Result<(), String> {
    let mut rows = built_in();
    for row in theirs {
        match rows.iter_mut().find(|r| r.id == row.id) {
            Some(ours) => *ours = row,
            None => rows.push(row),
        }
    }
    ROWS.set(rows).map_err(|_| "fingerprints were already in use".to_owned())
}

/// The row of that id.
pub fn find(id: &str) -> Option<&'static Row> {
    rows().iter().find(|r| r.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_they_are_read() {
        assert_eq!(written().1, parse(BUILT_IN).unwrap().len());
    }

    #[test]
    fn the_table_is_sound() {
        let rows = parse(BUILT_IN).unwrap();
        assert!(rows.len() >= 50, "{}", rows.len());
    }

    #[test]
    fn errors_name_the_row() {
        let row = |more: &str| {
            format!(
                "schema = 1\n[[injector]]\nid = \"x.y\"\nsystem = \"s\"\ncountry = \"*\"\ntechnique = \"t\"\nyear = 2020\nevidence = \"pcap\"\nconfidence = 0.9\nsource = \"s\"\n{more}\n"
            )
        };
        assert!(parse(&row("match = { flags = [\"RA\"] }")).is_ok());
        for (bad, says) in [
            ("match = { flags = [\"RX\"] }", "RX"),
            ("match = { flagz = [\"RA\"] }", "flagz"),
            ("match = {}", "everything"),
            ("", "either"),
            ("match = { payload_hex = \"012\" }", "hexadecimal"),
            ("match = { page = [\"nowhere\"] }", "nowhere"),
        ] {
            let error = parse(&row(bad)).unwrap_err();
            assert!(error.contains(says), "{bad}: {error}");
        }
        let twice = row("match = { tos = 1 }");
        assert!(parse(&format!("{twice}{}", twice.trim_start_matches("schema = 1\n"))).unwrap_err().contains("twice"));
    }
}
