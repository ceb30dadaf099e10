//! Names that stay the same: of captures, flows and findings, and of the set of rules that spoke.
//!
//! All of them hash what the packets say, never where the file lay or how it was packed, so that the same packets read as pcap,
//! pcapng, gzip or from a pipe give the same identifiers.

use crate::attribute::injectors::{self, Row};
use crate::detect::rules::RULES;
use crate::flow::community::community_id;
use crate::flow::key::FlowKey;
use crate::pipeline::CaptureReport;
use crate::survey::{Control, Ends, Finding};
use sha2::{Digest, Sha256};

/// Hashes values with a mark between them, so that neighbours cannot run into one another.
struct Fields(Sha256);

impl Fields {
    /// `kind` keeps the identifiers of different things apart.
    fn new(kind: &str) -> Fields {
        Fields(Sha256::new()).text(kind)
    }

    fn text(mut self, text: &str) -> Fields {
        self.0.update(text.as_bytes());
        self.0.update([0]);
        self
    }

    fn number(mut self, n: i64) -> Fields {
        self.0.update(n.to_le_bytes());
        self
    }

    fn end(self, end: crate::packet::Endpoint) -> Fields {
        self.text(&end.ip.to_string()).number(i64::from(end.port))
    }

    /// 16 hex digits: among a million findings two are the same with a chance of 3e-8.
    fn finish(self) -> String {
        self.0.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
    }
}

/// Identifier of a capture: how many packets and octets, from when to when.
pub fn capture(report: &CaptureReport) -> String {
    let time = |t: Option<crate::capture::Timestamp>| t.map_or(0, |t| t.0);
    Fields::new("capture")
        .number(report.stats.packets as i64)
        .number(report.stats.bytes as i64)
        .number(time(report.time_first))
        .number(time(report.time_last))
        .finish()
}

/// Identifier of a flow within its capture.
pub fn flow(ends: &Ends) -> String {
    conversation(&ends.community_id(), ends.stream_first)
}

fn conversation(community_id: &str, stream_first: Option<u64>) -> String {
    Fields::new("flow").text(community_id).number(stream_first.map_or(-1, |f| f as i64)).finish()
}

/// Identifier of the flow of a finding's control.
pub fn control(c: &Control) -> String {
    let (key, _) = FlowKey::new(c.flow.client, c.server, c.protocol, None);
    conversation(&community_id(&key), c.flow.stream_first)
}

/// Identifier of a finding: times, endpoints, mechanism and frames.
pub fn finding(f: &Finding) -> String {
    let fields = Fields::new("finding").text(f.mechanism.name()).number(f.time.0).number(i64::from(f.ends.protocol));
    let mut fields = fields.end(f.ends.client).end(f.ends.server);
    for packets in [&f.forged, &f.genuine] {
        fields = fields.number(packets.len() as i64);
        for p in packets {
            fields = fields.number(p.entry.frame as i64).number(p.entry.time.0);
        }
    }
    // A drop has no forged packets: what was asked tells two of one flow apart.
    if let Some(t) = &f.trigger {
        fields = fields.number(t.frame as i64).number(t.complete_at_frame as i64);
    }
    fields.finish()
}

/// Version of the rules: how many, and a hash over their files, so that no change of a threshold goes unnoticed.
pub fn rules() -> String {
    let hash = RULES.iter().fold(Fields::new("rules"), |h, rule| h.text(rule.id).text(rule.source)).finish();
    format!("{}-{}", RULES.len(), hash.get(..8).unwrap_or_default())
}

/// Version of the fingerprints in use, a user's own among them.
pub fn fingerprints() -> String {
    // Ours are not read for this: most runs need none of them, and a run over a small capture takes no longer than reading them.
    let (ours, written) = injectors::written();
    let theirs = injectors::theirs();
    // What a row says, not where it stands.
    let text = |row: &Row| format!("{:?}", Row { given: None, line: 0, ..row.clone() });
    let hash = theirs.iter().fold(Fields::new("fingerprints").text(ours), |h, row| h.text(&text(row))).finish();
    let rows = if theirs.is_empty() { written } else { injectors::rows().len() };
    format!("{rows}-{}", hash.get(..8).unwrap_or_default())
}
