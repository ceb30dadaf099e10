//! What else of the capture a verdict rests on, so that its evidence can be judged again by somebody who has nothing else.
//!
//! Of every fact a rule may have asked about there is a flow that shows it: the request that went through, the shortest round trip,
//! the resolver's other answers. They are listed by weight, what claims cite before what they are measured against.

use super::apart::Apart;
use super::baselines::{Hits, Index};
use super::clock_steps::CLOCKED;
use super::examples::Sighted;
use super::facts::Host;
use super::flags;
use super::residual::nearest_hit;
use super::verdict::{Finding, Leans};
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Stage, Suspect, TriggerKind};
use crate::detect::surroundings::{Attempt, Outcome, Surroundings};
use crate::detect::suspects::dns_answer;
use crate::detect::trials::NEAREST;
use crate::flow::entry::fact;
use crate::limits::{CONTROL_PACKETS, HEAD, LEANS};
use crate::packet::Endpoint;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Attempts beside the suspect's: rules count failures and look for one success, near ones first.
const ATTEMPTS: usize = NEAREST;
/// Neighbours of a finding's packet in its own flow: what came before tells which numbers were next, what came after who went on.
const BESIDE: usize = 4;

impl Index<'_> {
    /// Flows and frames that a verdict was drawn from; a suspect that came to nothing has no `finding`.
    pub fn leans(
        &self,
        case: &Case<'_>,
        (suspect, around): (&Suspect, &Surroundings<'_>),
        hits: &Hits,
        finding: Option<&Finding>,
    ) -> Leans {
        let own = case.entries.first().map_or(0, |e| e.frame);
        let mut list = List { own, ..List::default() };
        let cited: BTreeSet<u64> = finding.iter().flat_map(|f| &f.claims).flat_map(|c| c.frames.iter().copied()).collect();
        list.add(finding.iter().flat_map(|f| &f.control).map(|c| c.flow.first));
        self.cited(&cited, (around, hits), (case, suspect), &mut list);
        self.attempts(case, suspect, (around, hits), &mut list);
        for side in [case.client, case.server()] {
            self.host(case.flow.key.sender(side).ip, &mut list);
        }
        match suspect.mechanism {
            Mechanism::DnsAnswer => self.resolver(case, suspect, &mut list),
            Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle => {
                self.silence(case, suspect, around, &mut list);
                list.add(self.audit().glued_flows.iter());
            }
            _ => {}
        }
        self.vantage(case, &mut list);
        let missed = finding.iter().flat_map(|f| &f.claims).any(|c| c.rule == "capture-loss");
        // Nor are resets counted in a capture with holes.
        let counted = suspect.mechanism == Mechanism::TcpReset && self.audit().is_lossy() && suspect.packets.len() > 1;
        list.add(self.audit().missed_flows.iter().filter(|_| missed || counted));
        list.add(self.audit().unopened.flows.iter().filter(|_| counted));
        let lost = finding.iter().flat_map(|f| &f.claims).any(|c| c.rule == "chance-loss");
        list.add(self.lost(case, suspect).flows.iter().filter(|_| lost));
        let sums = matches!(suspect.mechanism, Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle);
        // A part of a flow with holes in it would look as if the capture had missed packets.
        let whole = sums || case.flow.packets() <= CONTROL_PACKETS as u64;
        let more = list.flows.len().saturating_sub(LEANS) as u64;
        list.flows.truncate(LEANS);
        Leans { flows: list.flows, frames: list.frames, own: finding.map_or_else(Vec::new, |f| beside(case, &cited, f)), whole, more }
    }

    /// Flows of the frames that claims name.
    fn cited(
        &self,
        cited: &BTreeSet<u64>,
        (around, hits): (&Surroundings<'_>, &Hits),
        (case, suspect): (&Case<'_>, &Suspect),
        list: &mut List,
    ) {
        let name = suspect.trigger.as_ref().map(|t| t.value.to_ascii_lowercase()).unwrap_or_default();
        let single = around.other_port.iter().chain(&around.other_protocol);
        let attempts = around.other_names.iter().chain(&around.same_name).chain(&around.domain).chain(single);
        list.add(attempts.filter(|a| cited.contains(&a.frame)).map(|a| a.flow.first));
        list.add(around.transfers.iter().filter(|t| cited.contains(&t.frame)).map(|t| t.frame));
        if let Some((_, frame)) = around.residual {
            let key = (case.client_end().ip, case.server_end().ip, case.server_end().port);
            list.add(hits.endpoints.get(&key).into_iter().flatten().filter(|h| h.frame == frame).map(|h| h.flow));
        }
        if let Some((_, frame)) = around.name_hit {
            list.add(hits.names.get(&name).into_iter().flatten().filter(|(_, f, ..)| *f == frame).map(|(.., flow, _)| *flow));
        }
        if let Some((_, frame)) = &around.portal {
            list.add(self.facts().portals.values().filter(|(_, f, _)| f == frame).map(|(.., flow)| *flow));
        }
        if let Some((_, frame)) = &around.other_issuer {
            list.add(self.facts().issuers.get(&name).into_iter().flatten().filter(|(_, (f, _))| f == frame).map(|(_, (_, flow))| *flow));
        }
    }

    /// Requests for the same name and on the same server, whatever became of them.
    fn attempts(&self, case: &Case<'_>, suspect: &Suspect, (around, hits): (&Surroundings<'_>, &Hits), list: &mut List) {
        let success = |a: &&Attempt<'_>| a.outcome == Outcome::Answered;
        for attempts in [&around.same_name, &around.other_names] {
            list.add(attempts.iter().filter(success).take(2).map(|a| a.flow.first));
            // A large request that went through rules out that large packets are lost.
            list.add(attempts.iter().filter(success).filter(|a| a.segments >= 2).take(1).map(|a| a.flow.first));
        }
        list.add(around.same_name.iter().take(ATTEMPTS).map(|a| a.flow.first));
        list.add(around.other_names.iter().take(ATTEMPTS).map(|a| a.flow.first));
        list.add(around.domain_answered);
        list.add(around.domain.iter().map(|a| a.flow.first));
        list.add(around.other_port.iter().chain(&around.other_protocol).map(|a| a.flow.first));
        if suspect.stage == Stage::PostSyn {
            let Endpoint { ip, port } = case.server_end();
            list.add(self.facts().unanswered_syns.get(&(ip, port)).iter().flat_map(|s| s.flows.iter()));
            list.add(self.facts().answering_ports.get(&(ip, port)).map(|first| first.0));
            list.add(self.port_elsewhere(case).into_iter().flat_map(|(silent, alive)| [silent, alive]));
            list.add(nearest_hit(case, hits).and_then(|hit| self.through_since(case, hit)).map(|a| a.flow));
        }
        let Some(trigger) = &suspect.trigger else { return };
        if around.name_answered {
            list.add(self.answered(case, suspect, around.evasion));
        }
        if trigger.kind != TriggerKind::Port {
            list.add(self.kind_flows(case, suspect));
        }
    }

    /// What an address's packets look like, and how fast it answers.
    fn host(&self, ip: IpAddr, list: &mut List) {
        let Some(Host { rtt, ttls, .. }) = self.facts().hosts.get(&ip) else { return };
        list.add(rtt.flow());
        list.add(common(ttls.iter().map(|(_, seen)| seen)));
    }

    /// How a resolver answers others.
    fn resolver(&self, case: &Case<'_>, suspect: &Suspect, list: &mut List) {
        let answers = dns_answer::answers(case).flat_map(|(_, d)| dns_answer::addresses(&d.message));
        let given: BTreeSet<IpAddr> = answers.collect();
        // The same address for two other names is as good as for twenty.
        for address in &given {
            list.add(self.zones_of(*address).take(3));
        }
        let name = suspect.trigger.as_ref().map(|t| t.value.to_ascii_lowercase()).unwrap_or_default();
        list.add(self.refusal_flows(case));
        list.add(self.facts().answers.of(&name).iter().take(ATTEMPTS).map(|given| given.flow));
        let Some(r) = self.facts().resolver(case.server_end().ip, case.flow.key.protocol == 6) else { return };
        let habits = r.habits();
        list.add(habits.rtt.flow());
        list.add(Apart::of(case, r).map(|apart| apart.flows()).unwrap_or_default());
        list.add(self.machines(case).map(|(machines, ttl)| machines.flows(ttl)).unwrap_or_default());
        list.add(common(habits.ttls.iter().map(|(_, seen)| seen)));
        list.add(r.doubled.iter().flat_map(|(_, s)| s.flows.iter()).take(4));
        list.add(r.keeping_edns.iter());
        list.add(habits.flags.iter().flat_map(|(_, s)| s.flows.iter()).take(4));
        list.add(r.bogon_names.values().take(4).copied());
        list.add(habits.flows.iter());
    }

    /// What went on meanwhile, and the transfers it is measured against.
    fn silence(&self, case: &Case<'_>, suspect: &Suspect, around: &Surroundings<'_>, list: &mut List) {
        // A series is told from its like: all that stopped or were slow, and the nearest that were not.
        list.add(around.transfers.iter().filter(|t| t.frozen || t.slow).map(|t| t.frame));
        list.add(around.transfers.iter().filter(|t| !t.frozen && !t.slow).take(ATTEMPTS).map(|t| t.frame));
        let meanwhile: Vec<u64> = around.heard_meanwhile.iter().take(2).copied().collect();
        list.add(self.heard_flows(case, suspect, &meanwhile));
        list.frames.extend(&meanwhile);
        if meanwhile.len() < 2 || around.heard_while_asking < 2 {
            let mut silent = self.silent_meanwhile(case, suspect);
            silent.extend(self.ended_meanwhile(case, suspect));
            list.add(silent.iter().map(|s| s.flow));
            list.frames.extend(silent.iter().flat_map(|s| s.frames).filter(|frame| *frame != 0));
        }
        list.add(self.gone_flows(case, suspect));
        if case.flow.key.protocol != 6 {
            // Nothing more came until the end of the capture: there must be one.
            list.frames.extend(Some(self.facts().end.1).filter(|f| *f != 0));
        }
    }

    /// How the capture was taken.
    fn vantage(&self, case: &Case<'_>, list: &mut List) {
        let audit = self.audit();
        if case.flow.key.protocol == 6 && !flags::has_plain(case) {
            list.add(audit.plain_flows.iter().chain(audit.bare_flows.iter().filter(|_| audit.is_filtered())));
        }
        let one_sided = case.flow.sides.iter().any(|s| s.packets == 0);
        list.add(audit.two_sided_flows.iter().filter(|_| one_sided));
        if audit.implausibly_fast > 0 {
            // Few would tell of a NAT where many speak against it.
            list.add(audit.inbound_ttls.values().take(3).flat_map(|s| s.flows.iter().take(1)));
            list.add(audit.fast_flows.iter().filter(|_| audit.nat_suspected()));
        }
        list.add(audit.steps.iter().filter(|s| CLOCKED.iter().any(|rule| s.spoils(rule, case))).map(|s| s.flow));
        list.add(Some(audit.reordered).filter(|_| audit.reordering > case.reordering));
    }
}

/// Flows for the values that were seen most: two sightings make a habit.
fn common<'s>(seen: impl Iterator<Item = &'s Sighted>) -> impl Iterator<Item = u64> {
    /// More different TTLs of one address tell nothing.
    const VALUES: usize = 4;
    let mut all: Vec<&Sighted> = seen.collect();
    all.sort_by_key(|s| (std::cmp::Reverse(s.count), s.flows.iter().next()));
    all.into_iter().take(VALUES).flat_map(|s| s.flows.iter().collect::<Vec<_>>())
}

