//! Fingerprints of injectors against every scenario: each example matches its row, and no row matches anything else.

use interloper::attribute::injectors::{self, rows};
use interloper::capture::{Filter, Frame, LinkType, Timestamp};
use interloper::pipeline::{CaptureReport, ScanOptions, Watch, Workers, scan};
use interloper::report::filters;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every scenario's name and capture.
fn scenarios() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut found = Vec::new();
    for family in ["guilty", "innocent"] {
        for entry in std::fs::read_dir(root.join(family)).unwrap() {
            let directory = entry.unwrap().path();
            let capture = ["capture.pcap", "capture.pcapng"].iter().map(|n| directory.join(n)).find(|p| p.exists());
            found.push((directory.file_name().unwrap().to_string_lossy().into_owned(), capture.unwrap()));
        }
    }
    found.sort();
    found
}

fn report(path: &Path) -> CaptureReport {
    scan(path, &ScanOptions::default(), &Watch::default(), &Workers::new(2)).unwrap()
}

/// Rows that some finding of a capture is named by.
fn names(report: &CaptureReport) -> BTreeSet<&'static str> {
    let injectors = report.conclusion.findings.iter().filter_map(|f| f.injector.as_ref());
    injectors.flat_map(|i| i.resembled.named.iter().map(|r| r.row.id.as_str())).collect()
}

#[test]
fn examples_match_their_rows_and_nothing_else_does() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, capture) in scenarios() {
        let named = names(&report(&capture));
        let wanted: BTreeSet<&str> = rows().iter().filter(|r| r.examples.contains(&name)).map(|r| r.id.as_str()).collect();
        if named != wanted {
            wrong.push(format!("{name}: named {named:?}, expected {wanted:?}"));
        }
        seen.insert(name);
    }
    for row in rows() {
        for example in &row.examples {
            if !seen.contains(example) {
                wrong.push(format!("{}: there is no scenario {example}", row.id));
            }
            if !row.can_be_named() {
                wrong.push(format!("{}: has an example and can never be named", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_finding_with_forged_packets_is_described() {
    for (name, capture) in scenarios() {
        for f in report(&capture).conclusion.findings {
            assert_eq!(f.injector.is_some(), !f.forged.is_empty(), "{name}");
            let Some(i) = f.injector else { continue };
            assert!(i.ttl_min <= i.ttl_max && !i.pattern.is_empty(), "{name}");
            assert!(!(i.mirrored_ttl && i.hops_min.is_some()), "{name}: a mirrored TTL tells no distance");
        }
    }
}

#[test]
fn capture_filters_match_the_forged_packets_only() {
    let mut made = 0;
    for (name, path) in scenarios() {
        if path.extension().is_none_or(|e| e != "pcap") {
            continue;
        }
        let report = report(&path);
        let findings = &report.conclusion.findings;
        let forged: BTreeSet<u64> = findings.iter().flat_map(|f| f.forged.iter().map(|p| p.entry.frame)).collect();
        for f in findings {
            assert_eq!(filters::tcpdump(f).is_some(), filters::nftables(f).is_some(), "{name}");
            let Some(expression) = filters::tcpdump(f) else { continue };
            made += 1;
            let hit = matching(&path, &expression);
            for p in &f.forged {
                assert!(hit.contains(&p.entry.frame), "{name}: frame {} escapes {expression}", p.entry.frame);
            }
            for p in &f.genuine {
                assert!(!hit.contains(&p.entry.frame), "{name}: frame {} is caught by {expression}", p.entry.frame);
            }
            let others: Vec<&u64> = hit.difference(&forged).collect();
            assert!(others.is_empty(), "{name}: frames {others:?} are caught by {expression}");
        }
    }
    assert!(made >= 30, "filters for {made} findings only");
}

/// What is put between the addresses and the EtherType of an Ethernet frame, or in place of the latter.
const BETWEEN: [(&str, &[u8], bool); 8] = [
    ("VLAN", &[0x81, 0, 0, 7], true),
    ("QinQ", &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8], true),
    ("PPPoE", &[0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, 0x21], false),
    ("VLAN with PPPoE", &[0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, 0x21], false),
    ("MPLS", &[0x88, 0x47, 0, 1, 1, 64], false),
    ("MPLS, two labels", &[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64], false),
    ("VLAN with MPLS", &[0x81, 0, 0, 7, 0x88, 0x47, 0, 1, 1, 64], false),
    ("PPPoE with MPLS", &[0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 2, 0x81, 0, 1, 1, 64], false),
];

#[test]
fn capture_filters_look_behind_tags_and_labels() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/guilty/reset-burst-race/capture.pcap");
    for (name, between, ether_type) in BETWEEN {
        // With the server's packets bare as well: taps and the last router before a customer take tags and labels off. No session ends so.
        for bare in [false, true] {
            if bare && !["VLAN", "QinQ", "MPLS", "MPLS, two labels"].contains(&name) {
                continue;
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            let whole = std::fs::read(&path).unwrap();
            let (mut bytes, mut at) = (whole[..24].to_vec(), 24);
            while at < whole.len() {
                let length = u32::from_le_bytes(whole[at + 8..at + 12].try_into().unwrap()) as usize;
                let frame = &whole[at + 16..at + 16 + length];
                let (is_bare, kind) = (bare && frame[26] == 45, if ether_type { 12 } else { 14 });
                let wrapped = if is_bare { frame.to_vec() } else { [&frame[..12], between, &frame[kind..]].concat() };
                bytes.extend(&whole[at..at + 8]);
                bytes.extend([(wrapped.len() as u32).to_le_bytes(); 2].concat());
                bytes.extend(wrapped);
                at += 16 + length;
            }
            std::fs::write(file.path(), bytes).unwrap();
            let report = report(file.path());
            let [finding] = &report.conclusion.findings[..] else { panic!("{name}: one finding") };
            let forged: BTreeSet<u64> = finding.forged.iter().map(|p| p.entry.frame).collect();
            let expression = filters::tcpdump(finding).unwrap();
            assert_eq!(matching(file.path(), &expression), forged, "{name}: {expression}");
        }
    }
}

/// Frames of a classic capture (as scenarios are: little-endian) that a filter lets pass.
fn matching(path: &Path, expression: &str) -> BTreeSet<u64> {
    let bytes = std::fs::read(path).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let link = LinkType(word(20) as u16);
    let mut filter = Filter::compile(expression, &[link]).unwrap_or_else(|e| panic!("{expression}: {e}"));
    let mut found = BTreeSet::new();
    let (mut at, mut number) = (24, 0);
    while at + 16 <= bytes.len() {
        let length = word(at + 8) as usize;
        number += 1;
        let frame = Frame { time: Timestamp(0), link, interface: 0, wire_len: word(at + 12), bytes: &bytes[at + 16..at + 16 + length] };
        if filter.matches(&frame) {
            found.insert(number);
        }
        at += 16 + length;
    }
    found
}

#[test]
fn an_unknown_schema_is_refused() {
    let error = injectors::parse("schema = 2\n").unwrap_err();
    assert!(error.contains("schema 2"), "{error}");
}
