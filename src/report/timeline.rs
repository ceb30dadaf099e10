//! The timeline of a run as a record: what JSON Lines, tables, page and HTML tell it from.

use super::clock::rfc3339;
use super::escape;
use super::page::By;
use super::record::summary::{StretchRecord, TimelineRecord, TrackRecord};
use super::wireshark;
use crate::capture::Timestamp;
use crate::detect::finding::Mechanism;
use crate::limits::{TIMELINE_COLUMNS, TIMELINE_ROWS};
use crate::survey::{Counts, Key, Kind, LEAST, LEVEL, State, Stretch, Timeline, Track, stretches};

impl By {
    /// As written in JSON, and as `--by` takes it.
    pub fn name(self) -> &'static str {
        match self {
            By::Name => "name",
            By::Server => "server",
            By::Mechanism => "mechanism",
            By::Client => "client",
        }
    }
}

/// A key with its words.
struct Named {
    by: By,
    key: String,
    service: Option<&'static str>,
    partial: bool,
}

/// Everything that was interfered with at least once, most of it first.
pub fn record(timeline: &Timeline) -> TimelineRecord {
    let total = timeline.total();
    let axis = total.map(|t| (t.first, t.last));
    let (mut rows, mut rows_left_out, mut untouched) = (Vec::new(), 0, 0);
    // Names, servers, clients: found in one pass, for there may be hundreds of thousands.
    let mut lists: [Vec<(Named, &Track, u64, &Key)>; 3] = Default::default();
    for (key, track) in timeline.tracks() {
        let list = match key {
            Key::Name(..) => 0,
            Key::Server(..) => 1,
            Key::Client(_) => 2,
            Key::Mechanism(_) | Key::Kind(_) => continue,
        };
        // Nearly all keys are of no interest: they are not put into words.
        let hits = track.total().map_or(0, |c| c.interfered);
        if hits == 0 {
            untouched += u64::from(matches!(key, Key::Name(..)));
        } else if let Some(named) = name(key, timeline) {
            lists[list].push((named, track, hits, key));
        }
    }
    for mut list in lists {
        list.sort_unstable_by_key(|(_, _, hits, key)| (std::cmp::Reverse(*hits), *key));
        rows_left_out += list.len().saturating_sub(TIMELINE_ROWS) as u64;
        rows.extend(list.into_iter().take(TIMELINE_ROWS).filter_map(|(named, track, ..)| row(named, track, axis)));
    }
    for mechanism in Mechanism::ALL {
        let named = Named { by: By::Mechanism, key: mechanism.name().to_owned(), service: None, partial: false };
        rows.extend(timeline.of_mechanism(*mechanism).and_then(|track| row(named, &track, axis)));
    }
    TimelineRecord {
        level: LEVEL,
        least: LEAST,
        first: total.map(|t| rfc3339(t.first)),
        last: total.map(|t| rfc3339(t.last)),
        columns: columns(axis),
        rows,
        rows_left_out,
        untouched,
        left_out: timeline.left_out,
    }
}

fn name(key: &Key, timeline: &Timeline) -> Option<Named> {
    let (by, text, service) = match key {
        Key::Name(kind, name) => (By::Name, escape::escape(name), service(*kind)),
        Key::Server(ip, port, protocol) => {
            let ends = std::net::SocketAddr::new(*ip, *port);
            (By::Server, format!("{ends}/{}", wireshark::protocol(*protocol)), None)
        }
        Key::Client(ip) => (By::Client, ip.to_string(), None),
        Key::Mechanism(_) | Key::Kind(_) => return None,
    };
    Some(Named { by, key: text, service, partial: timeline.is_partial(key) })
}

fn service(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Tls => Some("tls"),
        Kind::Http => Some("http"),
        Kind::Quic => Some("quic"),
        Kind::Dns => Some("dns"),
        Kind::Other | Kind::Greeted => None,
    }
}

fn row(named: Named, track: &Track, axis: Option<(Timestamp, Timestamp)>) -> Option<TrackRecord> {
    let total = track.total()?;
    // Of what was seen in part no change can be claimed.
    let parts =
        if named.partial { vec![Stretch { state: State::Few, counts: total, p: None }] } else { stretches(track.spans(), track.width()) };
    Some(TrackRecord {
        kind: named.by.name(),
        key: named.key,
        service: named.service,
        partial: named.partial,
        attempts: total.all(),
        interfered: total.interfered,
        fine: total.fine,
        failed: total.failed,
        unjudged: total.unjudged,
        share: share(&total),
        first: rfc3339(total.first),
        last: rfc3339(total.last),
        span_s: track.width(),
        mechanisms: track.mechanisms().map(|(m, n)| (m.name(), n)).collect(),
        states: parts.iter().map(stretch).collect(),
        strip: axis.map(|axis| strip(track, axis)).unwrap_or_default(),
    })
}

fn stretch(s: &Stretch) -> StretchRecord {
    StretchRecord {
        state: s.state.name(),
        first: rfc3339(s.counts.first),
        last: rfc3339(s.counts.last),
        attempts: s.counts.all(),
        interfered: s.counts.interfered,
        fine: s.counts.fine,
        failed: s.counts.failed,
        unjudged: s.counts.unjudged,
        share: share(&s.counts),
        p: s.p,
    }
}

/// The share interfered with, of the attempts that show it.
fn share(counts: &Counts) -> Option<f64> {
    // Four digits: more would only show how a division rounds.
    (counts.judged() > 0).then(|| (counts.interfered as f64 / counts.judged() as f64 * 1e4).round() / 1e4)
}

/// How many equal columns the time from the first to the last attempt is drawn in: none is shorter than the second that counts are
/// kept by.
fn columns(axis: Option<(Timestamp, Timestamp)>) -> usize {
    let seconds = axis.map_or(0, |(first, last)| last.since(first) / 1_000_000_000);
    usize::try_from(seconds).unwrap_or(0).clamp(1, TIMELINE_COLUMNS)
}

/// Columns with attempts: which, then interfered, fine, failed, unjudged.
fn strip(track: &Track, (first, last): (Timestamp, Timestamp)) -> Vec<[u64; 5]> {
    let whole = i128::from(last.0) - i128::from(first.0) + 1;
    let count = columns(Some((first, last))) as i128;
    let mut columns: Vec<[u64; 5]> = Vec::new();
    for c in track.spans() {
        let at = ((i128::from(c.first.0) - i128::from(first.0)) * count / whole) as u64;
        let add = [0, c.interfered, c.fine, c.failed, c.unjudged];
        match columns.last_mut() {
            Some(known) if known[0] == at => known.iter_mut().zip(add).for_each(|(k, n)| *k += n),
            _ => columns.push([at, c.interfered, c.fine, c.failed, c.unjudged]),
        }
    }
    columns
}
