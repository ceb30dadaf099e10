//! A resolver's habits, over UDP and over TCP: what its answers look like, and how soon they come.

use super::answers::Given;
use super::examples::{Few, Least, Tally};
use super::gathered::Joins;
use super::kin::{Kindred, Look, Seen};
use super::notes::flow_ref;
use super::part::Part;
use crate::attribute::special;
use crate::detect::case::Case;
use crate::detect::messages::DnsSeen;
use crate::detect::suspects::dns_answer;
use crate::flow::entry::fact;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How answers look that nothing speaks against, and how soon the first of them came.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    pub ttls: Tally<u8>,
    pub rtt: Least,
    pub flags: Tally<u16>,
    pub df: [u64; 2],
    pub flows: Few<8>,
}

impl Habits {
    fn merge(&mut self, other: &Habits) {
        self.ttls.merge(&other.ttls);
        self.flags.merge(&other.flags);
        self.rtt.merge(other.rtt);
        self.df = [self.df[0] + other.df[0], self.df[1] + other.df[1]];
        self.flows.merge(&other.flows);
    }
}

/// What is known of a resolver.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    usual: Habits,
    /// Of answers without the OPT record that was asked for.
    bare: Option<Box<Habits>>,
    pub edns_kept: u64,
    pub edns_asked: u64,
    pub answered: u64,
    /// Names answered with special addresses only, each with a flow.
    pub bogon_names: BTreeMap<Vec<u8>, u64>,
    pub global_answers: u64,
    /// Flows with answers that keep the OPT record.
    pub keeping_edns: Few<2>,
    pub kindred: Kindred,
    /// TTLs of answers that came twice and agree, the lower first.
    pub doubled: Tally<(u8, u8)>,
}

impl Joins for Resolver {
    fn join(&mut self, other: &mut Resolver) {
        self.usual.merge(&other.usual);
        match (&mut self.bare, other.bare.take()) {
            (Some(bare), Some(more)) => bare.merge(&more),
            (bare @ None, more) => *bare = more,
            (Some(_), None) => {}
        }
        self.edns_kept += other.edns_kept;
        self.edns_asked += other.edns_asked;
        self.answered += other.answered;
        self.global_answers += other.global_answers;
        for (name, flow) in std::mem::take(&mut other.bogon_names) {
            self.bogon_names.entry(name).and_modify(|f| *f = flow.min(*f)).or_insert(flow);
        }
        self.keeping_edns.merge(&other.keeping_edns);
        self.doubled.merge(&other.doubled);
        self.kindred.merge(std::mem::take(&mut other.kindred));
    }
}

impl Resolver {
    /// Its habits. Where OPT is lost now and then, the answers without it may be somebody else's and are no measure; where it is lost
    /// nearly always, that is how this resolver answers.
    pub fn habits(&self) -> Cow<'_, Habits> {
        match &self.bare {
            Some(bare) if self.drops_edns() => {
                let mut all = self.usual.clone();
                all.merge(bare);
                Cow::Owned(all)
            }
            _ => Cow::Borrowed(&self.usual),
        }
    }

    /// Whether it leaves OPT out of at least three of four answers that should have it.
    pub fn drops_edns(&self) -> bool {
        self.edns_asked >= 2 && self.edns_kept * 4 <= self.edns_asked
    }
}

/// Whether an answer gives addresses of special use only.
pub(super) fn is_bogus(seen: &DnsSeen) -> bool {
    seen.message.addresses().next().is_some() && !seen.message.addresses().any(special::is_global)
}

/// Whether an answer says nothing, or nothing true: it may be a forgery, and must not become part of what a resolver is measured by.
pub(super) fn is_doubtful(seen: &DnsSeen, bogus: bool) -> bool {
    seen.message.rcode != 0 || seen.message.answers.is_empty() || bogus
}

/// Whether it says it without what was asked for.
pub(super) fn is_bare(seen: &DnsSeen, edns_asked: bool) -> bool {
    edns_asked && seen.message.edns.is_none() && !seen.cut
}

/// Seconds for which an answer may be remembered.
fn lifetime(seen: &DnsSeen) -> u32 {
    seen.message.answers.iter().map(|r| r.ttl).min().unwrap_or(0)
}

