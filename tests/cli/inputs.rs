//! What is read, and how: whole or damaged, packed or piped, by threads, from directories, up to a bound.

use super::exchange::{Capture, guilty, innocent};
use super::run::{Place, of_type, piped, records, run, s, text};
use serde_json::Value;
use std::io::Write;
use std::process::Output;

#[test]
fn a_truncated_file_gives_what_precedes_the_damage() {
    let place = Place::new();
    let whole = guilty(b"blocked.example");
    let path = place.file("cut.pcap", &whole[..whole.len() - 10]);
    let output = run(&["--json", s(&path)]);
    let all = records(&output);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).1.contains("damaged at byte"));
    assert_eq!(of_type(&all, "finding").len(), 1);
    assert!(of_type(&all, "capture")[0]["damage"][0]["offset"].as_u64().unwrap() > 24);
    let summary = all.last().unwrap();
    assert_eq!((&summary["type"], &summary["complete"]), (&"summary".into(), &false.into()));
    let (out, _) = text(&run(&[s(&path)]));
    assert!(out.contains("damaged at byte") && out.contains("forged reset"), "{out}");
}

#[test]
fn the_container_does_not_matter() {
    let place = Place::new();
    let bytes = guilty(b"blocked.example");
    let path = place.file("g.pcap", &bytes);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&bytes).unwrap();
    let gz = gz.finish().unwrap();
    let gz_path = place.file("g.pcap.gz", &gz);
    let plain = |output: Output| -> Vec<Value> {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let mut all = records(&output);
        for record in &mut all {
            record.as_object_mut().unwrap().retain(|k, _| !matches!(k.as_str(), "file" | "compression" | "bytes_total"));
        }
        all
    };
    let expected = plain(run(&["--json", s(&path)]));
    assert_eq!(of_type(&expected, "finding").len(), 1);
    assert_eq!(plain(run(&["--json", s(&gz_path)])), expected);
    assert_eq!(plain(piped(&["--json", "-"], &bytes)), expected);
    assert_eq!(plain(piped(&["--json", "-r", "-"], &gz)), expected);
    assert_eq!(plain(run(&["-r", s(&path), "--json"])), expected);
}

#[test]
fn threads_and_chunks_do_not_show() {
    let place = Place::new();
    for n in 0..12_u8 {
        let mut capture = Capture::new();
        for port in 0..40 {
            if port % 5 == u16::from(n % 5) {
                capture.guilty(41_000 + port, format!("name{port}.example").as_bytes());
            } else {
                capture.innocent(41_000 + port);
            }
        }
        place.file(&format!("d{}/c{n}.pcap", n % 3), &capture.bytes);
    }
    for form in [&["--json", "--flows"][..], &[]] {
        let with = |more: &[&str]| run(&[form, more, &[s(place.path())]].concat()).stdout;
        let expected = with(&["-j", "1"]);
        assert!(expected.len() > 10_000);
        for threads in 2..=8 {
            assert!(with(&["-j", &threads.to_string()]) == expected, "-j {threads}");
        }
        assert!(with(&["--window", "128K", "--chunk", "4K", "--wrong-guesses"]) == expected, "small chunks, wrong guesses");
    }
}

#[test]
fn a_directory_is_read_in_order_and_only_its_captures() {
    let place = Place::new();
    place.file("b/2.pcap", &innocent());
    place.file("b/1", &innocent());
    place.file("a.cap", &innocent());
    place.file("notes.txt", b"not a capture");
    let output = run(&["--json", s(place.path())]);
    assert_eq!(output.status.code(), Some(0));
    let all = records(&output);
    let files: Vec<&str> = of_type(&all, "capture").iter().map(|c| c["file"].as_str().unwrap()).collect();
    let names: Vec<&str> = files.iter().map(|f| f.strip_prefix(s(place.path())).unwrap()).collect();
    assert_eq!(names, ["/a.cap", "/b/1", "/b/2.pcap"]);
    assert_eq!((&all[3]["passed_over"], &all[3]["captures"]), (&1.into(), &3.into()));
    let (out, _) = text(&run(&[s(place.path())]));
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("3 captures") && words.contains("passed over 1 file"), "{out}");
}

#[test]
fn stops_at_a_count_and_at_a_size() {
    let place = Place::new();
    let path = place.file("g.pcap", &guilty(b"blocked.example"));
    let all = records(&run(&["--json", "-c", "6", s(&path)]));
    assert_eq!((&all[0]["packets"], all.len()), (&6.into(), 2));
    let output = run(&["--json", "--max-bytes", "300", s(&path)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(records(&output)[0]["damage"][0]["text"].as_str().unwrap().contains("--max-bytes"));
}
