//! `scenario.toml`: what happens in a capture, and what ought to be concluded.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    #[serde(skip)]
    pub name: String,
    #[serde(skip)]
    pub directory: PathBuf,
    #[serde(skip)]
    pub capture: PathBuf,
    pub title: String,
    pub provenance: String,
    pub vantage: String,
    #[serde(rename = "happens")]
    _happens: String,
    pub look: String,
    #[serde(default)]
    pub clean: bool,
    /// Innocent, but the packets alone cannot show it.
    pub at_most: Option<String>,
    #[serde(default, rename = "truth")]
    pub truths: Vec<Truth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    pub mechanism: String,
    pub trigger: String,
    pub name: String,
    pub client: String,
    pub client_port: u16,
    pub server: String,
    pub server_port: u16,
    pub forged: Vec<u64>,
    pub trigger_frame: Option<u64>,
    pub expect: String,
}

impl Truth {
    /// Whether a finding says something about the same conversation and mechanism.
    pub fn is_about(&self, finding: &Value) -> bool {
        let ends = finding["client_ip"] == self.client.as_str()
            && finding["client_port"] == self.client_port
            && finding["server_ip"] == self.server.as_str()
            && finding["server_port"] == self.server_port;
        ends && finding["mechanism"] == self.mechanism.as_str() && self.same_transaction(finding)
    }

    /// DNS clients ask several questions from one port.
    fn same_transaction(&self, finding: &Value) -> bool {
        let forged = frames(&finding["forged"]);
        self.server_port != 53 || self.forged.is_empty() || self.forged.iter().any(|frame| forged.contains(frame))
    }
}

/// Frame numbers of a list of packets.
pub fn frames(packets: &Value) -> BTreeSet<u64> {
    packets.as_array().unwrap().iter().map(|p| p["frame"].as_u64().unwrap()).collect()
}

/// Every scenario, by name.
pub fn all() -> Vec<Scenario> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut found = Vec::new();
    for family in ["guilty", "innocent"] {
        let mut directories: Vec<PathBuf> = std::fs::read_dir(root.join(family)).unwrap().map(|entry| entry.unwrap().path()).collect();
        directories.sort();
        found.extend(directories.iter().map(|directory| read(family, directory)));
    }
    found
}

fn read(family: &str, directory: &Path) -> Scenario {
    let name = format!("{family}/{}", directory.file_name().unwrap().to_string_lossy());
    let text = std::fs::read_to_string(directory.join("scenario.toml")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let scenario: Scenario = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let captures: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "capture"))
        .collect();
    let [capture] = captures.as_slice() else { panic!("{name}: {} captures", captures.len()) };
    Scenario { name, directory: directory.to_owned(), capture: capture.clone(), ..scenario }
}
