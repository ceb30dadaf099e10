//! A resolver's answers parted: those that go with one in question, and those that have nothing to do with it.

use super::baselines::zone;
use super::kin::{Kin, Kindred, Look, number, number_of};
use super::resolver::{Resolver, is_bare, is_bogus, is_doubtful};
use crate::detect::case::Case;
use crate::detect::surroundings::Others;
use crate::detect::suspects::dns_answer;
use crate::flow::entry::fact;

/// Answers parted by what they have to do with the first of a case.
pub(super) struct Apart<'k> {
    alike: Vec<&'k Kin>,
    others: Vec<&'k Kin>,
    all: &'k Kindred,
}

impl<'k> Apart<'k> {
    pub(super) fn of(case: &Case<'_>, resolver: &'k Resolver) -> Option<Apart<'k>> {
        let kindred = &resolver.kindred;
        // Where all is of one kind there are no others.
        kindred.iter().nth(1)?;
        let (_, seen) = dns_answer::answers(case).next()?;
        let e = case.entries.get(seen.entry)?;
        let edns_asked = dns_answer::queries(case).any(|q| q.message.edns.is_some());
        let look = Look {
            doubtful: is_doubtful(seen, is_bogus(seen)),
            bare: is_bare(seen, edns_asked),
            ttl: e.ttl,
            df: e.is(fact::DONT_FRAGMENT),
        };
        let drops_edns = resolver.drops_edns();
        let doubtful = |look: &Look| look.doubtful || look.bare && !drops_edns;
        let domain = number(zone(&seen.name));
        let given: Vec<u32> = seen.message.addresses().map(|a| number_of(Some(a))).collect();
        let same = |k: &Kin| k.domain == domain || given.contains(&k.address);
        // Errors, and what else is in doubt, may be one forger's whatever the name.
        let alike = |k: &&Kin| (k.look.ttl, k.look.df) == (look.ttl, look.df) && (same(k) || (doubtful(&k.look) && doubtful(&look)));
        // What is not in doubt is not his who says something doubtful, whatever the name.
        let apart = |k: &&Kin| !doubtful(&k.look) && (doubtful(&look) || !same(k));
        Some(Apart { alike: kindred.iter().filter(alike).collect(), others: kindred.iter().filter(apart).collect(), all: kindred })
    }

    pub(super) fn told(&self) -> Others {
        let mut told = Others::default();
        for kin in &self.others {
            match told.ttls.iter_mut().find(|(ttl, _)| *ttl == kin.look.ttl) {
                Some((_, count)) => *count += kin.count,
                None => told.ttls.push((kin.look.ttl, kin.count)),
            }
            told.df[usize::from(kin.look.df)] += kin.count;
            told.repeated += if kin.is_repeated() { kin.count } else { 0 };
        }
        told.rtt = self.others.iter().filter_map(|k| k.least.measure()).min();
        told.alike = self.alike.iter().map(|k| k.count).sum();
        told.slowest = self.alike.iter().map(|k| k.most).max().unwrap_or(0);
        told.until = self.others.iter().map(|k| k.latest).max().unwrap_or(0);
        let flows = || self.alike.iter().flat_map(|k| k.flows.iter());
        if let (Some(first), Some(last)) = (flows().min(), flows().max()) {
            told.between = self.others.iter().flat_map(|k| k.flows.iter()).any(|flow| first < flow && flow < last);
        }
        // What looks so says what the resolver says in its usual way: a cache repeats it, or another path or site brings it.
        let usual = |o: &Kin| told.ttls.iter().any(|(ttl, _)| *ttl == o.look.ttl);
        let twin = |k: &&Kin| {
            let mut same = self.all.iter().filter(|o| (o.domain, o.address) == (k.domain, k.address) && o.look.ttl != k.look.ttl);
            same.any(usual)
        };
        told.repeats = self.alike.iter().any(twin);
        told
    }

    /// Flows that show it, the fastest first.
    pub(super) fn flows(&self) -> Vec<u64> {
        /// As many as make it improbable that chance dealt them.
        const ALIKE: usize = 6;
        const OTHERS: usize = 12;
        let fastest = self.others.iter().map(|k| k.least).min().and_then(|least| least.flow());
        let mut flows: Vec<u64> = fastest.into_iter().chain(self.others.iter().map(|k| k.latest).max()).collect();
        for (kin, most) in [(&self.alike, ALIKE), (&self.others, OTHERS)] {
            // A few of each kind before many of one.
            let nth = (0..4).flat_map(|n| kin.iter().filter_map(move |k| k.flows.iter().nth(n)));
            flows.extend(nth.take(most));
        }
        flows
    }
}
