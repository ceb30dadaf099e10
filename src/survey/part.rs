//! What one shard contributes to the survey: facts of every flow, and the flows that need a second look once all are known.

mod worth;

use super::audit::Audit;
use super::conclude::Hands;
use super::explained::Explanations;
use super::facts::Facts;
use super::timeline::Timeline;
use super::track::Came;
use super::transactions;
use super::tries;
use super::unjudged::unjudged;
use super::verdict::{Ends, FlowLine};
use crate::detect::case::Case;
use crate::detect::evasion::{self, Evasion};
use crate::detect::finding::Mechanism;
use crate::detect::suspects;
use crate::flow::history;
use crate::flow::record::Flow;
use crate::limits::{CLIENTS, TIMELINE_SHARD};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU64;
use worth::{Usual, Worth, is_odd_answer};

/// One shard's share of a survey.
#[derive(Default)]
pub struct Part {
    pub facts: Facts,
    pub audit: Audit,
    /// Flows to be judged again with all facts at hand.
    pub kept: Vec<Flow>,
    /// Flows by verdict reason.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// The clients' own circumvention traffic: flows by kind.
    pub evasion: BTreeMap<&'static str, u64>,
    /// Suspects that an ordinary cause explains.
    pub explained: Explanations,
    /// One line a flow, if asked for.
    pub lines: Option<Vec<FlowLine>>,
    /// Who asked, if it is to be known; no more than the bound.
    pub clients: Option<BTreeSet<IpAddr>>,
    /// There may have been more of them.
    pub everybody: bool,
    /// What the flows tried that are not kept.
    pub timeline: Timeline,
    ordinary_dns: usize,
    standing_out: usize,
    first_answers: usize,
    usual: Vec<Option<Usual>>,
    kept_refused: usize,
    kept_slow: usize,
    kept_octets: usize,
}

/// Octets of suspicious flows kept per shard: 128 MB over all of them, some thirty thousand flows. A report of more rows is none.
const MAX_KEPT: usize = 2 << 20;
/// Why a flow is not judged that came after those.
const TOO_MANY: &str = "too-many-suspects";

impl Part {
    /// An empty part; with `lines`, every flow gets a line.
    pub fn new(lines: bool) -> Part {
        Part { lines: lines.then(Vec::new), timeline: Timeline::new(TIMELINE_SHARD), ..Part::default() }
    }

    /// What parts know together: so far, or `in_order` once there is no more to come. Facts are joined beside the rest.
    pub fn together(mut parts: Vec<Part>, hands: &dyn Hands, in_order: bool) -> Part {
        let mut known: Vec<Facts> = parts.iter_mut().map(|part| std::mem::take(&mut part.facts)).collect();
        let (mut facts, mut rest) = (Facts::default(), Part::default());
        hands.both(&mut || facts = Facts::together(std::mem::take(&mut known), hands, in_order), &mut || {
            rest = Part::joined(std::mem::take(&mut parts));
        });
        Part { facts, ..rest }
    }

    /// What parts know together, in their order. Joining neighbours first, and the results then, comes to the same.
    pub fn joined(parts: impl IntoIterator<Item = Part>) -> Part {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        // A shard's has less room than all of them need.
        let first = std::mem::take(&mut all.timeline);
        all.timeline.merge(first);
        for part in parts {
            all.timeline.merge(part.timeline);
            all.facts.merge(part.facts);
            all.audit.merge(&part.audit);
            all.kept.extend(part.kept);
            all.explained.merge(part.explained);
            all.everybody |= part.everybody;
            if let Some(clients) = part.clients {
                all.clients.get_or_insert_default().extend(clients);
            }
            if let Some(lines) = part.lines {
                all.lines.get_or_insert_default().extend(lines);
            }
            for (kind, n) in part.evasion {
                *all.evasion.entry(kind).or_default() += n;
            }
            for (why, n) in part.verdicts {
                *all.verdicts.entry(why).or_default() += n;
            }
        }
        all
    }

    /// Gives away what another part can know as well.
    pub fn give(&mut self) -> Part {
        Part { facts: self.facts.give(), timeline: self.timeline.give(), explained: self.explained.give(), ..Part::default() }
    }

    /// Octets that what can be given away is reckoned to take.
    pub fn reckoned(&self) -> usize {
        /// An explained suspect with its words.
        const EXPLAINED: usize = 384;
        self.facts.reckoned() + self.timeline.octets() + self.explained.kept.len() * EXPLAINED
    }

    /// Counts attempts by client as well, if `wanted`.
    pub fn with_client_times(self, wanted: bool) -> Part {
        Part { timeline: self.timeline.with_clients(wanted), ..self }
    }

    /// Remembers the clients' addresses as well, if `wanted`.
    pub fn with_clients(self, wanted: bool) -> Part {
        Part { clients: wanted.then(BTreeSet::new), ..self }
    }

    fn note_client(&mut self, case: &Case<'_>) {
        if let Some(clients) = self.clients.as_mut().filter(|c| c.len() < CLIENTS) {
            clients.insert(case.client_end().ip);
            self.everybody |= clients.len() >= CLIENTS;
        }
    }

