//! Says what was found: on the terminal, as JSON Lines, and the manual of the rules.
//!
//! Nothing here judges. A [`Shown`] is one capture as a report shows it; a [`Sink`] writes it in one format; a [`Tally`] adds up the
//! run. Every byte that comes from a capture or a file's name passes [`escape`].

mod artefacts;
pub mod clock;
pub mod csv;
pub mod escape;
pub mod evidence;
pub mod explain;
pub mod filters;
pub mod flows;
pub mod glossary;
pub mod html;
pub mod identity;
pub mod jsonl;
pub mod ladder;
mod page;
pub mod paint;
mod passage;
mod pcapng;
mod record;
mod rungs;
pub mod share;
mod strip;
pub mod tables;
mod tally;
pub mod text;
mod timeline;
mod transactions;
pub mod wireshark;
pub mod words;

pub use record::SCHEMA;
pub use tally::{Tally, judged};

use crate::detect::finding::{Confidence, Mechanism};
use crate::pipeline::CaptureReport;
use crate::survey::Finding;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

/// One capture as reports show it.
pub struct Shown<'r> {
    pub report: &'r CaptureReport,
    /// Its path, safe to print.
    pub file: String,
    pub id: String,
    /// Findings at or above the threshold with their number in the run, in order of first cited frame.
    pub findings: Vec<(u64, &'r Finding)>,
    /// Findings below it are counted, not shown.
    pub below: BTreeMap<(Mechanism, Confidence), u64>,
    /// With `--share`: the mapping that the report has been through, for packets that are read again.
    pub share: Option<&'r share::Names>,
}

impl<'r> Shown<'r> {
    /// Selects and numbers; `found` is the number of findings the run has shown so far.
    pub fn new(report: &'r CaptureReport, min: Confidence, found: u64) -> Shown<'r> {
        let (mut shown, below): (Vec<&Finding>, Vec<&Finding>) = report.conclusion.findings.iter().partition(|f| f.confidence >= min);
        // Endpoints last, so that the order is the same however the findings came about.
        shown.sort_by_cached_key(|f| (f.first_frame(), f.mechanism, f.time, f.ends.client, f.ends.server));
        let mut counts = BTreeMap::new();
        for f in below {
            *counts.entry((f.mechanism, f.confidence)).or_default() += 1;
        }
        Shown {
            report,
            file: escape::path(&report.path),
            id: identity::capture(report),
            findings: (found + 1..).zip(shown).collect(),
            below: counts,
            share: None,
        }
    }

    /// The same of a report that was renamed: the file's name goes as well.
    pub fn shared(self, names: &'r share::Names, file: String) -> Shown<'r> {
        Shown { share: Some(names), file, ..self }
    }

    /// The address that is written for one of the capture's.
    pub fn rename(&self, address: IpAddr) -> IpAddr {
        self.share.map_or(address, |names| names.of(address))
    }

    /// Wireshark's stream number of a conversation.
    pub fn stream(&self, ends: &crate::survey::Ends) -> Option<u64> {
        if !matches!(ends.protocol, 6 | 17) {
            return None;
        }
        ends.stream_first.and_then(|first| self.report.streams.number(ends.protocol, first))
    }
}

/// Where a run's results are written, in one format.
pub trait Sink: Send {
    /// The next capture, in order.
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()>;
    /// The end of the run.
    fn finish(&mut self, tally: &Tally) -> io::Result<()>;
}
