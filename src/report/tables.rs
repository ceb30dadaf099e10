//! `-o DIR/`: the records as Parquet tables, for DuckDB, pandas and Polars.
//!
//! The rows are the records of the JSON Lines, taken apart: whatever is true of those is true of these. A file takes its name only when it
//! is complete; until then it is a `.partial` beside the tables of an earlier run, which then give way.

mod columns;
mod parquet;

use super::{Shown, Sink, Tally, flows, identity, jsonl, timeline};
use columns::Column;
use parquet::Parquet;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A table that is being written.
struct Table {
    name: &'static str,
    partial: PathBuf,
    path: PathBuf,
    file: Option<Parquet>,
}

/// All tables of a run.
pub struct Tables {
    findings: Table,
    evidence: Table,
    packets: Table,
    flows: Table,
    dns: Table,
    captures: Table,
    timeline: Table,
    /// Versions of the tool, the rules and the fingerprints.
    versions: Map<String, Value>,
    /// Capture and file, as long as there is one.
    only: Option<[Value; 2]>,
    seen: u64,
}

impl Tables {
    /// Opens the tables in a directory, which is made if need be.
    pub fn create(directory: &Path) -> io::Result<Tables> {
        std::fs::create_dir_all(directory)?;
        let table = |name, columns| Table::create(directory, name, columns);
        let Value::Object(versions) = json!({
            "tool": env!("CARGO_PKG_VERSION"),
            "rules": identity::rules(),
            "fingerprints": identity::fingerprints(),
        }) else {
            return Err(io::Error::other("versions are no record"));
        };
        Ok(Tables {
            findings: table("findings", columns::FINDINGS)?,
            evidence: table("evidence", columns::EVIDENCE)?,
            packets: table("packets", columns::PACKETS)?,
            flows: table("flows", columns::FLOWS)?,
            dns: table("dns", columns::DNS)?,
            captures: table("captures", columns::CAPTURES)?,
            timeline: table("timeline", columns::TIMELINE)?,
            versions,
            only: None,
            seen: 0,
        })
    }

    /// A record as a row, with where it comes from. `capture` and `file` stand in the record, or in the one that it is part of.
    fn row(&self, record: &impl Serialize, of: Option<&Value>) -> io::Result<Value> {
        let mut row = serde_json::to_value(record).map_err(io::Error::from)?;
        if let Some(fields) = row.as_object_mut() {
            for (name, value) in &self.versions {
                fields.insert(name.clone(), value.clone());
            }
            for name in ["capture", "file"] {
                if let Some(value) = of.and_then(|o| o.get(name)) {
                    fields.insert(name.to_owned(), value.clone());
                }
            }
        }
        Ok(row)
    }
}

impl Sink for Tables {
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let mut capture = self.row(&jsonl::capture(shown), None)?;
        // In its own record a capture's identifier is `id`.
        if let Some(id) = capture.get("id").cloned() {
            capture["capture"] = id;
        }
        self.captures.push(&capture, &Value::Null)?;
        self.seen += 1;
        self.only = (self.seen == 1).then(|| [capture["capture"].clone(), capture["file"].clone()]);
        for (n, f) in &shown.findings {
            let finding = self.row(&jsonl::finding(shown, *n, f), None)?;
            self.findings.push(&finding, &Value::Null)?;
            for claim in list(&finding, "evidence") {
                self.evidence.push(&self.row(claim, Some(&finding))?, &finding)?;
            }
            for role in ["forged", "genuine"] {
                for packet in list(&finding, role) {
                    let mut row = self.row(packet, Some(&finding))?;
                    row["role"] = role.into();
                    self.packets.push(&row, &finding)?;
                }
            }
        }
        for line in flows::in_order(shown) {
            let flow = self.row(&jsonl::flow(shown, line), None)?;
            self.flows.push(&flow, &Value::Null)?;
            for transaction in list(&flow, "dns") {
                self.dns.push(&self.row(transaction, Some(&flow))?, &flow)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        let [capture, file] = self.only.clone().unwrap_or_default();
        let whole = json!({ "capture": capture, "file": file });
        for track in timeline::record(&tally.timeline).rows {
            let track = serde_json::to_value(&track).map_err(io::Error::from)?;
            for (n, state) in list(&track, "states").iter().enumerate() {
                let mut row = self.row(state, Some(&whole))?;
                row["stretch"] = n.into();
                self.timeline.push(&row, &track)?;
            }
        }
        for table in [
            &mut self.findings,
            &mut self.evidence,
            &mut self.packets,
            &mut self.flows,
            &mut self.dns,
            &mut self.captures,
            &mut self.timeline,
        ] {
            table.finish()?;
        }
        Ok(())
    }
}

fn list<'v>(record: &'v Value, name: &str) -> &'v [Value] {
    record.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Table {
    fn create(directory: &Path, name: &'static str, columns: &[Column]) -> io::Result<Table> {
        let path = directory.join(format!("{name}.parquet"));
        if path.is_dir() {
            return Err(io::Error::other(format!("{name}.parquet in it is a directory")));
        }
        let partial = directory.join(format!("{name}.parquet.partial"));
        let said = |error| about(name, error);
        let columns: Vec<Column> = columns.iter().chain(columns::PROVENANCE).copied().collect();
        let file = Parquet::new(File::create(&partial).map_err(said)?, name, &columns).map_err(said)?;
        Ok(Table { name, partial, path, file: Some(file) })
    }

    fn push(&mut self, record: &Value, whole: &Value) -> io::Result<()> {
        let name = self.name;
        self.file.as_mut().map_or(Ok(()), |f| f.push(record, whole)).map_err(|e| about(name, e))
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let done = file.finish().and_then(|()| std::fs::rename(&self.partial, &self.path));
        done.map_err(|e| {
            let _ = std::fs::remove_file(&self.partial);
            about(self.name, e)
        })
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // A file without its end is of no use to anybody.
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

/// Says which table it was.
fn about(name: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}.parquet: {error}"))
}