/// Packets of the flow as they were judged: all of a short one, of a long one those next to what the finding names, and the end.
fn beside(case: &Case<'_>, cited: &BTreeSet<u64>, finding: &Finding) -> Vec<u64> {
    let trigger = finding.trigger.iter().flat_map(|t| [t.frame, t.complete_at_frame]);
    let packets = finding.forged.iter().chain(&finding.genuine).map(|p| p.entry.frame);
    let named: BTreeSet<u64> = packets.chain(trigger).chain(cited.iter().copied()).collect();
    let near = |i: usize| {
        let from = i.saturating_sub(BESIDE);
        case.entries.get(from..=(i + BESIDE).min(case.entries.len().saturating_sub(1))).unwrap_or_default()
    };
    let mut frames: Vec<u64> = named.iter().filter_map(|f| case.index_of(*f)).flat_map(near).map(|e| e.frame).collect();
    let last = if case.entries.len() <= HEAD || case.entries.iter().any(|e| e.is(fact::REASSEMBLED)) { usize::MAX } else { BESIDE };
    frames.extend(case.entries.iter().rev().take(last).map(|e| e.frame));
    frames.sort_unstable();
    frames.dedup();
    frames
}

/// Flows in order of weight.
#[derive(Default)]
struct List {
    own: u64,
    flows: Vec<u64>,
    known: BTreeSet<u64>,
    frames: Vec<u64>,
}

impl List {
    fn add(&mut self, flows: impl IntoIterator<Item = u64>) {
        for flow in flows {
            if flow != 0 && flow != self.own && self.known.insert(flow) {
                self.flows.push(flow);
            }
        }
    }
}

impl Leans {
    /// Adds those of the other half of a finding.
    pub fn join(&mut self, other: Leans) {
        for (mine, theirs) in [(&mut self.flows, other.flows), (&mut self.frames, other.frames), (&mut self.own, other.own)] {
            let known: BTreeSet<u64> = mine.iter().copied().collect();
            mine.extend(theirs.into_iter().filter(|f| !known.contains(f)));
        }
        self.own.sort_unstable();
        self.whole |= other.whole;
        self.more += other.more;
    }
}
