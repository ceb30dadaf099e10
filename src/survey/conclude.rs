//! The last step: every suspicious flow is judged again with what all flows say, and the findings are written down.

use super::attribution;
use super::audit::Audit;
use super::baselines::{Hit, Hits, Index};
use super::clock_steps::ClockStep;
use super::explained::{Explained, Explanations, reason};
use super::part::{Part, ends};
use super::timeline::Timeline;
use super::tries::{Try, tries};
use super::verdict::{Control, Finding, FlowLine, Leans, PacketRef};
use crate::detect::case::Case;
use crate::detect::finding::{
    Claim, Class, Confidence, Layer, Mechanism, Position, Stage, Stance, Suspect, TriggerKind, conclude as weigh,
};
use crate::detect::rules::{self, RULES, View};
use crate::detect::surroundings::Surroundings;
use crate::detect::suspects::{self, dns_answer};
use crate::flow::entry::Entry;
use crate::flow::record::Flow;
use crate::flow::stream::ahead;
use crate::limits::UNEXPLAINED_PER_SERVER;
use crate::packet::Endpoint;
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
    /// Who asked, if it was to be known; there were more than could be remembered.
    pub clients: BTreeSet<IpAddr>,
    pub everybody: bool,
}

/// Merges the shards' parts and judges. `each` maps a judge over the flows, in parallel if it can. What verdicts rest on is found out
/// if `leans`.
pub fn conclude(
    parts: Vec<Part>,
    out_of_order: bool,
    leans: bool,
    each: impl Fn(&[Flow], &(dyn Fn(&Flow) -> Judged + Sync)) -> Vec<Judged>,
) -> (Audit, Conclusion) {
    let Part { mut facts, mut audit, mut kept, verdicts, evasion, explained, lines, timeline, clients, everybody, .. } =
        Part::joined(parts);
    facts.settle();
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
        ..Conclusion::default()
    };
    kept.sort_by_cached_key(first_frame);
    conclusion.lines.sort_by_key(|l| l.first_frame);
    let void = Void { everywhere: audit.void_rules(), steps: audit.steps.clone() };
    let known = Known { index: Index::new(&facts, &audit, out_of_order), void, leans };
    let first = each(&kept, &|flow| judge(flow, &known, &Hits::default()));
    let hits = hits(&kept, &first);
    let second = if hits.names.is_empty() && hits.endpoints.is_empty() { first } else { each(&kept, &|flow| judge(flow, &known, &hits)) };
    let mut findings: Vec<Finding> = Vec::new();
    for (flow, judged) in kept.iter().zip(second) {
        mark(&mut conclusion.lines, flow, &judged.findings);
        conclusion.timeline.note(judged.tries);
        findings.extend(judged.findings);
        if !judged.leans.flows.is_empty() || !judged.leans.frames.is_empty() {
            conclusion.leans.insert(first_frame(flow), Leans { own: Vec::new(), ..judged.leans });
        }
        judged.explained.into_iter().for_each(|e| conclusion.explained.add(e));
    }
    conclusion.explained.settle();
    findings.sort_by_key(|f| (f.first_frame(), f.mechanism));
    conclusion.findings = suppress(findings, &mut conclusion.suppressed);
    (audit, conclusion)
}

/// What every flow is judged with.
struct Known<'f> {
    index: Index<'f>,
    void: Void,
    /// Whether to find out what verdicts rest on.
    leans: bool,
}

/// What this capture cannot show.
struct Void {
    everywhere: Vec<&'static str>,
    /// Nothing is timed across these.
    steps: Vec<ClockStep>,
}

