//! Input that means harm or is merely broken: whatever it holds, the run ends with a status of its own and says things that parse.

#[path = "hostile/mutant.rs"]
mod mutant;
#[path = "hostile/run.rs"]
mod run;

use interloper::packet::tcp::{ACK, RST, SYN};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::{Query, RESOLVED, name_bytes};
use interloper::script::random::Random;
use interloper::script::{Body, Draft, EPOCH_NS, Format, Host, Rtt, Script, http, tls};
use mutant::{captures, mutate, pcap};
use run::{Run, json, text};

fn client() -> Host {
    Host::linux("192.168.1.20")
}

fn server() -> Host {
    Host::linux("45.60.70.80").hops(13)
}

fn of_script(script: &Script) -> Run {
    json(&script.bytes(Format::Pcapng), &[])
}

#[test]
fn broken_captures_are_survived() {
    /// Enough for every kind of damage to hit headers as well as packets; seconds in all.
    const EACH: u64 = 5;
    let mut statuses = std::collections::BTreeMap::new();
    for (n, (name, bytes)) in captures().into_iter().enumerate() {
        for k in 0..EACH {
            let mut random = Random::new(n as u64 * EACH + k + 1);
            let (what, mutant) = mutate(&bytes, &mut random);
            let run = json(&mutant, &[]);
            assert!(matches!(run.status, 0 | 2 | 3), "{name}, {what}, seed {}: {} {}", n as u64 * EACH + k + 1, run.status, run.stderr);
            run.check();
            *statuses.entry(run.status).or_insert(0) += 1;
        }
    }
    // Mutations that never hurt would test nothing.
    assert!(statuses.get(&3).is_some_and(|n| *n >= 50) && statuses.get(&0).is_some_and(|n| *n >= 50), "{statuses:?}");
}

#[test]
fn broken_captures_are_shared_like_others() {
    let place = tempfile::tempdir().unwrap();
    let [evidence, page] = ["e.pcapng", "e.html"].map(|name| place.path().join(name));
    let outputs = ["--share", "-w", evidence.to_str().unwrap(), "-o", page.to_str().unwrap()];
    for (n, (name, bytes)) in captures().into_iter().enumerate() {
        let (what, mutant) = mutate(&bytes, &mut Random::new(9_000 + n as u64));
        let (plain, run) = (json(&mutant, &[]), json(&mutant, &outputs));
        assert_eq!(run.status, plain.status, "{name}, {what}: {}", run.stderr);
        run.check();
        if run.status != 2 {
            assert_eq!(run.of_type("finding").len(), plain.of_type("finding").len(), "{name}, {what}");
            let again = json(&std::fs::read(&evidence).unwrap(), &[]);
            assert_eq!(again.status, 0, "{name}, {what}: {}", again.stderr);
            again.check();
        }
    }
}

#[test]
fn broken_captures_print_no_control_characters() {
    for (n, (name, bytes)) in captures().into_iter().enumerate().step_by(4) {
        let (what, mutant) = mutate(&bytes, &mut Random::new(7_000 + n as u64));
        let page = text(&mutant);
        assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "{name}, {what}: {page:?}");
    }
}

#[test]
fn dns_names_that_point_at_themselves_end() {
    let mut script = Script::new();
    let resolver = Host::linux("91.230.10.53").hops(9);
    let header = |answers: u8| [0x12, 0x34, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0].to_vec();
    let record = [0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 45, 60, 70, 80];
    let loops: Vec<Vec<u8>> = vec![
        [header(0), vec![0xc0, 12, 0, 1, 0, 1]].concat(),
        [header(0), vec![0xc0, 14, 0xc0, 12, 0, 1, 0, 1]].concat(),
        [header(0), vec![1, b'a', 0xc0, 12, 0, 1, 0, 1]].concat(),
        [header(0), vec![0xff, 0xff, 0, 1, 0, 1]].concat(),
        [header(1), name_bytes("a.example.org"), vec![0, 1, 0, 1, 0xc0, 31], record.to_vec()].concat(),
        [header(255), name_bytes("a.example.org"), vec![0, 1, 0, 1], [&[0xc0, 12][..], &record].concat()].concat(),
        // Every record's name hangs on the one before: quadratic for a reader that follows without a bound.
        [header(200), name_bytes("a.example.org"), vec![0, 1, 0, 1], chain(200)].concat(),
    ];
    for (n, message) in loops.iter().enumerate() {
        let mut u = script.later_ms(50.0).udp(&client(), 50_000 + n as u16, &resolver, 53, Rtt::ms(40.0));
        let q = Query::a("a.example.org").id(0x1234);
        u.send(Client, &q.bytes()).send(Server, message).answer(&q.answer().flags(RESOLVED).address("45.60.70.80"));
    }
    let run = of_script(&script);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.check();
    assert!(run.of_type("flow").len() >= loops.len());
}

