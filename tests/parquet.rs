//! `-o DIR/`: what the tables hold, read back by the crate's own reader, and by DuckDB where it can be had.

use parquet::basic::{LogicalType, TimeUnit};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const TABLES: [&str; 7] = ["findings", "evidence", "packets", "flows", "dns", "captures", "timeline"];

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

fn run(place: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_interloper")).args(args).current_dir(place).stdin(Stdio::null()).output().unwrap()
}

fn succeed(place: &Path, args: &[&str]) -> String {
    let output = run(place, args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn fail(place: &Path, args: &[&str]) -> String {
    let output = run(place, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn open(path: &Path) -> SerializedFileReader<File> {
    SerializedFileReader::new(File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

fn rows(reader: &SerializedFileReader<File>) -> Vec<Value> {
    let object = |row: &parquet::record::Row| row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect();
    reader.get_row_iter(None).unwrap().map(|row| Value::Object(object(&row.unwrap()))).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(b) => (*b).into(),
        Field::Long(n) => (*n).into(),
        Field::Double(n) => (*n).into(),
        Field::Str(s) => s.as_str().into(),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        other => other.to_string().into(),
    }
}

#[test]
fn holds_the_records_of_the_json_lines() {
    let place = tempfile::tempdir().unwrap();
    let path = captures();
    let args = ["--json", "--flows", "--min", "unexplained", "-o", "tables/", path.to_str().unwrap()];
    let lines: Vec<Value> = succeed(place.path(), &args).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|l| l["type"] == kind).cloned().collect::<Vec<Value>>();
    let sum = |records: &[Value], list: &str| records.iter().map(|r| r[list].as_array().map_or(0, Vec::len)).sum::<usize>();
    let (findings, flows) = (of("finding"), of("flow"));
    let timeline = &of("summary")[0]["timeline"]["rows"].as_array().unwrap().clone();
    let wanted = [
        findings.len(),
        sum(&findings, "evidence"),
        sum(&findings, "forged") + sum(&findings, "genuine"),
        flows.len(),
        sum(&flows, "dns"),
        of("capture").len(),
        sum(timeline, "states"),
    ];
    assert!(wanted.iter().all(|n| *n > 10), "{wanted:?}");
    for (name, wanted) in TABLES.iter().zip(wanted) {
        let reader = open(&place.path().join(format!("tables/{name}.parquet")));
        assert_eq!(reader.metadata().file_metadata().num_rows(), wanted as i64, "{name}");
        let rows = rows(&reader);
        for field in ["tool", "rules", "fingerprints"] {
            assert!(rows.iter().all(|r| r[field] == of("summary")[0]["versions"][field]), "{name}: {field}");
        }
        if *name != "timeline" {
            assert!(rows.iter().all(|r| r["capture"].as_str().is_some_and(|c| c.len() == 16) && r["file"].is_string()), "{name}");
        }
    }
    // Field by field, whatever is not a time or taken apart.
    let rows = rows(&open(&place.path().join("tables/flows.parquet")));
    for (row, record) in rows.iter().zip(&flows) {
        for (field, value) in row.as_object().unwrap() {
            let same = match field.as_str() {
                "time" | "tool" | "rules" | "fingerprints" => true,
                "evasion" => record.get(field).unwrap_or(&Value::Array(Vec::new())) == value,
                // The reader gives whole numbers as such.
                _ if value.is_number() => record[field].as_f64() == value.as_f64(),
                _ => record[field] == *value,
            };
            assert!(same, "{field}: {value} is not {}", record[field]);
        }
    }
    assert!(!place.path().join("tables/flows.parquet.partial").exists());
}

#[test]
fn has_the_types_that_readers_expect() {
    let place = tempfile::tempdir().unwrap();
    let path = captures().join("guilty/reset-burst-race/capture.pcap");
    succeed(place.path(), &["-q", "-o", "t/", path.to_str().unwrap()]);
    let reader = open(&place.path().join("t/findings.parquet"));
    let schema = reader.metadata().file_metadata().schema_descr();
    let time = schema.columns().iter().find(|c| c.name() == "time").unwrap();
    let Some(LogicalType::Timestamp(kind)) = time.logical_type_ref() else { panic!("{time:?}") };
    assert!(kind.is_adjusted_to_u_t_c && kind.unit == TimeUnit::NANOS, "{kind:?}");
    let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let at = |name: &str| row.get_column_iter().position(|(n, _)| n == name).unwrap();
    // 2026-03-01 12:00:00.983563 UTC, 0.983541 after the first packet.
    assert_eq!(row.get_long(at("time")).unwrap_or_default(), 1_772_366_400_983_563_000);
    assert_eq!(row.get_string(at("client_ip")).unwrap(), "192.168.1.20");
    assert_eq!(row.get_string(at("trigger_value")).unwrap(), "blocked.example.org");
    let codec = reader.metadata().row_group(0).column(0).compression();
    assert!(format!("{codec:?}").starts_with("ZSTD"), "{codec:?}");
    // A timeline of one capture says which.
    let rows = rows(&open(&place.path().join("t/timeline.parquet")));
    assert!(rows.iter().all(|r| r["capture"] == rows[0]["capture"]) && rows[0]["capture"].is_string(), "{rows:?}");
}

#[test]
fn gives_the_same_bytes_for_any_threads_and_replaces_what_was_there() {
    let place = tempfile::tempdir().unwrap();
    let path = captures().join("guilty");
    let path = path.to_str().unwrap();
    succeed(place.path(), &["-q", "-j", "1", "-o", "one/", path]);
    std::fs::create_dir(place.path().join("four")).unwrap();
    std::fs::write(place.path().join("four/flows.parquet"), "of an earlier run").unwrap();
    std::fs::write(place.path().join("four/notes.txt"), "mine").unwrap();
    // A directory that is there needs no slash.
    succeed(place.path(), &["-q", "-j", "4", "-o", "four", path]);
    for name in TABLES {
        let read = |run: &str| std::fs::read(place.path().join(format!("{run}/{name}.parquet"))).unwrap();
        assert_eq!(read("one"), read("four"), "{name}");
    }
    assert_eq!(std::fs::read_to_string(place.path().join("four/notes.txt")).unwrap(), "mine");
}

#[test]
fn tables_of_nothing_are_tables() {
    let place = tempfile::tempdir().unwrap();
    let path = captures().join("innocent");
    succeed(place.path(), &["-q", "--min", "confirmed", "-o", "deep/er/", path.to_str().unwrap()]);
    let reader = open(&place.path().join("deep/er/findings.parquet"));
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    assert!(reader.metadata().file_metadata().schema_descr().num_columns() > 30);
}

#[test]
fn says_what_is_in_the_way() {
    let place = tempfile::tempdir().unwrap();
    let path = captures().join("guilty/reset-burst-race/capture.pcap");
    let path = path.to_str().unwrap();
    std::fs::write(place.path().join("file"), "").unwrap();
    let said = fail(place.path(), &["-q", "-o", "file/", path]);
    assert!(said.contains("there is a file of that name"), "{said}");
    let said = fail(place.path(), &["-q", "-o", "file/below/", path]);
    assert!(said.contains("file/below/: cannot write") && said.contains("choose another path"), "{said}");
    let said = fail(place.path(), &["-q", "-o", "x.parquet", path]);
    assert!(said.contains("name their directory, with a slash at the end"), "{said}");
    let said = fail(place.path(), &["-q", "-o", "nothing", path]);
    assert!(said.contains("end it with / for a directory of Parquet tables"), "{said}");
    let said = fail(place.path(), &["-q", "-o", "twice/", "-o", "twice/", path]);
    assert!(said.contains("given twice"), "{said}");
    std::fs::create_dir_all(place.path().join("odd/dns.parquet")).unwrap();
    let said = fail(place.path(), &["-q", "-o", "odd/", path]);
    assert!(said.contains("dns.parquet in it is a directory"), "{said}");
    // Nothing half done stays behind.
    let left: Vec<_> = std::fs::read_dir(place.path().join("odd")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["dns.parquet"]);
}

#[test]
fn a_full_disk_is_told_and_leaves_the_old_tables() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("skipped: there is no /dev/full here");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("t")).unwrap();
    std::fs::write(place.path().join("t/flows.parquet"), "old").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(full, place.path().join("t/flows.parquet.partial")).unwrap();
    let path = captures().join("guilty");
    let said = fail(place.path(), &["-q", "-o", "t/", path.to_str().unwrap()]);
    assert!(said.contains("flows.parquet: No space left on device"), "{said}");
    assert_eq!(std::fs::read(place.path().join("t/flows.parquet")).unwrap(), b"old");
}

/// A Python with DuckDB, made once; nothing where it cannot be had.
fn duckdb() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("duckdb");
    let python = place.join("bin/python");
    let works = |python: &Path| Command::new(python).args(["-c", "import duckdb"]).output().is_ok_and(|o| o.status.success());
    if works(&python) {
        return Some(python);
    }
    let quiet = |command: &mut Command| command.stdin(Stdio::null()).output().is_ok_and(|o| o.status.success());
    let made = quiet(Command::new("python3").args(["-m", "venv"]).arg(&place))
        && quiet(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "duckdb"]));
    Some(python).filter(|p| made && works(p))
}

