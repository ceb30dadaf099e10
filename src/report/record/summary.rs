//! The last record: the run added up, with attempts over time.

use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
pub struct SummaryRecord<'r> {
    pub schema: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Mechanism, then confidence.
    pub findings: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// The same of those below `--min`, which are not among the records.
    pub below_min: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    pub suppressed: Vec<SuppressedRecord<'r>>,
    pub flows: u64,
    pub flows_judged: u64,
    pub flows_unjudged: &'r BTreeMap<&'static str, u64>,
    pub captures: u64,
    pub captures_incomplete: u64,
    pub passed_over: u64,
    pub unread_count: u64,
    pub unread: Vec<UnreadRecord<'r>>,
    pub packets: u64,
    pub bytes: u64,
    pub versions: Versions,
    pub interrupted: bool,
    pub complete: bool,
    /// Addition: attempts over time.
    pub timeline: TimelineRecord,
}

#[derive(Serialize)]
pub struct TimelineRecord {
    /// Changes are claimed at this level, with so many trials on either side.
    pub level: f64,
    pub least: u64,
    /// The first and the last attempt of the run: the ends of every `strip`.
    pub first: Option<String>,
    pub last: Option<String>,
    pub columns: usize,
    pub rows: Vec<TrackRecord>,
    pub rows_left_out: u64,
    /// Names that nothing interfered with; they have no row.
    pub untouched: u64,
    /// Attempts that were not counted under some name, server or client.
    pub left_out: u64,
}

#[derive(Serialize)]
pub struct TrackRecord {
    /// `name`, `server`, `client`, `mechanism`.
    pub kind: &'static str,
    pub key: String,
    /// How a name was asked for: `dns`, `tls`, `http`, `quic`.
    pub service: Option<&'static str>,
    pub partial: bool,
    pub attempts: u64,
    pub interfered: u64,
    pub fine: u64,
    pub failed: u64,
    pub unjudged: u64,
    pub share: Option<f64>,
    pub first: String,
    pub last: String,
    /// Seconds that counts are kept by.
    pub span_s: u64,
    pub mechanisms: BTreeMap<&'static str, u64>,
    pub states: Vec<StretchRecord>,
    pub strip: Vec<[u64; 5]>,
}

#[derive(Serialize)]
pub struct StretchRecord {
    pub state: &'static str,
    pub first: String,
    pub last: String,
    pub attempts: u64,
    pub interfered: u64,
    pub fine: u64,
    pub failed: u64,
    pub unjudged: u64,
    pub share: Option<f64>,
    /// Of Fisher's test against the stretch before.
    pub p: Option<f64>,
}

#[derive(Serialize)]
pub struct SuppressedRecord<'r> {
    pub server: &'r str,
    pub mechanism: &'static str,
    pub count: u64,
}

#[derive(Serialize)]
pub struct UnreadRecord<'r> {
    pub file: &'r str,
    pub reason: &'r str,
}

#[derive(Serialize)]
pub struct Versions {
    pub tool: &'static str,
    pub rules: String,
    /// Digest over the fingerprints of injectors in use.
    pub fingerprints: String,
}
