//! JSON Lines, schema `interloper/1`: one object a line, in an order that does not depend on threads.

mod parts;

use super::clock::{milliseconds, rfc3339};
use super::record::summary::{SummaryRecord, SuppressedRecord, UnreadRecord, Versions};
use super::record::{
    CaptureRecord, ClockStepRecord, ControlRecord, DamageRecord, EndsRecord, FindingRecord, FlowRecord, SCHEMA, TriggerRecord,
};
use super::{Shown, Sink, Tally, escape, flows, identity, timeline, transactions, wireshark};
use crate::detect::finding::{Confidence, Mechanism};
use crate::survey::{ClockStep, Ends, Finding, FlowLine};
use parts::{claim, injector, packet};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes the records.
pub struct JsonLines<W> {
    out: W,
    findings: bool,
    flows: bool,
}

impl<W: Write + Send> JsonLines<W> {
    /// With `flows`, a record for every flow as well.
    pub fn new(out: W, flows: bool) -> JsonLines<W> {
        JsonLines { out, findings: true, flows }
    }

    /// The flows alone, without findings.
    pub fn flows(out: W) -> JsonLines<W> {
        JsonLines { out, findings: false, flows: true }
    }

    fn line(&mut self, record: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, record).map_err(io::Error::from)?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        self.line(&capture(shown))?;
        let findings: &[(u64, &Finding)] = if self.findings { &shown.findings } else { &[] };
        for (n, f) in findings {
            self.line(&finding(shown, *n, f))?;
        }
        if self.flows {
            for line in flows::in_order(shown) {
                self.line(&flow(shown, line))?;
            }
        }
        self.out.flush()
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.line(&summary(tally))?;
        self.out.flush()
    }
}

fn clock_step(s: &ClockStep) -> ClockStepRecord {
    ClockStepRecord { after_frame: s.after, frame: s.frame, step_ms: milliseconds(s.step) }
}

pub(super) fn capture<'r>(shown: &'r Shown<'_>) -> CaptureRecord<'r> {
    let r = shown.report;
    let mut skipped = BTreeMap::new();
    for (name, n) in r.stats.skipped_names() {
        *skipped.entry(name).or_default() += n;
    }
    CaptureRecord {
        schema: SCHEMA,
        kind: "capture",
        id: &shown.id,
        file: &shown.file,
        format: &r.description.format,
        compression: r.description.compression,
        link_types: r.description.link_types.iter().map(|l| wireshark::link_type(*l)).collect(),
        packets: r.stats.packets,
        bytes_read: r.bytes_read,
        bytes_total: r.description.bytes_total,
        time_first: r.time_first.map(rfc3339),
        time_last: r.time_last.map(rfc3339),
        ts_resolution: &r.description.resolution,
        snaplen_cut: r.stats.snaplen_cut,
        bad_checksums: r.stats.bad_checksums,
        out_of_order: r.stats.out_of_order,
        duplicates: r.audit.copies,
        acked_unseen: r.audit.acked_unseen,
        vantage: r.audit.vantage(),
        one_sided: r.audit.is_one_sided(),
        nat_suspected: r.audit.nat_suspected(),
        damage: r.damage.iter().map(|d| DamageRecord { offset: d.offset, text: escape::sentence(&d.text) }).collect(),
        void_rules: r.audit.void_rules(),
        skipped,
        explained: &r.conclusion.explained.counts,
        evasion: &r.conclusion.evasion,
        filtered: r.stats.filtered,
        fragments: r.stats.fragments,
        fragments_abandoned: r.stats.fragments_abandoned,
        too_deep: r.stats.too_deep,
        flows: r.stats.flows,
        evicted: r.stats.evicted,
        late_packets: r.stats.late_packets,
        closed_forgotten: r.stats.closed_forgotten,
        streams_forgotten: r.stats.streams_forgotten,
        facts_dropped: r.conclusion.facts_dropped + r.audit.steps_dropped,
        facts_sampled: r.conclusion.facts_sampled,
        damage_count: r.damage_count,
        complete: r.complete,
        interrupted: r.interrupted,
        mid_stream: r.audit.mid_stream,
        offloaded: r.audit.glued,
        checksums_offloaded: r.audit.unsummed,
        clock_steps: r.audit.steps.iter().map(clock_step).collect(),
    }
}

