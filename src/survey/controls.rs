//! Requests that a suspect is compared with: the same name elsewhere, other names, other ports and protocols on its server.

use super::attempts::Asked;
use super::baselines::{Hits, Index, SHOWN, run};
use super::facts::Kind;
use crate::attribute::special::network;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::evasion::{self, Evasion};
use crate::detect::finding::{Mechanism, Stage, Suspect};
use crate::detect::surroundings::{Afterwards, Attempt, Outcome, Surroundings};
use crate::detect::suspects::drop;
use std::collections::BTreeSet;

/// Requests for names of a domain that rules are told of: they ask whether there are two or three.
const OF_DOMAIN: usize = 12;

impl<'f> Index<'f> {
    pub(super) fn requests(&self, case: &Case<'_>, suspect: &Suspect, hits: &Hits, around: &mut Surroundings<'f>) {
        around.other_port = self.other_port(case);
        let server = case.server_end();
        around.port_failures = self.facts.unanswered_syns.get(&(server.ip, server.port)).map_or(0, |s| s.count as usize);
        around.port_answered = self.facts.answering_ports.get(&(server.ip, server.port)).is_some();
        around.port_elsewhere = suspect.stage == Stage::PostSyn && self.port_elsewhere(case).is_some();
        around.residual = self.residual(case, hits);
        around.other_protocol = self.other_protocol(case, suspect);
        let (Some(trigger), Some(kind)) = (&suspect.trigger, Index::kind(case, suspect)) else { return };
        let server = case.server_end();
        let name = trigger.value.to_ascii_lowercase();
        let at = case.index_of(trigger.frame).and_then(|i| case.entries.get(i)).map_or(case.flow.first, |e| e.time);
        around.evasion = Evasion::bits(&evasion::find(case));
        let own: Vec<u64> = case.messages.requests.iter().map(|r| r.frame).collect();
        let later = suspect.mechanism == Mechanism::Drop && drop::is_later(case, suspect);
        let hit = |a: &'f Asked| Attempt { hit: hits.names.contains_key(&*a.name), ..seen_from(a, later) };
        let here = run(&self.by_server, |a| a.service().cmp(&(server.ip, server.port, kind)));
        let varied = self.varied.binary_search(&(server.ip, server.port, kind)).is_ok();
        // Where all asked for this name, a search for another one would look at all of them.
        if varied || here.first().is_some_and(|a| *a.name != *name) {
            around.other_names.reserve_exact(here.len().min(SHOWN));
            around.other_names.extend(nearest(here, at, |a| *a.name != *name).map(hit));
        }
        let all = self.same_name(kind, &name);
        around.same_name.reserve_exact(all.len().min(SHOWN));
        around.same_name.extend(nearest(all, at, |a| !own.contains(&a.frame)).map(|a| seen_from(a, later)));
        around.name_answered = all.iter().any(|a| seen_from(a, later).is_answered_without(around.evasion) && !own.contains(&a.frame));
        if let Some(domain) = self.domains.of_name(kind, &name) {
            let first = case.entries.first().map_or(0, |e| e.frame);
            around.domain_answered = domain.answered(around.evasion, first);
            around.domain.extend(nearest(&domain.silent, at, |a| a.flow != first).take(OF_DOMAIN).map(Asked::attempt));
        }
        around.sibling =
            around.same_name.iter().find(|a| a.outcome == Outcome::Answered && a.time.since(at).abs() <= 1_000_000_000).map(|a| a.frame);
        if let Some(tried) = self.tried.get(&kind) {
            (around.kind_tried, around.kind_answered) = (tried.tried, tried.answered);
        }
        let silent_here = around.same_name.iter().filter(|a| a.server == server.ip && a.outcome == Outcome::Silent).count();
        around.unanswered_queries = silent_here + case.messages.requests.len();
    }

