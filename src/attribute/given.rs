//! What a user gives beside our tables (`--fingerprints`): set once, before anything is judged.

use super::forged_answers;
use super::injectors::{self, Row};
use super::ooni;
use super::pattern::Pattern;
use std::sync::OnceLock;

/// A file of fingerprints, read.
pub struct File {
    /// As it is shown.
    pub name: String,
    pub text: String,
}

/// Where an HTTP fingerprint is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Body,
    /// The first header of this name.
    Header(String),
}

/// A page by a user's row.
#[derive(Debug)]
pub struct Page {
    pub id: String,
    pub scope: String,
    pub country: String,
    pub place: Place,
    pub pattern: Pattern,
    pub source: String,
    pub standing: Standing,
}

/// An answer by a user's row.
#[derive(Debug)]
pub struct Answer {
    pub row: forged_answers::Row,
    /// Of an address as text, or of a name that the answer leads to; `None` where the row has addresses.
    pub pattern: Option<Pattern>,
    pub standing: Standing,
}

/// What a row may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It names, and counts as evidence.
    Sure,
    /// It is only compared: its own source does not trust it.
    Unsure,
    /// It is a known false alarm: what it matches is not blocking.
    Innocent,
}

/// Everything that files of OONI gave.
#[derive(Debug, Default)]
pub struct Given {
    pub pages: Vec<Page>,
    pub answers: Vec<Answer>,
    /// A row for each page and answer, so that they are named as ours are.
    pub injectors: Vec<Row>,
}

static GIVEN: OnceLock<Given> = OnceLock::new();

/// What was given; nothing, unless [`set`] came first.
pub fn given() -> &'static Given {
    GIVEN.get_or_init(Given::default)
}

/// How a file is written, by its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Injectors,
    Ooni,
}

fn format(text: &str) -> Result<Format, String> {
    let told = |l: &&str| !l.trim().is_empty() && !l.trim_start().starts_with('#');
    let Some((n, line)) = text.lines().enumerate().find(|(_, l)| told(l)) else {
        return Err("line 1: there is nothing in it".into());
    };
    let columns = || line.split(',').map(|c| c.trim().trim_matches('"'));
    if columns().any(|c| c == "pattern_type" || c == "location_found") {
        Ok(Format::Ooni)
    } else if line.contains('=') || line.trim_start().starts_with('[') {
        Ok(Format::Injectors)
    } else {
        let what = "neither a table of injectors (TOML that starts with `schema = 1`) nor fingerprints of OONI (CSV that starts with \
                    `name,scope,...`)";
        Err(format!("line {}: {what}", n + 1))
    }
}

/// Reads a user's files and lays them over our tables. Must come before the first look at them, else it is refused. The error names
/// the file, the line and what is wrong.
pub fn set(files: &[File]) -> Result<(), String> {
    let mut theirs = Given::default();
    let mut tables = Vec::new();
    for file in files {
        let named = |what: String| format!("{}: {what}", file.name);
        let text = file.text.trim_start_matches('\u{feff}');
        match format(text).map_err(named)? {
            Format::Injectors => tables.push((file, text)),
            Format::Ooni => ooni::read(&file.name, text, &mut theirs).map_err(named)?,
        }
    }
    let mut rows = std::mem::take(&mut theirs.injectors);
    GIVEN.set(theirs).map_err(|_| "fingerprints were already in use".to_owned())?;
    // After the pages and answers are in place: a table may name those of any file.
    for (file, text) in tables {
        let named = |what: String| format!("{}: {what}", file.name);
        for mut row in injectors::parse(text).map_err(named)? {
            let line = row.line;
            row.given = Some(format!("{}, line {line}", file.name));
            if let Some(earlier) = rows.iter().find(|r| r.id == row.id) {
                let at = earlier.given.as_deref().unwrap_or_default();
                return Err(named(format!("line {line}: injector \"{}\" was given before, at {at}", row.id)));
            }
            rows.push(row);
        }
    }
    injectors::layer(rows)
}

/// Whether a text can be shown and kept in a line.
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Whether an id is made of what ids are made of.
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_tells_the_format() {
        assert_eq!(format("# mine\n\nschema = 1\n"), Ok(Format::Injectors));
        assert_eq!(format("[[injector]]\n"), Ok(Format::Injectors));
        assert_eq!(format("name,scope,location_found,pattern_type\n"), Ok(Format::Ooni));
        assert!(format("\n\nname;scope\n").unwrap_err().starts_with("line 3: neither"));
        assert!(format("# nothing\n").unwrap_err().contains("nothing in it"));
    }
}