impl Void {
    fn holds(&self, rule: &str, case: &Case<'_>) -> bool {
        self.everywhere.contains(&rule) || self.steps.iter().any(|s| s.spoils(rule, case))
    }
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
            hits.names.entry(trigger.value.to_ascii_lowercase()).or_default().push((f.mechanism.name(), hit.frame, hit.flow));
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

/// What a flow comes to: at most one finding per mechanism, and what was suspected for nothing.
#[derive(Default)]
pub struct Judged {
    pub findings: Vec<Finding>,
    pub explained: Vec<Explained>,
    /// What else was asked to come to this.
    pub leans: Leans,
    /// What the flow tried, with what came of it.
    pub tries: Vec<Try>,
}

fn judge(flow: &Flow, Known { index, void, leans }: &Known<'_>, hits: &Hits) -> Judged {
    let case = Case::new(flow);
    let rests_on = |suspect: &Suspect, around: &Surroundings<'_>, finding: Option<&Finding>| {
        if *leans { index.leans(&case, (suspect, around), hits, finding) } else { Leans::default() }
    };
    let mut judged = Judged::default();
    let best = &mut judged.findings;
    for mut suspect in suspects::find(&case) {
        index.refine(&case, &mut suspect, hits);
        let around = index.surroundings(&case, &suspect, hits, *leans);
        let finding = match finding(&case, &suspect, &around, void) {
            Ok(finding) => {
                let leans = rests_on(&suspect, &around, Some(&finding));
                judged.leans.join(leans.clone());
                Finding { leans, ..finding }
            }
            Err(explained) => {
                judged.leans.join(rests_on(&suspect, &around, None));
                judged.explained.extend(explained.map(|e| *e));
                continue;
            }
        };
        match best.iter_mut().find(|f| f.mechanism == finding.mechanism) {
            // Resets forged towards both ends are one finding.
            Some(known) if known.confidence >= Confidence::Likely && finding.confidence >= Confidence::Likely => {
                join(known, finding);
                known.injector = attribution::of(&case, &suspect, &known.forged, &known.claims);
            }
            Some(known) if finding.confidence > known.confidence => *known = finding,
            Some(_) => {}
            None => best.push(finding),
        }
    }
    judged.tries = tries(&case, &judged.findings);
    judged
}

fn join(known: &mut Finding, other: Finding) {
    known.confidence = known.confidence.max(other.confidence);
    known.forged.extend(other.forged);
    known.forged.sort_by_key(|p| p.entry.frame);
    known.genuine.extend(other.genuine);
    known.genuine.sort_by_key(|p| p.entry.frame);
    known.claims.extend(other.claims);
    known.leans.join(other.leans);
}

/// The finding a suspect makes, or what explains it.
fn finding(case: &Case<'_>, suspect: &Suspect, around: &Surroundings<'_>, void: &Void) -> Result<Finding, Option<Box<Explained>>> {
    let view = View { case, suspect, around };
    let mut claims = rules::claims(&view);
    for claim in &mut claims {
        if void.holds(claim.rule, case) {
            claim.void = Some("vantage-audit");
        }
    }
    let weighed = weigh(&mut claims, RULES, suspect.mechanism);
    let said = |c: &Confidence| *c > Confidence::Unexplained || is_worth_saying(case, suspect, &claims);
    let Some(confidence) = weighed.filter(said) else {
        return Err(reason(&claims).and_then(|c| Explained::new(case, suspect, c)).map(Box::new));
    };
    let trigger = suspect.trigger.clone();
    let trigger_time = trigger.as_ref().and_then(|t| case.index_of(t.frame)).and_then(|i| case.entries.get(i)).map(|e| e.time);
    let origin = trigger_time.unwrap_or(case.flow.first);
    let (forged, genuine) = packets(&view, &claims, origin);
    let void_rules = claims.iter().filter(|c| c.void == Some("vantage-audit")).map(|c| c.rule).collect();
    claims.sort_by_key(|c| (c.void.is_some(), rank(c), c.rule));
    Ok(Finding {
        ends: ends(case),
        time: forged.first().map_or(origin, |p| p.entry.time),
        mechanism: suspect.mechanism,
        stage: suspect.stage,
        layer: layer(case, suspect),
        confidence,
        position: position(suspect, &claims),
        failure: failure(&view),
        control: control(case, around, &claims),
        injector: attribution::of(case, suspect, &forged, &claims),
        trigger,
        trigger_time,
        forged,
        genuine,
        claims,
        void_rules,
        leans: Leans::default(),
    })
}

fn rank(claim: &Claim) -> (u8, u8) {
    let against = rules::find(claim.rule).is_some_and(|r| r.stance == Stance::Against);
    (u8::from(against), 2 - claim.class as u8)
}

/// Whether something broken whose cause is open is worth a line: the symptom must be one that interference has.
fn is_worth_saying(case: &Case<'_>, suspect: &Suspect, claims: &[Claim]) -> bool {
    let standing = claims.iter().filter(|c| c.void.is_none() && rules::find(c.rule).is_some_and(|r| r.stance == Stance::For));
    let strong = standing.clone().any(|c| c.class >= Class::B);
    match suspect.mechanism {
        Mechanism::TcpReset => {
            let early = matches!(suspect.stage, Stage::PostRequest | Stage::PostAck) && suspect.sender == case.server();
            early || strong
        }
        // An answer to what does not exist is false, whoever gave it and why.
        Mechanism::DnsAnswer => strong || standing.clone().any(|c| c.rule == "dns-no-such-name"),
        Mechanism::TcpFin | Mechanism::TcpData | Mechanism::TcpHandshake | Mechanism::IcmpError => strong,
        // Whoever opens TLS is named for what it is.
        Mechanism::Stall | Mechanism::TlsIntercept => true,
        // A slow transfer for which an ordinary cause was found is none.
        Mechanism::Throttle => claims.iter().all(|c| rules::find(c.rule).is_none_or(|r| r.stance == Stance::For)),
        Mechanism::Drop => {
            let silence =
                |c: &&Claim| matches!(c.rule, "trigger-then-silence" | "tail-then-silence" | "answer-then-silence" | "syn-then-silence");
            // A single unanswered datagram is worth a line only beside one that was answered.
            let control = claims.iter().any(|c| c.rule == "control-name-ok");
            claims.iter().filter(silence).filter(|c| c.void.is_none()).any(|c| c.class >= Class::B || control)
        }
    }
}

