//! `--share`: no output of any scenario says who the clients are, and what is shared is judged as the original was.

#[path = "share/forms.rs"]
mod forms;
#[path = "share/packets.rs"]
mod packets;
#[path = "share/run.rs"]
mod run;
#[path = "golden/scenario.rs"]
#[allow(dead_code)]
mod scenario;
#[path = "packets/wrapped.rs"]
#[allow(dead_code)]
mod wrapped;

use forms::{Secrets, contains};
use interloper::capture::{Capture, OpenOptions};
use parquet::file::reader::{FileReader, SerializedFileReader};
use run::{key, of_kind, originals, records, run, text, verdicts};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

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