    /// Takes a finished flow.
    pub fn add(&mut self, flow: Flow) {
        if flow.hidden {
            return;
        }
        if is_trivial(&flow) {
            // Scans and floods: nothing was said, nothing can be judged, and there may be millions.
            self.audit.flows += 1;
            let reason = if flow.evicted { "evicted" } else { "no-data" };
            self.count(reason);
            if self.clients.is_some() {
                self.note_client(&Case::new(&flow));
            }
            if let Some(lines) = &mut self.lines {
                lines.push(line(&Case::new(&flow), Some(reason), Vec::new()));
            }
            return;
        }
        let case = Case::new(&flow);
        self.note_client(&case);
        self.audit.add(&case);
        // Asked for every suspect of a DNS transaction, and it is the same for all.
        let odd_answer = LazyCell::new(|| is_odd_answer(&case));
        let evasion = evasion::find(&case);
        for (kind, _) in &evasion {
            *self.evasion.entry(kind.name()).or_default() += 1;
        }
        let suspects = suspects::find(&case);
        if suspects.iter().all(|s| s.mechanism == Mechanism::DnsAnswer) {
            self.audit.on_the_way.add(&case);
        }
        let reset = suspects.iter().any(|s| s.mechanism == Mechanism::TcpReset);
        let (mut suspicious, mut explained, mut beyond) = (Vec::new(), Vec::new(), false);
        for suspect in &suspects {
            match self.worth(&case, suspect, || *odd_answer) {
                Worth::Keeping => suspicious.push(suspect),
                Worth::Explained(claim) => explained.push((suspect, claim)),
                Worth::Nothing => {}
                Worth::Beyond => beyond = true,
            }
        }
        let keep = !suspicious.is_empty();
        let octets = if keep { size_of::<Flow>() + flow.heap() } else { 0 };
        let beyond = if keep { self.kept_octets + octets > MAX_KEPT } else { beyond };
        let reason = unjudged(&case).or(beyond.then_some(TOO_MANY));
        // A transfer that was slow or stopped was answered before it was.
        let bad = suspicious.iter().any(|s| match s.mechanism {
            Mechanism::DnsAnswer => *odd_answer,
            Mechanism::Stall | Mechanism::Throttle => false,
            // A client that goes away takes nothing back from the answer it had.
            Mechanism::Drop => s.sender == case.client,
            _ => true,
        });
        let odd = case.flow.key.transaction.is_some() && *odd_answer;
        self.note_facts(&case, &suspects, (bad, odd), (reset, Evasion::bits(&evasion)));
        if let Some(lines) = &mut self.lines {
            lines.push(line(&case, reason, evasion.iter().map(|(kind, _)| kind.name()).collect()));
        }
        if !keep || beyond {
            // Of a flow that is kept it is known once it has been judged again.
            self.count(reason.unwrap_or("judged"));
            let mut tries = tries::tries(&case, &[]);
            tries.iter_mut().filter(|t| keep || (beyond && t.came == Came::Fine)).for_each(|t| t.came = Came::Unjudged);
            self.timeline.note(tries);
            // Of a flow that is kept all are judged again, and counted then.
            for (suspect, claim) in explained {
                self.explained.note(&case, suspect, &claim);
            }
        }
        drop(suspects);
        drop(case);
        if keep && !beyond {
            self.kept_octets += octets;
            self.kept.push(flow);
        }
    }

    fn count(&mut self, why: &'static str) {
        *self.verdicts.entry(why).or_default() += 1;
    }
}

/// Nothing was said in this flow: no payload, no reset after a handshake.
fn is_trivial(flow: &Flow) -> bool {
    let [low, high] = &flow.sides;
    flow.key.protocol == 6
        && low.data_packets + high.data_packets == 0
        && low.resets + high.resets == 0
        && flow.packets() <= 2
        && flow.transcript.head().all(|e| e.icmp().is_none())
}

/// The ends of a case.
pub fn ends(case: &Case<'_>) -> Ends {
    let flow = case.flow;
    Ends {
        client: case.client_end(),
        server: case.server_end(),
        protocol: flow.key.protocol,
        stream_first: flow.stream_first.map(NonZeroU64::get),
        first_frame: case.entries.first().map_or(0, |e| e.frame),
        last: flow.last,
        vlan: flow.vlan,
        tags: flow.tags,
        tunnel: flow.tunnel,
    }
}

fn line(case: &Case<'_>, reason: Option<&'static str>, evasion: Vec<&'static str>) -> FlowLine {
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
            .or_else(|| hello.and_then(|h| h.offered().alpn.into_iter().next())),
        ja4: hello.and_then(|h| h.ja4()),
        conn_state: history::conn_state(&case.entries, case.client),
        history: history::history(&case.entries, &case.left_out, case.client),
        packets: order.map(|i| sides.get(i).map_or(0, |s| s.packets)),
        bytes: order.map(|i| sides.get(i).map_or(0, |s| s.payload_bytes)),
        rtt: case.rtt[case.server().index()],
        verdict: if reason.is_some() { "unjudged" } else { "clean" },
        reason,
        failure: None,
        evasion,
        dns: transactions::of(case),
    }
}