#[test]
fn the_examples_run_in_duckdb_as_they_are_printed() {
    let Some(python) = duckdb() else {
        eprintln!("skipped: DuckDB could not be installed (python3 -m venv, pip install duckdb)");
        return;
    };
    let place = tempfile::tempdir().unwrap();
    succeed(place.path(), &["-q", "-o", "tables/", captures().to_str().unwrap()]);
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md")).unwrap();
    let queries: Vec<&str> = text.split("```sql\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert_eq!(queries.len(), 3);
    let code = "import duckdb, json, sys\nprint(json.dumps(duckdb.sql(sys.argv[1]).fetchall(), default=str))";
    let ask = |query: &str| -> Vec<Vec<Value>> {
        let output = Command::new(&python).args(["-c", code, query]).current_dir(place.path()).output().unwrap();
        assert!(output.status.success(), "{query}\n{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    for query in queries {
        assert!(!ask(query).is_empty(), "{query}");
    }
    // What the tables are typed as, and that the tables of several runs are one.
    let types = ask("SELECT typeof(time), typeof(tunnel), typeof(void_rules), typeof(server_port) FROM 'tables/findings.parquet' LIMIT 1");
    let types: Vec<&str> = types[0].iter().map(|t| t.as_str().unwrap()).collect();
    assert!(types[0].starts_with("TIMESTAMP") && types[1..] == ["BOOLEAN", "VARCHAR[]", "BIGINT"], "{types:?}");
    succeed(place.path(), &["-q", "-o", "other/", captures().join("innocent").to_str().unwrap()]);
    let count = |files: &str| ask(&format!("SELECT count(*) FROM '{files}'"))[0][0].as_u64().unwrap();
    assert_eq!(count("*/flows.parquet"), count("tables/flows.parquet") + count("other/flows.parquet"));
}
