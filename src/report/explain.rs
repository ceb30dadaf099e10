//! The manual: mechanisms, states and rules, told from the tables that judge.

mod stories;

use super::escape;
use super::glossary::{self, Group, WORDS};
use super::paint::{Paint, fill};
use crate::attribute::injectors::{self, Row};
use crate::detect::finding::{Confidence, Mechanism, Stance};
use crate::detect::rules::{self, RULES, Rule};
use stories::{state, story, summary};

/// What can be asked about, for suggestions and completions.
pub fn topics() -> Vec<&'static str> {
    let mechanisms = Mechanism::ALL.iter().map(|m| m.name());
    let injectors = injectors::rows().iter().map(|r| r.id.as_str());
    // What is a rule as well stands there once.
    let words = WORDS.iter().map(|w| w.name).filter(|w| rules::find(w).is_none());
    mechanisms.chain(Confidence::ALL.iter().map(|c| c.name())).chain(RULES.iter().map(|r| r.id)).chain(words).chain(injectors).collect()
}

/// The page on a topic, if there is one.
pub fn topic(name: &str, paint: Paint) -> Option<String> {
    let word = glossary::find(name).map(|w| fill(&format!("{}: ", w.name), &format!("{} ({})", w.text, w.group.title())));
    if let Some(rule) = rules::find(name) {
        // `one-sided` is a rule and a reason: both are told.
        return Some(word.map(|w| format!("{w}\n")).unwrap_or_default() + &rule_page(rule));
    }
    if word.is_some() {
        return word;
    }
    if let Some(m) = Mechanism::ALL.iter().find(|m| m.name() == name) {
        return Some(mechanism_page(*m, paint));
    }
    if let Some(row) = injectors::find(name) {
        return Some(injector_page(row));
    }
    Confidence::ALL.iter().find(|c| c.name() == name).map(|c| fill(&format!("{}: ", c.name()), state(*c)))
}

/// The overview.
pub fn overview(paint: Paint) -> String {
    let mut out = format!("{}\n", paint.bold("Mechanisms: what was done"));
    for m in Mechanism::ALL {
        out.push_str(&fill(&format!("  {:24} ", m.name()), summary(*m)));
    }
    out.push_str(&format!("\n{}\n", paint.bold("States: how sure that is")));
    for c in Confidence::ALL.iter().rev() {
        out.push_str(&fill(&format!("  {:24} ", c.name()), state(*c)));
    }
    for (stance, title) in [(Stance::For, "Rules that speak for interference"), (Stance::Against, "Rules that speak against it")] {
        out.push_str(&format!("\n{}\n", paint.bold(title)));
        for rule in RULES.iter().filter(|r| r.stance == stance) {
            out.push_str(&fill(&format!("  {:24} ", rule.id), &format!("{} {}: {}", rule.class, rule.family, title_of(rule))));
        }
    }
    for group in Group::ALL {
        out.push_str(&format!("\n{}\n", paint.bold(group.title())));
        for word in WORDS.iter().filter(|w| w.group == group) {
            out.push_str(&fill(&format!("  {:24} ", word.name), word.text));
        }
    }
    out.push_str(&format!("\n{}\n", paint.bold("Injectors: whose packets look like what")));
    for row in injectors::rows() {
        out.push_str(&fill(
            &format!("  {:24} ", row.id),
            &escape::sentence(&format!("{} ({}); {}", row.system, row.country, row.evidence)),
        ));
    }
    out.push_str("\n`interloper explain NAME` tells more about any of them.\n");
    out
}

/// The words after the rule's name in its manual's title.
fn title_of(rule: &Rule) -> String {
    let manual = rule.manual();
    let first = manual.lines().next().unwrap_or_default();
    first.split_once(": ").map_or(first, |(_, title)| title).to_owned()
}

fn rule_page(rule: &Rule) -> String {
    let mechanisms: Vec<&str> = rule.mechanisms.iter().map(|m| m.name()).collect();
    let mut out = rule.manual();
    out.push_str(&format!(
        "\n\n## Place in the confidence table\n\n{:12}{}\n{:12}{}\n{:12}{}\n{:12}{}\n",
        "stance",
        rule.stance,
        "class",
        rule.class,
        "family",
        rule.family,
        "looks at",
        mechanisms.join(", "),
    ));
    if !rule.rebuts.is_empty() {
        out.push_str(&fill(&format!("{:12}", "voids"), &rule.rebuts.join(", ")));
    }
    if let Some(cap) = rule.cap {
        out.push_str(&format!("{:12}at most `{cap}` while it stands\n", "cap"));
    }
    let rebutters: Vec<&str> = RULES.iter().filter(|r| r.rebuts.contains(&rule.id)).map(|r| r.id).collect();
    if !rebutters.is_empty() {
        out.push_str(&fill(&format!("{:12}", "voided by"), &rebutters.join(", ")));
    }
    if let Some((right, wrong, of)) = figures(rule.id) {
        let text = format!("right {right} times, wrong {wrong} times, of {of} where it could have been (docs/accuracy.md)");
        out.push_str(&fill(&format!("{:12}", "measured"), &text));
    }
    out
}

