//! The timeline on a terminal: a bar over time for each name, with the stretches within which nothing changed.

use super::page::By;
use super::paint::{Paint, fill, width};
use super::record::summary::{StretchRecord, TimelineRecord, TrackRecord};
use super::words;
use crate::detect::finding::Confidence;

/// Rows on a page, the most interfered with first; JSON and HTML have more.
const ROWS: usize = 20;
/// Columns of a bar, where there is room.
const BAR: usize = 24;

/// What a column shows, from nothing interfered with to everything.
struct Glyphs {
    shares: &'static [char],
    failed: char,
    unjudged: char,
}

const BLOCKS: Glyphs = Glyphs { shares: &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'], failed: '?', unjudged: '·' };
const ASCII: Glyphs = Glyphs { shares: &['_', '-', '+', '#'], failed: '?', unjudged: '.' };

/// The timeline by one thing; empty if nothing was interfered with. Unless `asked`, only of what was tried often enough to say more
/// than the findings do.
pub fn write(timeline: &TimelineRecord, by: By, asked: bool, paint: Paint, unicode: bool) -> String {
    let enough = |r: &&TrackRecord| asked || r.interfered + r.fine >= timeline.least;
    let rows: Vec<&TrackRecord> = timeline.rows.iter().filter(|r| r.kind == by.name()).filter(enough).collect();
    let (Some(first), Some(last)) = (timeline.first.as_deref(), timeline.last.as_deref()) else { return String::new() };
    if rows.is_empty() {
        return String::new();
    }
    let glyphs = if unicode { &BLOCKS } else { &ASCII };
    let whole_days = first.get(..10) != last.get(..10);
    let [none, .., all] = glyphs.shares else { return String::new() };
    let head = format!(
        "{} by {}, {} to {} UTC; {all} all attempts interfered with, {none} none, {} failed otherwise, {} not judged",
        paint.bold("Timeline"),
        by.name(),
        clock(first, true),
        clock(last, whole_days),
        glyphs.failed,
        glyphs.unjudged
    );
    let mut out = fill("", &head);
    for row in rows.iter().take(ROWS) {
        let service = row.service.map(|s| format!(" {s}")).unwrap_or_default();
        let (name, bar) = (format!("{}{service}", row.key), bar(row, timeline.columns, paint, glyphs));
        let drawn = timeline.columns.min(bar_width());
        if drawn + 5 + name.chars().count() <= width() {
            out.push_str(&fill(&format!("  {bar}  "), &format!("{name}: {}", said(row))));
        } else {
            // A long name has a line of its own.
            out.push_str(&format!("  {name}\n{}", fill(&format!("  {bar}  "), &said(row))));
        }
        if row.states.len() > 1 {
            out.push_str(&fill("     ", &changes(&row.states, whole_days)));
        }
    }
    let more = (rows.len().saturating_sub(ROWS)) as u64;
    if more > 0 {
        out.push_str(&fill("  ", &format!("and {} more, which --json and -o report.html show", words::thousands(more))));
    }
    out
}

/// Counts and, if nothing changed, the state.
fn said(row: &TrackRecord) -> String {
    let judged = row.interfered + row.fine;
    let mut said = format!("{} of {} interfered with", words::thousands(row.interfered), words::thousands(judged));
    if row.failed > 0 {
        said.push_str(&format!(", {} failed", words::thousands(row.failed)));
    }
    if row.unjudged > 0 {
        said.push_str(&format!(", {} not judged", words::thousands(row.unjudged)));
    }
    if row.partial {
        said.push_str(", others not counted for want of room");
    }
    match row.states.as_slice() {
        [one] if one.state != "few" => said.push_str(&format!("; {}", state(one.state))),
        _ => {}
    }
    said
}

fn state(name: &str) -> &str {
    match name {
        "partly" => "partly blocked",
        "few" => "too few to tell",
        other => other,
    }
}

/// `blocked (24 of 24) until 13:58:00, fine (0 of 12) from 14:03:00, blocked again (12 of 12) from 16:10:00`.
fn changes(states: &[StretchRecord], whole_days: bool) -> String {
    let mut said: Vec<String> = Vec::new();
    for (i, s) in states.iter().enumerate() {
        let again = if states.iter().take(i).any(|before| before.state == s.state) { " again" } else { "" };
        let counts = format!("({} of {})", words::thousands(s.interfered), words::thousands(s.interfered + s.fine));
        let when = if i == 0 { format!("until {}", clock(&s.last, whole_days)) } else { format!("from {}", clock(&s.first, whole_days)) };
        said.push(format!("{}{again} {counts} {when}", state(s.state)));
    }
    said.join(", ")
}

/// The time of day of an RFC 3339 time, or the date as well.
fn clock(time: &str, date: bool) -> String {
    let part = |range| time.get(range).unwrap_or_default();
    if date { format!("{} {}", part(0..10), part(11..19)) } else { part(11..19).to_owned() }
}

/// On a narrow terminal the name needs the room.
fn bar_width() -> usize {
    if width() < 60 { BAR / 2 } else { BAR }
}

fn bar(row: &TrackRecord, columns: usize, paint: Paint, glyphs: &Glyphs) -> String {
    let together = columns.div_ceil(bar_width()).max(1);
    let mut cells = vec![[0_u64; 4]; columns.div_ceil(together)];
    for [at, counts @ ..] in &row.strip {
        if let Some(cell) = usize::try_from(*at).ok().and_then(|at| cells.get_mut(at / together)) {
            cell.iter_mut().zip(counts).for_each(|(c, n)| *c += n);
        }
    }
    let drawn = cells.iter().map(|cell| match *cell {
        [0, 0, 0, 0] => " ".to_owned(),
        [0, 0, 0, _] => glyphs.unjudged.to_string(),
        [0, 0, _, _] => glyphs.failed.to_string(),
        [hits, fine, ..] => {
            // Any hit shows, and only if all were hit the column is full.
            let top = glyphs.shares.len() - 1;
            let level = if fine == 0 { top } else { (hits * (top as u64 - 1)).div_ceil(hits + fine) as usize };
            let glyph = glyphs.shares.get(level).copied().unwrap_or(' ').to_string();
            if hits > fine { paint.state(Confidence::Confirmed, &glyph) } else { glyph }
        }
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn stretch(state: &'static str, hours: [u32; 2], interfered: u64, fine: u64) -> StretchRecord {
        let at = |h: u32| format!("2026-03-01T{h:02}:00:00.000000000Z");
        let (first, last) = (at(hours[0]), at(hours[1]));
        StretchRecord { state, first, last, attempts: interfered + fine, interfered, fine, failed: 0, unjudged: 0, share: None, p: None }
    }

    fn timeline() -> TimelineRecord {
        let states = vec![stretch("blocked", [0, 5], 10, 0), stretch("fine", [6, 11], 0, 10), stretch("blocked", [12, 23], 22, 2)];
        let row = TrackRecord {
            kind: "name",
            key: "blocked.example.org".into(),
            service: Some("tls"),
            partial: false,
            attempts: 47,
            interfered: 32,
            fine: 12,
            failed: 2,
            unjudged: 1,
            share: None,
            first: states[0].first.clone(),
            last: states[2].last.clone(),
            span_s: 1,
            mechanisms: BTreeMap::new(),
            states,
            strip: vec![[0, 10, 0, 0, 0], [12, 0, 10, 0, 0], [24, 12, 0, 0, 0], [30, 10, 2, 0, 0], [40, 0, 0, 2, 0], [47, 0, 0, 0, 1]],
        };
        TimelineRecord {
            level: 0.01,
            least: 5,
            first: Some(row.first.clone()),
            last: Some(row.last.clone()),
            columns: 48,
            rows: vec![row],
            rows_left_out: 0,
            untouched: 0,
            left_out: 0,
        }
    }

    #[test]
    fn a_filter_lifted_for_hours() {
        let text = write(&timeline(), By::Name, false, Paint::new(false), true);
        let lines: Vec<&str> = text.lines().collect();
        assert!(text.starts_with("Timeline by name, 2026-03-01 00:00:00 to 23:00:00 UTC;"), "{text}");
        assert!(text.contains("  █     ▁     █  ▆    ?  ·  blocked.example.org tls: 32 of 44 interfered"), "{text}");
        assert!(text.contains("blocked (10 of 10) until 05:00:00, fine (0 of 10) from 06:00:00,"), "{text}");
        assert!(text.contains("blocked\n     again (22 of 24) from 12:00:00"), "{text}");
        assert!(lines.iter().all(|l| l.chars().count() <= 79), "{text}");
    }

    #[test]
    fn plain_where_the_terminal_is() {
        let text = write(&timeline(), By::Name, false, Paint::new(false), false);
        assert!(text.is_ascii() && text.contains("  #     _     #  +    ?  .  blocked.example.org"), "{text}");
        assert!(write(&timeline(), By::Name, false, Paint::new(true), false).contains("\x1b[1;31m#\x1b[0m"));
    }

    #[test]
    fn says_nothing_unasked_about_a_few() {
        let mut few = timeline();
        (few.rows[0].interfered, few.rows[0].fine) = (3, 1);
        assert!(write(&few, By::Name, false, Paint::new(false), true).is_empty());
        assert!(!write(&few, By::Name, true, Paint::new(false), true).is_empty());
        assert!(write(&few, By::Client, true, Paint::new(false), true).is_empty());
    }
}
