//! One finding for people: a headline, the packets with the fields that tell them apart, the argument, and what to paste into Wireshark.

use super::clock::{TimeFormat, span};
use super::paint::{Paint, fill, fill_words};
use super::{Shown, escape, wireshark, words};
use crate::attribute::injectors::Evidence;
use crate::attribute::resemblance::Resemblance;
use crate::detect::finding::{Claim, Class, Mechanism, Stance};
use crate::detect::rules;
use crate::survey::{Finding, Injector, PacketRef};

/// How a finding is shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub paint: Paint,
    pub times: TimeFormat,
    /// All claims, also those that were ruled out.
    pub verbose: bool,
}

/// Characters of a name that are shown before it is cut.
pub const NAME: usize = 100;
/// Packets listed on each side; more are counted.
const PACKETS: usize = 4;
/// Claims told unless all are asked for: people decide by the strongest.
const CLAIMS: usize = 3;
/// Width of the left column.
const LABEL: usize = 9;

/// The trigger's name as people say it: `SNI blocked.example`.
pub fn trigger(f: &Finding) -> Option<String> {
    let t = f.trigger.as_ref()?;
    let value = escape::shorten(&escape::escape(&t.value), NAME);
    let said = match (f.name_cut, value.is_empty()) {
        (true, _) => "(cut off by the snap length)",
        (_, true) => "(no name)",
        _ => &value,
    };
    Some(format!("{} {said}", words::request(t.kind)))
}

pub fn endpoint(e: crate::packet::Endpoint) -> String {
    std::net::SocketAddr::new(e.ip, e.port).to_string()
}

/// Who with whom.
pub fn ends(f: &Finding) -> String {
    format!("{} > {}", endpoint(f.ends.client), endpoint(f.ends.server))
}

/// The finding in one line, for `-q` and for the tail of long groups.
pub fn one_line(shown: &Shown<'_>, n: u64, f: &Finding, paint: Paint) -> String {
    let frame = f.forged.first().map_or(f.first_frame(), |p| p.entry.frame);
    let name = trigger(f).map(|t| format!(", {t}")).unwrap_or_default();
    let filter = wireshark::filter(&f.ends, shown.stream(&f.ends));
    format!("F{n} frame {frame}: {}{name}, {}, {filter}", paint.state(f.confidence, &words::noun(f)), ends(f))
}

/// The finding at length.
pub fn write(shown: &Shown<'_>, n: u64, f: &Finding, style: Style) -> String {
    let start = shown.report.time_first;
    let mut out = format!("  F{n} {}\n", style.paint.state(f.confidence, &words::noun(f)));
    let proto = wireshark::protocol(f.ends.protocol);
    out.push_str(&format!("     {} {proto}, at {}\n", ends(f), style.times.show(f.time, start)));
    if let (Some(t), Some(name)) = (&f.trigger, trigger(f)) {
        let mut said = format!("frame {} {name}", t.frame);
        if t.complete_at_frame != t.frame {
            said.push_str(&format!(" (complete with frame {})", t.complete_at_frame));
        }
        out.push_str(&fill(&label("trigger"), &said));
    }
    let (first, second) = match f.mechanism {
        Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle => ("lost", "sent"),
        // Nothing is called forged before it is.
        _ if f.confidence == crate::detect::finding::Confidence::Unexplained => ("suspect", "others"),
        _ => ("forged", "genuine"),
    };
    packets(&mut out, first, &f.forged, f.trigger.is_some());
    packets(&mut out, second, &f.genuine, f.trigger.is_some());
    out.push_str(&argued(shown, f, style));
    out
}

/// The argument: claims, control, and what to paste into Wireshark.
pub fn argued(shown: &Shown<'_>, f: &Finding, style: Style) -> String {
    let mut out = String::new();
    argument(&mut out, f, style);
    if let Some(c) = &f.control {
        let value = escape::shorten(&escape::escape(&c.value), NAME);
        let value = if value.is_empty() { "a request without a name".into() } else { value };
        out.push_str(&fill(&label("control"), &format!("frame {} {value} on the same server: {}", c.frame, c.outcome)));
    }
    if let Some(i) = &f.injector {
        injector(&mut out, i, style);
    }
    let filter = wireshark::filter(&f.ends, shown.stream(&f.ends));
    out.push_str(&format!("{}{}\n", label("filter"), style.paint.bold(&filter)));
    out
}

