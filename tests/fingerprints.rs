//! `--fingerprints`: a user's rows name what they should, in each of the formats, and a file that is wrong says where.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output};
use tempfile::NamedTempFile;

const HEADER: &str = "name,scope,other_names,location_found,pattern_type,pattern,confidence_no_fp,expected_countries,source,exp_url,notes";

fn file(text: &str) -> NamedTempFile {
    // No ending: the content tells what it is.
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn csv(rows: &str) -> NamedTempFile {
    file(&format!("{HEADER}\n{rows}\n"))
}

fn run(files: &[&NamedTempFile], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interloper"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    for f in files {
        command.arg("--fingerprints").arg(f.path());
    }
    command.output().unwrap()
}

/// The one finding of a scenario.
fn finding(files: &[&NamedTempFile], scenario: &str) -> Value {
    let path = ["pcap", "pcapng"].map(|e| format!("captures/guilty/{scenario}/capture.{e}"));
    let path = path.iter().find(|p| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(p).exists()).unwrap();
    let output = run(files, &["--json", path]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut found = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).filter(|v| v["type"] == "finding");
    let first = found.next().unwrap();
    assert!(found.next().is_none(), "{scenario}");
    first
}

fn claim<'f>(finding: &'f Value, rule: &str) -> Option<&'f str> {
    finding["evidence"].as_array().unwrap().iter().find(|c| c["rule"] == rule).map(|c| c["text"].as_str().unwrap())
}

fn candidate<'f>(finding: &'f Value, id: &str) -> Option<&'f Value> {
    finding["injector"]["candidates"].as_array().unwrap().iter().find(|c| c["fingerprint"] == id)
}

/// A row of one's own for the burst of `reset-burst-race`, asking for more than ours does.
fn own(id: &str) -> String {
    format!(
        "schema = 1\n\n[[injector]]\nid = \"{id}\"\nsystem = \"box of the laboratory\"\ncountry = \"ZZ\"\ntechnique = \"reset\"\nyear = 2026\n\
         evidence = \"pcap\"\nconfidence = 0.9\nsource = \"own measurements\"\n\
         match = {{ flags = [\"RA\"], count = 3, ip_id = [0x3a5c], window = [4022], quotient = 12 }}\n"
    )
}

#[test]
fn a_row_of_ones_own_names_an_injector() {
    let table = file(&own("lab.box"));
    let found = finding(&[&table], "reset-burst-race");
    assert_eq!(found["injector"]["fingerprint"], "lab.box");
    assert_eq!(found["injector"]["system"], "box of the laboratory");
    let source = candidate(&found, "lab.box").unwrap()["source"].as_str().unwrap().to_owned();
    assert_eq!(source, format!("own measurements; {}, line 3", table.path().display()));
    // Ours is still compared.
    assert!(candidate(&found, "cn.gfw.rst.type2").is_some());
    let page = run(&[&table], &["explain", "lab.box"]);
    assert!(String::from_utf8(page.stdout).unwrap().contains("own measurements"), "explain tells of it");
}

#[test]
fn an_id_of_ours_is_replaced() {
    let found = finding(&[], "reset-burst-race");
    assert_eq!(found["injector"]["system"], "GFW (type II)");
    let found = finding(&[&file(&own("cn.gfw.rst.type2"))], "reset-burst-race");
    assert_eq!(found["injector"]["fingerprint"], "cn.gfw.rst.type2");
    assert_eq!(found["injector"]["system"], "box of the laboratory");
    let candidates = found["injector"]["candidates"].as_array().unwrap();
    assert_eq!(candidates.iter().filter(|c| c["fingerprint"] == "cn.gfw.rst.type2").count(), 1);
}

