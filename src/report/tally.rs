//! Sums over the captures of a run: what the last line and the `summary` record say.

use super::Shown;
use crate::detect::finding::{Confidence, Mechanism};
use crate::pipeline::CaptureReport;
use crate::survey::Timeline;
use std::collections::BTreeMap;

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub captures: u64,
    /// Inputs that could not be read at all, the first of them with the reason.
    pub unread: u64,
    pub unread_list: Vec<(String, String)>,
    /// Files of directories that are no captures and were passed over.
    pub passed_over: u64,
    /// Captures that were damaged, truncated or stopped early.
    pub incomplete: u64,
    pub interrupted: bool,
    pub packets: u64,
    pub bytes: u64,
    pub flows: u64,
    pub judged: u64,
    pub unjudged: BTreeMap<&'static str, u64>,
    /// Findings at or above `--min`, and how many lie below it.
    pub findings: BTreeMap<(Mechanism, Confidence), u64>,
    pub below: BTreeMap<(Mechanism, Confidence), u64>,
    /// Unexplained ones that were only counted, by server and mechanism.
    pub suppressed: BTreeMap<(String, &'static str), u64>,
    /// Attempts over time, of all captures.
    pub timeline: Timeline,
}

impl Tally {
    /// A thousand unreadable files say no more than the first hundred; all are counted.
    const UNREAD_KEPT: usize = 100;

    /// Takes a capture into account.
    pub fn add(&mut self, shown: &Shown<'_>) {
        let report = shown.report;
        self.captures += 1;
        self.incomplete += u64::from(!report.complete);
        self.interrupted |= report.interrupted;
        self.packets += report.stats.packets;
        self.bytes += report.stats.bytes;
        self.flows += report.stats.flows;
        let (judged, unjudged) = judged(report);
        self.judged += judged;
        for (why, n) in unjudged {
            *self.unjudged.entry(why).or_default() += n;
        }
        for (_, f) in &shown.findings {
            *self.findings.entry((f.mechanism, f.confidence)).or_default() += 1;
        }
        for (key, n) in &shown.below {
            *self.below.entry(*key).or_default() += n;
        }
        for ((server, mechanism), n) in &report.conclusion.suppressed {
            *self.suppressed.entry((server.clone(), mechanism)).or_default() += n;
        }
    }

    /// An input that could not be read.
    pub fn add_unread(&mut self, path: String, reason: String) {
        self.unread += 1;
        if self.unread_list.len() < Self::UNREAD_KEPT {
            self.unread_list.push((path, reason));
        }
    }

    /// Everything that was asked for was read to its end.
    pub fn complete(&self) -> bool {
        self.unread == 0 && self.incomplete == 0 && !self.interrupted
    }

    /// How many findings were reported.
    pub fn found(&self) -> u64 {
        self.findings.values().sum()
    }
}

/// Flows of a capture that were judged, and those that were not, by reason.
pub fn judged(report: &CaptureReport) -> (u64, BTreeMap<&'static str, u64>) {
    let mut unjudged = report.conclusion.verdicts.clone();
    let judged = unjudged.remove("judged").unwrap_or(0);
    unjudged.retain(|_, n| *n > 0);
    (judged, unjudged)
}
