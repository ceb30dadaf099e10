//! The page of one capture: what it is, what could not be judged, and its findings in groups.

use super::artefacts::artefacts;
use super::clock::{span, to_the_second};
use super::paint::fill;
use super::passage::{self, Style};
use super::{Shown, escape, judged, words};
use crate::detect::finding::{Confidence, Mechanism};
use crate::survey::Finding;
use std::collections::BTreeMap;

/// What findings are grouped by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum By {
    #[default]
    Name,
    Server,
    Mechanism,
    Client,
}

/// Findings of a group told at length; the others of it are alike and get a line each.
const AT_LENGTH: usize = 3;

/// The head: file, packets, time, and what this capture cannot show.
pub fn head(shown: &Shown<'_>, style: Style) -> String {
    let mut out = fill("", &format!("{}: {}", style.paint.bold(&shown.file), facts(shown).join(", ")));
    for text in notes(shown, style.verbose) {
        out.push_str(&fill("  ", &text));
    }
    out
}

/// How many packets, of what time, taken where.
pub fn facts(shown: &Shown<'_>) -> Vec<String> {
    let r = shown.report;
    let mut facts = vec![words::count(r.stats.packets, "packet")];
    if let (Some(first), Some(last)) = (r.time_first, r.time_last) {
        facts.push(format!("{} from {}", span(last.since(first)), to_the_second(first)));
    }
    if r.audit.vantage() != "unknown" {
        facts.push(format!("taken {}", words::vantage(r.audit.vantage())));
    }
    facts
}

/// What this capture cannot show and why; with `verbose`, everything that was not looked into.
pub fn notes(shown: &Shown<'_>, verbose: bool) -> Vec<String> {
    let r = shown.report;
    let mut out = Vec::new();
    let (judged, unjudged) = judged(r);
    let lost: u64 = unjudged.values().sum();
    // Without findings the line that says so says this too.
    if lost > 0 && !shown.findings.is_empty() {
        out.push(format!("judged {}; not judged: {}", words::count(judged, "flow"), reasons(&unjudged)));
    }
    let void = r.audit.void_rules();
    if !void.is_empty() {
        let mut why = Vec::new();
        if r.audit.nat_suspected() {
            why.push("a NAT or proxy beside the capture writes its own TTL, identification and timing");
        }
        if r.audit.is_one_sided() {
            why.push("only one direction was captured");
        }
        if r.audit.is_filtered() {
            why.push("of TCP only packets with SYN, FIN or RST were captured");
        }
        if why.is_empty() {
            why.push("packets were captured twice");
        }
        out.push(format!("not used here: {} ({})", void.join(", "), why.join("; ")));
    }
    out.extend(artefacts(r, verbose));
    if !r.conclusion.evasion.is_empty() {
        let kinds: Vec<String> = r.conclusion.evasion.iter().map(|(kind, n)| format!("{kind} in {}", words::count(*n, "flow"))).collect();
        out.push(format!("circumvention traffic of the clients' own: {}", kinds.join(", ")));
    }
    if r.interrupted {
        out.push("stopped early: this is what was known by then".into());
    }
    for d in r.damage.iter().take(if verbose { usize::MAX } else { 3 }) {
        out.push(format!("damaged at byte {}: {}", words::thousands(d.offset), escape::sentence(&d.text)));
    }
    if r.damage_count > 3 && !verbose {
        out.push(format!("damaged in {} places in all", words::thousands(r.damage_count)));
    }
    if verbose && !r.stats.skipped.is_empty() {
        let mut skipped = r.stats.skipped_names();
        skipped.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let list: Vec<String> = skipped.into_iter().map(|(name, n)| format!("{name} {}", words::thousands(n))).collect();
        out.push(format!("frames not looked into: {}", list.join(", ")));
    }
    out
}

/// What was suspected and is nothing, with the cause.
pub fn explained(shown: &Shown<'_>) -> String {
    let all = &shown.report.conclusion.explained;
    let mut out = String::new();
    for e in &all.kept {
        let what = noun(e.mechanism);
        let ends = format!("{} > {}", passage::endpoint(e.ends.client), passage::endpoint(e.ends.server));
        let text = format!("ruled out: frame {}, {what}, {ends}: {}: {}", e.frame, e.rule, escape::sentence(&e.text));
        out.push_str(&fill("  ", &text));
    }
    let more = all.counts.values().sum::<u64>().saturating_sub(all.kept.len() as u64);
    if more > 0 {
        out.push_str(&fill("  ", &format!("and {} more ruled out", words::thousands(more))));
    }
    out
}

