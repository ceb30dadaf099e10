//! `--share`: no output of any scenario says who the clients are, and what is shared is judged as the original was.

#[path = "share/forms.rs"]
mod forms;
#[path = "golden/scenario.rs"]
#[allow(dead_code)]
mod scenario;
#[path = "packets/wrapped.rs"]
#[allow(dead_code)]
mod wrapped;

use forms::{Secrets, contains};
use interloper::capture::{Capture, OpenOptions};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::{Query, RESOLVED};
use interloper::script::{Host, Link, Rtt, Script};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_interloper")).args(args).stdin(Stdio::null()).output().unwrap()
}

fn records(args: &[&str]) -> Vec<Value> {
    let output = run(args);
    String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn of_kind<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    records.iter().filter(|r| r["type"] == kind).collect()
}

fn key(place: &Path) -> PathBuf {
    let path = place.join("key");
    std::fs::write(&path, "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\n").unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What findings say, in order, with the frames of the original.
fn verdicts(records: &[Value], original: impl Fn(u64) -> u64) -> Vec<Vec<String>> {
    let said = ["mechanism", "confidence", "client_ip", "client_port", "server_ip", "server_port", "failure", "position", "stage"];
    let one = |f: &&Value| {
        let mut all: Vec<String> = said.iter().map(|k| f[k].to_string()).collect();
        all.extend(["kind", "value"].map(|k| f["trigger"][k].to_string()));
        all.extend(f["forged"].as_array().unwrap().iter().map(|p| original(p["frame"].as_u64().unwrap()).to_string()));
        all
    };
    let mut all: Vec<Vec<String>> = of_kind(records, "finding").iter().map(one).collect();
    all.sort();
    all
}

/// The original's frame number of each packet of an evidence file, from its comments.
fn originals(evidence: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut at = 0;
    let word = |at: usize| u32::from_le_bytes(evidence[at..at + 4].try_into().unwrap());
    while at < evidence.len() {
        let length = word(at + 4) as usize;
        if word(at) == 6 {
            let comments = String::from_utf8_lossy(&evidence[at + 28 + word(at + 20) as usize..at + length]).into_owned();
            let number = comments.split_once("original frame ").unwrap().1;
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            numbers.push(digits.parse().unwrap());
        }
        at += length;
    }
    numbers
}

/// Every form in which something is written about a capture.
fn outputs(capture: &str, key: &str, place: &Path, findings: usize) -> Vec<(String, Vec<u8>)> {
    let shared = ["--share", "--key", key, "--min", "unexplained"];
    let with = |args: &[&str]| run(&[args, &shared, &[capture]].concat()).stdout;
    let mut all = vec![
        ("page".to_owned(), with(&["-v"])),
        ("one line each".to_owned(), with(&["-q"])),
        ("json".to_owned(), with(&["--json", "--flows"])),
        ("by client".to_owned(), with(&["--by", "client"])),
        ("by server".to_owned(), with(&["--by", "server"])),
        ("flows".to_owned(), with(&["flows"])),
        ("flows as json".to_owned(), with(&["flows", "--json"])),
    ];
    let files = ["a.csv", "a.html", "a.jsonl", "a.pcapng"].map(|name| place.join(name));
    let [csv, html, jsonl, evidence] = files.each_ref().map(|path| text(path));
    all.push(("quiet beside files".into(), with(&["-q", "--flows", "-o", csv, "-o", html, "-o", jsonl, "-w", evidence])));
    let tables = place.join("tables/");
    with(&["-q", "-o", &format!("{}/", text(&tables))]);
    for table in std::fs::read_dir(&tables).unwrap().map(|entry| entry.unwrap().path()) {
        let reader = SerializedFileReader::new(std::fs::File::open(&table).unwrap()).unwrap();
        let rows: String = reader.get_row_iter(None).unwrap().map(|row| format!("{}\n", row.unwrap())).collect();
        all.push((table.display().to_string(), rows.into_bytes()));
    }
    all.extend(files.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())));
    let whole = place.join("whole.pcapng");
    with(&["-v", "-w", text(&whole)]);
    all.push(("whole flows".into(), std::fs::read(whole).unwrap()));
    for n in 1..=findings.min(3) {
        let shown = run(&[&["show"], &shared[..], &[capture, &format!("F{n}")]].concat());
        all.push((format!("F{n}"), shown.stdout));
    }
    all.push(("a frame's flow".into(), run(&[&["show"], &shared[..], &[capture, "1"]].concat()).stdout));
    all
}

