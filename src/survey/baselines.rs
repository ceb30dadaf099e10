//! Turns the survey's facts into what a rule may ask about one suspect.

mod lists;
mod names;

use super::attempts::Asked;
use super::audit::Audit;
use super::conclude::Hands;
use super::controls::{name_hit, seen_from};
use super::domains::Domains;
use super::examples::Few;
use super::facts::{Facts, Kind, Silent};
use super::gone::Unanswered;
use super::losses::Losses;
use super::machines::Machines;
use super::notes::redirected_to;
use crate::app::domain::registered;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Suspect, TriggerKind};
use crate::detect::surroundings::{Baseline, Surroundings};
use crate::detect::suspects::drop;
use lists::in_time;
pub(super) use lists::{run, zone};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::OnceLock;

/// Attempts handed to the rules: nearest in time, as many as any rule looks at.
pub(super) const SHOWN: usize = 64;

/// Facts with the indices that questions need.
pub struct Index<'f> {
    pub(super) facts: &'f Facts,
    audit: &'f Audit,
    /// Requests by kind and name, and by server, port and kind; equal ones in order of time.
    by_name: Vec<&'f Asked>,
    pub(super) by_server: Vec<&'f Asked>,
    /// And by registered domain.
    pub(super) domains: Domains<'f>,
    /// Server, port and kind for which more than one name was asked, in order.
    pub(super) varied: Vec<(IpAddr, u16, Kind)>,
    /// Lookups that resolvers did not answer, of names that they answered another time; in order of service.
    pub(super) silent_lookups: Vec<((IpAddr, u16, Kind), Losses)>,
    /// Zones that an address was given for, each once, in order.
    zones: Vec<(IpAddr, &'f [u8], u64)>,
    /// Who answers in resolvers' names; most captures need not know.
    machines: OnceLock<BTreeMap<(IpAddr, bool), Machines>>,
    pub(super) tried: BTreeMap<Kind, Tried<'f>>,
    /// When the silences under judgement began, in order, and by client which of them they are.
    pub(super) begun: Vec<Timestamp>,
    pub(super) silences: Vec<(IpAddr, usize, &'f Silent)>,
    /// Connections that nobody answered, in order of server and time.
    pub(super) unanswered: Vec<Unanswered>,
    /// Servers at which nobody answered SYNs to a port, with a flow each.
    pub(super) failing_ports: BTreeMap<u16, Vec<(IpAddr, u64)>>,
    out_of_order: bool,
}

/// Mechanism, frame, and the flow's first frame; and whether it is about DNS over TCP.
pub type NameHit = (&'static str, u64, u64, bool);

/// Where findings of a first pass lie: by name and by endpoints.
#[derive(Default)]
pub struct Hits {
    pub names: BTreeMap<Vec<u8>, Vec<NameHit>>,
    /// By client, server and port.
    pub endpoints: BTreeMap<(IpAddr, IpAddr, u16), Vec<Hit>>,
}

/// How often a kind of request was tried and answered.
#[derive(Default)]
pub(super) struct Tried<'f> {
    pub(super) tried: u64,
    pub(super) answered: u64,
    /// The first two domains and servers: one operator's servers share what they do not serve.
    pub(super) domains: BTreeSet<&'f [u8]>,
    pub(super) servers: BTreeSet<IpAddr>,
    /// First frames of their flows, and of answered ones.
    flows: Few<4>,
    answered_flows: Few<1>,
}

/// A finding on some endpoints.
pub struct Hit {
    pub time: crate::capture::Timestamp,
    pub frame: u64,
    /// First frame of its flow.
    pub flow: u64,
}

impl<'f> Index<'f> {
    /// Indexes the facts of a capture.
    pub fn new(facts: &'f Facts, audit: &'f Audit, out_of_order: bool, hands: &dyn Hands) -> Index<'f> {
        let requests = facts.attempts.all().len();
        let mut index = Index {
            facts,
            audit,
            by_name: Vec::with_capacity(requests),
            by_server: Vec::with_capacity(requests),
            domains: Domains::default(),
            varied: Vec::new(),
            silent_lookups: Vec::new(),
            zones: facts.answers.iter().map(|(name, given)| (given.address, zone(name), given.flow)).collect(),
            machines: OnceLock::new(),
            tried: BTreeMap::new(),
            begun: Vec::new(),
            silences: Vec::new(),
            unanswered: Vec::new(),
            failing_ports: BTreeMap::new(),
            out_of_order,
        };
        for asked in facts.attempts.all() {
            let tried = index.tried.entry(asked.kind).or_default();
            tried.tried += 1;
            tried.answered += u64::from(asked.is_answered());
            // Two of each are asked for, and flows that show them.
            let domain = registered(&asked.name);
            let new = (tried.domains.len() < 2 && tried.domains.insert(domain))
                | (tried.servers.len() < 2 && tried.servers.insert(asked.server.ip));
            if new {
                tried.flows.add(asked.flow);
            }
            if asked.is_answered() {
                tried.answered_flows.add(asked.flow);
            }
        }
        index.order_attempts(hands);
        index.domains = Domains::of(index.by_name.chunk_by(|a, b| a.wanted() == b.wanted()));
        let mut silences: Vec<&Silent> = facts.silences.iter().collect();
        silences.sort_by_key(|s| (s.from, s.flow));
        let unopened = |s: &&Silent| s.unopened.map(|port| Unanswered { server: s.server, time: s.from, port, flow: s.flow });
        index.unanswered = silences.iter().filter_map(unopened).collect();
        index.unanswered.sort_unstable();
        index.begun = silences.iter().map(|s| s.from).collect();
        index.silences = silences.into_iter().enumerate().map(|(n, s)| (s.client, n, s)).collect();
        index.silences.sort_unstable_by_key(|(client, n, _)| (*client, *n));
        for ((server, port), seen) in facts.unanswered_syns.iter().filter(|(at, _)| facts.answering_ports.get(at).is_none()) {
            index.failing_ports.entry(*port).or_default().extend(seen.flows.iter().next().map(|flow| (*server, flow)));
        }
        index.zones.sort_unstable();
        index.zones.dedup_by_key(|(address, zone, _)| (*address, *zone));
        index
    }

    /// Fills the lists of requests. Those of the facts are in order of server, port, kind and name already; what is left is to put
    /// stretches of them together and each in order of time.
    fn order_attempts(&mut self, hands: &dyn Hands) {
        let all = self.facts.attempts.all();
        let mut by_server = || {
            for service in all.chunk_by(|a, b| a.service() == b.service()) {
                let names: Vec<&'f [Asked]> = service.chunk_by(|a, b| a.name == b.name).collect();
                in_time(&mut self.by_server, &names);
                if let Some(asked) = service.first().filter(|asked| asked.kind == Kind::Dns) {
                    self.silent_lookups.push((asked.service(), Losses::of_names(names.iter().copied())));
                }
                if let Some(asked) = service.first().filter(|_| names.len() > 1) {
                    self.varied.push(asked.service());
                }
            }
        };
        let mut by_name = || {
            let of = |list: &&'f [Asked]| list.first().map(Asked::wanted);
            let mut names: Vec<&'f [Asked]> = all.chunk_by(|a, b| a.service() == b.service() && a.name == b.name).collect();
            names.sort_by_key(of);
            for same in names.chunk_by(|a, b| of(a) == of(b)) {
                in_time(&mut self.by_name, same);
            }
        };
        hands.both(&mut by_server, &mut by_name);
    }

    /// The kind of request a suspect's trigger is.
    pub(super) fn kind(case: &Case<'_>, suspect: &Suspect) -> Option<Kind> {
        let trigger = suspect.trigger.as_ref()?;
        Some(match trigger.kind {
            TriggerKind::DnsQname => Kind::Dns,
            TriggerKind::HttpHost | TriggerKind::HttpUri => Kind::Http,
            TriggerKind::Protocol if case.flow.key.protocol == 6 && drop::is_greeted(case, trigger.frame) => Kind::Greeted,
            TriggerKind::Protocol if case.flow.key.protocol == 6 => Kind::Other,
            TriggerKind::QuicSni | TriggerKind::Protocol => Kind::Quic,
            TriggerKind::TlsSni | TriggerKind::TlsEch if case.flow.key.protocol == 6 => Kind::Tls,
            TriggerKind::TlsSni | TriggerKind::TlsEch => Kind::Quic,
            _ => return None,
        })
    }

    pub(super) fn same_name(&self, kind: Kind, name: &[u8]) -> &[&'f Asked] {
        run(&self.by_name, |a| a.wanted().cmp(&(kind, name)))
    }

    /// Requests to a host that are a measure for others, in groups by port and kind.
    pub(super) fn on_host(&self, server: IpAddr) -> impl Iterator<Item = &[&'f Asked]> {
        let mut rest = run(&self.by_server, |a| a.server.ip.cmp(&server));
        let groups = std::iter::from_fn(move || {
            let service = rest.first()?.service();
            // A busy host has many requests and few services.
            let (group, others) = rest.split_at_checked(rest.partition_point(|a| a.service() == service))?;
            rest = others;
            Some(group)
        });
        groups.filter(|group| group.first().is_some_and(|a| a.kind != Kind::Greeted))
    }

    pub(super) fn facts(&self) -> &'f Facts {
        self.facts
    }

    pub(super) fn audit(&self) -> &'f Audit {
        self.audit
    }

    /// A flow in which a suspect's name was answered without ways around a filter other than these.
    pub(super) fn answered(&self, case: &Case<'_>, suspect: &Suspect, evasion: u8) -> Option<u64> {
        let kind = Index::kind(case, suspect)?;
        let name = suspect.trigger.as_ref()?.value.to_ascii_lowercase();
        let own = case.entries.first().map_or(0, |e| e.frame);
        let later = suspect.mechanism == Mechanism::Drop && drop::is_later(case, suspect);
        self.same_name(kind, &name).iter().find(|a| seen_from(a, later).is_answered_without(evasion) && a.flow != own).map(|a| a.flow)
    }

    /// Flows that tried what a suspect tried, answered ones first.
    pub(super) fn kind_flows(&self, case: &Case<'_>, suspect: &Suspect) -> Vec<u64> {
        let tried = Index::kind(case, suspect).and_then(|kind| self.tried.get(&kind));
        tried.map_or_else(Vec::new, |t| t.answered_flows.iter().chain(t.flows.iter()).collect())
    }

    /// Flows in which an address was given, one for each zone.
    pub(super) fn zones_of(&self, address: IpAddr) -> impl Iterator<Item = u64> {
        run(&self.zones, |(a, ..)| a.cmp(&address)).iter().map(|(.., flow)| *flow)
    }

    /// What the rules may ask about one suspect; with `all`, the rest of it as well.
    pub fn surroundings(&self, case: &Case<'_>, suspect: &Suspect, hits: &Hits, all: bool) -> Surroundings<'f> {
        let mut around = Surroundings {
            sender: self.baseline(case.flow.key.sender(suspect.sender).ip),
            receiver: self.baseline(case.flow.key.sender(suspect.sender.other()).ip),
            duplicates: self.audit.duplicates(),
            reordering: self.audit.reordering,
            one_sided: self.audit.is_one_sided(),
            missing: self.audit.missing(),
            lossy: self.audit.is_lossy() || self.audit.is_filtered(),
            nat: self.audit.nat_suspected(),
            offloaded: self.audit.glued > 0,
            out_of_order: self.out_of_order,
            capture_end: self.facts.end.0,
            ..Surroundings::default()
        };
        around.name_hit = name_hit(case, suspect, hits);
        // Of an answer no rule asks what other requests came to.
        if all || suspect.mechanism != Mechanism::DnsAnswer {
            self.requests(case, suspect, hits, &mut around);
        }
        match suspect.mechanism {
            Mechanism::DnsAnswer => {
                self.dns(case, suspect, &mut around);
                around.refused = self.refused(case);
            }
            Mechanism::Drop => {
                self.meanwhile(case, suspect, &mut around);
                around.gone = self.gone(case, suspect).is_some();
                around.lost = self.lost(case, suspect).share();
            }
            Mechanism::Stall | Mechanism::Throttle => {
                self.meanwhile(case, suspect, &mut around);
                around.transfers = self.facts.transfers.around(case.flow.first, case.entries.first().map_or(0, |e| e.frame));
            }
            Mechanism::TcpData => {
                around.portal =
                    redirected_to(case).and_then(|host| self.facts.portals.get(&host)).map(|(name, frame, _)| (name.clone(), *frame))
            }
            Mechanism::TlsIntercept => self.issuers(case, suspect, &mut around),
            _ => {}
        }
        around
    }

    fn baseline(&self, ip: IpAddr) -> Baseline {
        self.facts.hosts.get(&ip).map_or_else(Baseline::default, |h| Baseline {
            rtt: h.rtt.measure(),
            ttls: h.ttls.iter().map(|(t, n)| (*t, n.count)).collect(),
            flows: h.flows,
        })
    }
}
