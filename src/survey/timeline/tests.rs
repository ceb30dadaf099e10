use super::*;
use crate::{packet::Endpoint, survey::facts::Kind};

fn attempt(n: u64, name: &str, hit: bool) -> Try {
    Try {
        name: name.as_bytes().into(),
        kind: Kind::Tls,
        time: Timestamp(n as i64 * 1_000_000_000),
        client: IpAddr::from([10, 0, 0, 1]),
        server: Endpoint { ip: IpAddr::from([45, 60, 70, 80]), port: 443 },
        protocol: 6,
        came: if hit { Came::Interfered } else { Came::Fine },
        by_name: true,
        mechanisms: if hit { vec![Mechanism::TcpReset] } else { Vec::new() },
    }
}

fn timeline(budget: usize, tries: impl IntoIterator<Item = Try>) -> Timeline {
    let mut all = Timeline::new(budget);
    tries.into_iter().for_each(|t| all.note(vec![t]));
    all
}

fn names(t: &Timeline) -> Vec<(Key, u64, bool)> {
    let names = t.tracks().filter(|(k, _)| matches!(k, Key::Name(..)));
    names.map(|(k, track)| (k.clone(), track.total().unwrap().all(), t.is_partial(k))).collect()
}

#[test]
fn two_captures_in_either_order_are_one() {
    let all: Vec<Try> = (0..400).map(|n| attempt(n * 7, ["a", "b", "c"][n as usize % 3], n % 5 == 0)).collect();
    let whole = timeline(1 << 20, all.clone());
    let (a, b) = all.split_at(123);
    let (mut ab, mut ba) = (timeline(1 << 20, a.to_vec()), timeline(1 << 20, b.to_vec()));
    ab.merge(timeline(1 << 20, b.to_vec()));
    ba.merge(timeline(1 << 20, a.to_vec()));
    let held = |t: &Timeline| -> BTreeMap<Key, Track> { t.tracks.iter().cloned().collect() };
    assert_eq!(held(&ab), held(&whole));
    assert_eq!(held(&ba), held(&whole));
    assert_eq!(whole.left_out, 0);
}

#[test]
fn what_is_kept_of_too_much_is_whole_or_marked() {
    // Ten attempts each for two thousand names, one of which is blocked; seen by two halves with room for a tenth.
    let name = |i: u64| format!("name-{}", i % 2000);
    let all = || (0..20_000_u64).map(|i| attempt(i, &name(i), i % 2000 == 77));
    let mut seen = timeline(150_000, all().filter(|t| t.time.0 / 1_000_000_000 % 3 == 0));
    seen.merge(timeline(150_000, all().filter(|t| t.time.0 / 1_000_000_000 % 3 != 0)));
    assert!(seen.octets <= seen.budget && seen.left_out > 0);
    let kept = names(&seen);
    assert!(kept.len() > 10, "{}", kept.len());
    let blocked = Key::Name(Kind::Tls, b"name-77".as_slice().into());
    assert!(kept.iter().any(|(k, n, _)| *k == blocked && *n == 10));
    assert!(kept.iter().all(|(_, n, partial)| *n == 10 || *partial));
    assert_eq!(seen.total().unwrap().all(), 20_000);
}

#[test]
fn no_key_is_kept_that_one_has_given_up() {
    let part = |budget| timeline(budget, (0..1500).map(|i| attempt(i, &format!("n{i}"), i % 31 == 0)));
    let limit = |budget| part(budget).limit;
    assert!(limit(60_000) < limit(150_000) && limit(150_000) < limit(1 << 20));
    let none = Timeline { limit: limit(60_000), ..Timeline::new(1 << 20) };
    let pairs = [(part(1 << 20), 60_000), (part(60_000), 1 << 20), (part(150_000), 60_000), (none, 150_000)];
    for (mut joined, other) in pairs {
        joined.budget = 1 << 20;
        joined.merge(part(other));
        assert!(joined.tracks.iter().all(|(key, track)| key.hash() < joined.limit || track.is_hit()));
        assert_eq!(joined.octets, joined.reckoned());
    }
}

#[test]
fn hits_alone_stay_within_the_budget() {
    let seen = timeline(150_000, (0..5000_u64).map(|i| attempt(i, &format!("n{i}"), true)));
    assert!(seen.octets <= seen.budget && seen.left_out > 0);
    assert_eq!(seen.of_mechanism(Mechanism::TcpReset).unwrap().total().unwrap().interfered, 5000);
}

#[test]
fn a_mechanism_is_measured_by_what_it_could_have_hit() {
    let mut dns = attempt(3, "a", false);
    dns.kind = Kind::Dns;
    let seen = timeline(1 << 20, [attempt(1, "a", true), attempt(2, "a", false), dns]);
    let resets = seen.of_mechanism(Mechanism::TcpReset).unwrap().total().unwrap();
    assert_eq!((resets.interfered, resets.fine), (1, 1));
    assert!(seen.of_mechanism(Mechanism::Drop).is_none());
}