#[test]
fn pages_of_ooni() {
    let plain = finding(&[], "page-raced");
    assert!(plain["injector"]["fingerprint"].is_null());
    for (kind, pattern) in [("contains", "may not be seen."), ("regexp", "(?i)<TITLE>access.denied.*not be s[a-f]+n")] {
        let given = csv(&format!("LAB.page,isp,,body,{kind},{pattern},5,\"AA,ZZ\",lab,https://example.org/,The page of the laboratory"));
        let found = finding(&[&given], "page-raced");
        assert_eq!(found["injector"]["fingerprint"], "lab.page");
        assert_eq!(found["injector"]["system"], "The page of the laboratory");
        assert_eq!(found["injector"]["country"], "AA,ZZ");
        let text = claim(&found, "blockpage-known").unwrap();
        let place = format!("lab https://example.org/; {}, line 2", given.path().display());
        assert!(text.contains("lab.page (isp, AA,ZZ)") && text.contains(&place), "{text}");
    }
    for (kind, pattern) in [("prefix", "may not"), ("full", "may not be seen."), ("regexp", "^may not"), ("contains", "MAY NOT BE SEEN")] {
        let found = finding(&[&csv(&format!("lab.page,isp,,body,{kind},{pattern},5,ZZ,lab,,"))], "page-raced");
        assert!(candidate(&found, "lab.page").is_none(), "{kind} {pattern}");
    }
}

#[test]
fn a_row_of_ones_own_goes_before_a_longer_one_of_ours() {
    // Ours asks for the page and more; who lays a page alone over it wants to see its name.
    let plain = finding(&[], "injector-iran-page");
    assert_eq!(plain["injector"]["fingerprint"], "ir.http.page");
    let found = finding(&[&csv("lab.page,nat,,body,contains,10.10.34.3,7,ZZ,lab,,The page of the laboratory")], "injector-iran-page");
    assert_eq!(found["injector"]["fingerprint"], "lab.page");
    assert_eq!(found["injector"]["system"], "The page of the laboratory");
    let ours = candidate(&found, "ir.http.page").unwrap();
    assert!(ours["named"] == false && ours["matched"] == ours["of"], "ours is told beside it: {ours}");
    // The same for packets: three fields of a user's against eleven of ours.
    let row = own("lab.box").replace("ip_id = [0x3a5c], ", "constant = [\"seq\"], ");
    let found = finding(&[&file(&row)], "reset-burst-race");
    assert_eq!(found["injector"]["fingerprint"], "lab.box");
    // One that is too common for a name takes none away.
    let row = format!("{}match = {{ flags = [\"RA\"], count = 3 }}\n", own("lab.any").split("match").next().unwrap());
    let found = finding(&[&file(&row)], "reset-burst-race");
    assert_eq!(found["injector"]["fingerprint"], "cn.gfw.rst.type2");
    assert!(found["injector"]["candidates"].as_array().unwrap().iter().all(|c| c["fingerprint"] != "lab.any" || c["named"] == false));
}

#[test]
fn headers_of_pages_of_ooni() {
    let raced = finding(&[], "page-redirect");
    for (place, hit) in [("header.location", true), ("header.Location", true), ("header.server", false), ("header.x-filter", false)] {
        let found = finding(&[&csv(&format!("lab.gate,nat,,{place},prefix,http,5,ZZ,lab,,"))], "page-redirect");
        assert_eq!(claim(&found, "blockpage-known").is_some_and(|t| t.contains("lab.gate")), hit, "{place}");
        assert!(hit || found["confidence"] == raced["confidence"], "{place}");
    }
}

#[test]
fn false_alarms_and_doubtful_rows_do_not_accuse() {
    let plain = finding(&[], "page-raced");
    assert!(claim(&plain, "blockpage-known").is_some());
    // What a user knows for a false alarm silences our own row as well.
    let found = finding(&[&csv("lab.fine,fp,,body,contains,may not be seen,5,,lab,,")], "page-raced");
    assert!(claim(&found, "blockpage-known").is_none());
    for row in ["lab.vague,vbw,,body,contains,may not be seen,5,,lab,,", "lab.vague,isp,,body,contains,may not be seen,4,,lab,,"] {
        let found = finding(&[&csv(row)], "page-raced");
        assert_eq!(claim(&found, "blockpage-known"), claim(&plain, "blockpage-known"), "{row}");
        assert!(found["injector"]["fingerprint"].is_null(), "{row}");
        assert!(candidate(&found, "lab.vague").is_some_and(|c| c["named"] == false), "{row}");
    }
}

