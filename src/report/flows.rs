//! `interloper flows`: every flow a line, in the words of Zeek's conn.log, with what became of it.

use super::clock::{TimeFormat, milliseconds};
use super::{Shown, Sink, Tally, escape, passage, wireshark, words};
use crate::survey::FlowLine;
use std::io::{self, Write};

/// Writes the table.
pub struct FlowTable<W> {
    out: W,
    times: TimeFormat,
    several: bool,
}

impl<W: Write + Send> FlowTable<W> {
    /// With `several`, a heading for each capture.
    pub fn new(out: W, times: TimeFormat, several: bool) -> FlowTable<W> {
        FlowTable { out, times, several }
    }
}

/// The flows of a capture in order of their first frames.
pub fn in_order<'r>(shown: &Shown<'r>) -> Vec<&'r FlowLine> {
    let mut lines: Vec<&FlowLine> = shown.report.conclusion.lines.iter().collect();
    lines.sort_by_cached_key(|l| (l.first_frame, l.time, l.ends.client, l.ends.server));
    lines
}

impl<W: Write + Send> Sink for FlowTable<W> {
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let lines = in_order(shown);
        if self.several {
            writeln!(self.out, "{}: {}", shown.file, words::count(lines.len() as u64, "flow"))?;
        }
        let rows: Vec<[String; 11]> = lines.iter().map(|l| row(shown, l, self.times)).collect();
        let head = ["frame", "time", "client", "server", "proto", "service", "state", "history", "rtt_ms", "verdict", "name"];
        // Columns as wide as their widest cell, but a long history must not push everything else off the screen.
        const WIDEST: usize = 47;
        let width = |i: usize| {
            let cells = rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count());
            cells.chain(head.get(i).map(|h| h.len())).max().unwrap_or(0).min(WIDEST)
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        for row in std::iter::once(head.map(str::to_owned)).chain(rows) {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
            writeln!(self.out, "{}", cells.join("  ").trim_end())?;
        }
        self.out.flush()
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.out.flush()
    }
}

fn row(shown: &Shown<'_>, l: &FlowLine, times: TimeFormat) -> [String; 11] {
    let none = || "-".to_owned();
    let verdict = match l.reason {
        Some(reason) => format!("{} ({reason})", l.verdict),
        None => l.verdict.to_owned(),
    };
    [
        l.first_frame.to_string(),
        times.show(l.time, shown.report.time_first),
        passage::endpoint(l.ends.client),
        passage::endpoint(l.ends.server),
        wireshark::protocol(l.ends.protocol),
        l.service.map_or_else(none, str::to_owned),
        l.conn_state.to_owned(),
        if l.history.is_empty() { none() } else { l.history.clone() },
        l.rtt.map_or_else(none, |rtt| format!("{:.3}", milliseconds(rtt))),
        verdict,
        l.name.as_deref().map_or_else(none, |n| escape::shorten(&escape::escape(n), passage::NAME)),
    ]
}
