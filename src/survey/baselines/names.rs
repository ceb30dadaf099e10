//! What resolvers and certificates said of a suspect's name in other flows.

use super::lists::run;
use super::{Index, SHOWN};
use crate::detect::case::Case;
use crate::detect::finding::Suspect;
use crate::detect::surroundings::{ResolverBaseline, Surroundings};
use crate::detect::suspects::dns_answer;
use crate::survey::answers::Given;
use crate::survey::apart::Apart;
use crate::survey::facts::Kind;
use crate::survey::machines::Machines;
use std::net::IpAddr;

impl<'f> Index<'f> {
    pub(super) fn dns(&self, case: &Case<'_>, suspect: &Suspect, around: &mut Surroundings<'f>) {
        let (ip, tcp) = (case.server_end().ip, case.flow.key.protocol == 6);
        // What it says does not depend on how it was asked; how its packets look and how soon they come does.
        let both = [self.facts.resolver(ip, tcp), self.facts.resolver(ip, !tcp)];
        around.resolver = both[0].map(|r| (r, r.habits())).map(|(r, habits)| ResolverBaseline {
            ttls: habits.ttls.iter().map(|(t, n)| (*t, n.count)).collect(),
            rtt: habits.rtt.measure(),
            edns_kept: r.edns_kept,
            edns_asked: r.edns_asked,
            flags: habits.flags.iter().map(|(f, n)| (*f, n.count)).collect(),
            df: habits.df,
            answered: both.iter().flatten().map(|r| r.answered).sum(),
            global_answers: both.iter().flatten().map(|r| r.global_answers).sum(),
            bogon_names: both.iter().flatten().map(|r| r.bogon_names.len() as u64).sum(),
            doubled: r.doubled.iter().map(|(ttls, n)| (*ttls, n.count)).collect(),
            others: Apart::of(case, r).map(|apart| apart.told()).unwrap_or_default(),
            machine: self.machines(case).and_then(|(machines, ttl)| machines.told(ttl)),
        });
        let name = suspect.trigger.as_ref().map(|t| t.value.to_ascii_lowercase()).unwrap_or_default();
        let own: Vec<u64> = dns_answer::answers(case).filter_map(|(_, d)| case.entries.get(d.entry)).map(|e| e.frame).collect();
        let given: Vec<IpAddr> = dns_answer::answers(case).flat_map(|(_, d)| dns_answer::addresses(&d.message)).collect();
        let others = self.facts.answers.of(&name).iter().filter(|given| !own.contains(&given.frame));
        around.other_answers = others.map(Given::other).take(SHOWN).collect();
        around.same_answer_names = given.iter().map(|given| run(&self.zones, |(a, ..)| a.cmp(given)).len()).max().unwrap_or(0);
        if !self.facts.portals.is_empty() {
            let portal = given.iter().find_map(|a| self.facts.portals.get(a.to_string().as_bytes()));
            around.portal = portal.map(|(name, frame, _)| (name.clone(), *frame));
        }
        let after = case.flow.first;
        // By address: a popular name is asked for on thousands of them.
        let proof = |a: &IpAddr| {
            let groups = self.on_host(*a).filter(|list| list.first().is_some_and(|t| t.kind == Kind::Tls));
            let sessions = groups.filter_map(|list| list.iter().find(|t| t.session && t.time >= after && *t.name == *name));
            sessions.min_by_key(|t| (t.time, t.frame)).map(|t| t.frame)
        };
        around.validated = given.iter().filter_map(|a| proof(a).map(|frame| (*a, frame))).collect();
    }

    /// Who answers in the name of the resolver that was asked, and the TTL of the first answer. Of what gives no address the IPv4 ones tell.
    pub(in crate::survey) fn machines(&self, case: &Case<'_>) -> Option<(&Machines, u8)> {
        // Over TCP packets have other TTLs.
        if case.flow.key.protocol == 6 {
            return None;
        }
        let (_, first) = dns_answer::answers(case).next()?;
        let v6 = first.message.addresses().next().is_some_and(|a| a.is_ipv6());
        let all = self.machines.get_or_init(|| Machines::of(&self.facts.answers));
        Some((all.get(&(case.server_end().ip, v6))?, case.entries.get(first.entry)?.ttl))
    }

    pub(super) fn issuers(&self, case: &Case<'_>, suspect: &Suspect, around: &mut Surroundings<'f>) {
        let name = suspect.trigger.as_ref().map(|t| t.value.to_ascii_lowercase()).unwrap_or_default();
        let own =
            case.messages.server.as_ref().and_then(|s| s.certificates.first()).and_then(|c| c.issuer_o.clone().or(c.issuer_cn.clone()));
        let others = self.facts.issuers.get(&name).into_iter().flatten();
        around.other_issuer = others
            .filter(|((issuer, server), _)| Some(issuer) != own.as_ref() && *server != case.server_end().ip)
            .map(|((issuer, _), (frame, _))| (issuer.clone(), *frame))
            .next();
    }
}
