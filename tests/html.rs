//! `-o report.html`: what the file holds, and what a browser makes of it.

#[path = "html/browser.rs"]
mod browser;

use base64::Engine;
use browser::{chromium, dom, drive};
use interloper::script::Side::{Client, Server};
use interloper::script::{Format, Host, Rtt, Script};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const HOSTILE: &str = "<script>alert(1)</script>";

fn scenario(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name);
    let mut files = std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path());
    files.find(|p| p.file_stem().is_some_and(|s| s == "capture")).unwrap()
}

fn run(args: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_interloper")).arg("-q").args(args).stdin(Stdio::null()).output().unwrap()
}

/// The report of captures.
fn report(place: &Path, captures: &[&Path]) -> (PathBuf, String) {
    let file = place.join("report.html");
    let args: Vec<&Path> = [Path::new("-o"), &file].into_iter().chain(captures.iter().copied()).collect();
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let page = std::fs::read_to_string(&file).unwrap();
    (file, page)
}

/// A connection to each of these names, every one reset from nearby.
fn resets(names: &[&str], client: &str, server: &str) -> Script {
    let mut script = Script::new();
    let (client, server) = (Host::linux(client), Host::linux(server).hops(13));
    for (i, name) in names.iter().enumerate() {
        let mut t = script.later_ms(400.0).tcp(&client, 20_000 + i as u16, &server, 443, Rtt::ms(80.0));
        t.handshake().hello(name);
        t.inject(Server).rst_ack().ttl(90).window(4022).after_ms(3.1).copies(3);
        t.ack(Server).dead_reset(Client);
        t.wait_ms(Server, 0.4).sealed(Server, 900).dead_reset(Client);
    }
    script
}

fn saved(place: &Path, name: &str, script: &Script) -> PathBuf {
    let path = place.join(name);
    std::fs::write(&path, script.bytes(Format::Pcap)).unwrap();
    path
}

fn blocks(page: &str, kind: &str) -> Vec<Value> {
    let start = format!("<script type=\"application/json\" data-{kind}");
    let inner = page.split(&start).skip(1).map(|rest| rest.split_once('>').unwrap().1.split_once("</script>").unwrap().0);
    inner.map(|json| serde_json::from_str(json).unwrap()).collect()
}

fn between<'p>(page: &'p str, start: &str, end: &str) -> &'p str {
    page.split_once(start).unwrap().1.split_once(end).unwrap().0
}

#[test]
fn policy_names_the_only_code() {
    let place = tempfile::tempdir().unwrap();
    let (_, page) = report(place.path(), &[&scenario("guilty/reset-burst-race")]);
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    let hash = |text: &str| format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes())));
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    let wanted = format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'");
    assert_eq!(policy, wanted);
    // The policy stands before everything it is to hold for.
    assert!(page.find("Content-Security-Policy").unwrap() < page.find("<style>").unwrap());
    for load in ["src=", "url(", "@import", "fetch(", "XMLHttpRequest", "<link", " style=", "onclick", "onload", "innerHTML", "eval("] {
        assert!(!page.contains(load), "{load}");
    }
    let addresses = page.matches("http://").count() + page.matches("https://").count();
    assert_eq!(addresses, page.matches("\"http://www.w3.org/2000/svg\"").count(), "the name of SVG is the only address");
}

#[test]
fn holds_the_records_and_the_packets_around_them() {
    let place = tempfile::tempdir().unwrap();
    let path = scenario("guilty/reset-burst-race");
    let (_, page) = report(place.path(), &[&path]);
    let lines = run(&[Path::new("--json"), &path]).stdout;
    let records: Vec<Value> = String::from_utf8(lines).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for (kind, blocks) in
        [("capture", blocks(&page, "capture")), ("finding", blocks(&page, "finding")), ("summary", blocks(&page, "summary"))]
    {
        let ours: Vec<&Value> = blocks.iter().map(|b| &b["record"]).collect();
        let theirs: Vec<&Value> = records.iter().filter(|r| r["type"] == kind).collect();
        assert_eq!(ours, theirs, "{kind}");
    }
    let finding = &blocks(&page, "finding")[0];
    let frames: Vec<u64> = finding["flow"].as_array().unwrap().iter().map(|p| p[0].as_u64().unwrap()).collect();
    assert_eq!(frames, (19..=29).collect::<Vec<u64>>(), "the whole flow");
    let roles: Vec<&str> = finding["flow"].as_array().unwrap().iter().map(|p| p[10].as_str().unwrap()).collect();
    assert_eq!(&roles[3..7], ["trigger", "FORGED", "FORGED", "FORGED"]);
    assert!(finding["tcpdump"].as_str().unwrap().contains("ip[8] = 90"));
}