fn layer(case: &Case<'_>, suspect: &Suspect) -> Layer {
    match (suspect.mechanism, suspect.trigger.as_ref().map(|t| t.kind)) {
        (Mechanism::TcpReset | Mechanism::TcpFin | Mechanism::TcpHandshake, _) => Layer::Tcp,
        (Mechanism::IcmpError, _) => Layer::Icmp,
        (Mechanism::Stall | Mechanism::Throttle, _) => Layer::Tcp,
        (Mechanism::TlsIntercept, _) => Layer::Tls,
        (Mechanism::TcpData, kind) => {
            let first = suspect.packets.iter().filter_map(|i| case.entries.get(*i)).find(|e| e.payload_len > 0);
            match (first.map(Entry::peek), kind) {
                (Some([20..=24, 3, ..]), _) => Layer::Tls,
                (_, Some(TriggerKind::HttpHost | TriggerKind::HttpUri)) => Layer::Http,
                _ => Layer::Tcp,
            }
        }
        (Mechanism::DnsAnswer, _) | (_, Some(TriggerKind::DnsQname)) => Layer::Dns,
        (_, Some(TriggerKind::TlsSni | TriggerKind::TlsEch)) => Layer::Tls,
        (_, Some(TriggerKind::HttpHost | TriggerKind::HttpUri)) => Layer::Http,
        (_, Some(TriggerKind::QuicSni | TriggerKind::Protocol)) => Layer::Quic,
        _ => Layer::Tcp,
    }
}

fn position(suspect: &Suspect, claims: &[Claim]) -> Position {
    let stands = |rule: &str| claims.iter().any(|c| c.rule == rule && c.void.is_none());
    match suspect.mechanism {
        Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle => Position::InPath,
        Mechanism::TcpReset if ["data-after-reset", "ack-after-reset", "ack-regress"].into_iter().any(stands) => Position::OnPath,
        Mechanism::TcpReset if stands("reset-ladder") => Position::InPath,
        Mechanism::DnsAnswer if stands("dns-answers-conflict") => Position::OnPath,
        Mechanism::DnsAnswer if ["dns-ttl-outlier", "too-early", "dns-edns-lost", "dns-non-resolver"].into_iter().any(stands) => {
            Position::InPath
        }
        Mechanism::DnsAnswer => Position::Resolver,
        Mechanism::TcpData | Mechanism::TcpFin if ["overlap-differs", "data-contradicted", "data-disowned"].into_iter().any(stands) => {
            Position::OnPath
        }
        Mechanism::TcpHandshake => Position::OnPath,
        Mechanism::TlsIntercept | Mechanism::IcmpError => Position::InPath,
        Mechanism::TcpReset | Mechanism::TcpData | Mechanism::TcpFin => Position::Unknown,
    }
}

