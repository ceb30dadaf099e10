//! Hosts that say no resolver runs on them: their ICMP errors, whichever flow those went to. Few quote more of a query than its ports
//! (RFC 792 asks for eight octets), so they belong to no transaction.

use super::attempts::Asked;
use super::baselines::{Index, run};
use super::facts::Kind;
use super::gathered::Joins;
use super::part::Part;
use crate::attribute::special::is_global;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::surroundings::{Outcome, Refused};
use crate::detect::suspects::dns_answer::{answers, asks_recursion, queries};
use crate::flow::key::Direction;
use crate::packet::Endpoint;
use std::collections::BTreeSet;

/// Where resolvers are asked.
const DOMAIN: u16 = 53;
/// Refusals kept of a host, the first ones: a rule asks for three.
const REFUSALS: usize = 64;
/// What is further away than this from an answer may be another day of the host's.
const NEAR_NS: i64 = 120_000_000_000;

/// Whoever is asked so often is a resolver.
const BUSY: usize = 4096;
/// As late as stub resolvers still wait for an answer.
const LATE_NS: i64 = 5_000_000_000;

/// A port unreachable, and the query's sender.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Refusal {
    time: Timestamp,
    frame: u64,
    /// First frame of its flow.
    flow: u64,
    client: Endpoint,
}

/// A host's own, the first ones in order of time.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Vec<Refusal>);

impl Joins for Refusals {
    fn join(&mut self, other: &mut Refusals) {
        self.0.append(&mut other.0);
        self.0.sort_unstable();
        self.0.truncate(REFUSALS);
    }
}

impl Part {
    pub(super) fn note_refusals(&mut self, case: &Case<'_>) {
        let key = case.flow.key;
        if key.protocol != 17 || !case.has(crate::flow::entry::fact::ICMP) {
            return;
        }
        let flow = case.entries.first().map_or(0, |e| e.frame);
        for side in [Direction::FromLow, Direction::FromHigh] {
            let (host, client) = (key.sender(side), key.sender(side.other()));
            for e in case.entries.iter().filter(|e| host.port == DOMAIN && e.is_refusal_of(host.ip)) {
                self.facts.refusals.add(host.ip, Refusals(vec![Refusal { time: e.time, frame: e.frame, flow, client }]));
            }
        }
    }
}

impl Index<'_> {
    /// What the host that is said to have answered says of queries itself: of this one, and of others.
    pub(super) fn refused(&self, case: &Case<'_>) -> Refused {
        let mut refused = Refused::default();
        let (host, client) = (case.server_end(), case.client_end());
        let answered = answers(case).next().and_then(|(_, d)| case.entries.get(d.entry)).map(|e| e.time);
        let Some(at) = answered.filter(|_| case.flow.key.protocol == 17 && host.port == DOMAIN) else { return refused };
        let here = run(&self.by_server, |a| a.service().cmp(&(host.ip, host.port, Kind::Dns)));
        if here.len() > BUSY {
            return refused;
        }
        let known = self.facts().refusals.get(&host.ip).map(|r| r.0.as_slice()).unwrap_or_default();
        // Nearly every resolver.
        if known.is_empty() && here.iter().all(|a| a.outcome != Outcome::Silent) {
            return refused;
        }
        let ends: BTreeSet<Endpoint> = here.iter().filter(|a| a.is_answered()).map(|a| a.client).collect();
        // From a port that other queries come from at the time it may be about those.
        let first = case.entries.first().map_or(0, |e| e.frame);
        let shared = here.iter().any(|a| a.client == client && a.flow != first && a.time.since(at).abs() <= NEAR_NS);
        for refusal in known.iter().filter(|r| r.time.since(at).abs() <= NEAR_NS) {
            if refusal.client == client {
                // A port is used again; what comes before the query, or long after it, is about another one.
                let asked = queries(case).filter_map(|q| case.entries.get(q.entry)).map(|e| e.time);
                let behind = asked.min().is_some_and(|first| refusal.time >= first);
                if !shared && behind && refusal.time.since(at) <= LATE_NS {
                    refused.own.push((refusal.frame, refusal.flow));
                }
            } else if !ends.contains(&refusal.client) {
                refused.before |= refusal.time < at;
                refused.behind |= refusal.time > at;
                if refused.only.iter().all(|(_, _, end)| *end != refusal.client) {
                    refused.only.push((refusal.frame, refusal.flow, refusal.client));
                }
            }
        }
        let ends_refused: BTreeSet<Endpoint> = refused.only.iter().map(|(_, _, end)| *end).collect();
        let names = |list: &dyn Fn(&Asked) -> bool| here.iter().filter(|a| list(a)).map(|a| &*a.name).collect::<BTreeSet<&[u8]>>();
        let (given, denied) = (names(&|a| a.is_answered()), names(&|a| ends_refused.contains(&a.client)));
        refused.by_name = given.is_disjoint(&denied) && given.len() <= denied.len();
        if is_global(host.ip) && asks_recursion(case) {
            let near = |a: &Asked| a.time.since(at).abs() <= NEAR_NS;
            let silent = || here.iter().filter(|a| a.outcome == Outcome::Silent && near(a) && !given.contains(&*a.name));
            let around = silent().any(|a| a.time < at) && silent().any(|a| a.time > at);
            let mut seen = BTreeSet::new();
            let unheard = silent().filter(|a| seen.insert(&*a.name)).map(|a| (a.frame, a.flow));
            refused.unheard = unheard.take(REFUSALS).collect();
            if !around || here.iter().any(|a| a.outcome == Outcome::Silent && given.contains(&*a.name)) {
                refused.unheard.clear();
            }
        }
        refused
    }

    /// Flows that tell it.
    pub(super) fn refusal_flows(&self, case: &Case<'_>) -> Vec<u64> {
        /// A rule asks for three.
        const ENOUGH: usize = 8;
        let (refused, host) = (self.refused(case), case.server_end());
        let here = run(&self.by_server, |a| a.service().cmp(&(host.ip, host.port, Kind::Dns)));
        let asked = |end: Endpoint| here.iter().find(|a| a.client == end).map(|a| a.flow);
        // The first and the last ones, for those before the answer and those behind it; with the queries, for their names.
        let (only, mut unheard) = (&refused.only, refused.unheard.clone());
        let ends = |n: usize, len: usize| n < ENOUGH / 2 || n + ENOUGH / 2 >= len;
        let only = only.iter().enumerate().filter(|(n, _)| ends(*n, refused.only.len())).map(|(_, only)| only);
        unheard.truncate(ENOUGH);
        let own = refused.own.iter().map(|(_, flow)| *flow);
        own.chain(only.flat_map(|(_, flow, end)| [Some(*flow), asked(*end)]).flatten())
            .chain(unheard.iter().map(|(_, flow)| *flow))
            .collect()
    }
}
