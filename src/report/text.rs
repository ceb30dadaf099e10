//! The terminal page.

use super::paint::fill;
use super::passage;
pub use super::passage::Style;
use super::{Shown, Sink, Tally, judged, page, strip, timeline, words};
use std::io::{self, Write};

pub use super::page::By;

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub style: Style,
    pub by: By,
    /// Findings only, a line each, the file in front: for `grep` and `cut`.
    pub quiet: bool,
    /// Of several captures those without findings get a line each.
    pub several: bool,
    /// The timeline was asked for, and is told however little there is to it.
    pub timeline: bool,
    /// The terminal shows more than ASCII.
    pub unicode: bool,
}

/// Writes pages.
pub struct Text<W> {
    out: W,
    layout: Layout,
}

impl<W: Write + Send> Text<W> {
    /// Pages in this layout.
    pub fn new(out: W, layout: Layout) -> Text<W> {
        Text { out, layout }
    }

    fn quiet(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        for (n, f) in &shown.findings {
            writeln!(self.out, "{}: {}", shown.file, passage::one_line(shown, *n, f, self.layout.style.paint))?;
        }
        self.out.flush()
    }

    /// What was found but is not shown.
    fn rest(&self, shown: &Shown<'_>) -> String {
        let mut out = String::new();
        if !shown.below.is_empty() {
            let least = shown.below.keys().map(|(_, c)| *c).min().map_or("unexplained", |c| c.name());
            out.push_str(&fill("  ", &format!("not shown: {} (--min {least} shows them)", page::counts(&shown.below))));
        }
        for ((server, mechanism), n) in &shown.report.conclusion.suppressed {
            out.push_str(&fill("  ", &format!("{server}: {} more unexplained ones of {mechanism}, counted only", words::thousands(*n))));
        }
        out
    }
}

impl<W: Write + Send> Sink for Text<W> {
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let Layout { style, by, quiet, several, .. } = self.layout;
        if quiet {
            return self.quiet(shown);
        }
        let (judged, unjudged) = judged(shown.report);
        let rest = self.rest(shown);
        if shown.findings.is_empty() && several && shown.report.complete && !style.verbose {
            let nothing = page::nothing(judged, &unjudged);
            self.out.write_all(fill("", &format!("{}: {nothing}", style.paint.bold(&shown.file))).as_bytes())?;
            self.out.write_all(rest.as_bytes())?;
            return self.out.flush();
        }
        self.out.write_all(page::head(shown, style).as_bytes())?;
        if shown.findings.is_empty() {
            self.out.write_all(fill("  ", &page::nothing(judged, &unjudged)).as_bytes())?;
        } else {
            self.out.write_all(page::findings(shown, by, style).as_bytes())?;
            writeln!(self.out)?;
        }
        if style.verbose {
            self.out.write_all(page::explained(shown).as_bytes())?;
        }
        self.out.write_all(rest.as_bytes())?;
        self.out.flush()
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        if self.layout.quiet {
            return Ok(());
        }
        let Layout { style, by, timeline, unicode, .. } = self.layout;
        let strips = strip::write(&timeline::record(&tally.timeline), by, timeline, style.paint, unicode);
        if !strips.is_empty() {
            writeln!(self.out, "{strips}")?;
        }
        if self.layout.several {
            let mut said = words::count(tally.captures, "capture");
            let found = if tally.found() == 0 {
                page::nothing(tally.judged, &tally.unjudged)
            } else {
                let mut found = page::counts(&tally.findings);
                found.push_str(&format!(" in {}", words::count(tally.judged, "judged flow")));
                found
            };
            said.push_str(&format!(", {}, {}: {found}", words::count(tally.packets, "packet"), words::octets(tally.bytes)));
            if !tally.below.is_empty() {
                said.push_str(&format!("; not shown: {}", page::counts(&tally.below)));
            }
            if tally.incomplete > 0 {
                said.push_str(&format!("; {} not read in full", words::count(tally.incomplete, "capture")));
            }
            if tally.unread > 0 {
                said.push_str(&format!("; {} unreadable", words::count(tally.unread, "input")));
            }
            if tally.passed_over > 0 {
                said.push_str(&format!("; passed over {} of other kinds", words::count(tally.passed_over, "file")));
            }
            self.out.write_all(fill("", &said).as_bytes())?;
        } else if tally.found() > 0 {
            let mut out = page::counts(&tally.findings);
            if !self.layout.style.verbose {
                out.push_str("; `interloper explain RULE` tells how to check each reason");
            }
            self.out.write_all(fill("", &out).as_bytes())?;
        }
        self.out.flush()
    }
}