/// How often a rule was right and wrong over the scenarios, and of how many; `tests/figures.rs` writes them.
fn figures(id: &str) -> Option<(u64, u64, u64)> {
    let line = include_str!("figures.tsv").lines().find(|l| l.split('\t').next() == Some(id))?;
    let mut numbers = line.split('\t').skip(1).map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// The fields that a row asks about, with their values.
fn told(fields: &crate::attribute::fields::Fields) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(map)) = serde_json::to_value(fields) else { return Vec::new() };
    let asked = map.into_iter().filter(|(_, v)| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty()));
    asked.map(|(k, v)| (k, v.to_string())).collect()
}

/// A row of the fingerprints, with its source.
fn injector_page(row: &Row) -> String {
    let mut out = format!("{}: {}\n\n", row.id, escape::sentence(&row.system));
    let mut line = |label: &str, text: &str| out.push_str(&fill(&format!("{label:14}"), &escape::sentence(text)));
    line("country", &row.country);
    line("technique", &row.technique);
    // OONI's files do not say when.
    if row.year != 0 {
        line("seen in", &row.year.to_string());
    }
    line("evidence", &row.evidence.to_string());
    line("source", &row.cited());
    line("confidence", &format!("{} that a full match names the right system", row.confidence));
    if let Some(r) = &row.residual {
        line("afterwards", &format!("blocks for {} s what has the same {}", r.seconds, r.tuple));
    }
    if let Some(fields) = &row.fields {
        for (i, (name, value)) in told(fields).iter().enumerate() {
            line(if i == 0 { "match" } else { "" }, &format!("{name} {value}"));
        }
        if !row.can_be_named() {
            line("but", "these fields are too common, or the row too little trusted, to give a name; it is compared all the same");
        }
    }
    if let Some(why) = &row.unmatched {
        line("no match", why);
    }
    if !row.note.is_empty() {
        line("note", &row.note);
    }
    out
}

fn mechanism_page(m: Mechanism, paint: Paint) -> String {
    let mut out = fill("", &format!("{}: {}", m.name(), summary(m)));
    out.push('\n');
    out.push_str(&fill("", story(m)));
    out.push_str(&fill("", &format!("\nThe most it can be called: {}.", rules::cap(m))));
    for stance in [Stance::For, Stance::Against] {
        let title = format!("Rules {stance} it");
        out.push_str(&format!("\n{}\n", paint.bold(&title)));
        for rule in RULES.iter().filter(|r| r.stance == stance && r.mechanisms.contains(&m)) {
            out.push_str(&fill(&format!("  {:24} ", rule.id), &format!("{} {}: {}", rule.class, rule.family, title_of(rule))));
        }
    }
    out
}

/// Topics whose names are near a mistyped one, nearest first.
pub fn suggestions(name: &str) -> Vec<&'static str> {
    nearest(name, &topics())
}

/// Up to three of the words that are near a mistyped one, nearest first.
pub fn nearest<'w>(name: &str, words: &[&'w str]) -> Vec<&'w str> {
    let name = name.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> = words
        .iter()
        .copied()
        .filter_map(|t| {
            let distance = distance(&name, t);
            let part = name.len() >= 3 && (t.contains(name.as_str()) || name.contains(t));
            (part || distance <= 1 + t.len() / 4).then_some((if part { 1 } else { distance }, t))
        })
        .collect();
    // Stable: mechanisms stand before rules of the same distance.
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().take(3).map(|(_, t)| t).collect()
}

/// Edits (insert, delete, replace) that turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    // A word much longer than any topic is none of them; this bounds the work on whatever was typed.
    if a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (y, pair) in b.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(x != *y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_a_page() {
        for name in topics() {
            assert!(topic(name, Paint::new(false)).is_some_and(|p| p.len() > 60), "{name}");
        }
        assert!(topic("nonsense", Paint::new(false)).is_none());
    }

    #[test]
    fn suggests() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert!(suggestions("ttl-jmup").contains(&"ttl-jump"));
        assert!(suggestions("reset").contains(&"tcp-reset"));
        assert!(suggestions("quite something else").is_empty());
        assert!(suggestions(&"x".repeat(100_000)).is_empty());
    }
}
