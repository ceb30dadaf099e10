//! Requests on one server and port as trials of a name. Over UDP what failed without anything going through in between is one trial, since
//! one fault of the server explains it; over TCP each handshake shows the server up again.

use super::fisher::fisher;
use super::rules::View;
use super::surroundings::{Attempt, Outcome};
use crate::capture::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Requests looked at of either kind, nearest first: as many as a verdict's evidence carries.
pub const NEAREST: usize = 12;

/// What the requests on a suspect's server say about its name.
pub struct Trials {
    /// In how many the name failed.
    pub failed: usize,
    /// Names that do go through there have failed as well; then how likely chance would deal the failures as unevenly.
    pub chance: Option<f64>,
}

impl Trials {
    /// As rare as this it is no coincidence that this name failed and those went through.
    const RARE: f64 = 0.05;

    /// Whether the server's own moods explain that the name failed.
    pub fn is_chance(&self) -> bool {
        self.chance.is_some_and(|chance| chance > Trials::RARE)
    }

    /// Counts those of a silence.
    pub fn of(view: &View<'_>) -> Trials {
        let server = view.case.server_end();
        let here = |a: &&Attempt<'_>| a.same_kind && !a.hit && a.server == server.ip && a.port == server.port;
        let told = |a: &Attempt<'_>| match a.outcome {
            Outcome::Answered => Some(true),
            Outcome::Silent => Some(false),
            Outcome::Reset | Outcome::Suspicious => None,
        };
        let at = view.suspect.trigger.as_ref().and_then(|t| view.case.index_of(t.frame)).and_then(|i| view.case.entries.get(i));
        let own = at.map(|e| (e.time, e.frame, None, false));
        let same = view.around.same_name.iter().take(NEAREST).filter(here).filter_map(|a| Some((a.time, a.frame, None, told(a)?)));
        let others =
            view.around.other_names.iter().take(NEAREST).filter(here).filter_map(|a| Some((a.time, a.frame, Some(a.name), told(a)?)));
        let mut all: Vec<(Timestamp, u64, Option<&[u8]>, bool)> = own.into_iter().chain(same).chain(others).collect();
        all.sort_unstable();
        let opened = view.case.flow.key.protocol == 6;
        let mut stretch = 0;
        // By name, of which the suspect's is none: the stretches in which it failed, and how often it went through.
        let mut names: BTreeMap<Option<&[u8]>, (BTreeSet<usize>, u64)> = BTreeMap::new();
        for (_, _, name, went) in all {
            let (failed, through) = names.entry(name).or_default();
            *through += u64::from(went);
            stretch += usize::from(opened || (went && name.is_some()));
            if !went {
                failed.insert(stretch);
            }
        }
        let (own, through) = names.remove(&None).unwrap_or_default();
        let mine = own.len() as u64;
        // What mostly fails may be filtered too, by a filter that misses some.
        let usual = || names.values().filter(|(failed, through)| *through > 0 && failed.len() as u64 <= *through);
        let failed: u64 = usual().map(|(failed, _)| failed.len() as u64).sum();
        let passed: u64 = usual().map(|(_, through)| through).sum();
        let chance = (failed > 0).then(|| fisher((mine, mine + through), (failed, failed + passed)));
        Trials { failed: own.len(), chance }
    }
}
