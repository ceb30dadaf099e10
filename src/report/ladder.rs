//! `interloper show`: one flow as a ladder between its two ends, then the argument. Fits 80 columns.

use super::clock::TimeFormat;
use super::paint::{fill, width};
use super::passage::{self, Style};
use super::rungs::{Rung, Rungs};
use super::{Shown, escape, filters, wireshark, words};
use crate::detect::finding::Confidence;
use crate::packet::tcp;
use crate::reread::Wanted;
use crate::survey::{Ends, Finding};

/// The packets of a flow and how to write them down.
pub struct Ladder {
    rungs: Rungs,
}

impl Ladder {
    /// An empty ladder of a flow that these findings are about.
    pub fn new(ends: &Ends, findings: &[(u64, &Finding)]) -> Ladder {
        Ladder { rungs: Rungs::new(ends, findings.iter().map(|(_, f)| *f), usize::MAX) }
    }

    /// The next packet.
    pub fn push(&mut self, wanted: &Wanted<'_>) {
        self.rungs.push(wanted);
    }

    /// Everything: heading, ladder, argument.
    pub fn write(mut self, shown: &Shown<'_>, findings: &[(u64, &Finding)], style: Style, unicode: bool) -> String {
        self.rungs.finish();
        let ends = self.rungs.ends();
        let stream = shown.stream(ends);
        let proto = wireshark::protocol(ends.protocol);
        let mut out = fill("", &format!("{}: {proto} flow of {}", shown.file, words::count(self.rungs.packets(), "packet")));
        for (n, f) in findings {
            out.push_str(&format!("F{n} {}\n", style.paint.state(f.confidence, &words::noun(f))));
            if let (Some(t), Some(said)) = (&f.trigger, passage::trigger(f)) {
                out.push_str(&fill("   ", &format!("set off by frame {} {said}", t.frame)));
            }
        }
        out.push_str(&format!("C  {}\nS  {}\n\n", passage::endpoint(ends.client), passage::endpoint(ends.server)));
        out.push_str(&self.rows(shown, style, unicode));
        for (n, f) in findings {
            out.push_str(&format!("\nF{n} {}\n", style.paint.state(f.confidence, f.confidence.name())));
            out.push_str(&passage::argued(shown, f, Style { verbose: true, ..style }));
            for (label, rule) in [("tcpdump", filters::tcpdump(f)), ("nftables", filters::nftables(f))] {
                if let Some(rule) = rule {
                    out.push_str(&fill(&format!("     {label:9}"), &rule));
                }
            }
        }
        if findings.is_empty() {
            out.push_str(&fill("\nfilter ", &wireshark::filter(ends, stream)));
        }
        narrow(&out, unicode)
    }

    fn rows(&self, shown: &Shown<'_>, style: Style, unicode: bool) -> String {
        // The date would take half the line; it stands in the heading of the scan.
        let times = if style.times == TimeFormat::DateAndTime { TimeFormat::TimeOfDay } else { style.times };
        let time = |r: &Rung| times.show(r.time, shown.report.time_first);
        let (fw, tw) = self.rungs.list().iter().fold((5, 8), |(f, t), r| (f.max(r.frame.to_string().len()), t.max(time(r).len())));
        // Behind the arrow: TTL, identification, window and the role.
        const BEHIND: usize = 3 + 1 + 4 + 1 + 5 + 2 + 16;
        let arrow = width().saturating_sub(fw + 1 + tw + 1 + 1 + BEHIND).max(12);
        let mut out = format!(
            "{:>fw$} {:>tw$} {:arrow$} {:>3} {:>4} {:>5}\n",
            "frame",
            "time",
            format!("C{:>1$}", "S", arrow - 1),
            "ttl",
            "id",
            "win"
        );
        for (place, r) in self.rungs.list().iter().enumerate() {
            if let Some(n) = self.rungs.left_out(place) {
                out.push_str(&format!("{:>fw$} {}\n", "...", words::count(n, "packet")));
            }
            let id = r.id.map_or_else(|| "-".into(), |id| format!("{id:04x}"));
            let win = r.tcp.map_or_else(|| "-".into(), |t| t.window.to_string());
            let role = self.rungs.role(place, r);
            let painted = if role.starts_with("FORGED") { style.paint.state(Confidence::Confirmed, &role) } else { role };
            let (label, rest) = self.label(r, arrow);
            let drawn = draw(&label, arrow, r, unicode);
            let line = format!("{:>fw$} {:>tw$} {drawn} {:>3} {id:>4} {win:>5}  {painted}", r.frame, time(r), r.ttl);
            out.push_str(line.trim_end());
            out.push('\n');
            if !rest.is_empty() {
                out.push_str(&fill(&" ".repeat(fw + tw + 4), &rest));
            }
        }
        out
    }

    /// What stands on the arrow, and what does not fit there.
    fn label(&self, r: &Rung, arrow: usize) -> (String, String) {
        let (Some(t), Some(flags)) = (r.tcp, r.flags()) else {
            let said = self.rungs.said(r).unwrap_or_default().to_owned();
            return (if r.icmp.is_some() { "ICMP".into() } else { format!("len {}", r.len) }, said);
        };
        let relative = |value: u32, client: bool| self.rungs.relative(value, client).map_or_else(|| value.to_string(), |n| n.to_string());
        let mut label = format!("[{flags}] {}", relative(t.seq, r.from_client));
        if r.len > 0 {
            label.push_str(&format!("+{}", r.len));
        }
        if t.flags & tcp::ACK != 0 {
            let ack = format!("ack {}", relative(t.ack, !r.from_client));
            if label.len() + 1 + ack.len() + 3 > arrow {
                return (label, ack);
            }
            label = format!("{label} {ack}");
        }
        (label, String::new())
    }
}

fn draw(label: &str, width: usize, r: &Rung, unicode: bool) -> String {
    let (line, right, left) = if unicode { ('─', '▶', '◀') } else { ('-', '>', '<') };
    let shaft: String = std::iter::repeat_n(line, width.saturating_sub(label.chars().count() + 2)).collect();
    if r.from_client { format!("{label} {shaft}{right}") } else { format!("{left}{shaft} {label}") }
}

/// The last guard: what is longer than a line is broken, and without Unicode nothing but ASCII is left.
fn narrow(text: &str, unicode: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = if unicode { line.to_owned() } else { escape::ascii(line) };
        let plain: Vec<char> = line.chars().collect();
        if plain.len() <= width() || line.contains('\x1b') {
            out.push_str(&line);
            out.push('\n');
            continue;
        }
        const INDENT: usize = 14;
        let (first, rest) = plain.split_at(width());
        out.extend(first);
        out.push('\n');
        for piece in rest.chunks(width() - INDENT) {
            out.push_str(&" ".repeat(INDENT));
            out.extend(piece);
            out.push('\n');
        }
    }
    out
}
