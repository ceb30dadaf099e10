//! When a name, server or mechanism went from fine to blocked and back: the stretches of a track within which nothing changed.
//!
//! Two steps. Which changes fit best is found by [`super::partition`]. Which of them are claimed: those between stretches of
//! at least [`LEAST`] trials whose shares differ by Fisher's exact test, two-sided, at [`LEVEL`] divided by the number of places where a
//! change could lie (Bonferroni). The least certain change falls first, and its neighbours are measured again.

use super::partition::{Piece, alike, best, piece};
use super::track::Counts;
use crate::detect::fisher::fisher;

/// Trials on each side of a change, and attempts of a stretch that is given a name. Five against five is the smallest table
/// that Fisher's test tells apart at 1 %.
pub const LEAST: u64 = 5;
/// Chance of one change claimed where there is none, over all places of a track.
pub const LEVEL: f64 = 0.01;
/// Share of attempts up to which a stretch is `fine`; `blocked` is from its complement on. Filters miss some packets under load, and a
/// forged packet may come to one in fifty for reasons nobody sees again.
pub const FINE: f64 = 0.1;

/// How a name fares.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    Blocked,
    Partly,
    Fine,
    /// It fails, and the packets do not show why.
    Failing,
    /// Too few attempts were judged to call it anything.
    Few,
}

impl State {
    /// Every value, in order.
    pub const ALL: &'static [State] = &[State::Blocked, State::Partly, State::Fine, State::Failing, State::Few];

    /// As printed and as written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            State::Blocked => "blocked",
            State::Partly => "partly",
            State::Fine => "fine",
            State::Failing => "failing",
            State::Few => "few",
        }
    }

    /// The state that counts speak for.
    pub fn of(counts: &Counts) -> State {
        let (judged, known) = (counts.judged() as f64, counts.judged() + counts.failed);
        if known < LEAST {
            return State::Few;
        }
        let share = if judged > 0.0 { counts.interfered as f64 / judged } else { 0.0 };
        if counts.judged() >= LEAST && share >= 1.0 - FINE {
            State::Blocked
        } else if counts.judged() >= LEAST && share > FINE {
            State::Partly
        } else if counts.failed as f64 > FINE * known as f64 {
            // What fails for no visible reason is not called fine.
            State::Failing
        } else if counts.judged() >= LEAST {
            State::Fine
        } else {
            State::Few
        }
    }
}

/// A stretch of time within which nothing changed that could be claimed.
#[derive(Clone, PartialEq, Debug)]
pub struct Stretch {
    pub state: State,
    pub counts: Counts,
    /// Chance of a difference from the stretch before as large as this, if there were none; before Bonferroni's division.
    pub p: Option<f64>,
}

/// Stretches of a track whose spans are `width` seconds long; at least one, unless there are no attempts.
pub fn stretches(spans: impl Iterator<Item = Counts>, width: u64) -> Vec<Stretch> {
    let pieces: Vec<Piece> = spans.map(|c| piece(&c, width)).collect();
    // A change can lie between any two spans with trials.
    let places = pieces.iter().filter(|p| p.trials > 0).count().saturating_sub(1).max(1) as f64;
    let mut parts = best(&alike(pieces));
    straddle(&mut parts);
    loop {
        let chances: Vec<f64> = parts.windows(2).map(|pair| if let [a, b] = pair { chance(a, b) } else { 1.0 }).collect();
        let worst = chances.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).filter(|(_, p)| **p * places > LEVEL);
        let Some((at, _)) = worst else {
            return parts
                .iter()
                .enumerate()
                .map(|(i, part)| Stretch {
                    state: State::of(&part.counts),
                    counts: part.counts,
                    p: i.checked_sub(1).and_then(|before| chances.get(before)).copied(),
                })
                .collect();
        };
        let right = parts.remove(at + 1);
        if let Some(left) = parts.get_mut(at) {
            *left = left.and(right);
        }
    }
}

/// A span within which everything changed is no stretch in between: it goes to the side that it has more of.
fn straddle(parts: &mut Vec<Piece>) {
    let mut at = 1;
    while let Some([before, span, after]) = parts.get(at - 1..at + 2) {
        let sides = [State::of(&before.counts), State::of(&after.counts)];
        if span.spans == 1 && !span.is_pure() && matches!(sides, [State::Blocked, State::Fine] | [State::Fine, State::Blocked]) {
            let blocked = if sides[0] == State::Blocked { at - 1 } else { at };
            let fine = if blocked == at { at - 1 } else { at };
            let span = parts.remove(at);
            let side = if span.hits * 2 >= span.trials { blocked } else { fine };
            if let Some(side) = parts.get_mut(side) {
                *side = side.and(span);
            }
        } else {
            at += 1;
        }
    }
}