/// Flows that were not judged, by reason.
pub fn reasons(unjudged: &BTreeMap<&'static str, u64>) -> String {
    let mut list: Vec<_> = unjudged.iter().collect();
    list.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let said = list.into_iter().enumerate().map(|(i, (why, n))| {
        let n = if i == 0 { words::count(*n, "flow") } else { words::thousands(*n) };
        format!("{n} {}", words::reason(why))
    });
    said.collect::<Vec<_>>().join(", ")
}

/// What a capture without findings comes to, without overclaiming.
pub fn nothing(judged: u64, unjudged: &BTreeMap<&'static str, u64>) -> String {
    match (judged, unjudged.is_empty()) {
        (0, true) => "no flows to judge".into(),
        (0, false) => format!("nothing could be judged: {}", reasons(unjudged)),
        (n, true) => format!("nothing found in {}", words::count(n, "judged flow")),
        (n, false) => format!("nothing found in {}; not judged: {}", words::count(n, "judged flow"), reasons(unjudged)),
    }
}

/// How many of what: `2 forged, 1 likely forged`, by state.
pub fn counts(counts: &BTreeMap<(Mechanism, Confidence), u64>) -> String {
    let said = counts.iter().rev().map(|((mechanism, confidence), n)| {
        let what = noun(*mechanism);
        let state = match (mechanism, confidence) {
            (Mechanism::Drop | Mechanism::IcmpError | Mechanism::Stall | Mechanism::Throttle, Confidence::Confirmed) => "",
            (Mechanism::Drop | Mechanism::IcmpError | Mechanism::Stall | Mechanism::Throttle, Confidence::Likely) => "likely ",
            (_, Confidence::Confirmed) => "forged ",
            (_, Confidence::Likely) => "likely forged ",
            (_, Confidence::Unexplained) => "unexplained ",
        };
        words::count(*n, &format!("{state}{what}"))
    });
    said.collect::<Vec<_>>().join(", ")
}

/// What a mechanism leaves behind, in a word.
pub fn noun(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::TcpReset => "reset",
        Mechanism::DnsAnswer => "DNS answer",
        Mechanism::Drop => "drop",
        Mechanism::Stall => "stall",
        Mechanism::Throttle => "throttled transfer",
        Mechanism::TcpData => "answer",
        Mechanism::TcpFin => "FIN",
        Mechanism::TcpHandshake => "SYN/ACK",
        Mechanism::TlsIntercept => "certificate",
        Mechanism::IcmpError => "ICMP refusal",
    }
}

/// All findings of a capture in groups, each in order of the first frame it cites.
pub fn findings(shown: &Shown<'_>, by: By, style: Style) -> String {
    let mut groups: Vec<(String, Vec<(u64, &Finding)>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (n, f) in &shown.findings {
        let key = group(f, by);
        let place = *places.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, list)) = groups.get_mut(place) {
            list.push((*n, f));
        }
    }
    let mut out = String::new();
    for (key, list) in &groups {
        let mut tally = BTreeMap::new();
        for (_, f) in list {
            *tally.entry((f.mechanism, f.confidence)).or_default() += 1;
        }
        out.push_str(&format!("\n{}: {}\n", style.paint.bold(key), counts(&tally)));
        let at_length = if style.verbose { usize::MAX } else { AT_LENGTH };
        for (n, f) in list.iter().take(at_length) {
            out.push_str(&passage::write(shown, *n, f, style));
        }
        for (n, f) in list.iter().skip(at_length) {
            out.push_str(&format!("  {}\n", passage::one_line(shown, *n, f, style.paint)));
        }
    }
    out
}

fn group(f: &Finding, by: By) -> String {
    match by {
        By::Name => {
            let name = f.trigger.as_ref().map(|t| t.value.to_ascii_lowercase()).unwrap_or_default();
            if name.is_empty() { "no name seen".into() } else { escape::shorten(&escape::escape(&name), passage::NAME) }
        }
        By::Server => std::net::SocketAddr::new(f.ends.server.ip, f.ends.server.port).to_string(),
        By::Mechanism => match f.trigger.as_ref() {
            Some(t) => format!("{} by {}", f.mechanism, t.kind),
            None => f.mechanism.to_string(),
        },
        By::Client => f.ends.client.ip.to_string(),
    }
}