fn ends(shown: &Shown<'_>, e: &Ends) -> EndsRecord {
    EndsRecord {
        client_ip: e.client.ip.to_string(),
        client_port: e.client.port,
        server_ip: e.server.ip.to_string(),
        server_port: e.server.port,
        proto: wireshark::protocol(e.protocol),
        ip_version: if e.client.ip.is_ipv6() { 6 } else { 4 },
        community_id: e.community_id(),
        flow: identity::flow(e),
        stream: shown.stream(e),
        vlan: e.vlan,
        tunnel: e.tunnel,
    }
}

pub(super) fn finding<'r>(shown: &'r Shown<'_>, n: u64, f: &'r Finding) -> FindingRecord<'r> {
    let trigger = f.trigger.as_ref().map(|t| TriggerRecord {
        kind: t.kind.name(),
        value: (!f.name_cut).then(|| escape::escape(&t.value)),
        frame: t.frame,
        time: f.trigger_time.map(rfc3339),
        complete_at_frame: t.complete_at_frame,
    });
    let control = f.control.as_ref().map(|c| ControlRecord {
        kind: c.kind,
        capture: &shown.id,
        flow: identity::control(c),
        frame: c.frame,
        value: escape::escape(&c.value),
        outcome: c.outcome,
    });
    let ends = ends(shown, &f.ends);
    FindingRecord {
        schema: SCHEMA,
        kind: "finding",
        id: identity::finding(f),
        n,
        time: rfc3339(f.time),
        mechanism: f.mechanism.name(),
        stage: f.stage.name(),
        layer: f.layer.name(),
        confidence: f.confidence.name(),
        failure: Some(f.failure).filter(|x| !x.is_empty()),
        trigger,
        forged: f.forged.iter().map(|p| packet(shown, p)).collect(),
        genuine: f.genuine.iter().map(|p| packet(shown, p)).collect(),
        evidence: f.claims.iter().map(claim).collect(),
        control,
        position: f.position.name(),
        injector: f.injector.as_ref().map(injector),
        void_rules: &f.void_rules,
        wireshark: wireshark::filter(&f.ends, ends.stream),
        ends,
        capture: &shown.id,
        file: &shown.file,
    }
}

pub(super) fn flow<'r>(shown: &'r Shown<'_>, l: &'r FlowLine) -> FlowRecord<'r> {
    FlowRecord {
        schema: SCHEMA,
        kind: "flow",
        ends: ends(shown, &l.ends),
        time: rfc3339(l.time),
        duration_ms: milliseconds(l.duration),
        service: l.service,
        name: l.name.as_deref().map(escape::escape),
        alpn: l.alpn.as_deref().map(escape::escape),
        ja4: l.ja4.as_deref().map(escape::sentence),
        conn_state: l.conn_state,
        history: l.history.clone(),
        orig_pkts: l.packets[0],
        resp_pkts: l.packets[1],
        orig_bytes: l.bytes[0],
        resp_bytes: l.bytes[1],
        rtt_ms: l.rtt.map(milliseconds),
        failure: l.failure,
        evasion: &l.evasion,
        verdict: l.verdict,
        reason: l.reason,
        dns: l.dns.iter().map(transactions::record).collect(),
        frame: l.first_frame,
        capture: &shown.id,
        file: &shown.file,
    }
}

fn by_mechanism(counts: &BTreeMap<(Mechanism, Confidence), u64>) -> BTreeMap<&'static str, BTreeMap<&'static str, u64>> {
    let mut table: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for ((mechanism, confidence), n) in counts {
        table.entry(mechanism.name()).or_default().insert(confidence.name(), *n);
    }
    table
}

pub(super) fn summary(t: &Tally) -> SummaryRecord<'_> {
    SummaryRecord {
        schema: SCHEMA,
        kind: "summary",
        findings: by_mechanism(&t.findings),
        below_min: by_mechanism(&t.below),
        suppressed: t.suppressed.iter().map(|((server, mechanism), count)| SuppressedRecord { server, mechanism, count: *count }).collect(),
        flows: t.flows,
        flows_judged: t.judged,
        flows_unjudged: &t.unjudged,
        captures: t.captures,
        captures_incomplete: t.incomplete,
        passed_over: t.passed_over,
        unread_count: t.unread,
        unread: t.unread_list.iter().map(|(file, reason)| UnreadRecord { file, reason }).collect(),
        packets: t.packets,
        bytes: t.bytes,
        versions: Versions { tool: env!("CARGO_PKG_VERSION"), rules: identity::rules(), fingerprints: identity::fingerprints() },
        interrupted: t.interrupted,
        complete: t.complete(),
        timeline: timeline::record(&t.timeline),
    }
}