#[test]
fn no_output_of_any_scenario_says_who_asked() {
    let place = tempfile::tempdir().unwrap();
    let key = key(place.path());
    let (mut clients, mut randoms, mut checked) = (0, 0, 0);
    for scenario in scenario::all() {
        let capture = text(&scenario.capture);
        let plain = records(&["--json", "--flows", "--min", "unexplained", capture]);
        let secrets = Secrets::of(&scenario.capture, of_kind(&plain, "flow").into_iter().map(|f| f["client_ip"].as_str().unwrap()));
        clients += secrets.clients.len();
        randoms += secrets.randoms.len();
        for (name, bytes) in outputs(capture, text(&key), place.path(), of_kind(&plain, "finding").len()) {
            secrets.check(&bytes, &format!("{}, {name}", scenario.name));
            let root = env!("CARGO_MANIFEST_DIR").as_bytes();
            assert!(!contains(&bytes, root), "{}, {name}: the path", scenario.name);
            checked += 1;
        }
    }
    assert!(clients > 130 && randoms > 100 && checked > 1300, "{clients} clients, {randoms} randoms, {checked} outputs");
}

#[test]
fn shared_evidence_is_judged_as_the_original() {
    let place = tempfile::tempdir().unwrap();
    let key = key(place.path());
    let tshark = Command::new("tshark").arg("--version").output().is_ok_and(|o| o.status.success());
    if !tshark {
        println!("skipped: no tshark, shared evidence is read by this test alone");
    }
    let mut found = 0;
    for scenario in scenario::all() {
        let (capture, name) = (text(&scenario.capture), &scenario.name);
        let (plain, shared) = (place.path().join("plain.pcapng"), place.path().join("shared.pcapng"));
        let shares = ["--json", "--share", "--key", text(&key)];
        let before = records(&[&shares[..], &["-w", text(&shared), capture]].concat());
        run(&["-q", "-w", text(&plain), capture]);
        let numbers = originals(&std::fs::read(&shared).unwrap());
        let again = records(&["--json", text(&shared)]);
        assert_eq!(verdicts(&again, |n| numbers[n as usize - 1]), verdicts(&before, |n| n), "{name}");
        // Whose address is whose is the only difference.
        let originally = records(&["--json", capture]);
        let anonymous = |records: &[Value]| -> Vec<Vec<String>> {
            let address = |v: &mut Vec<String>| drop(v.remove(2));
            let mut all = verdicts(records, |n| n);
            all.iter_mut().for_each(address);
            all.sort();
            all
        };
        let servers: BTreeSet<String> = of_kind(&originally, "finding").iter().map(|f| f["server_ip"].to_string()).collect();
        let flows = records(&["--json", "--flows", capture]);
        if of_kind(&flows, "flow").iter().all(|f| !servers.contains(&f["client_ip"].to_string())) {
            assert_eq!(anonymous(&before), anonymous(&originally), "{name}");
        }
        // The same packets as without, of the same length, their checksums as right or wrong.
        let packets = |path: &Path| {
            let mut all: Vec<(i64, u16, u32, usize)> = Vec::new();
            let mut capture = Capture::open(path, &OpenOptions::default()).unwrap();
            capture.for_each_frame(|_, _, f| all.push((f.time.0, f.link.0, f.wire_len, f.bytes.len())));
            all
        };
        assert_eq!(packets(&shared), packets(&plain), "{name}");
        let sums = |path: &Path| of_kind(&records(&["--json", text(path)]), "capture")[0]["bad_checksums"].clone();
        assert_eq!(sums(&shared), sums(&plain), "{name}");
        found += of_kind(&before, "finding").len();
        if tshark && !of_kind(&before, "finding").is_empty() {
            checked_by_tshark(&plain, &shared, name);
        }
    }
    assert!(found > 60, "{found} findings");
}

