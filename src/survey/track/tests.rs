use super::*;
use proptest::prelude::*;

fn track(attempts: &[(i64, bool)]) -> Track {
    let mut track = Track::default();
    for (second, hit) in attempts {
        let came = if *hit { Came::Interfered } else { Came::Fine };
        track.add(Timestamp(second.saturating_mul(1_000_000_000)), came, &[]);
    }
    track
}

proptest! {
    /// The law: cut anywhere, merged in either order, it is the track of all.
    #[test]
    fn merging_is_adding(attempts in proptest::collection::vec((-4000i64..900_000, any::<bool>()), 0..1500), cut in 0usize..1500) {
        let (a, b) = attempts.split_at(cut.min(attempts.len()));
        let (mut ab, mut ba) = (track(a), track(b));
        ab.merge(&track(b));
        ba.merge(&track(a));
        prop_assert_eq!(&ab, &track(&attempts));
        prop_assert_eq!(&ab, &ba);
        prop_assert!(ab.spans().count() <= TIMELINE_SPANS);
        prop_assert_eq!(ab.total().map_or(0, |c| c.all()), attempts.len() as u64);
    }
}

#[test]
fn a_clock_that_jumps_costs_no_resolution() {
    let mut seconds: Vec<(i64, bool)> = (0..200).map(|s| (s, false)).collect();
    seconds.push((4_000_000_000, true));
    let track = track(&seconds);
    assert_eq!((track.width(), track.spans().count()), (1, 201));
}

#[test]
fn the_ends_of_time() {
    let mut track = track(&[(i64::MAX / 1_000_000_000, true)]);
    track.add(Timestamp(i64::MIN), Came::Fine, &[]);
    track.add(Timestamp(i64::MAX), Came::Fine, &[]);
    assert_eq!(track.total().unwrap().all(), 3);
}

#[test]
fn a_mechanism_leaves_out_what_others_did() {
    let all = track(&[(0, true), (1, true), (2, false)]);
    let hits = track(&[(1, true)]);
    let seen = all.seen_by(&hits).total().unwrap();
    assert_eq!((seen.interfered, seen.fine), (1, 1));
}

#[test]
fn what_is_met_once_takes_no_heap() {
    assert!(size_of::<Track>() <= 16);
    assert!(matches!(track(&[(5, false)]), Track::Once(..)));
    assert_eq!(track(&[(5, false), (5, true)]).spans().count(), 1);
}
