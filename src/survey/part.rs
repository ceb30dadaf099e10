//! What one shard contributes to the survey: facts of every flow, and the flows that need a second look once all are known.

use super::audit::Audit;
use super::facts::{Facts, Kind};
use super::verdict::{Ends, FlowLine};
use crate::attribute::{forged_answers, special};
use crate::detect::case::{Case, Role};
use crate::detect::finding::{Mechanism, Suspect, TriggerKind, conclude};
use crate::detect::rules::{self, RULES, View};
use crate::detect::surroundings::{Attempt, Outcome, Surroundings};
use crate::detect::suspects::{self, dns_answer, drop};
use crate::flow::community::community_id;
use crate::flow::history;
use crate::flow::record::Flow;
use std::collections::BTreeMap;

/// One shard's share of a survey.
#[derive(Default)]
pub struct Part {
    pub facts: Facts,
    pub audit: Audit,
    /// Flows to be judged again with all facts at hand.
    pub kept: Vec<Flow>,
    /// Flows by verdict reason.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// One line a flow, if asked for.
    pub lines: Option<Vec<FlowLine>>,
    ordinary_dns: usize,
    kept_refused: usize,
}

/// Suspicious flows kept per shard: 5 KB each make 500 MB at most over all shards, and a report of half a million rows is none.
const MAX_KEPT: usize = 400;
/// Refused connections kept per shard: a scan's worth says nothing more than these.
const MAX_REFUSED: usize = 200;
/// Unremarkable DNS answers kept per shard: an answer may be odd only beside what the resolver's others look like.
const MAX_ORDINARY_DNS: usize = 6;

impl Part {
    /// An empty part; with `lines`, every flow gets a line.
    pub fn new(lines: bool) -> Part {
        Part { lines: lines.then(Vec::new), ..Part::default() }
    }

    /// Takes a finished flow.
    pub fn add(&mut self, flow: Flow) {
        if flow.hidden {
            return;
        }
        if flow.evicted {
            self.count("evicted");
        }
        if is_trivial(&flow) {
            // Scans and floods: nothing was said, nothing can be judged, and there may be millions.
            self.audit.flows += 1;
            self.count("no-data");
            if let Some(lines) = &mut self.lines {
                lines.push(line(&Case::new(&flow), Some("no-data")));
            }
            return;
        }
        let case = Case::new(&flow);
        self.audit.add(&case);
        let suspects = suspects::find(&case);
        let resets: Vec<&Suspect> = suspects.iter().filter(|s| s.mechanism == Mechanism::TcpReset).collect();
        let suspicious: Vec<&Suspect> = suspects.iter().filter(|s| self.is_worth_keeping(&case, s)).collect();
        let reason = if flow.evicted { Some("evicted") } else { unjudged(&case) };
        let bad = suspicious.iter().any(|s| s.mechanism != Mechanism::DnsAnswer || is_odd_answer(&case));
        self.note_facts(&case, &suspects, bad, !resets.is_empty());
        if let Some(lines) = &mut self.lines {
            lines.push(line(&case, reason));
        }
        if !flow.evicted {
            self.count(reason.unwrap_or("judged"));
        }
        let keep = !suspicious.is_empty();
        drop(suspects);
        drop(case);
        if keep {
            if self.kept.len() < MAX_KEPT {
                self.kept.push(flow);
            } else {
                self.count("too-many-suspects");
            }
        }
    }

    fn count(&mut self, why: &'static str) {
        *self.verdicts.entry(why).or_default() += 1;
    }

    /// Whether a suspect could become a finding once other flows are known.
    fn is_worth_keeping(&mut self, case: &Case<'_>, suspect: &Suspect) -> bool {
        match suspect.mechanism {
            Mechanism::Drop if suspect.stage == crate::detect::finding::Stage::PostSyn => {
                self.kept_refused += 1;
                self.kept_refused <= MAX_REFUSED
            }
            Mechanism::Drop
            | Mechanism::TcpData
            | Mechanism::TcpFin
            | Mechanism::TcpHandshake
            | Mechanism::IcmpError
            | Mechanism::TlsIntercept => true,
            Mechanism::DnsAnswer => {
                if is_odd_answer(case) {
                    return true;
                }
                self.ordinary_dns += 1;
                self.ordinary_dns <= MAX_ORDINARY_DNS
            }
            Mechanism::TcpReset => {
                if suspect.stage == crate::detect::finding::Stage::PostSyn {
                    self.kept_refused += 1;
                    return self.kept_refused <= MAX_REFUSED;
                }
                let around = Surroundings::default();
                let view = View { case, suspect, around: &around };
                let mut claims = rules::claims(&view);
                let for_any = claims.iter().any(|c| rules::find(c.rule).is_some_and(|r| r.stance == crate::detect::finding::Stance::For));
                // A side that was only ever heard to reset needs nothing but its peers to be explained.
                for_any || (suspect.sender == case.server() && conclude(&mut claims, RULES, Mechanism::TcpReset).is_some())
            }
        }
    }

