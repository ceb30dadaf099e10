//! `-o FILE.html`: the findings as one page that needs nothing but itself.
//!
//! The page holds the records of the JSON Lines, each in a data block of its own, written as captures finish; its script lists them
//! and draws a finding only when it is opened, so that thousands open as fast as one. What a capture says reaches the page as JSON and
//! is put there as text, never as markup. The policy in its head forbids everything but the two blocks whose hashes it names.

use super::{Shown, Sink, Tally, escape, filters, jsonl, page, passage, words};
use crate::capture::OpenOptions;
use crate::detect::finding::Stance;
use crate::detect::rules;
use crate::limits::{DRAWN, LISTED};
use crate::report::clock;
use crate::report::rungs::Rungs;
use crate::reread::{Plan, Stretch, reread};
use crate::survey::Finding;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{self, Write};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
/// One script, in the order of reading.
const SCRIPT: &str = concat!(
    include_str!("html/base.js"),
    include_str!("html/summary.js"),
    include_str!("html/timeline.js"),
    include_str!("html/list.js"),
    include_str!("html/finding.js"),
    include_str!("html/drawings.js"),
    include_str!("html/links.js")
);

/// Writes the page.
pub struct Html<W> {
    out: W,
    open: OpenOptions,
    headed: bool,
    captures: usize,
}

impl<W: Write + Send> Html<W> {
    /// Captures are read again with `open`, for the packets around those that findings name.
    pub fn new(out: W, open: OpenOptions) -> Html<W> {
        Html { out, open: OpenOptions { spool: false, ..open }, headed: false, captures: 0 }
    }

    fn head(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.headed, true) {
            return Ok(());
        }
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        let (head, _) = parts();
        self.out.write_all(head.replace("{policy}", &policy).replace("{style}", STYLE).as_bytes())
    }

    /// A block of data: `kind` is ours and the script's, the value may hold anything.
    fn block(&mut self, kind: &str, value: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(value).map_err(io::Error::from)?;
        writeln!(self.out, "<script type=\"application/json\" data-{kind}>{}</script>", escape::embedded(&json))
    }
}

impl<W: Write + Send> Sink for Html<W> {
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        self.head()?;
        let place = self.captures;
        self.captures += 1;
        self.block("capture", &capture(shown)?)?;
        for ((n, f), flow) in shown.findings.iter().zip(flows(shown, &self.open)?) {
            self.block("row", &row(shown, place, *n, f))?;
            self.block(&format!("finding=\"{n}\""), &detail(shown, *n, f, &flow)?)?;
        }
        self.out.flush()
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.head()?;
        self.block("summary", &summary(tally)?)?;
        let (_, tail) = parts();
        self.out.write_all(tail.replace("{script}", SCRIPT).as_bytes())?;
        self.out.flush()
    }
}

/// The page before and behind its data.
fn parts() -> (&'static str, &'static str) {
    PAGE.split_once("{data}\n").unwrap_or((PAGE, ""))
}

