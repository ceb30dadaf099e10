//! Which changes fit a track best: optimal partitioning (Jackson et al., An algorithm for optimal partitioning of data on an interval,
//! IEEE Signal Processing Letters 12(2), 2005) of its spans by their binomial likelihood, each change costing what Schwarz's criterion
//! asks for its two parameters, where and how much (Yao, Estimating the number of change-points via Schwarz' criterion, Statistics &
//! Probability Letters 6(3), 1988).
//!
//! Attempts made side by side are no independent trials: a browser opens six connections at once, and all meet the same fault. One in
//! ten seconds counts as a trial, at least one a span, with the share of its span.

use super::changes::LEAST;
use super::track::Counts;

/// Seconds that separate trials: past a browser's parallel connections and its retries.
const APART: u64 = 10;
/// Trials of a span: with more the test only takes longer.
const MOST: u64 = 64;

/// A run of spans under work: trials, hits among them, and what they stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub trials: u64,
    pub hits: u64,
    pub counts: Counts,
    /// Spans in it.
    pub spans: u64,
}

impl Piece {
    pub fn and(self, other: Piece) -> Piece {
        Piece {
            trials: self.trials + other.trials,
            hits: self.hits + other.hits,
            counts: self.counts.and(other.counts),
            spans: self.spans + other.spans,
        }
    }

    pub fn is_pure(&self) -> bool {
        self.hits == 0 || self.hits == self.trials
    }
}

pub(super) fn piece(counts: &Counts, width: u64) -> Piece {
    let judged = counts.judged();
    let trials = judged.min((width / APART).clamp(1, MOST));
    // Half a trial is none: a doubt is not held against anybody.
    let hits = if judged == 0 { 0 } else { (2 * counts.interfered * trials + judged - 1) / (2 * judged) };
    Piece { trials, hits, counts: *counts, spans: 1 }
}

/// Neighbours that agree, or that have nothing to say, become one: no change lies between them.
pub(super) fn alike(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for p in pieces {
        match out.last_mut() {
            Some(last) if last.trials == 0 || p.trials == 0 || (last.is_pure() && p.is_pure() && (last.hits == 0) == (p.hits == 0)) => {
                *last = last.and(p);
            }
            _ => out.push(p),
        }
    }
    out
}

/// The partition with the greatest likelihood less what its changes cost.
pub(super) fn best(pieces: &[Piece]) -> Vec<Piece> {
    let mut sums = vec![(0u64, 0u64)];
    for p in pieces {
        let (trials, hits) = sums.last().copied().unwrap_or_default();
        sums.push((trials + p.trials, hits + p.hits));
    }
    let all = sums.last().map_or(0, |s| s.0);
    let cost_of_change = (all.max(2) as f64).ln();
    // Cheapest way to cover the first n pieces, and where its last part begins.
    let mut cheapest: Vec<(f64, usize)> = vec![(-cost_of_change, 0)];
    for (to, end) in sums.iter().enumerate().skip(1) {
        let mut found = (f64::INFINITY, 0);
        for (from, (start, (before, _))) in sums.iter().zip(&cheapest).enumerate().take(to) {
            let (trials, hits) = (end.0 - start.0, end.1 - start.1);
            let whole = from == 0 && to == pieces.len();
            if trials < LEAST && !whole {
                continue;
            }
            let cost = before + cost_of_change - likelihood(trials, hits);
            if cost < found.0 {
                found = (cost, from);
            }
        }
        cheapest.push(found);
    }
    let mut parts = Vec::new();
    let mut to = pieces.len();
    while to > 0 {
        let from = cheapest.get(to).map_or(0, |c| c.1);
        parts.extend(pieces.get(from..to).unwrap_or_default().iter().copied().reduce(Piece::and));
        to = from;
    }
    parts.reverse();
    parts
}

/// Logarithm of the greatest likelihood of so many hits.
fn likelihood(trials: u64, hits: u64) -> f64 {
    let term = |n: u64| if n == 0 { 0.0 } else { n as f64 * (n as f64 / trials as f64).ln() };
    term(hits) + term(trials - hits)
}
