//! A scenario: a script, what happens in it, and what an analyst ought to conclude.

use interloper::script::{Format, Host, Rtt, Script, Truth};
use std::fmt::Write as _;
use std::path::Path;

/// What ought to be concluded about a conversation.
struct Verdict {
    talk: usize,
    mechanism: &'static str,
    /// Overrides the kind of the last request.
    kind: Option<&'static str>,
    /// Frames from the start of the request to the one that carries its name.
    name_after: u64,
    expect: &'static str,
}

/// A scenario on its way to a directory.
pub struct Scene {
    guilty: bool,
    name: &'static str,
    title: &'static str,
    vantage: &'static str,
    happens: &'static str,
    look: &'static str,
    at_most: Option<&'static str>,
    verdicts: Vec<Verdict>,
    format: Format,
    pub script: Script,
}

/// What every client here pays for a round trip to the servers, unless a scenario says otherwise.
pub const RTT_MS: f64 = 80.0;

pub fn rtt() -> Rtt {
    Rtt::ms(RTT_MS)
}

/// A client at its own network, where most captures are taken.
pub fn client() -> Host {
    Host::linux("192.168.1.20")
}

/// A server somewhere else.
pub fn server() -> Host {
    Host::linux("45.60.70.80").hops(13)
}

/// A resolver open to the public.
pub fn resolver() -> Host {
    Host::linux("91.230.10.53").hops(9).no_df()
}

impl Scene {
    fn new(guilty: bool, name: &'static str, title: &'static str) -> Scene {
        let mut script = Script::new();
        // Its own numbers for each scenario, whatever else is added or moved.
        script.seed(name.bytes().fold(17, |sum: u64, b| sum.wrapping_mul(131).wrapping_add(u64::from(b)) & 0xffff_ffff));
        Scene {
            guilty,
            name,
            title,
            vantage: "client",
            happens: "",
            look: "",
            at_most: None,
            verdicts: Vec::new(),
            format: Format::Pcap,
            script,
        }
    }

    /// Someone interferes.
    pub fn guilty(name: &'static str, title: &'static str) -> Scene {
        Scene::new(true, name, title)
    }

    /// Nobody does.
    pub fn innocent(name: &'static str, title: &'static str) -> Scene {
        Scene::new(false, name, title)
    }

    pub fn vantage(mut self, vantage: &'static str) -> Scene {
        self.vantage = vantage;
        self
    }

    pub fn happens(mut self, text: &'static str) -> Scene {
        self.happens = text;
        self
    }

    /// What to look at in Wireshark.
    pub fn look(mut self, text: &'static str) -> Scene {
        self.look = text;
        self
    }

    pub fn format(mut self, format: Format) -> Scene {
        self.format = format;
        self
    }

    /// Innocent, but a capture alone cannot show it: the most that may be said.
    pub fn at_most(mut self, confidence: &'static str) -> Scene {
        self.at_most = Some(confidence);
        self
    }

    /// What ought to be found in a conversation.
    pub fn expect(&mut self, talk: usize, mechanism: &'static str, expect: &'static str) {
        self.verdicts.push(Verdict { talk, mechanism, kind: None, name_after: 0, expect });
    }

    /// The same, set off by something else than the last request.
    pub fn expect_for(&mut self, talk: usize, mechanism: &'static str, kind: &'static str, expect: &'static str) {
        self.verdicts.push(Verdict { talk, mechanism, kind: Some(kind), name_after: 0, expect });
    }

    /// The name of the verdict told last stands so many frames behind the start of its request.
    pub fn name_comes_later(&mut self, frames: u64) {
        if let Some(verdict) = self.verdicts.last_mut() {
            verdict.name_after = frames;
        }
    }

    pub fn is_guilty(&self) -> bool {
        self.guilty
    }

    /// Writes the capture and its description.
    pub fn write(&self, root: &Path) -> std::io::Result<()> {
        let directory = root.join(if self.guilty { "guilty" } else { "innocent" }).join(self.name);
        std::fs::create_dir_all(&directory)?;
        let capture = directory.join(format!("capture.{}", self.format.extension()));
        self.script.write(&capture, self.format)?;
        std::fs::write(directory.join("scenario.toml"), self.description())
    }

    fn description(&self) -> String {
        assert_eq!(self.guilty, !self.verdicts.is_empty(), "{}: guilty scenarios and no others say of what", self.name);
        let mut out = String::new();
        let mut line = |key: &str, value: &str| writeln!(out, "{key} = {value:?}").expect("writing to a string");
        line("title", self.title);
        line("provenance", "scripted by captures/scenarios.rs");
        line("vantage", self.vantage);
        line("happens", self.happens);
        line("look", self.look);
        if let Some(confidence) = self.at_most {
            line("at_most", confidence);
        }
        if !self.guilty {
            out.push_str("clean = true\n");
        }
        for verdict in &self.verdicts {
            out.push_str(&verdict.table(&self.script.truth(verdict.talk)));
        }
        out
    }
}

impl Verdict {
    fn table(&self, truth: &Truth) -> String {
        let (kind, name) = truth.talk.name.clone().unwrap_or(("none-seen", String::new()));
        let kind = self.kind.unwrap_or(kind);
        let name = if matches!(kind, "ip" | "port" | "none-seen") { String::new() } else { name };
        let trigger = truth.trigger.map_or(String::new(), |frame| format!("trigger_frame = {}\n", frame + self.name_after));
        format!(
            "\n[[truth]]\nmechanism = {:?}\ntrigger = {kind:?}\nname = {name:?}\n\
             client = \"{}\"\nclient_port = {}\nserver = \"{}\"\nserver_port = {}\nforged = {:?}\n{trigger}expect = {:?}\n",
            self.mechanism,
            truth.talk.client.ip(),
            truth.talk.client.port(),
            truth.talk.server.ip(),
            truth.talk.server.port(),
            truth.forged,
            self.expect
        )
    }
}
