//! The last step: every suspicious flow is judged again with what all flows say, and the findings are written down.

use super::audit::Audit;
use super::baselines::{Hit, Hits, Index};
use super::explained::Explanations;
use super::judge::{Judged, Known, Void, judge};
use super::part::Part;
use super::timeline::Timeline;
use super::verdict::{Finding, FlowLine, Leans};
use crate::detect::finding::{Confidence, Mechanism, Stage, TriggerKind};
use crate::flow::record::Flow;
use crate::limits::UNEXPLAINED_PER_SERVER;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What a capture comes to.
#[derive(Debug, Default)]
pub struct Conclusion {
    /// In order of first cited frame.
    pub findings: Vec<Finding>,
    /// One a flow, in order of first frame, if asked for.
    pub lines: Vec<FlowLine>,
    /// Unexplained findings beyond the first hundred per server and mechanism.
    pub suppressed: BTreeMap<(String, &'static str), u64>,
    /// Flows by how they were dealt with: `judged`, or why not.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// The clients' own circumvention traffic: flows by kind.
    pub evasion: BTreeMap<&'static str, u64>,
    /// Suspects that ordinary causes explain.
    pub explained: Explanations,
    /// What each suspicious flow was measured against, by its first frame, whatever it came to; if asked for.
    pub leans: BTreeMap<u64, Leans>,
    /// Attempts over time.
    pub timeline: Timeline,
    /// Facts of the survey left out because a bound was reached.
    pub facts_dropped: u64,
    /// Those of which samples are kept.
    pub facts_sampled: u64,
    /// Who asked, if it was to be known; there were more than could be remembered.
    pub clients: BTreeSet<IpAddr>,
    pub everybody: bool,
}

/// Who does the work of the last step, several at a time if there are several.
pub trait Hands: Sync {
    /// Does both.
    fn both(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send));
    /// Judges each.
    fn each(&self, flows: &[Flow], judge: &(dyn Fn(&Flow) -> Judged + Sync)) -> Vec<Judged>;
}

/// Merges the shards' parts and judges. What verdicts rest on is found out if `leans`.
pub fn conclude(parts: Vec<Part>, out_of_order: bool, leans: bool, hands: &dyn Hands) -> (Audit, Conclusion) {
    let Part { facts, mut audit, mut kept, verdicts, evasion, explained, lines, timeline, clients, everybody, .. } =
        Part::together(parts, hands, true);
    audit.settle();
    let mut conclusion = Conclusion {
        lines: lines.unwrap_or_default(),
        verdicts,
        evasion,
        explained,
        timeline,
        clients: clients.unwrap_or_default(),
        everybody,
        facts_dropped: facts.dropped,
        facts_sampled: facts.sampled(),
        ..Conclusion::default()
    };
    kept.sort_by_cached_key(first_frame);
    conclusion.lines.sort_by_key(|l| l.first_frame);
    let void = Void { everywhere: audit.void_rules(), filtered: audit.is_filtered() && !audit.nat_suspected(), steps: audit.steps.clone() };
    let known = Known { index: Index::new(&facts, &audit, out_of_order, hands), void, leans };
    let first = hands.each(&kept, &|flow| judge(flow, &known, &Hits::default()));
    let hits = hits(&kept, &first);
    let second =
        if hits.names.is_empty() && hits.endpoints.is_empty() { first } else { hands.each(&kept, &|flow| judge(flow, &known, &hits)) };
    let mut findings: Vec<Finding> = Vec::new();
    for (flow, judged) in kept.iter().zip(second) {
        mark(&mut conclusion.lines, flow, &judged.findings);
        conclusion.timeline.note(judged.tries);
        *conclusion.verdicts.entry(judged.unjudged.unwrap_or("judged")).or_default() += 1;
        findings.extend(judged.findings);
        if leans {
            conclusion.leans.insert(first_frame(flow), Leans { own: Vec::new(), ..judged.leans });
        }
        judged.explained.into_iter().for_each(|e| conclusion.explained.add(e));
    }
    conclusion.explained.settle();
    findings.sort_by_key(|f| (f.first_frame(), f.mechanism));
    conclusion.findings = suppress(findings, &mut conclusion.suppressed);
    (audit, conclusion)
}

fn first_frame(flow: &Flow) -> u64 {
    flow.transcript.first_frame()
}

fn hits(kept: &[Flow], judged: &[Judged]) -> Hits {
    let mut hits = Hits::default();
    for (flow, judged) in kept.iter().zip(judged) {
        for f in judged.findings.iter().filter(|f| f.confidence >= Confidence::Likely) {
            let hit = Hit { time: f.time, frame: f.first_frame(), flow: first_frame(flow) };
            // What is refused before anything was said sets nothing off.
            if f.stage != Stage::PostSyn && f.mechanism != Mechanism::DnsAnswer {
                let key = (f.ends.client.ip, f.ends.server.ip, f.ends.server.port);
                hits.endpoints.entry(key).or_default().push(Hit { ..hit });
            }
            let Some(trigger) = f.trigger.as_ref().filter(|t| !t.value.is_empty()) else { continue };
            hits.names.entry(trigger.value.to_ascii_lowercase()).or_default().push((
                f.mechanism.name(),
                hit.frame,
                hit.flow,
                f.ends.protocol == 6 && trigger.kind == TriggerKind::DnsQname,
            ));
        }
    }
    hits
}

fn mark(lines: &mut [FlowLine], flow: &Flow, findings: &[Finding]) {
    let Some(best) = findings.iter().max_by_key(|f| f.confidence) else { return };
    let Ok(at) = lines.binary_search_by_key(&first_frame(flow), |l| l.first_frame) else { return };
    if let Some(line) = lines.get_mut(at) {
        line.verdict = if best.confidence == Confidence::Unexplained { "unexplained" } else { "interfered" };
        line.reason = None;
        line.failure = Some(best.failure).filter(|f| !f.is_empty());
    }
}

fn suppress(findings: Vec<Finding>, suppressed: &mut BTreeMap<(String, &'static str), u64>) -> Vec<Finding> {
    let mut seen: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    findings
        .into_iter()
        .filter(|f| {
            if f.confidence > Confidence::Unexplained {
                return true;
            }
            let key = (f.ends.server.ip.to_string(), f.mechanism.name());
            let count = seen.entry(key.clone()).or_default();
            *count += 1;
            if *count > UNEXPLAINED_PER_SERVER {
                *suppressed.entry(key).or_default() += 1;
            }
            *count <= UNEXPLAINED_PER_SERVER
        })
        .collect()
}