    fn note_facts(&mut self, case: &Case<'_>, suspects: &[Suspect], bad: bool, reset: bool) {
        let flow = case.flow;
        self.facts.end = self.facts.end.max(flow.last);
        let first_frame = case.entries.first().map_or(0, |e| e.frame);
        for (_, e) in case.of(case.server()).filter(|(_, e)| !e.is_rst()) {
            self.facts.heard_at(e.time, first_frame, e.frame);
        }
        if !bad && flow.key.protocol == 6 {
            for side in [case.client, case.server()] {
                let ip = flow.key.sender(side).ip;
                let heard: Vec<u8> = case.of(side).filter(|(_, e)| !e.is_rst()).map(|(_, e)| e.ttl).collect();
                if heard.is_empty() {
                    continue;
                }
                let rtt = case.rtt[side.index()].filter(|r| *r > 0);
                if let Some(host) = self.facts.host(ip) {
                    host.flows += 1;
                    host.rtt = match (host.rtt, rtt) {
                        (Some(a), Some(b)) => Some(a.min(b)),
                        (a, b) => a.or(b),
                    };
                    for ttl in heard {
                        *host.ttls.entry(ttl).or_default() += 1;
                    }
                }
            }
        }
        self.note_attempts(case, bad, reset);
        self.note_issuer(case);
        self.note_port(case);
        self.note_answers(case);
        for suspect in suspects.iter().filter(|s| s.mechanism == Mechanism::Drop) {
            let request = case.messages.requests.iter().find(|r| suspect.trigger.as_ref().is_some_and(|t| t.frame == r.frame));
            if let Some(silence) = request.and_then(|r| drop::silence(case, r)) {
                self.facts.silences.push((silence.from, silence.until, first_frame));
            }
        }
    }

    fn note_attempts(&mut self, case: &Case<'_>, bad: bool, reset: bool) {
        let server = case.server_end();
        let client_resets_only = reset && case.of(case.server()).all(|(_, e)| !e.is_rst());
        for request in &case.messages.requests {
            let kind = match request.kind {
                TriggerKind::TlsSni | TriggerKind::TlsEch => {
                    if case.flow.key.protocol == 6 {
                        Kind::Tls
                    } else {
                        Kind::Quic
                    }
                }
                TriggerKind::QuicSni => Kind::Quic,
                TriggerKind::DnsQname => Kind::Dns,
                TriggerKind::Protocol => Kind::Other,
                _ => Kind::Http,
            };
            let answered = drop::is_answered(case, request);
            let outcome = if answered && (!bad || kind == Kind::Dns) {
                Outcome::Answered
            } else if answered {
                Outcome::Suspicious
            } else if reset && !client_resets_only {
                Outcome::Reset
            } else if drop::silence(case, request).is_some() {
                Outcome::Silent
            } else {
                continue;
            };
            let segments =
                case.index_of(request.frame).zip(case.index_of(request.complete_at_frame)).map_or(1, |(a, b)| if a == b { 1 } else { 2 });
            let large = case.entries.iter().any(|e| e.frame == request.complete_at_frame && e.payload_len >= 1200);
            let hello = case.messages.hello.as_ref().or(case.messages.quic.as_ref().and_then(|q| q.hello.as_ref()));
            self.facts.attempt(
                kind,
                Attempt {
                    time: request.time,
                    frame: request.frame,
                    server: server.ip,
                    port: server.port,
                    name: request.value.to_ascii_lowercase(),
                    outcome,
                    same_kind: true,
                    ech: hello.is_some_and(|h| h.ech.is_some()),
                    session: has_session(case),
                    hit: false,
                    segments: if large { 2 } else { segments },
                },
            );
        }
    }

