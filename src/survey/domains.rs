//! Requests by registered domain: a filter that takes out a name takes out what is below it.

use super::attempts::Asked;
use super::baselines::zone;
use super::facts::Kind;
use crate::app::domain::registered;
use crate::detect::surroundings::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// What became of requests for names of one domain.
#[derive(Default)]
pub(super) struct Domain<'f> {
    /// Those that met silence, in order of time.
    pub silent: Vec<&'f Asked>,
    /// By the ways around filters that were used, two that were answered: one may be a suspect's own.
    answered: BTreeMap<u8, Vec<&'f Asked>>,
}

impl Domain<'_> {
    /// A flow in which one was answered without ways around filters that are not among these; another than that with this first frame.
    pub fn answered(&self, evasion: u8, own: u64) -> Option<u64> {
        let fit = self.answered.iter().filter(|(used, _)| *used & !evasion == 0);
        fit.flat_map(|(_, all)| all).map(|a| a.flow).find(|flow| *flow != own)
    }
}

type OfDomain<'f> = ((Kind, &'f [u8]), Domain<'f>);

/// Domains of which some request over TCP met silence.
#[derive(Default)]
pub(super) struct Domains<'f>(Vec<OfDomain<'f>>);

impl<'f> Domains<'f> {
    /// `names` are all requests for one name each.
    pub fn of<'a>(names: impl Iterator<Item = &'a [&'f Asked]> + Clone) -> Domains<'f>
    where
        'f: 'a,
    {
        let names = names.filter_map(|same| same.first().filter(|a| matches!(a.kind, Kind::Tls | Kind::Http)).map(|first| (*first, same)));
        let silent = names.clone().filter(|(_, same)| same.iter().any(|a| a.outcome == Outcome::Silent));
        let wanted: BTreeSet<(Kind, &[u8])> = silent.map(|(first, _)| (first.kind, registered(&first.name))).collect();
        // Most names are of no such domain, which their last labels tell sooner.
        let zones: BTreeSet<&[u8]> = wanted.iter().map(|(_, domain)| zone(domain)).collect();
        let mut domains: BTreeMap<(Kind, &[u8]), Domain<'_>> = BTreeMap::new();
        for (first, same) in names.filter(|(first, _)| zones.contains(zone(&first.name))) {
            let key = (first.kind, registered(&first.name));
            if wanted.contains(&key) {
                domains.entry(key).or_default().add(same);
            }
        }
        domains.values_mut().for_each(|domain| domain.silent.sort_by_key(|a| (a.time, a.frame)));
        Domains(domains.into_iter().collect())
    }

    /// Requests for names of a name's domain.
    pub fn of_name(&self, kind: Kind, name: &[u8]) -> Option<&Domain<'f>> {
        let found = self.0.binary_search_by(|(key, _)| key.cmp(&(kind, registered(name))));
        found.ok().and_then(|i| self.0.get(i)).map(|(_, domain)| domain)
    }
}

impl<'f> Domain<'f> {
    fn add(&mut self, same: &[&'f Asked]) {
        self.silent.extend(same.iter().filter(|a| a.outcome == Outcome::Silent));
        for asked in same.iter().filter(|a| a.is_answered()) {
            let known = self.answered.entry(asked.evasion).or_default();
            if known.iter().all(|k| k.flow != asked.flow) && known.len() < 2 {
                known.push(asked);
            }
        }
    }
}