/// Who it resembles; the nearest misses and the distance only when asked for.
fn injector(out: &mut String, i: &Injector, style: Style) {
    let told = injector_lines(i);
    let most = if style.verbose { told.len() } else { i.resembled.named.len() };
    for (place, text) in told.iter().take(most).enumerate() {
        out.push_str(&fill(&label(if place == 0 { "injector" } else { "" }), text));
    }
}

/// What is known of who made the packets: first a line for each row of the fingerprints that matches, then the rest.
pub fn injector_lines(i: &Injector) -> Vec<String> {
    let tie = i.resembled.named.len() > 1;
    let mut told = Vec::new();
    for r in &i.resembled.named {
        told.push(format!("{}{}", if tie { "one of several: " } else { "" }, resemblance(r)));
    }
    told.push(i.pattern.clone());
    told.push(match (i.hops_min, i.hops_max) {
        (Some(a), Some(b)) if a == b => format!("{a} hops away, if its TTL started at the nearest usual value"),
        (Some(a), Some(b)) => format!("{a} to {b} hops away, if its TTL started at the nearest usual value"),
        _ if i.mirrored_ttl => "its TTL is made from the trigger's and tells no distance".into(),
        _ => "its TTL is none that a path leaves over, and tells no distance".into(),
    });
    for r in &i.resembled.named {
        told.push(format!("{}: {}", r.row.id, r.fields(Some(true)).join(", ")));
    }
    for r in &i.resembled.near {
        let mut text = format!("not named: {}: {} of {} fields", r.row.id, r.matched(), r.of());
        for (wanted, word) in [(Some(false), "differs in"), (None, "cannot tell")] {
            let fields = r.fields(wanted);
            if !fields.is_empty() {
                text.push_str(&format!("; {word} {}", fields.join(", ")));
            }
        }
        told.push(text);
    }
    told
}

/// A row that matches, and on whose word.
fn resemblance(r: &Resemblance) -> String {
    let row = r.row;
    let mark = if row.evidence == Evidence::Recalled { " (recalled, unchecked)" } else { "" };
    escape::sentence(&format!(
        "resembles {}: {} of {} fields of {}; source{mark}: {}",
        row.system,
        r.matched(),
        r.of(),
        row.id,
        row.cited()
    ))
}

fn label(text: &str) -> String {
    format!("     {text:LABEL$}")
}

fn packets(out: &mut String, role: &str, list: &[PacketRef], has_trigger: bool) {
    for (i, p) in list.iter().take(PACKETS).enumerate() {
        let role = if i == 0 { role } else { "" };
        out.push_str(&fill_words(&label(role), telling(p, has_trigger).iter().map(String::as_str)));
    }
    if list.len() > PACKETS {
        let rest: Vec<String> = list.iter().skip(PACKETS).take(8).map(|p| p.entry.frame.to_string()).collect();
        let more = if list.len() > PACKETS + 8 { ", ..." } else { "" };
        out.push_str(&format!("{}and {} more: {}{more}\n", label(""), list.len() - PACKETS, rest.join(", ")));
    }
}

