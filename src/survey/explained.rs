//! Suspects that an ordinary cause explains: counted by the rule that did, the first of them kept with its words.

use super::part::ends;
use super::verdict::Ends;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Claim, Mechanism, Stance, Suspect};
use crate::detect::rules;
use crate::limits::EXPLAINED_KEPT;
use std::collections::BTreeMap;

/// What was suspected, and why it is nothing.
#[derive(Clone, PartialEq, Debug)]
pub struct Explained {
    pub ends: Ends,
    pub time: Timestamp,
    /// The first packet in question.
    pub frame: u64,
    pub mechanism: Mechanism,
    pub rule: &'static str,
    pub text: String,
}

/// The standing claim that explains a suspect, if there is one: the first that explains it away, or else that holds it down.
pub fn reason(claims: &[Claim]) -> Option<&Claim> {
    let against = |c: &&Claim| c.void.is_none() && rules::find(c.rule).is_some_and(|r| r.stance == Stance::Against);
    let away = |c: &&Claim| rules::find(c.rule).is_some_and(|r| r.cap.is_none());
    let standing = || claims.iter().filter(against);
    standing().find(away).or_else(|| standing().next())
}

impl Explained {
    /// A suspect with the claim that explains it.
    pub fn new(case: &Case<'_>, suspect: &Suspect, claim: &Claim) -> Option<Explained> {
        let first = suspect.packets.first().and_then(|i| case.entries.get(*i)).or(case.entries.first())?;
        Some(Explained {
            ends: ends(case),
            time: first.time,
            frame: first.frame,
            mechanism: suspect.mechanism,
            rule: claim.rule,
            text: claim.text.clone(),
        })
    }
}

/// Explained suspects of a shard, and after merging of a capture.
#[derive(Clone, Debug, Default)]
pub struct Explanations {
    /// How many each rule explained.
    pub counts: BTreeMap<&'static str, u64>,
    /// The first of them.
    pub kept: Vec<Explained>,
    /// So many more were kept, and are with another part now.
    given: usize,
}

impl Explanations {
    /// Counts a suspect that `claim` explains; a scan has millions of them, so no more words are made than are kept.
    pub fn note(&mut self, case: &Case<'_>, suspect: &Suspect, claim: &Claim) {
        *self.counts.entry(claim.rule).or_default() += 1;
        if self.given + self.kept.len() < EXPLAINED_KEPT {
            self.kept.extend(Explained::new(case, suspect, claim));
        }
    }

    /// Gives those kept away; they still count against what a shard may keep.
    pub fn give(&mut self) -> Explanations {
        self.given += self.kept.len();
        Explanations { counts: std::mem::take(&mut self.counts), kept: std::mem::take(&mut self.kept), given: 0 }
    }

    pub fn add(&mut self, explained: Explained) {
        *self.counts.entry(explained.rule).or_default() += 1;
        if self.kept.len() < EXPLAINED_KEPT {
            self.kept.push(explained);
        }
    }

    /// Adds those of another shard; [`Explanations::settle`] puts them in order.
    pub fn merge(&mut self, other: Explanations) {
        for (rule, n) in other.counts {
            *self.counts.entry(rule).or_default() += n;
        }
        self.kept.extend(other.kept);
    }

    /// In order of frames, no more than a capture keeps.
    pub fn settle(&mut self) {
        self.kept.sort_by_key(|e| (e.frame, e.mechanism));
        self.kept.truncate(EXPLAINED_KEPT);
    }
}
