//! Every record of every scenario is what docs/schema.json says, and has no field that it does not know.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// A checker for the part of JSON Schema that docs/schema.json uses; an unknown keyword is an error, not a pass.
struct Checker<'s> {
    root: &'s Value,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let fail = |why: String| Err(format!("{at}: {why}: {value}"));
        for (keyword, rule) in schema.as_object().expect("a schema is an object") {
            match keyword.as_str() {
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.root.pointer(pointer).expect("a definition"), value, at)?;
                }
                "const" if value != rule => return fail(format!("is not {rule}")),
                "enum" if !rule.as_array().unwrap().contains(value) => return fail(format!("is none of {rule}")),
                "anyOf" => {
                    let tried: Vec<_> = rule.as_array().unwrap().iter().map(|s| self.check(s, value, at)).collect();
                    if tried.iter().all(Result::is_err) {
                        return tried.into_iter().next_back().unwrap();
                    }
                }
                "type" => {
                    let names: Vec<&str> =
                        rule.as_str().into_iter().chain(rule.as_array().into_iter().flatten().filter_map(Value::as_str)).collect();
                    if !names.iter().any(|n| is(value, n)) {
                        return fail(format!("is no {rule}"));
                    }
                }
                "minimum" if value.as_f64().is_some_and(|v| v < rule.as_f64().unwrap()) => return fail(format!("is less than {rule}")),
                "maximum" if value.as_f64().is_some_and(|v| v > rule.as_f64().unwrap()) => return fail(format!("is more than {rule}")),
                "pattern" if !matches(rule.as_str().unwrap(), value.as_str().unwrap_or_default()) => {
                    return fail(format!("does not match {rule}"));
                }
                "items" => {
                    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}[{n}]"))?;
                    }
                }
                "required" => {
                    let missing = rule.as_array().unwrap().iter().find(|name| value.get(name.as_str().unwrap()).is_none());
                    if let Some(name) = missing {
                        return fail(format!("lacks {name}"));
                    }
                }
                "properties" => {
                    for (name, value) in value.as_object().into_iter().flatten() {
                        // Readers must ignore what they do not know; writers must document what they write.
                        let Some(schema) = rule.get(name) else { return fail(format!("{name} is not in the schema")) };
                        self.check(schema, value, &format!("{at}.{name}"))?;
                    }
                }
                "additionalProperties" => {
                    for (name, value) in value.as_object().into_iter().flatten() {
                        self.check(rule, value, &format!("{at}.{name}"))?;
                    }
                }
                "const" | "enum" | "minimum" | "maximum" | "pattern" | "$schema" | "title" | "description" | "$defs" => {}
                unknown => panic!("this checker does not know {unknown}"),
            }
        }
        Ok(())
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}

/// The patterns in use: classes in brackets with an optional count, and literals, anchored.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.strip_prefix('^').and_then(|p| p.strip_suffix('$')).expect("anchored");
    let mut text = text.chars();
    while let Some(c) = rest.chars().next() {
        let (class, after) = if c == '[' { rest[1..].split_once(']').unwrap() } else { rest.split_at(c.len_utf8()) };
        let (count, after) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            Some((n, after)) => (n.parse().unwrap(), after),
            None => (1, after),
        };
        let fits = |c: char| {
            class.contains(c) && c != '-'
                || class.contains("0-9") && c.is_ascii_digit()
                || class.contains("a-f") && ('a'..='f').contains(&c)
                || class == c.to_string()
        };
        if !(0..count).all(|_| text.next().is_some_and(fits)) {
            return false;
        }
        rest = after;
    }
    text.next().is_none()
}

#[test]
fn every_record_of_every_scenario_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(root.join("docs/schema.json")).unwrap()).unwrap();
    let checker = Checker { root: &schema };
    let args = ["--json", "--flows", "--min", "unexplained", "captures/"];
    let output = Command::new(env!("CARGO_BIN_EXE_interloper")).args(args).current_dir(root).stdin(Stdio::null()).output().unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let kind = record["type"].as_str().unwrap().to_owned();
        checker.check(&schema, &record, &kind).unwrap_or_else(|_| {
            // The definition of its own type says best what is wrong.
            checker.check(&schema["$defs"][&kind], &record, &kind).unwrap_or_else(|why| panic!("{why}"));
        });
        *seen.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(seen.keys().map(String::as_str).collect::<Vec<_>>(), ["capture", "finding", "flow", "summary"], "{seen:?}");
}

#[test]
fn the_checker_refuses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(root.join("docs/schema.json")).unwrap()).unwrap();
    let checker = Checker { root: &schema };
    let claim = |text: &str| checker.check(&schema["$defs"]["claim"], &serde_json::from_str(text).unwrap(), "claim");
    let good = r#"{"rule":"x","stance":"for","frames":[1],"text":"","observed":1.5,"expected":null,"unit":null,"class":"A","void":null}"#;
    assert_eq!(claim(good), Ok(()));
    for (from, to) in [("\"for\"", "\"maybe\""), ("[1]", "[0]"), ("1.5", "\"x\""), ("\"rule\"", "\"role\""), (",\"void\":null", "")] {
        assert!(claim(&good.replace(from, to)).is_err(), "{to}");
    }
    assert!(matches("^[0-9a-f]{4}$", "09af") && !matches("^[0-9a-f]{4}$", "09ag") && !matches("^[0-9a-f]{4}$", "09af0"));
}