#[test]
fn answers_of_ooni() {
    let plain = finding(&[], "dns-bogon-in-path");
    assert!(claim(&plain, "dns-known-forged").is_none());
    let address = plain["forged"][0]["dns"].as_str().unwrap().rsplit(' ').next().unwrap().to_owned();
    for (kind, pattern) in [("full", address.as_str()), ("prefix", &address[..address.len() - 1])] {
        let given = csv(&format!("lab.sink,isp,,dns,{kind},{pattern},5,ZZ,lab,,The sinkhole of the laboratory"));
        let found = finding(&[&given], "dns-bogon-in-path");
        assert_eq!(found["injector"]["fingerprint"], "lab.sink");
        let text = claim(&found, "dns-known-forged").unwrap();
        let place = format!("lab; {}, line 2", given.path().display());
        assert!(text.contains(&address) && text.contains("The sinkhole of the laboratory (isp)") && text.contains(&place), "{text}");
    }
    let found = finding(&[&csv("lab.other,isp,,dns,full,192.0.2.77,5,ZZ,lab,,")], "dns-bogon-in-path");
    assert!(claim(&found, "dns-known-forged").is_none());
}

#[test]
fn one_name_for_several_patterns() {
    // As in OONI's own file: blanks, notes of several lines and a name that stands twice.
    let given =
        csv("lab.page ,isp,,body,contains,elsewhere,5,\",ZZ\",lab,,\"Two\nlines\"\nlab.page,isp,,body,contains,may not be seen,5,ZZ,lab,,");
    let found = finding(&[&given], "page-raced");
    assert_eq!(found["injector"]["fingerprint"], "lab.page");
    assert_eq!((&found["injector"]["system"], &found["injector"]["country"]), (&"Two lines".into(), &"ZZ".into()));
    assert!(claim(&found, "blockpage-known").unwrap().contains("line 4"), "the row that matched");
}

#[test]
fn addresses_that_anybody_gives_accuse_nobody() {
    for row in ["lab.null,isp,,dns,full,0.0.0.0,10,,lab,,", "lab.convention,br,,dns,prefix,0.,10,,lab,,"] {
        let run = run(&[&csv(row)], &["-q", "captures/innocent/dns-home-sinkhole"]);
        assert_eq!((run.status.code(), run.stdout.is_empty()), (Some(0), true), "{row}");
    }
}

#[test]
fn an_answer_that_is_fine_silences_ours() {
    let plain = finding(&[], "injector-old-pool");
    assert!(claim(&plain, "dns-known-forged").is_some());
    let address = plain["forged"][0]["dns"].as_str().unwrap().rsplit(' ').next().unwrap().to_owned();
    let found = finding(&[&csv(&format!("lab.fine,fp,,dns,full,{address},5,,lab,,"))], "injector-old-pool");
    assert!(claim(&found, "dns-known-forged").is_none());
}

#[test]
fn files_go_together() {
    // The table names a row of the other file, which comes after it.
    let row = own("lab.box");
    let table = file(&format!("{}match = {{ page = [\"lab.page\"], from = \"server\" }}\n", row.split("match").next().unwrap()));
    let pages = csv("lab.page,isp,,body,contains,may not be seen,5,ZZ,lab,,");
    let found = finding(&[&table, &pages], "page-raced");
    let named: Vec<&Value> =
        found["injector"]["candidates"].as_array().unwrap().iter().filter(|c| c["named"] == true).map(|c| &c["fingerprint"]).collect();
    assert_eq!(named.len(), 2, "one page, two names: a tie: {named:?}");
}