/// Wireshark reads the file without a warning and finds no checksum wrong that was right.
fn checked_by_tshark(plain: &Path, shared: &Path, name: &str) {
    let sums = ["ip", "tcp", "udp"].map(|p| format!("{p}.check_checksum:TRUE"));
    let fields = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status"];
    let read = |path: &Path| {
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(path).args(["-T", "fields"]);
        tshark.args(sums.iter().flat_map(|s| ["-o", s])).args(fields.iter().flat_map(|f| ["-e", f]));
        let output = tshark.output().unwrap();
        let said: Vec<String> =
            String::from_utf8_lossy(&output.stderr).lines().filter(|l| !l.contains("as user")).map(str::to_owned).collect();
        assert!(said.is_empty() && output.status.success(), "{name}: {said:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(read(shared), read(plain), "{name}: checksums");
}

const SECRETS: [&str; 5] = ["s3cr3t-cookie", "QWxhZGRpbjpvcGVu", "private-query", "My-Own-Browser", "body-of-a-form"];

/// A visit that is reset, a blocked page that says who asked, and a refusal by a router, as bare IP packets.
fn told() -> Script {
    let mut script = Script::new();
    script.link(Link::Raw);
    let (client, server) = (Host::linux("192.168.1.20"), Host::linux("45.60.70.80").hops(13));
    let rtt = Rtt::ms(80.0);
    let request = format!(
        "GET /page?q={} HTTP/1.1\r\nHost: blocked.example.org\r\nCookie: id={}\r\nAuthorization: Basic {}\r\nUser-Agent: {}\r\n\r\n{}",
        SECRETS[2], SECRETS[0], SECRETS[1], SECRETS[3], SECRETS[4]
    );
    script.tcp(&client, 40_000, &server, 80, rtt).visit_http("fine.example.net");
    let mut t = script.later_ms(500.0).tcp(&client, 40_001, &server, 80, rtt);
    t.handshake().send(Client, request.as_bytes());
    t.inject(Server).rst_ack().ttl(90).ip_id(0x3a5c).df().window(4022).after_ms(3.1).copies(3);
    t.ack(Server).dead_reset(Client);
    let mut t = script.later_ms(500.0).tcp(&client, 40_002, &server, 80, rtt);
    t.handshake().send(Client, request.as_bytes());
    let page = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 33\r\n\r\n<h1>Blocked for 192.168.1.20</h1>";
    t.inject(Server).data(page).ttl(90).ip_id(0x3a5c).after_ms(3.1);
    t.ack(Server).respond("200 OK", 700);
    let mut t = script.later_ms(500.0).tcp(&client, 40_003, &server, 443, rtt);
    t.handshake().hello("blocked.example.org");
    t.icmp_error(&Host::linux("203.0.113.1").hops(4), 3, 13, 0, 5.0);
    script
}

/// A classic pcap of frames.
fn pcap(link: u16, frames: &[(i64, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, u32::from(link)] {
        file.extend(word.to_le_bytes());
    }
    for (time, bytes) in frames {
        let length = bytes.len() as u32;
        for word in [(time / 1_000_000_000) as u32, (time % 1_000_000_000) as u32, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}

#[test]
fn packets_in_every_wrapping_are_cleaned() {
    let place = tempfile::tempdir().unwrap();
    let (key, capture, shared) = (key(place.path()), place.path().join("wrapped.pcap"), place.path().join("shared.pcapng"));
    let frames = told().frames();
    let kinds = wrapped::wraps(&frames[0].bytes, false).len();
    assert!(kinds > 35);
    for kind in 0..kinds {
        let wrap = |bytes: &[u8]| wrapped::wraps(bytes, false).swap_remove(kind);
        let first = wrap(&frames[0].bytes);
        let all: Vec<(i64, Vec<u8>)> = frames.iter().map(|f| (f.time, wrap(&f.bytes).bytes)).collect();
        std::fs::write(&capture, pcap(first.link, &all)).unwrap();
        let before = records(&["--json", "--share", "--key", text(&key), "--min", "unexplained", "-w", text(&shared), text(&capture)]);
        let evidence = std::fs::read(&shared).unwrap();
        let secrets = Secrets::of(&capture, ["192.168.1.20"].into_iter());
        secrets.check(&evidence, first.name);
        for secret in SECRETS {
            assert!(!contains(&evidence, secret.as_bytes()), "{}: {secret}", first.name);
        }
        for hidden in [&[198, 51, 100, 1][..], &[198, 51, 100, 2], &[2, 0, 0, 0, 0, 1], &[2, 0, 0, 0, 0, 2], &[0x20; 16], &[0x21; 16]] {
            assert!(!contains(&evidence, hidden), "{}: {hidden:?}", first.name);
        }
        for kept in ["Host: blocked.example.org", "GET /page?", "<h1>Blocked for xxx.xxx.x.xx</h1>", "45.60.70.80"] {
            let json = before.iter().map(Value::to_string).collect::<String>();
            assert!(contains(&evidence, kept.as_bytes()) || json.contains(kept), "{}: {kept}", first.name);
        }
        let numbers = originals(&evidence);
        let again = records(&["--json", "--min", "unexplained", text(&shared)]);
        assert!(of_kind(&before, "finding").len() >= 2, "{}", first.name);
        assert_eq!(verdicts(&again, |n| numbers[n as usize - 1]), verdicts(&before, |n| n), "{}", first.name);
        let bad = |records: &[Value]| of_kind(records, "capture")[0]["bad_checksums"].as_u64();
        assert_eq!(bad(&again), Some(0), "{}", first.name);
    }
}

/// An IPv4 packet in pieces of so many octets.
fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (header, body) = packet.split_at(20);
    let pieces: Vec<&[u8]> = body.chunks(size).collect();
    let piece = |(n, part): (usize, &&[u8])| {
        let mut p = [header, part].concat();
        let offset = (n * size / 8) as u16 | if n + 1 < pieces.len() { 0x2000 } else { 0 };
        p[2..4].copy_from_slice(&(20 + part.len() as u16).to_be_bytes());
        p[6..8].copy_from_slice(&offset.to_be_bytes());
        p[10..12].fill(0);
        let mut sum: u32 = p[..20].chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        p[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
        p
    };
    pieces.iter().enumerate().map(piece).collect()
}

#[test]
fn a_datagram_in_pieces_is_carried_and_cleaned_whole() {
    let place = tempfile::tempdir().unwrap();
    let key = key(place.path());
    let [capture, plain, shared] = ["a.pcap", "plain.pcapng", "shared.pcapng"].map(|n| place.path().join(n));
    let mut script = Script::new();
    script.link(Link::Raw);
    let (client, resolver) = (Host::linux("192.168.1.20"), Host::linux("91.230.10.53").hops(9).no_df());
    for n in 0..3 {
        let mut u = script.later_ms(300.0).udp(&client, 50_000 + n, &resolver, 53, Rtt::ms(40.0));
        let q = Query::a(&format!("fine{n}.example.net")).id(0x100 + n);
        u.ask(&q).answer(&q.answer().flags(RESOLVED).address("45.60.70.81"));
    }
    let mut u = script.later_ms(300.0).udp(&client, 50_010, &resolver, 53, Rtt::ms(40.0));
    let q = Query::a("blocked.example.org").id(0x4242);
    u.ask(&q);
    u.forge(&q.answer().address("8.7.198.46")).ttl(90).after_ms(3.0);
    // The resolver's own answer names the client, as answers to the client's own name do, and comes in pieces.
    u.answer(&q.answer().flags(RESOLVED).addresses(&["192.168.1.20", "45.60.70.80", "45.60.70.81", "45.60.70.82"]));
    let last = script.frames().len() - 1;
    let frames: Vec<(i64, Vec<u8>)> = script
        .frames()
        .iter()
        .enumerate()
        .flat_map(|(n, f)| {
            let pieces = if n == last { fragments(&f.bytes, 48) } else { vec![f.bytes.clone()] };
            pieces.into_iter().zip(0..).map(|(bytes, k)| (f.time + k * 1000, bytes))
        })
        .collect();
    let pieces = frames.len() - last;
    assert!(pieces >= 3);
    std::fs::write(&capture, pcap(101, &frames)).unwrap();
    let before = records(&["--json", "--share", "--key", text(&key), "-w", text(&shared), text(&capture)]);
    assert_eq!(of_kind(&before, "finding").len(), 1, "{before:?}");
    run(&["-q", "-w", text(&plain), text(&capture)]);
    let (plain, evidence) = (std::fs::read(&plain).unwrap(), std::fs::read(&shared).unwrap());
    let all: BTreeSet<u64> = (1..=frames.len() as u64).collect();
    let there: BTreeSet<u64> = originals(&plain).into_iter().collect();
    assert!(all.iter().rev().take(pieces).all(|n| there.contains(n)), "{there:?}");
    let secrets = Secrets::of(&capture, ["192.168.1.20"].into_iter());
    secrets.check(&evidence, "in pieces");
    let numbers = originals(&evidence);
    let again = records(&["--json", text(&shared)]);
    assert_eq!(verdicts(&again, |n| numbers[n as usize - 1]), verdicts(&before, |n| n));
    assert_eq!(of_kind(&again, "capture")[0]["bad_checksums"], 0);
    assert_eq!(of_kind(&again, "capture")[0]["fragments_abandoned"], 0);
    // The address that stands for the client stands in the answer, too.
    let other: std::net::Ipv4Addr = of_kind(&before, "finding")[0]["client_ip"].as_str().unwrap().parse().unwrap();
    assert!(contains(&evidence, &[&[0, 4][..], &other.octets()].concat()));
}

/// A capture with the names that dumpcap writes: of a host, an interface, a filter, comments, and a table of resolved names.
fn named(frames: &[(i64, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let total = (body.len() as u32 + 12).to_le_bytes();
        file.extend([&kind.to_le_bytes()[..], &total, body, &total].concat());
    };
    let option = |code: u16, text: &str| {
        let mut o = [code.to_le_bytes(), (text.len() as u16).to_le_bytes()].concat();
        o.extend(text.bytes());
        o.resize(o.len().next_multiple_of(4), 0);
        o
    };
    let head = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    block(0x0a0d_0d0a, &[&head[..], &option(2, "alices-laptop"), &option(1, "my own comment"), &[0; 4]].concat());
    let resolution = [9, 0, 1, 0, 9, 0, 0, 0];
    let interface =
        [&101u32.to_le_bytes()[..], &0u32.to_le_bytes(), &option(2, "wlan-alice"), &option(3, "Alice's card"), &resolution, &[0; 4]];
    block(1, &interface.concat());
    block(4, &[&[1, 0, 23, 0, 192, 168, 1, 20][..], b"alice.home.example", &[0; 2], &[0; 4]].concat());
    for (time, bytes) in frames {
        let length = bytes.len() as u32;
        let mut body = [0, (time >> 32) as u32, *time as u32, length, length].map(u32::to_le_bytes).concat();
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        block(6, &[&body[..], &option(1, "seen by alice"), &[0; 4]].concat());
    }
    file
}

#[test]
fn names_of_hosts_and_interfaces_are_evidence_but_not_shared() {
    let place = tempfile::tempdir().unwrap();
    let [capture, plain, shared] = ["alices.pcapng", "plain.pcapng", "shared.pcapng"].map(|n| place.path().join(n));
    let frames: Vec<(i64, Vec<u8>)> = told().frames().iter().map(|f| (f.time, f.bytes.clone())).collect();
    std::fs::write(&capture, named(&frames)).unwrap();
    run(&["-q", "-w", text(&plain), text(&capture)]);
    let [html, jsonl] = ["a.html", "a.jsonl"].map(|n| place.path().join(n));
    let page = run(&["--share", "-v", "-w", text(&shared), "-o", text(&html), "-o", text(&jsonl), text(&capture)]).stdout;
    let (html, jsonl) = (std::fs::read(html).unwrap(), std::fs::read(jsonl).unwrap());
    let (plain, shared) = (std::fs::read(plain).unwrap(), std::fs::read(shared).unwrap());
    assert!(contains(&plain, b"wlan-alice") && contains(&plain, b"Alice's card"));
    for output in [&page, &shared, &html, &jsonl] {
        assert!(output.len() > 1000);
        assert!(!contains(&output.to_ascii_lowercase(), b"alice"));
        assert!(!contains(output, b"my own comment"));
    }
    assert!(contains(&shared, b"can still identify"));
}

#[test]
fn the_search_finds_what_is_not_hidden() {
    let capture = Path::new("captures/guilty/reset-burst-race/capture.pcap");
    let place = tempfile::tempdir().unwrap();
    let evidence = place.path().join("plain.pcapng");
    let page = run(&["-w", text(&evidence), text(capture)]).stdout;
    let evidence = std::fs::read(evidence).unwrap();
    let secrets = Secrets::of(capture, ["192.168.1.20"].into_iter());
    assert!(!secrets.randoms.is_empty());
    for output in [page, evidence] {
        assert!(std::panic::catch_unwind(|| secrets.check(&output, "not shared")).is_err());
    }
}

#[test]
fn a_key_keeps_the_mapping_and_chance_does_not() {
    let place = tempfile::tempdir().unwrap();
    let key = key(place.path());
    let capture = "captures/guilty/reset-burst-race/capture.pcap";
    let client = |args: &[&str]| -> IpAddr {
        let records = records(&[&["--json", "--share"], args, &[capture]].concat());
        of_kind(&records, "finding")[0]["client_ip"].as_str().unwrap().parse().unwrap()
    };
    assert_eq!(client(&["--key", text(&key)]), client(&["--key", text(&key)]));
    let by_chance: BTreeSet<IpAddr> = (0..4).map(|_| client(&[])).collect();
    assert!(by_chance.len() > 1, "{by_chance:?}");
    // In one run, every capture and every output says the same.
    let copy = place.path().join("copy.pcap");
    std::fs::copy(capture, &copy).unwrap();
    let csv = place.path().join("a.csv");
    let both = records(&["--json", "--share", "-o", text(&csv), capture, text(&copy)]);
    let clients: BTreeSet<&str> = of_kind(&both, "finding").iter().map(|f| f["client_ip"].as_str().unwrap()).collect();
    assert_eq!(clients.len(), 1);
    assert!(std::fs::read_to_string(csv).unwrap().contains(clients.first().unwrap()));
    let files: Vec<&str> = of_kind(&both, "capture").iter().map(|c| c["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["capture-1", "capture-2"]);
}

#[test]
fn what_is_wrong_with_a_key_is_said() {
    let place = tempfile::tempdir().unwrap();
    let capture = "captures/guilty/reset-burst-race/capture.pcap";
    let bad = place.path().join("short");
    std::fs::write(&bad, "abc").unwrap();
    let missing = place.path().join("missing");
    for (args, said) in [
        (vec!["--share", "--key", text(&bad)], "a key is 32 octets"),
        (vec!["--share", "--key", text(&missing)], "cannot open"),
        (vec!["--key", text(&bad)], "--share"),
    ] {
        let output = run(&[&args[..], &[capture]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let output = run(&["--share", "-q", capture, "no-such-file.pcap"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("can still identify"));
    let summary = records(&["--share", "--json", capture, "no-such-file.pcap"]);
    assert!(!summary.iter().any(|r| r.to_string().contains("no-such-file")));
}