impl Part {
    /// Where each question is doubled on its way, two sites of a resolver answer it, and mostly say the same.
    fn note_doubled(&mut self, case: &Case<'_>) {
        let mut queries = dns_answer::queries(case);
        let (Some(_), None) = (queries.next(), queries.next()) else { return };
        let mut answers = dns_answer::answers(case).map(|(_, d)| d);
        let (Some(one), Some(two), None) = (answers.next(), answers.next(), answers.next()) else { return };
        let (Some(a), Some(b)) = (case.entries.get(one.entry), case.entries.get(two.entry)) else { return };
        let data = |d: &DnsSeen| d.message.rcode == 0 && d.message.addresses().any(special::is_global);
        if data(one) && data(two) && !dns_answer::disagree(one, two) {
            // Of UDP: a connection is opened to one of them.
            if let Some(r) = self.facts.resolvers.of(case.server_end().ip).filter(|_| case.flow.key.protocol == 17) {
                r.doubled.add((a.ttl.min(b.ttl), a.ttl.max(b.ttl)), flow_ref(case).first, 1);
            }
        }
    }

    /// A resolver's habits, from transactions with one answer that nothing speaks against. Only where one is `odd` can it be known
    /// to be forged.
    pub(super) fn note_answers(&mut self, case: &Case<'_>, odd: bool) {
        let tcp = case.flow.key.protocol == 6;
        if case.flow.key.transaction.is_none() && !tcp {
            return;
        }
        let resolver = case.server_end().ip;
        let first = flow_ref(case).first;
        for (_, seen) in dns_answer::answers(case).filter(|_| !tcp) {
            let Some(e) = case.entries.get(seen.entry) else { continue };
            let asked = case.of(case.client).map(|(_, q)| q).take_while(|q| q.frame < e.frame).last();
            let delay = asked.map_or(0, |q| u32::try_from(e.time.since(q.time).max(0) / 1000).unwrap_or(u32::MAX));
            let (time, lifetime) = (u32::try_from(e.time.0 / 1_000_000_000).unwrap_or(0), lifetime(seen));
            for address in seen.message.addresses() {
                let given = Given { address, resolver, frame: e.frame, flow: first, ttl: e.ttl, delay, time, lifetime };
                self.facts.answers.add(&seen.name, given);
            }
        }
        let (mut answers, mut queries) = (dns_answer::answers(case), dns_answer::queries(case));
        let Some((_, seen)) = answers.next() else { return };
        if answers.next().is_some() {
            self.note_doubled(case);
            return;
        }
        let Some(query) = queries.next() else { return };
        let (Some(e), Some(asked)) = (case.entries.get(seen.entry), case.entries.get(query.entry)) else { return };
        let given = seen.message.addresses().next();
        let bogus = is_bogus(seen);
        let known = odd && dns_answer::known(&seen.message, &seen.name).is_some();
        let edns_asked = query.message.edns.is_some();
        let alone = queries.next().is_none();
        let resolvers = if tcp { &mut self.facts.resolvers_tcp } else { &mut self.facts.resolvers };
        let Some(r) = resolvers.of(resolver) else { return };
        r.kindred.add(&Seen {
            look: Look {
                ttl: e.ttl,
                df: e.is(fact::DONT_FRAGMENT),
                doubtful: known || is_doubtful(seen, bogus),
                bare: is_bare(seen, edns_asked),
            },
            name: &seen.name,
            address: given,
            time: asked.time,
            delay: Some(e.time.since(asked.time)).filter(|d| alone && *d >= 0),
            lifetime: lifetime(seen),
            flow: first,
        });
        r.answered += u64::from(seen.message.rcode == 0);
        if bogus {
            r.bogon_names.entry(seen.name.clone()).and_modify(|f| *f = first.min(*f)).or_insert(first);
            return;
        }
        if known {
            return;
        }
        r.global_answers += u64::from(given.is_some());
        let lost = edns_asked && seen.message.edns.is_none();
        r.edns_asked += u64::from(edns_asked);
        if edns_asked && !lost {
            r.edns_kept += 1;
            r.keeping_edns.add(first);
        }
        let habits = if lost && seen.message.rcode == 0 { r.bare.get_or_insert_default() } else { &mut r.usual };
        habits.flows.add(first);
        habits.ttls.add(e.ttl, first, 1);
        habits.flags.add(seen.message.flags, first, 1);
        habits.df[usize::from(e.is(fact::DONT_FRAGMENT))] += 1;
        if alone {
            habits.rtt.add(e.time.since(asked.time), first);
        }
    }
}