#[test]
fn a_file_that_is_wrong_says_where() {
    let toml = |more: &str| own("lab.box").replace("match = {", more);
    let rows = |rows: &str| format!("{HEADER}\n{rows}\n");
    for (text, says) in [
        ("name;scope;pattern\nx;y;z\n".to_owned(), "line 1: neither a table of injectors"),
        (String::new(), "line 1: there is nothing in it"),
        ("schema = 2\n".to_owned(), "line 1: schema 2 is not known here"),
        (toml("match = { windows = [1], "), "line 12: unknown field `windows`"),
        (toml("match = { page = [\"lab.page\"], "), "line 3: injector \"lab.box\": there is no block page \"lab.page\""),
        (own("lab.box").replace("year = 2026", "year = "), "line 8: "),
        (own("Lab Box"), "line 3: injector \"Lab Box\": an id is made of"),
        (format!("{}{}", own("lab.box"), own("lab.box").replace("schema = 1\n", "")), "the id stands twice"),
        ("name,scope,location_found,pattern_type\na,b,dns,full\n".to_owned(), "line 1: there is no column pattern"),
        (
            rows("a.b,isp,,body,contains,x,5,,,,\nc.d,isp,,body,regexp,a(b,5,,,,"),
            "line 3: the regular expression does not compile: unclosed group",
        ),
        (
            rows("c.d,isp,,body,regexp,((a{999}){999}){999},5,,,,"),
            "line 2: the regular expression does not compile: it would take more than",
        ),
        (rows("a.b,isp,,body,glob,x,5,,,,"), "line 2: pattern_type \"glob\" is not known here"),
        (rows("a.b,isp,,title,contains,x,5,,,,"), "line 2: location_found \"title\" is not known here"),
        (rows("a.b,isp,,body,contains,,5,,,,"), "line 2: an empty pattern would match everything"),
        (rows("a.b,isp,,body,contains,x,very,,,,"), "line 2: confidence_no_fp is a number from 0 to 10"),
        (rows("a.b,isp,,body,contains,x"), "line 2: 6 fields instead of 11"),
        (rows("a.b,isp,,body,contains,x,5,,,,a\u{1b}[2Jnote"), "line 2: control characters"),
    ] {
        let bad = file(&text);
        // The capture does not exist: the file is looked at first.
        let output = run(&[&bad], &["no/such/capture.pcap"]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.starts_with(&format!("interloper: --fingerprints {}: ", bad.path().display())), "{error}");
        assert!(error.contains(says) && error.lines().count() == 1, "wanted {says:?}: {error}");
        assert!(output.stdout.is_empty());
    }
    let output = run(&[], &["--fingerprints", "no/such/file", "captures/"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--fingerprints no/such/file: cannot open: "));
    let mut latin = NamedTempFile::new().unwrap();
    latin.write_all(b"schema = 1\n# caf\xe9\n").unwrap();
    let output = run(&[&latin], &["captures/"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("line 2: not UTF-8"));
}

/// OONI's list has names with an @ and with what a broken encoding left: their rows are read under ids that can be typed.
#[test]
fn odd_names_are_read() {
    let given = csv("cp.isp_sky@net_\u{fffd}\u{1a},isp,,body,contains,This site may not be seen,7,RU,lab,,");
    let found = finding(&[&given], "page-raced");
    assert!(candidate(&found, "cp.isp_sky_net___").is_some(), "{}", found["injector"]);
}

/// Some names of OONI's stand in its list of pages and in its list of answers.
#[test]
fn one_name_in_both_lists() {
    let given =
        [csv("ooni.id_39,isp,,body,contains,This site may not be seen,7,IR,lab,,"), csv("ooni.id_39,isp,,dns,full,10.10.34.34,7,IR,lab,,")];
    let found = finding(&[&given[0], &given[1]], "page-raced");
    assert!(candidate(&found, "ooni.id_39").is_some(), "{}", found["injector"]);
    let told = run(&[&given[0], &given[1]], &["explain", "ooni.id_39.dns"]);
    assert!(String::from_utf8_lossy(&told.stdout).contains("10.10.34.34"));
}