    fn note_port(&mut self, case: &Case<'_>) {
        /// Ports of a scan are as many as it likes.
        const PORTS: usize = 100_000;
        let server = case.server_end();
        let key = (server.ip, server.port);
        if drop::unanswered_syns(case).is_some() {
            if self.facts.unanswered_syns.len() < PORTS || self.facts.unanswered_syns.contains_key(&key) {
                *self.facts.unanswered_syns.entry(key).or_default() += 1;
            } else {
                self.facts.dropped += 1;
            }
        } else if case.of(case.server()).any(|(_, e)| e.is_syn_ack()) && self.facts.answering_ports.len() < PORTS {
            self.facts.answering_ports.insert(key);
        }
    }

    fn note_issuer(&mut self, case: &Case<'_>) {
        /// A name has few issuers; a capture may have many names.
        const NAMES: usize = 100_000;
        let Some(leaf) = case.messages.server.as_ref().and_then(|s| s.certificates.first()) else { return };
        let (Some(request), Some(issuer)) = (case.messages.requests.first(), leaf.issuer_o.clone().or(leaf.issuer_cn.clone())) else {
            return;
        };
        let name = request.value.to_ascii_lowercase();
        if self.facts.issuers.len() >= NAMES && !self.facts.issuers.contains_key(&name) {
            self.facts.dropped += 1;
            return;
        }
        self.facts.issuers.entry(name).or_default().insert((issuer, case.server_end().ip, request.frame));
    }

    /// A resolver's habits, from transactions with one answer that nothing speaks against.
    fn note_answers(&mut self, case: &Case<'_>) {
        if case.flow.key.transaction.is_none() {
            return;
        }
        let resolver = case.server_end().ip;
        let answers: Vec<_> = dns_answer::answers(case).map(|(_, d)| d).collect();
        let queries: Vec<_> = dns_answer::queries(case).collect();
        for seen in &answers {
            let name = seen.message.question.as_ref().map(|q| q.name.as_lower_text().into_bytes()).unwrap_or_default();
            let Some(e) = case.entries.get(seen.entry) else { continue };
            for address in dns_answer::addresses(&seen.message) {
                self.facts.answer(&name, (address, resolver, e.frame));
            }
        }
        let (&[seen], Some(query)) = (answers.as_slice(), queries.first()) else { return };
        let (Some(e), Some(asked)) = (case.entries.get(seen.entry), case.entries.get(query.entry)) else { return };
        let given = dns_answer::addresses(&seen.message);
        let name = seen.message.question.as_ref().map(|q| q.name.as_lower_text().into_bytes()).unwrap_or_default();
        let bogus = !given.is_empty() && given.iter().all(|a| !special::is_global(*a));
        let known = given.iter().any(|a| forged_answers::lookup(*a, &name).is_some());
        let Some(r) = self.facts.resolver(resolver) else { return };
        r.answered += u64::from(seen.message.rcode == 0);
        if bogus {
            r.bogon_names.insert(name);
            return;
        }
        if known {
            return;
        }
        r.global_answers += u64::from(!given.is_empty());
        let edns_asked = query.message.edns.is_some();
        if edns_asked && seen.message.edns.is_none() && seen.message.rcode == 0 {
            // Could be a forgery: it must not become part of what the resolver is measured by.
            r.edns_asked += 1;
            return;
        }
        *r.ttls.entry(e.ttl).or_default() += 1;
        *r.flags.entry(seen.message.flags).or_default() += 1;
        r.df[usize::from(e.is(crate::flow::entry::fact::DONT_FRAGMENT))] += 1;
        r.edns_asked += u64::from(edns_asked);
        r.edns_kept += u64::from(edns_asked && seen.message.edns.is_some());
        if queries.len() == 1 {
            let rtt = e.time.since(asked.time);
            r.rtt = Some(r.rtt.map_or(rtt, |best| best.min(rtt)));
        }
    }
}

/// Nothing was said in this flow: no payload, no reset after a handshake.
fn is_trivial(flow: &Flow) -> bool {
    let [low, high] = &flow.sides;
    flow.key.protocol == 6
        && low.data_packets + high.data_packets == 0
        && low.resets + high.resets == 0
        && flow.packets() <= 2
        && flow.transcript.head().iter().all(|e| e.icmp().is_none())
}