/// Records each of whose names is a letter and a pointer to the record before.
fn chain(records: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut last = 12u16;
    for _ in 0..records {
        let here = 12 + 19 + out.len() as u16;
        out.extend([1, b'x']);
        out.extend((0xc000 | last).to_be_bytes());
        out.extend([0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 45, 60, 70, 80]);
        last = here;
    }
    out
}

#[test]
fn tls_in_records_of_one_octet_is_read() {
    let mut script = Script::new();
    let mut t = script.tcp(&client(), 40_000, &server(), 443, Rtt::ms(80.0));
    let message = tls::Hello::new("tiny.example.org").message(t.random());
    let records: Vec<u8> = message.iter().flat_map(|b| tls::record(22, 0x0301, &[*b])).collect();
    t.handshake().send(Client, &records).ack(Server);
    let mut t = script.later_ms(200.0).tcp(&client(), 40_001, &server(), 443, Rtt::ms(80.0));
    t.handshake();
    for _ in 0..5000 {
        t.send(Client, &tls::record(22, 0x0301, &[1]));
    }
    t.ack(Server);
    let run = of_script(&script);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.check();
    let names: Vec<_> = run.of_type("flow").iter().map(|f| f["name"].clone()).collect();
    assert_eq!(names.first(), Some(&"tiny.example.org".into()), "{names:?}");
}