/// How likely the difference between two stretches is if there is none; 1 where no change of state would be claimed anyway.
fn chance(a: &Piece, b: &Piece) -> f64 {
    if a.trials < LEAST || b.trials < LEAST || State::of(&a.counts) == State::of(&b.counts) {
        return 1.0;
    }
    fisher((a.hits, a.trials), (b.hits, b.trials))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::survey::track::{Came, Track};

    const MINUTE: i64 = 60;
    const HOUR: i64 = 3600;

    /// `n` attempts, so many seconds apart.
    fn attempts(track: &mut Track, from: i64, n: i64, apart: i64, came: Came) {
        for i in 0..n {
            track.add(Timestamp((from + i * apart) * 1_000_000_000), came, &[]);
        }
    }

    fn told(track: &Track) -> Vec<(State, u64, u64)> {
        let stretches = stretches(track.spans(), track.width());
        stretches.iter().map(|s| (s.state, s.counts.interfered, s.counts.fine)).collect()
    }

    #[test]
    fn blocked_the_whole_time() {
        let mut track = Track::default();
        attempts(&mut track, 0, 60, MINUTE, Came::Interfered);
        assert_eq!(told(&track), [(State::Blocked, 60, 0)]);
    }

    #[test]
    fn one_fault_in_fifty_is_none() {
        let mut track = Track::default();
        attempts(&mut track, 0, 30, MINUTE, Came::Fine);
        attempts(&mut track, 30 * MINUTE, 1, 1, Came::Interfered);
        attempts(&mut track, 31 * MINUTE, 19, MINUTE, Came::Fine);
        assert_eq!(told(&track), [(State::Fine, 1, 49)]);
        // Nor is one that came through in fifty blocked ones, at the end of them.
        let mut track = Track::default();
        attempts(&mut track, 0, 49, MINUTE, Came::Interfered);
        attempts(&mut track, 50 * MINUTE, 1, 1, Came::Fine);
        assert_eq!(told(&track), [(State::Blocked, 49, 1)]);
    }

    #[test]
    fn lifted_for_a_few_hours() {
        let mut track = Track::default();
        attempts(&mut track, 0, 48, 10 * MINUTE, Came::Interfered);
        attempts(&mut track, 8 * HOUR, 18, 10 * MINUTE, Came::Fine);
        attempts(&mut track, 11 * HOUR, 60, 10 * MINUTE, Came::Interfered);
        assert_eq!(told(&track), [(State::Blocked, 48, 0), (State::Fine, 0, 18), (State::Blocked, 60, 0)]);
        let stretches = stretches(track.spans(), track.width());
        assert_eq!(stretches[1].counts.first, Timestamp(8 * HOUR * 1_000_000_000));
        assert_eq!(stretches[0].p, None);
        assert!(stretches[1].p.unwrap() < 1e-9);
    }

    #[test]
    fn lifted_for_weeks_of_a_year() {
        // Spans are a day and a half long by now, and still the stretch in the middle is found.
        let mut track = Track::default();
        attempts(&mut track, 0, 4000, HOUR, Came::Interfered);
        attempts(&mut track, 4000 * HOUR, 400, HOUR, Came::Fine);
        attempts(&mut track, 4400 * HOUR, 4000, HOUR, Came::Interfered);
        let told = told(&track);
        assert_eq!(told.iter().map(|t| t.0).collect::<Vec<_>>(), [State::Blocked, State::Fine, State::Blocked]);
        assert!(told[1].2 >= 350, "{told:?}");
    }

    #[test]
    fn too_few_on_one_side() {
        let mut track = Track::default();
        attempts(&mut track, 0, 40, MINUTE, Came::Interfered);
        attempts(&mut track, HOUR, 4, MINUTE, Came::Fine);
        assert_eq!(told(&track), [(State::Blocked, 40, 4)]);
        // Five on each side differ at 1 % in one place, but not when the place was chosen among nine.
        let mut track = Track::default();
        attempts(&mut track, 0, 5, MINUTE, Came::Interfered);
        attempts(&mut track, HOUR, 5, MINUTE, Came::Fine);
        assert_eq!(told(&track), [(State::Partly, 5, 5)]);
        let mut track = Track::default();
        attempts(&mut track, 0, 2, MINUTE, Came::Interfered);
        assert_eq!(told(&track), [(State::Few, 2, 0)]);
        assert!(stretches([].into_iter(), 1).is_empty());
    }

    #[test]
    fn a_burst_is_one_trial() {
        let mut track = Track::default();
        attempts(&mut track, 0, 40, MINUTE, Came::Fine);
        // Thirty connections within a second, in the middle of a good hour.
        attempts(&mut track, 40 * MINUTE, 30, 0, Came::Interfered);
        attempts(&mut track, 41 * MINUTE, 40, MINUTE, Came::Fine);
        assert_eq!(told(&track), [(State::Partly, 30, 80)]);
    }

    #[test]
    fn blocked_in_part_is_no_change() {
        let mut track = Track::default();
        for i in 0..200_i64 {
            // A fixed pattern without order: two thirds, mixed.
            let came = if (i * 7919) % 101 % 3 == 0 { Came::Fine } else { Came::Interfered };
            attempts(&mut track, i * MINUTE, 1, 1, came);
        }
        let told = told(&track);
        assert!(matches!(told.as_slice(), [(State::Partly, ..)]), "{told:?}");
    }

    #[test]
    fn what_fails_unexplained_is_not_fine() {
        let mut track = Track::default();
        attempts(&mut track, 0, 20, MINUTE, Came::Fine);
        attempts(&mut track, HOUR, 10, MINUTE, Came::Failed);
        assert_eq!(told(&track), [(State::Failing, 0, 20)]);
        let mut track = Track::default();
        attempts(&mut track, 0, 30, MINUTE, Came::Unjudged);
        assert_eq!(told(&track), [(State::Few, 0, 0)]);
    }

    #[test]
    fn claims_nothing_where_nothing_changes() {
        // A thousand tracks without a change, half of the attempts hit: at most a hundredth may show one.
        let mut state = 1_u64;
        let mut wrong = 0;
        for _ in 0..1000 {
            let mut track = Track::default();
            for i in 0..60_i64 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                attempts(&mut track, i * MINUTE, 1, 1, if state >> 63 == 0 { Came::Fine } else { Came::Interfered });
            }
            wrong += usize::from(told(&track).len() > 1);
        }
        assert!(wrong <= 10, "{wrong}");
    }
}