/// Whether a DNS transaction is odd by itself.
fn is_odd_answer(case: &Case<'_>) -> bool {
    let answers: Vec<_> = dns_answer::answers(case).map(|(_, d)| d).collect();
    let queries: Vec<_> = dns_answer::queries(case).collect();
    let edns = queries.iter().any(|q| q.message.edns.is_some());
    let public = special::is_global(case.server_end().ip);
    answers.iter().any(|d| {
        let given = dns_answer::addresses(&d.message);
        let name = d.message.question.as_ref().map(|q| q.name.as_lower_text().into_bytes()).unwrap_or_default();
        let bogus = public && !given.is_empty() && given.iter().all(|a| !special::is_global(*a)) && special::is_public_name(&name);
        let mismatch =
            d.message.question.as_ref().is_some_and(|q| {
                !given.is_empty() && !matches!(q.qtype, 1 | 28 | 255) && d.message.answers.iter().all(|r| r.rtype != q.qtype)
            });
        bogus
            || mismatch
            || given.iter().any(|a| forged_answers::lookup(*a, &name).is_some())
            || (edns && d.message.edns.is_none() && d.message.rcode == 0)
    }) || answers.iter().enumerate().any(|(n, a)| answers.iter().skip(n + 1).any(|b| dns_answer::disagree(&a.message, &b.message)))
}

/// Why a flow cannot be judged, if so.
fn unjudged(case: &Case<'_>) -> Option<&'static str> {
    let [low, high] = &case.flow.sides;
    if low.packets == 0 || high.packets == 0 {
        return Some("one-sided");
    }
    if case.flow.key.protocol == 6 && case.role != Role::Syn {
        return Some("mid-stream");
    }
    if low.cut + high.cut > 0 && case.messages.requests.is_empty() && low.data_packets + high.data_packets > 0 {
        return Some("cut");
    }
    None
}

/// The ends of a case.
pub fn ends(case: &Case<'_>) -> Ends {
    let flow = case.flow;
    Ends {
        client: case.client_end(),
        server: case.server_end(),
        protocol: flow.key.protocol,
        community_id: community_id(&flow.key),
        stream_first: flow.stream_first,
        vlan: flow.vlan,
        tunnel: flow.tunnel,
    }
}

fn line(case: &Case<'_>, reason: Option<&'static str>) -> FlowLine {
    let m = &case.messages;
    let hello = m.hello.as_ref().or(m.quic.as_ref().and_then(|q| q.hello.as_ref()));
    let sides = &case.flow.sides;
    let order = [case.client.index(), case.server().index()];
    FlowLine {
        ends: ends(case),
        first_frame: case.entries.first().map_or(0, |e| e.frame),
        time: case.flow.first,
        duration: case.flow.last.since(case.flow.first),
        service: m.service(),
        name: m.requests.first().map(|r| r.value.clone()).filter(|v| !v.is_empty()),
        alpn: m
            .server
            .as_ref()
            .and_then(|s| s.hello.as_ref())
            .and_then(|h| h.alpn.clone())
            .or_else(|| hello.and_then(|h| h.alpn.first().cloned())),
        ja4: hello.map(|h| h.ja4.clone()).filter(|j| !j.is_empty()),
        conn_state: history::conn_state(&case.entries, case.client),
        history: history::history(&case.entries, &case.left_out, case.client),
        packets: order.map(|i| sides.get(i).map_or(0, |s| s.packets)),
        bytes: order.map(|i| sides.get(i).map_or(0, |s| s.payload_bytes)),
        rtt: case.rtt[case.server().index()],
        verdict: if reason.is_some() { "unjudged" } else { "clean" },
        reason,
        failure: None,
    }
}

/// Whether a TLS handshake was completed as far as an observer can tell.
fn has_session(case: &Case<'_>) -> bool {
    let Some(server) = &case.messages.server else { return false };
    let Some(name) = case.messages.requests.first().map(|r| String::from_utf8_lossy(&r.value).to_ascii_lowercase()) else { return false };
    if server.hello.is_none() || server.alerts.iter().any(|a| a.is_fatal()) {
        return false;
    }
    match server.certificates.first() {
        Some(leaf) => leaf.sans.iter().any(|san| covers(san, &name)) && !leaf.self_signed,
        None => server.application_data && case.flow.sides[case.client.index()].data_packets >= 3,
    }
}

/// RFC 6125: a wildcard covers one label.
fn covers(san: &str, name: &str) -> bool {
    let san = san.to_ascii_lowercase();
    san == name || san.strip_prefix("*.").is_some_and(|zone| name.split_once('.').is_some_and(|(_, rest)| rest == zone))
}
