//! The report of a capture, with other names for its clients. Everything that is written from it inherits them.

use super::names::Names;
use super::text;
use crate::detect::finding::{Trigger, TriggerKind};
use crate::packet::Endpoint;
use crate::pipeline::CaptureReport;
use crate::survey::{Ends, Finding, FlowLine};

/// Renames a report's clients.
pub fn rename(report: &mut CaptureReport, names: &Names) {
    let c = &mut report.conclusion;
    c.findings.iter_mut().for_each(|f| finding(f, names));
    c.lines.iter_mut().for_each(|l| line(l, names));
    c.suppressed = std::mem::take(&mut c.suppressed)
        .into_iter()
        .map(|((server, mechanism), n)| ((text::sentence(names, &server), mechanism), n))
        .collect();
    for e in &mut c.explained.kept {
        ends(&mut e.ends, names);
        e.text = text::sentence(names, &e.text);
    }
    c.timeline.rename(|ip| names.of(ip), |name| text::blot(names, name));
    c.clients.clear();
    // An interface's name, a comment: only what broke is said, and where.
    report.damage.iter_mut().for_each(|d| d.text = text::sentence(names, &d.text));
}

fn endpoint(end: &mut Endpoint, names: &Names) {
    end.ip = names.of(end.ip);
}

fn ends(e: &mut Ends, names: &Names) {
    endpoint(&mut e.client, names);
    endpoint(&mut e.server, names);
}

fn finding(f: &mut Finding, names: &Names) {
    ends(&mut f.ends, names);
    if let Some(t) = &mut f.trigger {
        trigger(t, names);
    }
    for p in f.forged.iter_mut().chain(&mut f.genuine) {
        p.dns = p.dns.as_deref().map(|said| text::sentence(names, said));
    }
    for claim in &mut f.claims {
        claim.text = text::sentence(names, &claim.text);
    }
    if let Some(c) = &mut f.control {
        endpoint(&mut c.flow.client, names);
        endpoint(&mut c.server, names);
        text::blot(names, &mut c.value);
    }
}

/// A name is blotted as it is in the packets; the address that `ip` and `residual` are about is one of ours.
fn trigger(t: &mut Trigger, names: &Names) {
    match t.kind {
        TriggerKind::Ip | TriggerKind::Residual => {
            t.value = text::sentence(names, &String::from_utf8_lossy(&t.value)).into_bytes();
        }
        _ => text::blot(names, &mut t.value),
    }
}

fn line(l: &mut FlowLine, names: &Names) {
    ends(&mut l.ends, names);
    if let Some(name) = &mut l.name {
        text::blot(names, name);
    }
    for t in &mut l.dns {
        text::blot(names, &mut t.name);
        for reply in &mut t.replies {
            reply.addresses.iter_mut().for_each(|a| *a = names.of(*a));
            reply.names.iter_mut().for_each(|n| text::blot(names, n));
        }
    }
}