#[test]
fn is_the_same_from_a_pipe_and_with_any_threads() {
    let place = tempfile::tempdir().unwrap();
    let (a, b) = (scenario("guilty/reset-burst-race"), scenario("guilty/reset-bare-and-ack"));
    let (_, page) = report(place.path(), &[&a, &b]);
    assert_eq!(blocks(&page, "capture").len(), 2);
    let numbers: Vec<Value> = blocks(&page, "row").iter().map(|r| r["n"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
    for threads in ["1", "3"] {
        let (_, again) = report(place.path(), &[Path::new("-j"), Path::new(threads), &a, &b]);
        assert!(again == page, "-j {threads}");
    }
    let file = place.path().join("piped.html");
    let mut command = Command::new(env!("CARGO_BIN_EXE_interloper"));
    let command = command.args(["-q", "-o"]).arg(&file).arg("-").stdin(std::fs::File::open(&a).unwrap()).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    let piped = std::fs::read_to_string(&file).unwrap();
    let (_, named) = report(place.path(), &[&a]);
    let flow = |page: &str| blocks(page, "finding").iter().map(|f| f["flow"].clone()).collect::<Vec<_>>();
    assert!(!flow(&piped).is_empty() && flow(&piped) == flow(&named));
}

#[test]
fn names_are_data() {
    let place = tempfile::tempdir().unwrap();
    let long = format!("{}.example", "a".repeat(240));
    let path = saved(place.path(), "hostile.pcap", &resets(&[HOSTILE, &long, "fine.example"], "192.168.1.20", "45.60.70.80"));
    let (file, page) = report(place.path(), &[&path]);
    assert_eq!(blocks(&page, "row").len(), 3, "three findings");
    assert!(!page.contains("<script>alert") && !page.contains("alert(1)</script"));
    let Some(browser) = chromium() else {
        println!("skipped: no Chromium, the page is only read");
        return;
    };
    let said = drive(
        &browser,
        &file,
        "#F1",
        390,
        "say($('.row .name').textContent); say($('#F1 .facts').textContent); say('scripts ' + all('.finding script').length); say('overflow ' + (page.documentElement.scrollWidth > page.documentElement.clientWidth));",
    );
    assert!(said.contains("SNI \\x3cscript\\x3ealert(1)\\x3c/script\\x3e") && said.contains("scripts 0"), "{said}");
    assert!(said.contains("overflow false\nerrors 0"), "{said}");
}

#[test]
fn each_name_has_a_strip_over_time() {
    let Some(browser) = chromium() else {
        println!("skipped: no Chromium, nothing is drawn");
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let mut script = Script::new();
    let (client, server) = (Host::linux("192.168.1.20"), Host::linux("45.60.70.80").hops(13));
    for i in 0..48_u16 {
        // Every ten minutes; for four hours in the middle nobody interferes.
        let mut t = script.at_ms(f64::from(i) * 600_000.0).tcp(&client, 20_000 + i, &server, 443, Rtt::ms(80.0));
        t.handshake().hello("blocked.example.org");
        if (12..36).contains(&i) {
            t.sealed(Server, 900).sealed(Client, 200).close();
        } else {
            t.inject(Server).rst_ack().ttl(90).window(4022).after_ms(3.1).copies(3);
            t.ack(Server).dead_reset(Client);
            t.wait_ms(Server, 0.4).sealed(Server, 900).dead_reset(Client);
        }
    }
    let path = saved(place.path(), "lifted.pcap", &script);
    let (file, _) = report(place.path(), &[&path]);
    let steps = "
        say('open ' + $('#timeline details').open + ' strips ' + all('.strips li').length + ' changes ' + all('.strips .change').length);
        say('cells ' + all('.strips rect.hit').length + ' ' + all('.strips rect.fine').length);
        say($('.strips .counts').textContent); say($('.strips svg').getAttribute('aria-label'));
        say('overflow ' + (page.documentElement.scrollWidth > page.documentElement.clientWidth));
        $('#by').value = 'mechanism'; $('#by').dispatchEvent(new Event('change', { bubbles: true }));
        say('by ' + $('.strips .key').textContent);";
    for width in [390, 1200] {
        let said = drive(&browser, &file, "", width, steps);
        for line in [
            "open true strips 1 changes 2\ncells 24 24\n",
            "24 of 48 interfered withblocked (12 of 12) until 13:50:00fine (0 of 24) from 14:00:00blocked again (12 of 12) from 18:00:00",
            "blocked.example.org tls: 24 of 48 interfered with; blocked (12 of 12)",
            "overflow false\nby tcp-reset\nerrors 0",
        ] {
            assert!(said.contains(line), "{width}: {line}: {said}");
        }
    }
}

#[test]
fn nothing_found_is_said() {
    let place = tempfile::tempdir().unwrap();
    let (file, page) = report(place.path(), &[&scenario("innocent/reset-closed-port")]);
    assert!(blocks(&page, "row").is_empty() && blocks(&page, "summary").len() == 1);
    let Some(browser) = chromium() else {
        println!("skipped: no Chromium, the page is only read");
        return;
    };
    let dom = dom(&browser, place.path(), &format!("file://{}", file.display()), "1280,900");
    assert!(dom.contains(">Nothing found in ") && dom.contains("id=\"errors\" data-count=\"0\""), "{dom}");
    assert!(dom.contains("The capture, and what it cannot show"));
}

#[test]
fn a_hand_on_the_page() {
    let Some(browser) = chromium() else {
        println!("skipped: no Chromium, nothing is clicked");
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let four = saved(place.path(), "four.pcap", &resets(&["one.example", "two.example", "one.example"], "192.168.1.20", "45.60.70.80"));
    let six = saved(place.path(), "six.pcap", &resets(&["one.example"], "fd12:3456::20", "2a0c:9900::80"));
    let (file, _) = report(place.path(), &[&four, &six, &scenario("guilty/dns-teredo")]);
    let steps = "
        say('rows ' + all('.row').length + ' groups ' + all('.group h2').map((h) => h.textContent).join());
        $('.row').click();
        say('open ' + $('.row').getAttribute('aria-expanded') + ' ' + page.location.hash);
        say('drawn ' + all('#F1 svg').length + ' rungs ' + all('#F1 .rung').length + ' forged ' + all('#F1 .rung.forged').length);
        say('claims ' + all('#F1 .claims.for li').length + ' copies ' + all('#F1 .copy').length);
        $('#F1 .claims li').focus(); say('lit ' + all('#F1 .rung.hit').length);
        $('.row').click(); say('closed ' + all('.finding svg').length);
        $('#q').value = 'two.example'; $('#q').dispatchEvent(new Event('input', { bubbles: true })); await pause(200);
        say('found ' + all('.row').length + ' ' + $('#status').textContent + ' ' + page.location.hash);
        $('#reset').click(); $('#by').value = 'server'; $('#by').dispatchEvent(new Event('change', { bubbles: true }));
        say('servers ' + all('.group h2').map((h) => h.textContent).join());
        $('#q').focus(); $('#q').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
        say('focus ' + page.activeElement.className);
        page.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
        say('second ' + all('.row').indexOf(page.activeElement));";
    let said = drive(&browser, &file, "", 1280, steps);
    for line in [
        "rows 5 groups one.example,two.example,blocked.example.org",
        "open true #F1",
        "drawn 3 rungs 11 forged 3",
        "copies 3",
        "closed 0",
        "found 1 1 of 5 findings #q=two.example",
        "servers 45.60.70.80:443,[2a0c:9900::80]:443,[2a0c:9900::53]:53",
        "focus row",
        "second 1",
        "errors 0",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("claims 0") && !said.contains("lit 0"), "{said}");
    // The same by links.
    let by_link = drive(
        &browser,
        &file,
        "#F4&q=2a0c&by=mechanism",
        1280,
        "say(all('.group h2').map((h) => h.textContent).join()); say('open ' + all('.open').map((b) => b.id).join()); say('charts ' + all('#F4 svg').length);",
    );
    assert!(by_link.contains("tcp-reset by SNI,dns-answer by DNS\nopen F4\ncharts 3\nerrors 0"), "{by_link}");
}

#[test]
fn five_thousand_findings_are_put_up_in_parts() {
    let place = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..5_000).map(|i| format!("n{}.example", i % 900)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let path = saved(place.path(), "many.pcap", &resets(&names, "192.168.1.20", "45.60.70.80"));
    let (file, page) = report(place.path(), &[&path]);
    assert_eq!(blocks(&page, "row").len(), 5_000);
    assert!(page.len() < 40 << 20, "{} bytes", page.len());
    let Some(browser) = chromium() else {
        println!("skipped: no Chromium, the page is only read");
        return;
    };
    let steps = "say('first ' + (all('.row').length < 1000) + ' ' + $('#status').textContent); $('#by').value = 'server'; $('#by').dispatchEvent(new Event('change')); $('#by').form.dispatchEvent(new Event('change'));
        say('again ' + (all('.row').length < 1000));";
    let said = drive(&browser, &file, "", 1280, steps);
    assert!(said.contains("first true 5,000 findings") && said.contains("again true") && said.contains("errors 0"), "{said}");
    let far =
        drive(&browser, &file, "#F4999", 1280, "say('open ' + all('.open').map((b) => b.id).join() + ' ' + all('#F4999 svg').length);");
    assert!(far.contains("open F4999 3\nerrors 0"), "{far}");
}
