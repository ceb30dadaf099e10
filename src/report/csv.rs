//! `-o FILE.csv`: the findings as a table (RFC 4180), for spreadsheets.

use super::clock::rfc3339;
use super::{Shown, Sink, Tally, escape, identity, wireshark};
use crate::survey::{Finding, PacketRef};
use std::io::{self, Write};

/// The columns; added to at the end only.
const HEADER: [&str; 24] = [
    "n",
    "id",
    "time",
    "mechanism",
    "stage",
    "layer",
    "confidence",
    "failure",
    "client_ip",
    "client_port",
    "server_ip",
    "server_port",
    "proto",
    "trigger_kind",
    "trigger_value",
    "trigger_frame",
    "forged_frames",
    "genuine_frames",
    "rules",
    "control_frame",
    "position",
    "wireshark",
    "capture",
    "file",
];

/// Writes the table.
pub struct Csv<W> {
    out: W,
    headed: bool,
}

impl<W: Write + Send> Csv<W> {
    pub fn new(out: W) -> Csv<W> {
        Csv { out, headed: false }
    }

    fn line(&mut self, cells: impl Iterator<Item = String>) -> io::Result<()> {
        let cells: Vec<String> = cells.map(|c| escape::cell(&c)).collect();
        // RFC 4180 ends lines so.
        write!(self.out, "{}\r\n", cells.join(","))
    }

    /// The header stands there even if nothing was found.
    fn head(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.headed, true) { Ok(()) } else { self.line(HEADER.into_iter().map(str::to_owned)) }
    }
}

impl<W: Write + Send> Sink for Csv<W> {
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        self.head()?;
        for (n, f) in &shown.findings {
            self.line(row(shown, *n, f).into_iter())?;
        }
        self.out.flush()
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.head()?;
        self.out.flush()
    }
}

fn row(shown: &Shown<'_>, n: u64, f: &Finding) -> [String; HEADER.len()] {
    let frames = |list: &[PacketRef]| list.iter().map(|p| p.entry.frame.to_string()).collect::<Vec<_>>().join(" ");
    let trigger = f.trigger.as_ref();
    let rules: Vec<&str> = f.claims.iter().filter(|c| c.void.is_none()).map(|c| c.rule).collect();
    [
        n.to_string(),
        identity::finding(f),
        rfc3339(f.time),
        f.mechanism.to_string(),
        f.stage.to_string(),
        f.layer.to_string(),
        f.confidence.to_string(),
        f.failure.to_owned(),
        f.ends.client.ip.to_string(),
        f.ends.client.port.to_string(),
        f.ends.server.ip.to_string(),
        f.ends.server.port.to_string(),
        wireshark::protocol(f.ends.protocol),
        trigger.map(|t| t.kind.to_string()).unwrap_or_default(),
        trigger.map(|t| escape::escape(&t.value)).unwrap_or_default(),
        trigger.map(|t| t.frame.to_string()).unwrap_or_default(),
        frames(&f.forged),
        frames(&f.genuine),
        rules.join(" "),
        f.control.as_ref().map(|c| c.frame.to_string()).unwrap_or_default(),
        f.position.to_string(),
        wireshark::filter(&f.ends, shown.stream(&f.ends)),
        shown.id.clone(),
        shown.file.clone(),
    ]
}