fn failure(view: &View<'_>) -> &'static str {
    match view.suspect.mechanism {
        Mechanism::TcpReset if view.suspect.stage == Stage::PostSyn => "connection_refused",
        Mechanism::TcpReset => "connection_reset",
        Mechanism::TcpFin => "eof_error",
        Mechanism::TcpData | Mechanism::TcpHandshake => "",
        Mechanism::IcmpError => "host_unreachable",
        Mechanism::TlsIntercept => "ssl_unknown_authority",
        Mechanism::Drop | Mechanism::Stall => "generic_timeout_error",
        Mechanism::Throttle => "",
        Mechanism::DnsAnswer => {
            let first = dns_answer::answers(view.case).next().map(|(_, d)| &d.message);
            match first.map(|m| (m.rcode, m.answers.is_empty())) {
                Some((3, _)) => "dns_nxdomain_error",
                Some((2, _)) => "dns_server_failure",
                Some((5, _)) => "dns_refused_error",
                Some((0, true)) => "dns_no_answer",
                _ => "",
            }
        }
    }
}

fn control(case: &Case<'_>, around: &Surroundings<'_>, claims: &[Claim]) -> Option<Control> {
    let stands = |rule: &str| claims.iter().find(|c| c.rule == rule && c.void.is_none());
    if let Some(claim) = stands("control-transfer-ok") {
        let other = around.transfers.iter().find(|t| claim.frames.contains(&t.frame))?;
        return Some(Control {
            kind: "other-transfer",
            frame: other.frame,
            flow: other.flow,
            server: Endpoint { ip: other.server, port: other.port },
            protocol: 6,
            value: other.name.to_vec(),
            outcome: "answered",
        });
    }
    let claim = stands("control-name-ok")?;
    let attempt = around.other_names.iter().chain(&around.same_name).find(|a| claim.frames.contains(&a.frame))?;
    Some(Control {
        kind: "same-server-other-name",
        frame: attempt.frame,
        flow: attempt.flow,
        server: Endpoint { ip: attempt.server, port: attempt.port },
        // Controls are of the suspect's own kind.
        protocol: case.flow.key.protocol,
        value: attempt.name.to_vec(),
        outcome: "answered",
    })
}

fn packets(view: &View<'_>, claims: &[Claim], origin: crate::capture::Timestamp) -> (Vec<PacketRef>, Vec<PacketRef>) {
    /// Genuine packets shown beside forged ones: enough to see the contradiction.
    const GENUINE: usize = 6;
    let case = view.case;
    let show = |e: &Entry| packet(view, e, origin);
    match view.suspect.mechanism {
        Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle => (Vec::new(), Vec::new()),
        Mechanism::IcmpError => (view.suspect.packets.iter().filter_map(|i| case.entries.get(*i)).map(show).collect(), Vec::new()),
        Mechanism::TcpReset | Mechanism::TcpFin | Mechanism::TcpData | Mechanism::TcpHandshake | Mechanism::TlsIntercept => {
            let forged: Vec<PacketRef> = view.suspect.packets.iter().filter_map(|i| case.entries.get(*i)).map(show).collect();
            let first = view.suspect.packets.first().copied().unwrap_or(0);
            let cited = |e: &Entry| claims.iter().any(|c| c.void.is_none() && c.frames.contains(&e.frame));
            let baseline = case.ordinary_before(view.suspect.sender, first).next().map(|(_, e)| e);
            let after = case
                .of(view.suspect.sender)
                .filter(|(i, e)| *i > first && !e.is_rst() && !view.suspect.packets.contains(i) && cited(e))
                .map(|(_, e)| e);
            (forged, baseline.into_iter().chain(after).take(GENUINE).map(show).collect())
        }
        Mechanism::DnsAnswer => {
            let odd = dns_answer::odd(view);
            let split = |wanted: bool| {
                let chosen = dns_answer::answers(case).filter(|(i, _)| odd.contains(i) == wanted);
                chosen.filter_map(|(_, d)| case.entries.get(d.entry)).take(GENUINE * 4).map(show).collect()
            };
            (split(true), split(false))
        }
    }
}

fn packet(view: &View<'_>, e: &Entry, origin: crate::capture::Timestamp) -> PacketRef {
    let case = view.case;
    let start = |d: crate::flow::key::Direction| case.starts[d.index()].filter(|_| e.is_tcp());
    let dns = case.messages.dns.iter().find(|d| case.entries.get(d.entry).is_some_and(|x| x.frame == e.frame));
    PacketRef {
        entry: *e,
        from_client: e.direction() == case.client,
        since: e.time.since(origin),
        // Wireshark counts the SYN as 0, so the first data byte is 1.
        seq_rel: start(e.direction()).map(|s| ahead(e.seq, s) + 1),
        ack_rel: start(e.direction().other()).filter(|_| e.has(crate::packet::tcp::ACK)).map(|s| ahead(e.ack, s) + 1),
        dns: dns.map(|d| describe(&d.message)),
    }
}

/// A DNS message in a few words.
fn describe(m: &crate::app::dns::Message) -> String {
    use crate::app::dns::{Data, qtype_name};
    let mut parts: Vec<String> = Vec::new();
    if let Some(q) = &m.question {
        parts.push(format!("{} {}", qtype_name(q.qtype), q.name.as_lower_text()));
    }
    if m.is_response {
        match m.rcode {
            0 => {}
            2 => parts.push("SERVFAIL".into()),
            3 => parts.push("NXDOMAIN".into()),
            5 => parts.push("REFUSED".into()),
            n => parts.push(format!("rcode {n}")),
        }
        for record in m.answers.iter().take(4) {
            parts.push(match &record.data {
                Data::A(a) => format!("A {a}"),
                Data::Aaaa(a) => format!("AAAA {a}"),
                Data::Name(n) => format!("{} {}", qtype_name(record.rtype), n.as_lower_text()),
                _ => qtype_name(record.rtype).into_owned(),
            });
        }
    }
    parts.join(", ")
}
