use super::*;

fn attempts(frames: impl Iterator<Item = u64>) -> Attempts {
    let mut all = Attempts::default();
    for frame in frames {
        let name: &[u8] = if frame % 2 == 0 { b"even" } else { b"odd" };
        let outcome = if frame % 7 < 2 { Outcome::Silent } else { Outcome::Answered };
        let client = Endpoint { ip: IpAddr::from([10, 0, 0, 1]), port: 1024 };
        let flow = FlowRef { first: frame, stream_first: Some(frame), client };
        let attempt = Attempt { time: Timestamp(frame as i64), frame, flow, name, outcome, ..asked() };
        all.add(Kind::Tls, attempt);
    }
    all
}

fn frames(all: &Attempts) -> Vec<u64> {
    all.all().iter().map(|a| a.frame).collect()
}

#[test]
fn what_is_kept_does_not_depend_on_when_it_was_cut() {
    let mut whole = attempts(1..3000);
    let mut parts = attempts(1200..3000);
    parts.merge(attempts(1..1200));
    whole.settle();
    parts.settle();
    assert_eq!((frames(&whole), whole.dropped), (frames(&parts), parts.dropped));
    assert_eq!((whole.all().len(), whole.dropped), (2 * ATTEMPTS_PER_NAME, 2999 - 2 * ATTEMPTS_PER_NAME as u64));
    for name in whole.all().chunk_by(|a, b| a.name == b.name) {
        assert_eq!(name.iter().filter(|a| a.is_answered()).count(), ATTEMPTS_PER_NAME / 2);
    }
}

#[test]
fn told_as_it_was_noted_and_a_name_is_held_once() {
    let all = attempts(1..20);
    let first = all.all().first().unwrap();
    let Attempt { frame, flow, name, server, port, .. } = first.attempt();
    assert_eq!((frame, flow.first, flow.stream_first, flow.client.port), (1, 1, Some(1), 1024));
    assert_eq!((first.attempt().largest, first.attempt().afterwards), (520, Afterwards::Heard));
    assert_eq!((name, server, port), (b"odd".as_slice(), first.server.ip, 443));
    assert_eq!((all.names.len(), Arc::strong_count(&first.name)), (2, 11));
}

#[test]
fn a_request_is_small() {
    assert!(size_of::<Asked>() <= 96);
}

/// Whoever looks for a service looks where it would stand.
#[test]
fn services_of_one_host_stay_in_order() {
    let mut all = Attempts::default();
    for (frame, ip) in (1..).zip(["2001:db8::9", "45.6.0.1", "2001:db8::8", "2001:db8::9"].repeat(4)) {
        let client = Endpoint { ip: IpAddr::from([10, 0, 0, 1]), port: 1024 };
        // The later a service, the earlier its names.
        let services = [(Kind::Http, 80, "z"), (Kind::Tls, 443, "m"), (Kind::Other, 853, "")];
        let (kind, port, name) = services[frame as usize % 3];
        let name = name.as_bytes();
        let flow = FlowRef { first: frame, stream_first: None, client };
        let attempt = Attempt { time: Timestamp(frame as i64), frame, flow, server: ip.parse().unwrap(), port, name, ..asked() };
        all.add(kind, attempt);
    }
    all.settle();
    assert!(all.all().is_sorted_by_key(|a| (a.service(), &a.name, a.time)));
}

fn asked() -> Attempt<'static> {
    Attempt {
        time: Timestamp(0),
        frame: 0,
        flow: FlowRef::default(),
        server: IpAddr::from([45, 6, 0, 1]),
        port: 443,
        name: b"",
        outcome: Outcome::Answered,
        same_kind: true,
        ech: false,
        session: true,
        hit: false,
        segments: 1,
        largest: 517,
        afterwards: Afterwards::Heard,
        evasion: 0,
    }
}
