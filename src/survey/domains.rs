//! Requests by registered domain: a filter that takes out a name takes out what is below it.

use super::attempts::Asked;
use super::baselines::zone;
use super::facts::Kind;
use crate::app::domain::registered;
use crate::detect::surroundings::Outcome;
use std::collections::{BTreeMap, BTreeSet};

type OfDomain<'f> = ((Kind, &'f [u8]), Vec<&'f Asked>);

/// Domains of which some request met silence, with all requests for them in order of time.
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
        let mut domains: BTreeMap<(Kind, &[u8]), Vec<&Asked>> = BTreeMap::new();
        for (first, same) in names.filter(|(first, _)| zones.contains(zone(&first.name))) {
            let key = (first.kind, registered(&first.name));
            if wanted.contains(&key) {
                domains.entry(key).or_default().extend(same);
            }
        }
        domains.values_mut().for_each(|all| all.sort_by_key(|a| (a.time, a.frame)));
        Domains(domains.into_iter().collect())
    }

    /// Requests for names of a name's domain.
    pub fn of_name(&self, kind: Kind, name: &[u8]) -> &[&'f Asked] {
        let found = self.0.binary_search_by(|(key, _)| key.cmp(&(kind, registered(name))));
        found.ok().and_then(|i| self.0.get(i)).map_or(&[], |(_, all)| all)
    }
}