#[test]
fn fragments_without_end_are_counted_and_dropped() {
    const DATAGRAMS: u16 = 1500;
    let piece = |id: u16, offset: u16, more: bool, fill: u8| {
        let word = ((u16::from(more) << 13) | (offset / 8)).to_be_bytes();
        let [high, low] = id.to_be_bytes();
        let mut p = vec![0x45, 0, 0, 52, high, low, word[0], word[1], 60, 17, 0, 0, 198, 51, 100, 7, 192, 168, 1, 20];
        p.extend([fill; 32]);
        p
    };
    let mut frames = Vec::new();
    for id in 0..DATAGRAMS {
        // The pieces overlap and say different things; the first 32 octets never have an end.
        frames.push(piece(id, 0, true, 1));
        frames.push(piece(id, 16, true, 2));
        frames.push(piece(id, 65_496, true, 3));
    }
    let run = json(&pcap(101, frames.iter().enumerate().map(|(n, f)| (EPOCH_NS + n as i64 * 1000, f.clone()))), &[]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.check();
    let capture = run.of_type("capture")[0].clone();
    assert_eq!(capture["fragments"], u64::from(DATAGRAMS) * 3);
    assert!(capture["fragments_abandoned"].as_u64().unwrap() >= u64::from(DATAGRAMS), "{capture}");
    assert_eq!(capture["flows"], 0);
}

#[test]
fn a_flood_of_tiny_flows_stays_in_its_memory() {
    const FLOWS: u32 = 300_000;
    let mut random = Random::new(9);
    let frames = (0..FLOWS).map(|n| {
        let src = std::net::Ipv4Addr::from(0x0a00_0000 + n * 7);
        let body = Body::Tcp { seq: random.double_word(), ack: 0, flags: SYN, window: 1024, options: Vec::new() };
        let draft = Draft {
            src: (src, 1024 + (n % 60_000) as u16).into(),
            dst: "45.60.70.80:443".parse().unwrap(),
            ttl: 50,
            ip_id: n as u16,
            df: true,
            tos: 0,
            body,
            payload: Vec::new(),
            bad_checksum: false,
        };
        (EPOCH_NS + i64::from(n) * 5_000, draft.encode())
    });
    let run = json_quiet(&pcap(101, frames));
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.check();
    let capture = run.of_type("capture")[0].clone();
    assert_eq!(capture["flows"], FLOWS);
    let evicted = capture["evicted"].as_u64().unwrap();
    // 16 MiB asked for means the least a table works with, 100 MiB.
    assert!(evicted > u64::from(FLOWS) / 4, "{evicted} evicted: that much does not hold the rest");
    assert_eq!(capture["complete"], true);
}

/// What nobody looks at twice is told as that, and every flow of a capture is counted once.
#[test]
fn a_scan_beyond_the_bound_on_suspects_is_not_called_judged() {
    const FLOWS: u32 = 70_000;
    let frames = (0..FLOWS).flat_map(|n| {
        let (src, dst) = ((std::net::Ipv4Addr::from(0x0a00_0000 + n * 7), 40_000).into(), "45.60.70.80:443".parse().unwrap());
        let draft = |src, dst, ttl, flags, ack| Draft {
            src,
            dst,
            ttl,
            ip_id: n as u16,
            df: true,
            tos: 0,
            body: Body::Tcp { seq: 1000 * u32::from(ack == 0), ack, flags, window: 1024, options: Vec::new() },
            payload: Vec::new(),
            bad_checksum: false,
        };
        let at = EPOCH_NS + i64::from(n) * 50_000;
        [(at, draft(src, dst, 64, SYN, 0).encode()), (at + 20_000, draft(dst, src, 51, RST | ACK, 1001).encode())]
    });
    let run = run::with(&pcap(101, frames), &["--json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.check();
    let summary = run.of_type("summary")[0];
    let (judged, beyond) = (summary["flows_judged"].as_u64().unwrap(), summary["flows_unjudged"]["too-many-suspects"].as_u64().unwrap());
    assert!(beyond > u64::from(FLOWS) / 10 && judged > u64::from(FLOWS) / 2, "{judged} {beyond}");
    assert_eq!(judged + beyond, u64::from(FLOWS));
}

/// Without a line per flow, in 16 MiB.
fn json_quiet(bytes: &[u8]) -> Run {
    run::with(bytes, &["--json", "--min", "unexplained", "--memory", "16M"])
}

#[test]
fn time_may_run_backwards_and_anywhere() {
    let mut script = Script::new();
    for n in 0..6 {
        script.later_ms(100.0).tcp(&client(), 41_000 + n, &server(), 443, Rtt::ms(80.0)).visit("clock.example.org");
    }
    let frames = script.frames();
    let count = frames.len() as i64;
    // Seconds of a pcap are 32 bits without a sign: the years 1970 to 2106.
    let clocks: [fn(i64, i64) -> i64; 4] = [
        |n, _| -n * 1_000_000_000,
        |n, _| if n % 2 == 0 { -EPOCH_NS } else { 2_000_000_000_000_000_000 },
        |n, count| (count - n) * 3_600_000_000_000,
        |_, _| 4_294_967_295_000_000_000 - EPOCH_NS,
    ];
    for (which, clock) in clocks.iter().enumerate() {
        let times = |n: i64| EPOCH_NS.saturating_add(clock(n, count)).max(0);
        let run = json(&pcap(1, frames.iter().zip(0..).map(|(f, n)| (times(n), f.bytes.clone()))), &[]);
        assert_eq!(run.status, 0, "clock {which}: {}", run.stderr);
        run.check();
        let capture = run.of_type("capture")[0].clone();
        assert_eq!(capture["packets"], count);
        assert_eq!(capture["out_of_order"].as_u64().unwrap() > 0, which != 3, "clock {which}: {capture}");
    }
}

#[test]
fn names_cannot_speak_to_the_terminal_or_the_browser() {
    const NAMES: [&str; 5] =
        ["\u{1b}[31mred.example.org", "\u{202e}gro.elpmaxe", "<script>alert(1)</script>.example", "a\nF9 forged.example", "=cmd|x.example"];
    let mut script = Script::new();
    script.tcp(&client(), 42_000, &server(), 443, Rtt::ms(80.0)).visit("fine.example.net");
    for (n, name) in (0..).zip(NAMES) {
        let mut t = script.later_ms(900.0).tcp(&client(), 42_010 + n, &server(), 443, Rtt::ms(80.0));
        t.handshake().hello(name);
        t.inject(Server).rst_ack().ttl(90).after_ms(3.0).copies(3);
        t.ack(Server).server_hello();
        let mut t = script.later_ms(900.0).tcp(&client(), 42_030 + n, &server(), 80, Rtt::ms(80.0));
        t.handshake().send(Client, &http::get(name, "/"));
        t.inject(Server).flags(RST).ttl(90).after_ms(3.0).copies(3);
        t.ack(Server).respond("200 OK", 300);
    }
    let bytes = script.bytes(Format::Pcap);
    let run = json(&bytes, &[]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.check();
    assert!(run.of_type("finding").len() >= NAMES.len(), "the names are in findings, and so on the page");
    for said in [run.stdout, text(&bytes)] {
        for never in ['\u{1b}', '\u{202e}', '<'] {
            let line = said.lines().find(|line| line.contains(never));
            assert_eq!(line, None, "{never:?}");
        }
        assert!(said.lines().all(|line| !line.starts_with("F9")), "a name cannot begin a line");
        assert!(said.contains("red.example.org"), "shown, escaped");
    }
}
