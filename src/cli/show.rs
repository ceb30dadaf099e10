//! `interloper show PATH F3`, or a frame number: one flow, packet by packet.

use super::options::{Options, Stdout, unicode};
use super::{Status, complain, explain, scan};
use crate::error::{Error, Result};
use crate::flow::key::FlowKey;
use crate::packet::dissect;
use crate::pipeline::{CaptureReport, Watch, Workers, scan as read};
use crate::report::ladder::Ladder;
use crate::report::paint::Paint;
use crate::report::text::Style;
use crate::report::{Shown, words};
use crate::reread::{Plan, Rename, Stretch, reread};
use crate::survey::{Ends, Finding};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is to be shown.
enum Which {
    Finding(u64),
    Frame(u64),
}

/// Shows a flow; the last of the paths says which.
pub fn run(mut options: Options) -> Status {
    if options.stdout != Stdout::Page || !options.outputs.is_empty() || options.evidence.is_some() {
        complain("show prints one flow; --json, -o and -w belong to `interloper scan`");
        return Status::Failed;
    }
    let which = options.paths.pop().filter(|_| options.paths.len() == 1);
    let Some(which) = which.as_deref().and_then(|w| w.to_str()).and_then(which_of) else {
        complain("show takes a capture and what to show of it: `interloper show capture.pcap F3`, or a frame number instead of F3");
        return Status::Failed;
    };
    options.scan.lines = true;
    options.scan.open.spool = true;
    if options.share.is_some() {
        complain(crate::report::share::WARNING);
    }
    match show(&options, &which) {
        Ok((text, complete)) => match explain::print(&text) {
            Status::Done if !complete => Status::Partial,
            status => status,
        },
        Err(error) => {
            complain(&scan::message(&error));
            Status::Failed
        }
    }
}

fn which_of(text: &str) -> Option<Which> {
    match text.strip_prefix(['F', 'f']) {
        Some(n) => n.parse().ok().map(Which::Finding),
        None => text.parse().ok().map(Which::Frame),
    }
}

fn show(options: &Options, which: &Which) -> Result<(String, bool)> {
    let path = options.paths.first().cloned().unwrap_or_else(PathBuf::new);
    if path.is_dir() {
        let text = "is a directory; show takes one capture, and a frame for what a run over several has numbered";
        return Err(Error::Usage(format!("{} {text}", path.display())));
    }
    let workers = Workers::new(options.threads);
    let mut report = workers.within(|| read(&path, &options.scan, &Watch::default(), &workers))?;
    let names = options.share.as_ref().map(|share| share.names(&report.conclusion));
    if let Some(names) = &names {
        crate::report::share::report::rename(&mut report, names);
    }
    let rename = |address| names.as_ref().map_or(address, |n| n.of(address));
    let mut shown = Shown::new(&report, options.min, 0);
    if let Some(names) = &names {
        shown = shown.shared(names, "capture-1".into());
    }
    let ends = match which {
        Which::Finding(n) => finding(&shown, *n)?.ends.clone(),
        Which::Frame(n) => of_frame(&report, options, (*n, &shown.file), &rename)?,
    };
    let findings: Vec<(u64, &Finding)> = shown.findings.iter().filter(|(_, f)| f.ends.first_frame == ends.first_frame).copied().collect();
    let mut ladder = Ladder::new(&ends, &findings);
    let stretch = Stretch { last: ends.last, most: usize::MAX, tag: 0 };
    let plan = Plan { flows: BTreeMap::from([(ends.first_frame, vec![stretch])]), rename: Some(&rename), ..Plan::default() };
    reread(report.again(), &again(options), &plan, |wanted| {
        ladder.push(wanted);
        Ok(())
    })?;
    let style = Style { paint: Paint::new(options.color), times: options.times, verbose: true };
    Ok((ladder.write(&shown, &findings, style, unicode()), report.complete))
}

fn again(options: &Options) -> crate::capture::OpenOptions {
    crate::capture::OpenOptions { spool: false, ..options.scan.open.clone() }
}

fn finding<'r>(shown: &Shown<'r>, n: u64) -> Result<&'r Finding> {
    if let Some((_, f)) = shown.findings.iter().find(|(m, _)| *m == n) {
        return Ok(f);
    }
    let below: u64 = shown.below.values().sum();
    let there = match shown.findings.len() {
        0 => "it has no findings".to_owned(),
        1 => "it has F1 only".to_owned(),
        most => format!("it has F1 to F{most}"),
    };
    let below = if below > 0 { format!(" ({} below --min)", words::count(below, "more")) } else { String::new() };
    let hint = "(what a run over several captures numbers, one of them does not: give a frame instead)";
    Err(Error::Usage(format!("{} has no F{n}: {there}{below} {hint}", shown.file)))
}

/// The flow a frame is part of.
fn of_frame(report: &CaptureReport, options: &Options, (n, file): (u64, &str), rename: Rename<'_>) -> Result<Ends> {
    let open = again(options);
    let mut met = None;
    reread(report.again(), &open, &Plan { frames: [n].into(), rename: Some(rename), ..Plan::default() }, |wanted| {
        let why = dissect(wanted.frame).err().map(|skip| skip.to_string());
        met = Some((wanted.key.map(|(key, _)| key), wanted.frame.time, why.unwrap_or_default()));
        Ok(())
    })?;
    let Some((key, time, why)) = met else {
        return Err(Error::Usage(format!("{file} has no frame {n}: it has {}", words::count(report.stats.packets, "packet"))));
    };
    let Some(key) = key else {
        return Err(Error::Usage(format!("frame {n} of {file} is in no flow: {why}")));
    };
    let same = |e: &Ends| {
        let ours = FlowKey::new(e.client, e.server, e.protocol, key.transaction).0;
        ours == key && e.first_frame <= n && time <= e.last
    };
    let near: Vec<&Ends> = report.conclusion.lines.iter().map(|l| &l.ends).filter(|e| same(e)).collect();
    // Queries from one port are flows of their own: their first frames tell which is which.
    let mut keys = BTreeMap::new();
    reread(
        report.again(),
        &open,
        &Plan { frames: near.iter().map(|e| e.first_frame).collect(), rename: Some(rename), ..Plan::default() },
        |wanted| {
            keys.extend(wanted.key.map(|(key, _)| (wanted.number, key)));
            Ok(())
        },
    )?;
    let found = near.into_iter().filter(|e| keys.get(&e.first_frame) == Some(&key)).max_by_key(|e| e.first_frame);
    found
        .cloned()
        .ok_or_else(|| Error::Usage(format!("frame {n} of {file} is in no flow that was looked at (is it left out by -f or -c?)")))
}