/// The fields that tell a forged packet from a genuine one, in the order of the layers.
fn telling(p: &PacketRef, has_trigger: bool) -> Vec<String> {
    let e = &p.entry;
    let mut parts = vec![format!("frame {} {}", e.frame, if p.from_client { "C>S" } else { "S>C" })];
    if has_trigger {
        parts.push(format!("{}{}", if p.since >= 0 { "+" } else { "" }, span(p.since)));
    }
    if e.is_tcp() {
        parts.push(format!("[{}]", e.flag_letters()));
    }
    parts.push(format!("ttl {}", e.ttl));
    parts.extend(e.ip_id().map(|id| format!("id 0x{id:04x}")));
    if e.is_tcp() {
        parts.extend(p.seq_rel.map(|s| format!("seq {s}")));
        parts.extend(p.ack_rel.map(|a| format!("ack {a}")));
        parts.push(format!("win {}", e.window));
    }
    if e.payload_len > 0 {
        parts.push(format!("len {}", e.payload_len));
    }
    if let Some(dns) = p.dns.as_deref().filter(|d| !d.is_empty()) {
        parts.push(escape::shorten(&escape::sentence(dns), NAME));
    }
    parts
}

/// The claims: the strongest first; the ones ruled out only when asked for.
fn argument(out: &mut String, f: &Finding, style: Style) {
    let stance = |c: &Claim| rules::find(c.rule).map_or(Stance::For, |r| r.stance);
    let told = |wanted: Stance| {
        let mut list: Vec<&Claim> = f.claims.iter().filter(|c| c.void.is_none() && stance(c) == wanted).collect();
        list.sort_by_key(|c| std::cmp::Reverse(c.class));
        list
    };
    let mut speaks = told(Stance::For);
    if !style.verbose {
        // The control has a line of its own.
        speaks.retain(|c| f.control.is_none() || c.rule != "control-name-ok");
        speaks = varied(speaks);
    }
    let most = if style.verbose { usize::MAX } else { CLAIMS };
    for (i, c) in speaks.iter().take(most).enumerate() {
        out.push_str(&fill(&label(if i == 0 { "because" } else { "" }), &claim(c)));
    }
    if speaks.len() > most {
        let others: Vec<&str> = speaks.iter().skip(most).map(|c| c.rule).collect();
        out.push_str(&fill(&label(""), &format!("also {}", others.join(", "))));
    }
    // A standing claim against holds the state down: leaving it out would overclaim.
    for (i, c) in told(Stance::Against).into_iter().enumerate() {
        out.push_str(&fill(&label(if i == 0 { "but" } else { "" }), &claim(c)));
    }
    if style.verbose {
        for (i, c) in f.claims.iter().filter(|c| c.void.is_some()).enumerate() {
            let by = c.void.unwrap_or_default();
            out.push_str(&fill(&label(if i == 0 { "void" } else { "" }), &format!("{}; voided by {by}", claim(c))));
        }
        let against: Vec<&str> = rules::RULES
            .iter()
            .filter(|r| r.stance == Stance::Against && r.mechanisms.contains(&f.mechanism) && f.claims.iter().all(|c| c.rule != r.id))
            .map(|r| r.id)
            .collect();
        out.push_str(&fill(&label("tested"), &format!("and not the case: {}", against.join(", "))));
    }
}

/// Weak claims last, and before them those that repeat a family: a second kind of evidence tells more than more of the first.
fn varied(claims: Vec<&Claim>) -> Vec<&Claim> {
    let family = |c: &Claim| rules::find(c.rule).map(|r| r.family);
    let mut keyed: Vec<(bool, bool, &Claim)> = Vec::new();
    for c in claims {
        let repeats = keyed.iter().any(|(_, _, earlier)| family(earlier) == family(c));
        keyed.push((c.class == Class::C, repeats, c));
    }
    keyed.sort_by_key(|(weak, repeats, _)| (*weak, *repeats));
    keyed.into_iter().map(|(_, _, c)| c).collect()
}

fn claim(c: &Claim) -> String {
    const FRAMES: usize = 4;
    let text = escape::shorten(&escape::sentence(&c.text), 3 * NAME);
    let mut said = format!("{}: {text}", c.rule);
    if !c.frames.is_empty() {
        let shown: Vec<String> = c.frames.iter().take(FRAMES).map(u64::to_string).collect();
        let more = if c.frames.len() > FRAMES { ", ..." } else { "" };
        let s = if c.frames.len() == 1 { "" } else { "s" };
        said.push_str(&format!(" (frame{s} {}{more})", shown.join(", ")));
    }
    said
}
