//! Known injectors (`injectors.toml`) and which of them a finding's packets resemble.
//!
//! A name is a remark beside a finding: whether there is one, and how sure it is, was settled before. Only a row all of whose fields
//! hold, rare enough together, is named; of two such rows a user's before ours, then the more particular one; of equals both.

use super::fields::{Check, Fields, flags, octets};
use super::observed::{Observed, Packet};
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
const RARE: u32 = 11;
/// Rows trusted less than this are compared but never named.
const TRUSTED: f64 = 0.5;

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

/// How a row compares with a finding.
#[derive(Clone, PartialEq, Debug)]
pub struct Resemblance {
    pub row: &'static Row,
    pub checks: Vec<Check>,
}

impl Resemblance {
    fn held(&self, wanted: Option<bool>) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |c| c.holds == wanted)
    }

    pub fn matched(&self) -> usize {
        self.held(Some(true)).count()
    }

    /// Fields that the packets can tell.
    pub fn of(&self) -> usize {
        self.matched() + self.held(Some(false)).count()
    }

    /// Names of the fields that hold (`Some(true)`), that do not, or that cannot be told.
    pub fn fields(&self, wanted: Option<bool>) -> Vec<&'static str> {
        self.held(wanted).map(|c| c.field).collect()
    }

    fn bits(&self) -> u32 {
        self.held(Some(true)).map(|c| c.bits).sum()
    }

    fn is_full(&self) -> bool {
        self.matched() == self.of()
    }

    fn gives_a_name(&self) -> bool {
        self.is_full() && self.bits() >= RARE && self.row.confidence >= TRUSTED
    }
}

/// Which injectors a finding's packets resemble.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Resembled {
    /// Rows of which every field holds, equally particular: one, or a tie.
    pub named: Vec<Resemblance>,
    /// The nearest others.
    pub near: Vec<Resemblance>,
}

/// Rows told beside the named ones.
const NEAR: usize = 3;

/// Holds every row against a finding's packets.
pub fn resemble(seen: &Observed) -> Resembled {
    let groups = groups(&seen.packets);
    let mut all: Vec<Resemblance> = rows().iter().filter_map(|row| best(row, &groups, seen)).collect();
    // A user's own goes before ours, however much more ours says: they laid it there to be named.
    let weight = |r: &Resemblance| (r.row.given.is_some(), r.bits());
    let most = all.iter().filter(|r| r.gives_a_name()).map(weight).max();
    let (named, mut rest): (Vec<_>, Vec<_>) = all.drain(..).partition(|r| r.gives_a_name() && Some(weight(r)) == most);
    rest.retain(|r| r.matched() * 2 > r.of() && r.bits() > 1);
    rest.sort_by(|a, b| (b.matched() * a.of(), b.bits(), &a.row.id).cmp(&(a.matched() * b.of(), a.bits(), &b.row.id)));
    rest.truncate(NEAR);
    Resembled { named, near: rest }
}

fn best(row: &'static Row, groups: &[Vec<&Packet>], seen: &Observed) -> Option<Resemblance> {
    let fields = row.fields.as_ref()?;
    let tried = groups.iter().map(|group| Resemblance { row, checks: fields.check(group, seen) });
    tried.reduce(|a, b| {
        let missed = |r: &Resemblance| r.of() - r.matched();
        if (missed(&b), std::cmp::Reverse(b.bits())) < (missed(&a), std::cmp::Reverse(a.bits())) { b } else { a }
    })
}

/// Packets that may be of one injector. Several devices answer one request, in either direction and again for its repetition, so a
/// finding is taken apart: by side, then by flags, then by what one burst has in common.
fn groups(packets: &[Packet]) -> Vec<Vec<&Packet>> {
    let mut groups: Vec<Vec<&Packet>> = Vec::new();
    /// Side, flags, identification and window, as far as they part packets.
    type Key = (bool, u16, u32, u16);
    let mut part = |key: &dyn Fn(&Packet) -> Key| {
        let mut parts: Vec<(Key, Vec<&Packet>)> = Vec::new();
        for p in packets {
            match parts.iter_mut().find(|(k, _)| *k == key(p)) {
                Some((_, list)) => list.push(p),
                None => parts.push((key(p), vec![p])),
            }
        }
        for (_, list) in parts {
            if !groups.contains(&list) {
                groups.push(list);
            }
        }
    };
    part(&|p| (p.from_server, 0, 0, 0));
    part(&|p| (p.from_server, p.flags, 0, 0));
    part(&|p| (p.from_server, p.flags, p.ip_id.map_or(u32::MAX, u32::from), p.window));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ip_id: u16, window: u16) -> Packet {
        Packet {
            from_server: true,
            is_tcp: true,
            flags: 0x14,
            ttl: 60,
            ip_id: Some(ip_id),
            dont_fragment: Some(true),
            window,
            ..Packet::default()
        }
    }

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
    fn a_burst_is_told_from_a_single_packet() {
        let burst = vec![packet(0x3a5c, 4022); 3];
        let seen = Observed { packets: burst.clone(), ..Observed::default() };
        let named: Vec<&str> = resemble(&seen).named.iter().map(|r| r.row.id.as_str()).collect();
        assert_eq!(named, ["cn.gfw.rst.type2"]);
        let seen = Observed { packets: burst.into_iter().take(1).collect(), ..Observed::default() };
        assert!(resemble(&seen).named.is_empty(), "one packet of it is not enough");
        assert!(!resemble(&seen).near.is_empty());
        let seen = Observed { packets: vec![packet(0x3a5c, 501); 3], ..Observed::default() };
        assert!(resemble(&seen).named.is_empty(), "nor is the quotient wrong");
    }

    #[test]
    fn unknowable_fields_do_not_count() {
        let v6 = Packet { ip_id: None, dont_fragment: None, ..packet(0, 4022) };
        let seen = Observed { packets: vec![v6; 3], ..Observed::default() };
        let found = resemble(&seen);
        assert!(found.named.is_empty(), "what is left is common");
        let type2 = found.near.iter().find(|r| r.row.id == "cn.gfw.rst.type2").unwrap();
        assert!(type2.fields(None).contains(&"quotient") && type2.matched() == type2.of());
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