/// SHA-256 in base64, as a Content-Security-Policy names a block.
fn hash(block: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(block.as_bytes());
    let mut out = String::with_capacity(44);
    for three in digest.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if i <= three.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

fn capture(shown: &Shown<'_>) -> io::Result<Value> {
    let r = shown.report;
    let (judged, unjudged) = super::judged(r);
    let all = &r.conclusion.explained;
    let ruled_out: Vec<Value> = all
        .kept
        .iter()
        .map(|e| {
            let ends = format!("{} > {}", passage::endpoint(e.ends.client), passage::endpoint(e.ends.server));
            json!([e.frame, page::noun(e.mechanism), ends, e.rule, escape::sentence(&e.text)])
        })
        .collect();
    let suppressed = r.conclusion.suppressed.iter();
    let suppressed: Vec<Value> = suppressed.map(|((server, mechanism), n)| json!([server, mechanism, n])).collect();
    Ok(json!({
        "record": value(&jsonl::capture(shown))?,
        "facts": page::facts(shown),
        "notes": page::notes(shown, true),
        "judged": judged,
        "unjudged": reasons(&unjudged),
        "below": page::counts(&shown.below),
        "found": shown.findings.len(),
        "ruled_out": ruled_out,
        "ruled_out_count": all.counts.values().sum::<u64>(),
        "suppressed": suppressed,
    }))
}

fn summary(t: &Tally) -> io::Result<Value> {
    Ok(json!({
        "record": value(&jsonl::summary(t))?,
        "found": page::counts(&t.findings),
        "nothing": page::nothing(t.judged, &t.unjudged),
        "unjudged": reasons(&t.unjudged),
        "below": page::counts(&t.below),
        "octets": words::octets(t.bytes),
    }))
}

/// How many flows were not judged, and why: the most frequent first.
fn reasons(unjudged: &std::collections::BTreeMap<&'static str, u64>) -> Vec<Value> {
    let mut list: Vec<_> = unjudged.iter().collect();
    list.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    list.into_iter().map(|(why, n)| json!([n, words::reason(why)])).collect()
}

/// What the list, the search and the filters need; the rest is read when a finding is opened.
fn row(shown: &Shown<'_>, place: usize, n: u64, f: &Finding) -> Value {
    let name = f.trigger.as_ref().map(|t| escape::escape(&t.value)).unwrap_or_default();
    let kind = f.trigger.as_ref().map(|t| words::request(t.kind));
    let rules: Vec<&str> = f.claims.iter().filter(|c| c.void.is_none()).map(|c| c.rule).collect();
    let after = shown.report.time_first.map(|start| clock::TimeFormat::Relative.show(f.time, Some(start)));
    json!({
        "n": n,
        "capture": place,
        "what": words::noun(f),
        "state": f.confidence.name(),
        "mechanism": f.mechanism.name(),
        "by": kind,
        "name": name,
        "client": passage::endpoint(f.ends.client),
        "server": passage::endpoint(f.ends.server),
        "frame": f.forged.first().map_or(f.first_frame(), |p| p.entry.frame),
        "at": after,
        "rules": rules.join(" "),
    })
}

fn detail(shown: &Shown<'_>, n: u64, f: &Finding, flow: &Rungs) -> io::Result<Value> {
    let mut record = jsonl::finding(shown, n, f);
    record.forged.truncate(LISTED);
    record.genuine.truncate(LISTED);
    for claim in &mut record.evidence {
        claim.frames = claim.frames.get(..LISTED).unwrap_or(claim.frames);
    }
    let origin = f.trigger_time.or(flow.list().first().map(|r| r.time)).unwrap_or(f.time);
    let tested: Vec<&str> = rules::RULES
        .iter()
        .filter(|r| r.stance == Stance::Against && r.mechanisms.contains(&f.mechanism) && f.claims.iter().all(|c| c.rule != r.id))
        .map(|r| r.id)
        .collect();
    let injector = f.injector.as_ref().map(passage::injector_lines).unwrap_or_default();
    Ok(json!({
        "record": value(&record)?,
        "forged": f.forged.len(),
        "genuine": f.genuine.len(),
        "tested": tested,
        "injector": injector,
        "tcpdump": filters::tcpdump(f),
        "nftables": filters::nftables(f),
        "packets": flow.packets(),
        "left_out_last": flow.left_out(flow.list().len()),
        "flow": flow.list().iter().enumerate().map(|(place, _)| rung(flow, place, origin)).collect::<Vec<_>>(),
    }))
}

/// A packet of the drawings, as the script unpacks it: frame, ms since the trigger, from the client, TTL, identification, flags, sequence
/// and acknowledgement number, window, payload, role, what it says, packets left out before it.
fn rung(flow: &Rungs, place: usize, origin: crate::capture::Timestamp) -> Value {
    let Some(r) = flow.list().get(place) else { return Value::Null };
    let seq = r.tcp.and_then(|t| flow.relative(t.seq, r.from_client));
    let ack = r.tcp.filter(|t| t.flags & crate::packet::tcp::ACK != 0).and_then(|t| flow.relative(t.ack, !r.from_client));
    let left_out = flow.left_out(place).unwrap_or(0);
    let dt = clock::milliseconds(r.time.since(origin));
    let window = r.tcp.map(|t| t.window);
    json!([
        r.frame,
        dt,
        u8::from(r.from_client),
        r.ttl,
        r.id,
        r.flags(),
        seq,
        ack,
        window,
        r.len,
        flow.role(place, r),
        flow.said(r),
        left_out
    ])
}

/// The flows of a capture's findings, in the same order, read again.
fn flows(shown: &Shown<'_>, open: &OpenOptions) -> io::Result<Vec<Rungs>> {
    let mut flows: Vec<Rungs> = shown.findings.iter().map(|(_, f)| Rungs::new(&f.ends, std::iter::once(*f), DRAWN)).collect();
    let rename = |address| shown.rename(address);
    let mut plan = Plan { rename: Some(&rename), ..Plan::default() };
    for (place, (_, f)) in shown.findings.iter().enumerate() {
        let stretch = Stretch { last: f.ends.last, most: usize::MAX, tag: place as u64 };
        plan.flows.entry(f.ends.first_frame).or_default().push(stretch);
    }
    if !flows.is_empty() {
        let reading = reread(shown.report.again(), open, &plan, |wanted| {
            for (tag, _) in &wanted.flows {
                if let Some(flow) = flows.get_mut(*tag as usize) {
                    flow.push(wanted);
                }
            }
            Ok(())
        });
        reading.map_err(io::Error::other)?.failed.map_or(Ok(()), Err)?;
    }
    flows.iter_mut().for_each(Rungs::finish);
    Ok(flows)
}

fn value(record: &impl Serialize) -> io::Result<Value> {
    serde_json::to_value(record).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_browsers_do() {
        // The digest of nothing, FIPS 180-4.
        assert_eq!(hash(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn page_has_its_places() {
        let (head, tail) = parts();
        assert!(head.contains("{policy}") && head.contains("{style}") && tail.contains("{script}"));
        // Either would end its element early.
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</") && !SCRIPT.contains("<!--"));
    }
}
