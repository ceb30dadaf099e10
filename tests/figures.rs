//! How often each rule and mechanism is right over `captures/`: `docs/accuracy.md`, and what `explain RULE` prints.
//!
//! `BLESS=1 cargo test --test figures` writes both anew.

// What `golden` reads of a scenario is more than is counted here.
#[allow(dead_code)]
#[path = "golden/scenario.rs"]
mod scenario;

use interloper::detect::finding::{Mechanism, Stance};
use interloper::detect::rules::RULES;
use scenario::{Scenario, Truth};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Right and wrong, and out of how many it could have been right.
#[derive(Default, Clone, Copy)]
struct Figures {
    right: u64,
    wrong: u64,
    of: u64,
}

impl Figures {
    fn share(part: u64, whole: u64) -> String {
        if whole == 0 { "–".to_owned() } else { format!("{:.2}", part as f64 / whole as f64) }
    }

    fn precision(&self) -> String {
        Figures::share(self.right, self.right + self.wrong)
    }

    fn recall(&self) -> String {
        Figures::share(self.right, self.of)
    }
}

fn records(s: &Scenario) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_interloper")).args(["--json", "--min", "unexplained"]).arg(&s.capture).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// A claim for is right in a finding that is true, a claim against in one that is not.
fn rules(all: &[(Scenario, Vec<Value>)]) -> BTreeMap<&'static str, Figures> {
    let mut figures: BTreeMap<&str, Figures> = RULES.iter().map(|r| (r.id, Figures::default())).collect();
    for (s, records) in all {
        for record in records {
            for rule in RULES.iter().filter(|r| r.stance == Stance::Against) {
                // What a rule explained away was never told as a finding: every truth is told, so this was right.
                let away = record["explained"][rule.id].as_u64().unwrap_or(0);
                let entry = figures.entry(rule.id).or_default();
                entry.right += away;
                entry.of += away;
            }
            let true_one = s.truths.iter().any(|t| t.is_about(record));
            for rule in RULES.iter().filter(|r| record["type"] == "finding" && looks_at(r.mechanisms, record)) {
                let said = record["evidence"].as_array().unwrap().iter().any(|e| e["rule"] == rule.id && e["void"].is_null());
                let wanted = true_one == (rule.stance == Stance::For);
                let entry = figures.entry(rule.id).or_default();
                entry.right += u64::from(said && wanted);
                entry.wrong += u64::from(said && !wanted);
                entry.of += u64::from(wanted);
            }
        }
    }
    figures
}

fn looks_at(mechanisms: &[Mechanism], finding: &Value) -> bool {
    mechanisms.iter().any(|m| finding["mechanism"] == m.name())
}

/// Findings at `likely` and above against the truths that a capture can show.
fn mechanisms(all: &[(Scenario, Vec<Value>)]) -> BTreeMap<&'static str, Figures> {
    let mut figures: BTreeMap<&str, Figures> = Mechanism::ALL.iter().map(|m| (m.name(), Figures::default())).collect();
    for (s, records) in all {
        let sure: Vec<&Value> = records.iter().filter(|r| r["type"] == "finding" && r["confidence"] != "unexplained").collect();
        for m in Mechanism::ALL {
            let entry = figures.entry(m.name()).or_default();
            let shown = |t: &&Truth| t.mechanism == m.name() && t.expect != "unexplained";
            entry.of += s.truths.iter().filter(shown).count() as u64;
            for f in sure.iter().filter(|f| f["mechanism"] == m.name()) {
                let right = s.truths.iter().any(|t| t.is_about(f));
                entry.right += u64::from(right);
                entry.wrong += u64::from(!right);
            }
        }
    }
    figures
}

fn compare(path: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&path, now).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == now, "{} is not what was measured; BLESS=1 writes it", path.display());
}

#[test]
fn figures_are_those_measured() {
    let all: Vec<(Scenario, Vec<Value>)> = scenario::all().into_iter().map(|s| (records(&s), s)).map(|(r, s)| (s, r)).collect();
    let innocent = all.iter().filter(|(s, _)| s.clean).count();
    let (by_rule, by_mechanism) = (rules(&all), mechanisms(&all));
    let mut page = format!(
        "# Accuracy over the scenarios\n\n\
         Measured over the {} scripted scenarios of `captures/` ({innocent} of them innocent) by `BLESS=1 cargo test --test figures`, which\n\
         writes this page and the figures that `interloper explain RULE` prints. The scenarios are small and made to tell one thing each:\n\
         the figures show that every rule speaks where it should and holds its tongue elsewhere, not how often the Internet is right.\n\n\
         ## Mechanisms, at `likely` and above\n\n| mechanism | right | wrong | of | precision | recall |\n|---|---:|---:|---:|---:|---:|\n",
        all.len()
    );
    let row =
        |name: &str, f: &Figures| format!("| `{name}` | {} | {} | {} | {} | {} |\n", f.right, f.wrong, f.of, f.precision(), f.recall());
    by_mechanism.iter().for_each(|(name, f)| page.push_str(&row(name, f)));
    for (stance, title) in [
        (Stance::For, "Rules for: right in a true finding; of all true findings of the mechanisms a rule looks at"),
        (Stance::Against, "Rules against: right about a suspect that is none; of all those of its mechanisms"),
    ] {
        page.push_str(&format!("\n## {title}\n\n| rule | right | wrong | of | precision | recall |\n|---|---:|---:|---:|---:|---:|\n"));
        let mine = RULES.iter().filter(|r| r.stance == stance).filter_map(|r| by_rule.get(r.id).map(|f| (r.id, f)));
        mine.for_each(|(id, f)| page.push_str(&row(id, f)));
    }
    for (name, f) in &by_mechanism {
        assert_eq!(f.wrong, 0, "{name}: false findings among the scenarios");
        assert!(f.right >= f.of, "{name}: {} of {} found", f.right, f.of);
    }
    let table: String = by_rule.iter().map(|(id, f)| format!("{id}\t{}\t{}\t{}\n", f.right, f.wrong, f.of)).collect();
    compare("docs/accuracy.md", &page);
    compare("src/report/figures.tsv", &format!("# rule, right, wrong, of: written by tests/figures.rs\n{table}"));
}