    pub(super) fn other_port(&self, case: &Case<'_>) -> Option<Attempt<'f>> {
        let server = case.server_end();
        let ports =
            self.on_host(server.ip).filter(|list| list.first().is_some_and(|a| a.server.port != server.port && a.kind != Kind::Quic));
        self.nearest_answered(case, ports)
    }

    fn nearest_answered<'a>(&self, case: &Case<'_>, lists: impl Iterator<Item = &'a [&'f Asked]>) -> Option<Attempt<'f>>
    where
        'f: 'a,
    {
        let at = case.flow.first;
        let best = lists.filter_map(|list| nearest(list, at, Asked::is_answered).next());
        best.min_by_key(|a| (a.time.since(at).unsigned_abs(), a.frame)).map(Asked::attempt)
    }

    pub(super) fn other_protocol(&self, case: &Case<'_>, suspect: &Suspect) -> Option<Attempt<'f>> {
        let kind = Index::kind(case, suspect)?;
        let server = case.server_end();
        // Over TCP the port must be the same; QUIC's control is anything over TCP.
        let fits = |a: &&Asked| a.kind != kind && (kind == Kind::Quic || a.server.port == server.port);
        self.nearest_answered(case, self.on_host(server.ip).filter(|list| list.first().is_some_and(fits)))
    }

    /// Other servers that are silent on the same port only, as many as it takes: of the last one a flow that shows the silence and one
    /// that was answered.
    pub(super) fn port_elsewhere(&self, case: &Case<'_>) -> Option<(u64, u64)> {
        /// Servers looked at: among so many silent ones a live one would have shown.
        const SERVERS: usize = 64;
        /// What serves port 80 and not 443 is old and says so, with a reset.
        const HTTPS: u16 = 443;
        /// Hosts drop what they do not serve, by default where they are rented: a handful of them that do tell nothing. A path on which a
        /// port is dead shows it with everybody.
        const NETWORKS: usize = 5;
        let here = case.server_end();
        let others = self.failing_ports.get(&here.port)?.iter().filter(|(ip, _)| *ip != here.ip && ip.is_ipv4() == here.ip.is_ipv4());
        let networks = if here.port == HTTPS { 1 } else { NETWORKS };
        let mut seen = BTreeSet::new();
        let shown = others.take(SERVERS).filter_map(|(ip, silent)| {
            let ports = self.on_host(*ip).filter(|list| list.first().is_some_and(|a| a.server.port != here.port && a.kind != Kind::Quic));
            self.nearest_answered(case, ports)
                .filter(|_| network(*ip) != network(here.ip) && seen.insert(network(*ip)))
                .map(|alive| (*silent, alive.flow.first))
        });
        shown.take(networks).enumerate().last().filter(|(n, _)| n + 1 == networks).map(|(_, shown)| shown)
    }
}

/// What a request came to, beside a suspect: to one that was cut after the answer, one that was answered and then cut is another
/// failure, and one of which nothing is known after its answer no success.
pub(super) fn seen_from(asked: &Asked, later: bool) -> Attempt<'_> {
    let attempt = asked.attempt();
    let outcome = match (attempt.outcome, attempt.afterwards) {
        (Outcome::Answered | Outcome::Suspicious, Afterwards::Cut) if later => Outcome::Silent,
        (Outcome::Answered, Afterwards::Untold) if later => Outcome::Suspicious,
        (outcome, _) => outcome,
    };
    Attempt { outcome, ..attempt }
}

/// A finding of another mechanism about a suspect's name in another flow.
pub(super) fn name_hit(case: &Case<'_>, suspect: &Suspect, hits: &Hits) -> Option<(&'static str, u64)> {
    let kind = Index::kind(case, suspect)?;
    let name = suspect.trigger.as_ref()?.value.to_ascii_lowercase();
    let first = case.entries.first().map_or(0, |e| e.frame);
    let own = suspect.mechanism.name();
    // An answer forged over TCP is a forged segment as well: one thing told twice does not speak for itself, in whichever flow.
    let told_twice = |m: &str| [m, own].into_iter().all(|m| m == Mechanism::DnsAnswer.name() || m == Mechanism::TcpData.name());
    let here = kind == Kind::Dns && case.flow.key.protocol == 6;
    let others = hits.names.get(&name)?.iter().filter(|(mechanism, _, flow, _)| *flow != first && *mechanism != own);
    let hit = others.into_iter().find(|(mechanism, .., dns_over_tcp)| !(here && *dns_over_tcp && told_twice(mechanism)));
    hit.map(|(mechanism, frame, ..)| (*mechanism, *frame)).filter(|_| !name.is_empty())
}

/// The wanted requests nearest to a time, nearest first.
fn nearest<'a, 'f>(
    list: &'a [&'f Asked],
    at: Timestamp,
    wanted: impl Fn(&'f Asked) -> bool + Copy + 'a,
) -> impl Iterator<Item = &'f Asked> {
    /// A busy name may be asked for a million times; what lies this many requests away is no control.
    const REACH: usize = 4096;
    let middle = list.partition_point(|a| a.time < at);
    let (before, after) = list.split_at_checked(middle).unwrap_or((list, &[]));
    let near = move |a: &&'f Asked| wanted(a);
    let mut earlier = before.iter().rev().take(REACH).copied().filter(near).peekable();
    let mut later = after.iter().take(REACH).copied().filter(near).peekable();
    let distance = move |a: &Asked| (a.time.since(at).unsigned_abs(), a.frame);
    // Both lead away from the middle: the nearer of the two is next.
    let next = move || match (earlier.peek(), later.peek()) {
        (Some(a), Some(b)) if distance(a) < distance(b) => earlier.next(),
        (Some(_), None) => earlier.next(),
        _ => later.next(),
    };
    std::iter::from_fn(next).take(SHOWN)
}
