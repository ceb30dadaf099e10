//! OONI's fingerprints as they are published: `fingerprints_http.csv` and `fingerprints_dns.csv` of ooni/blocking-fingerprints.
//!
//! Both have one header and each row says where it is to be found, so a file may hold either kind. Rows of scope `fp` are false
//! alarms. Rows that OONI does not trust (scope `vbw`, vague words; `br`, addresses that say
//! "blocked" by convention; `confidence_no_fp` below 5 of 10) are compared and never accuse.

use super::fields::Fields;
use super::forged_answers;
use super::given::{self, Answer, Given, Page, Place, Standing};
use super::injectors::{Evidence, Row};
use super::pattern::Pattern;
use serde::Deserialize;
use std::net::IpAddr;

/// A row as it stands in the file.
#[derive(Deserialize)]
struct Record {
    name: String,
    scope: String,
    location_found: String,
    pattern_type: String,
    pattern: String,
    #[serde(default)]
    confidence_no_fp: String,
    #[serde(default)]
    expected_countries: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    exp_url: String,
    #[serde(default)]
    notes: String,
}

/// Columns without which a row means nothing.
const NEEDED: [&str; 5] = ["name", "scope", "location_found", "pattern_type", "pattern"];
/// Trusted by OONI, of ten; what an empty field means there.
const TRUSTED: u8 = 5;
/// Characters of a note that stand for the name of a system.
const NOTE: usize = 80;

/// Reads a file into `into`. The error says which line and what is wrong.
pub fn read(file: &str, text: &str, into: &mut Given) -> Result<(), String> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|e| csv_error(&e))?.clone();
    if let Some(missing) = NEEDED.iter().find(|n| !headers.iter().any(|h| h == **n)) {
        return Err(format!("line {}: there is no column {missing}", headers.position().map_or(1, csv::Position::line)));
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|e| csv_error(&e))? {
        let line = record.position().map_or(0, csv::Position::line);
        let row: Record = record.deserialize(Some(&headers)).map_err(|e| format!("line {line}: {e}"))?;
        add(row, format!("{file}, line {line}"), into).map_err(|what| format!("line {line}: {what}"))?;
    }
    Ok(())
}

/// A name as an id: some of OONI's hold an @ or what a broken encoding left, and ids are printed and typed.
fn id_of(name: &str) -> String {
    let fits = |c: char| if given::is_id(c.encode_utf8(&mut [0; 4])) { c } else { '_' };
    name.chars().map(|c| fits(c.to_ascii_lowercase())).collect()
}

fn csv_error(error: &csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("line {line}: {len} fields instead of {expected_len}"),
        _ => format!("line {line}: {error}"),
    }
}

fn add(mut row: Record, place: String, into: &mut Given) -> Result<(), String> {
    // Notes have line breaks, names a blank at the end; only the pattern is meant to the letter.
    let told = [
        &mut row.name,
        &mut row.scope,
        &mut row.location_found,
        &mut row.expected_countries,
        &mut row.source,
        &mut row.exp_url,
        &mut row.notes,
    ];
    for text in told {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let mut id = id_of(&row.name);
    if id.is_empty() {
        return Err("a row without a name".into());
    }
    // A few names of OONI's stand in both of its lists: a page is no answer, so they are two rows.
    let dns = row.location_found == "dns";
    let other = |f: &Fields| if dns { f.page.contains(&id) } else { f.answer_row.contains(&id) };
    if into.injectors.iter().any(|r| r.id == id && r.fields.as_ref().is_some_and(other)) {
        id.push_str(if dns { ".dns" } else { ".http" });
    }
    let told = [&row.scope, &row.location_found, &row.expected_countries, &row.source, &row.exp_url, &row.notes];
    if told.iter().any(|t| !given::is_plain(t)) {
        return Err("control characters outside of the pattern".into());
    }
    let trust = match row.confidence_no_fp.trim() {
        "" => TRUSTED,
        n => n.parse().ok().filter(|n| *n <= 10).ok_or("confidence_no_fp is a number from 0 to 10")?,
    };
    let standing = match row.scope.as_str() {
        "fp" => Standing::Innocent,
        "vbw" | "br" => Standing::Unsure,
        _ if trust < TRUSTED => Standing::Unsure,
        _ => Standing::Sure,
    };
    let countries: Vec<&str> = row.expected_countries.split(',').map(str::trim).filter(|c| !c.is_empty()).collect();
    let country = if countries.is_empty() { "*".to_owned() } else { countries.join(",") };
    let scope = if row.scope.is_empty() { "scope not given".to_owned() } else { row.scope.clone() };
    let cited: Vec<&str> = [row.source.as_str(), row.exp_url.as_str()].into_iter().filter(|s| !s.is_empty()).collect();
    let source = if cited.is_empty() { "source not given".to_owned() } else { cited.join(" ") };
    let system = if row.notes.is_empty() { id.clone() } else { row.notes.chars().take(NOTE).collect() };
    let pattern = Pattern::new(&row.pattern_type, &row.pattern)?;
    let mut sure = standing == Standing::Sure;
    let mut fields = Fields::default();
    let cited = format!("{source}; {place}");
    match row.location_found.as_str() {
        "dns" => {
            let address: Option<IpAddr> = row.pattern.parse().ok().filter(|_| row.pattern_type == "full");
            // Everyone's loopback is no one's mark.
            let nobodys = address.is_some_and(|a| a.is_loopback() || a.is_unspecified());
            let standing = if nobodys && standing == Standing::Sure { Standing::Unsure } else { standing };
            sure &= standing == Standing::Sure;
            let answer = forged_answers::Row {
                id: id.clone(),
                system: system.clone(),
                country: country.clone(),
                scope,
                evidence: "given".into(),
                source: cited,
                note: String::new(),
                not_for: Vec::new(),
                addresses: address.into_iter().collect(),
            };
            let pattern = address.is_none().then(|| pattern.in_small_letters());
            into.answers.push(Answer { row: answer, pattern, standing });
            fields.answer_row.push(id.clone());
        }
        location => {
            let place = match location.strip_prefix("header.") {
                Some(name) if !name.is_empty() => Place::Header(name.to_owned()),
                None if location == "body" => Place::Body,
                _ => return Err(format!("location_found {location:?} is not known here; body, header.NAME and dns are")),
            };
            into.pages.push(Page { id: id.clone(), scope, country: country.clone(), place, pattern, source: cited, standing });
            fields.page.push(id.clone());
        }
    }
    let technique = format!("{} {} {:?}", row.location_found, row.pattern_type, row.pattern);
    let confidence = if sure { f64::from(trust) / 10.0 } else { 0.0 };
    // Several patterns may go by one name, as some of OONI's do.
    if let Some(earlier) = into.injectors.iter_mut().find(|r| r.id == id) {
        if earlier.fields != Some(fields) {
            return Err(format!("{id} cannot be both a page and an answer (see {})", earlier.given.as_deref().unwrap_or_default()));
        }
        earlier.confidence = earlier.confidence.min(confidence);
        earlier.technique.push_str(&format!("; {technique}"));
        return Ok(());
    }
    into.injectors.push(Row {
        id,
        system,
        country,
        technique,
        year: 0,
        evidence: Evidence::Given,
        confidence,
        source,
        residual: None,
        note: if standing == Standing::Innocent { "a false alarm: what it matches is no blocking".into() } else { String::new() },
        examples: Vec::new(),
        fields: Some(fields),
        unmatched: None,
        given: Some(place),
        line: 0,
    });
    Ok(())
}
