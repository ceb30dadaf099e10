//! `interloper scan`: reads the inputs, writes what was found, and says how it went.

use super::inputs::Inputs;
use super::options::{Format, Options, Output, Stdout, unicode};
use super::progress::Progress;
use super::{Status, complain};
use crate::error::{Error, Result};
use crate::pipeline::{CaptureReport, Watch, Workers, scan_all};
use crate::report::csv::Csv;
use crate::report::evidence::Evidence;
use crate::report::explain;
use crate::report::flows::FlowTable;
use crate::report::html::Html;
use crate::report::jsonl::JsonLines;
use crate::report::paint::Paint;
use crate::report::tables::Tables;
use crate::report::text::{Layout, Style, Text};
use crate::report::{Shown, Sink, Tally, escape, share};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Runs a scan.
pub fn run(options: &Options) -> Status {
    let inputs = Inputs::find(&options.paths);
    let several = inputs.files.len() + inputs.failed.len() > 1 || options.paths.iter().any(|p| p.is_dir());
    let sinks = match sinks(options, several) {
        Ok(sinks) => sinks,
        Err(error) => {
            complain(&message(&error));
            return Status::Failed;
        }
    };
    if options.share.is_some() {
        complain(share::WARNING);
    }
    let watch = Arc::new(Watch::default());
    stop_on_interrupt(&watch);
    let mut run = Run { options, sinks, tally: Tally::default(), said: BTreeSet::new(), outcome: Outcome::Fine };
    run.tally.passed_over = inputs.passed_over;
    for (path, source) in inputs.failed {
        run.unread(&path, &Error::Open { path: path.clone(), source });
    }
    for path in inputs.empty {
        run.unread(&path, &Error::NotACapture { path: path.clone(), reason: "no captures in this directory".into() });
    }
    {
        let progress = Progress::start(&watch, inputs.bytes, !options.quiet);
        let run = &mut run;
        let each = |path: &Path, result: Result<CaptureReport>| {
            progress.aside(|| run.capture(path, result));
            if run.outcome != Outcome::Fine {
                // Nobody reads on: reading further captures would be for nothing.
                watch.stop.store(true, Ordering::Relaxed);
            }
        };
        scan_all(&inputs.files, &options.scan, &watch, &Workers::new(options.threads), each);
    }
    run.tally.interrupted |= watch.stop.load(Ordering::Relaxed) && run.outcome == Outcome::Fine;
    run.finish()
}

/// How writing goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fine,
    /// The reader of standard output has gone.
    PipeClosed,
    WriteFailed,
}

struct Run<'o> {
    options: &'o Options,
    sinks: Vec<(PathBuf, Box<dyn Sink>)>,
    tally: Tally,
    /// Complaints that were made: a filter that is wrong for one capture is wrong for all.
    said: BTreeSet<String>,
    outcome: Outcome,
}

impl Run<'_> {
    fn capture(&mut self, path: &Path, result: Result<CaptureReport>) {
        let mut report = match result {
            Ok(report) => report,
            Err(error) => return self.unread(path, &error),
        };
        let names = self.options.share.as_ref().map(|share| share.names(&report.conclusion));
        if let Some(names) = &names {
            share::report::rename(&mut report, names);
        }
        self.tally.timeline.merge(std::mem::take(&mut report.conclusion.timeline));
        let mut shown = Shown::new(&report, self.options.min, self.tally.found());
        if let Some(names) = &names {
            shown = shown.shared(names, format!("capture-{}", self.tally.captures + 1));
        }
        self.tally.add(&shown);
        self.write(|sink| sink.capture(&shown));
        if report.spool.as_ref().is_some_and(|s| s.is_partial()) {
            let kept = crate::report::words::octets(crate::limits::SPOOL);
            complain(&format!(
                "{}: only the first {kept} could be kept for a second reading: evidence and drawings are partial",
                shown.file
            ));
        }
        // The page says it as well; standard error is for those who look only there.
        if let Some(damage) = report.damage.first().filter(|_| self.options.quiet || self.options.stdout != Stdout::Page) {
            complain(&format!("{}: damaged at byte {}: {}", shown.file, damage.offset, escape::sentence(&damage.text)));
        }
    }

    fn unread(&mut self, path: &Path, error: &Error) {
        let said = message(error);
        if self.said.len() < 10_000 && self.said.insert(said.clone()) {
            complain(&said);
        }
        let (mut name, mut reason) = (escape::path(path), escape::sentence(&error.to_string()));
        if self.options.share.is_some() {
            let other = format!("unread-{}", self.tally.unread + 1);
            reason = reason.replace(&name, &other).replace(&path.display().to_string(), &other);
            name = other;
        }
        self.tally.add_unread(name, reason);
    }

    fn write(&mut self, mut write: impl FnMut(&mut dyn Sink) -> std::io::Result<()>) {
        if self.outcome != Outcome::Fine {
            return;
        }
        for (path, sink) in &mut self.sinks {
            match write(sink.as_mut()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe && path.as_path() == Path::new("-") => {
                    self.outcome = Outcome::PipeClosed;
                    return;
                }
                Err(source) => {
                    complain(&message(&Error::Write { path: path.clone(), source }));
                    self.outcome = Outcome::WriteFailed;
                    return;
                }
            }
        }
    }

    fn finish(mut self) -> Status {
        if self.tally.captures == 0 && !self.tally.interrupted {
            // JSON Lines end with a summary even so; a page about nothing would only hide the complaints.
            if self.options.stdout == Stdout::JsonLines || !self.options.outputs.is_empty() {
                self.end();
            }
            return Status::Failed;
        }
        self.end();
        match self.outcome {
            Outcome::PipeClosed => return Status::Done,
            Outcome::WriteFailed => return Status::Failed,
            Outcome::Fine => {}
        }
        if self.tally.interrupted {
            Status::Interrupted
        } else if !self.tally.complete() {
            Status::Partial
        } else if self.options.exit_code && self.tally.found() > 0 {
            Status::Found
        } else {
            Status::Done
        }
    }

    fn end(&mut self) {
        let tally = std::mem::take(&mut self.tally);
        self.write(|sink| sink.finish(&tally));
        self.tally = tally;
    }
}

/// Opens every output before anything is read: a run of hours must not end with a file that cannot be written.
fn sinks(options: &Options, several: bool) -> Result<Vec<(PathBuf, Box<dyn Sink>)>> {
    let stdout = || BufWriter::with_capacity(1 << 16, std::io::stdout());
    let evidence = |out: Box<dyn Write + Send>| Box::new(Evidence::new(out, options.scan.open.clone(), options.verbose));
    let first: Box<dyn Sink> = match options.stdout {
        Stdout::Evidence => evidence(Box::new(stdout())),
        Stdout::JsonLines => Box::new(json_lines(stdout(), options)),
        Stdout::Flows => Box::new(FlowTable::new(stdout(), options.times, several)),
        Stdout::Page => {
            let style = Style { paint: Paint::new(options.color), times: options.times, verbose: options.verbose };
            let Options { by, quiet, timeline, .. } = *options;
            Box::new(Text::new(stdout(), Layout { style, by, quiet, several, timeline, unicode: unicode() }))
        }
    };
    let mut sinks = vec![(PathBuf::from("-"), first)];
    for Output { path, format } in &options.outputs {
        let cannot = |source| Error::Write { path: path.clone(), source };
        if *format == Format::Tables {
            sinks.push((path.clone(), Box::new(Tables::create(path).map_err(cannot)?)));
            continue;
        }
        let file = BufWriter::with_capacity(1 << 16, File::create(path).map_err(cannot)?);
        let sink: Box<dyn Sink> = match format {
            Format::Csv => Box::new(Csv::new(file)),
            Format::Html => Box::new(Html::new(file, options.scan.open.clone())),
            Format::JsonLines | Format::Tables => Box::new(json_lines(file, options)),
        };
        sinks.push((path.clone(), sink));
    }
    if let Some(path) = options.evidence.iter().find(|_| options.stdout != Stdout::Evidence) {
        refuse_input(path, options)?;
        let file = File::create(path).map_err(|source| Error::Write { path: path.clone(), source })?;
        sinks.push((path.clone(), evidence(Box::new(BufWriter::with_capacity(1 << 16, file)))));
    }
    Ok(sinks)
}

fn json_lines<W: Write + Send>(out: W, options: &Options) -> JsonLines<W> {
    if options.only_flows { JsonLines::flows(out) } else { JsonLines::new(out, options.flows) }
}

/// Evidence written over its own source would destroy both.
fn refuse_input(path: &Path, options: &Options) -> Result<()> {
    let same = |input: &PathBuf| input.canonicalize().ok().zip(path.canonicalize().ok()).is_some_and(|(a, b)| a == b);
    if options.paths.iter().any(same) {
        return Err(Error::Usage(format!("-w {}: that is the capture itself", escape::path(path))));
    }
    Ok(())
}

/// The first interrupt ends the reading and lets what is known be printed; the second ends everything.
fn stop_on_interrupt(watch: &Arc<Watch>) {
    let watch = Arc::clone(watch);
    let handler = move || {
        if watch.stop.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Status::Interrupted.code()));
        }
        complain("stopping; what is known so far follows (once more to quit at once)");
    };
    // Where no handler can be set an interrupt ends the process, as it does for most programs.
    let _ = ctrlc::set_handler(handler);
}

/// An error with what to do about it.
pub fn message(error: &Error) -> String {
    let hint = match error {
        Error::Open { path, source } => match source.kind() {
            ErrorKind::NotFound => match meant(path) {
                Some(verb) => return format!("{}; did you mean `interloper {verb}`?", escape::sentence(&error.to_string())),
                None => " (check the path; a file named like a verb is ./explain)",
            },
            ErrorKind::PermissionDenied => " (captures made as root need `sudo chmod +r`)",
            _ => "",
        },
        Error::Filter { .. } => " (the syntax is tcpdump's: see `man pcap-filter`, and quote the expression)",
        Error::Write { .. } => " (choose another path with -o)",
        _ => "",
    };
    format!("{}{hint}", escape::sentence(&error.to_string()))
}

/// The verb that a path looks like.
fn meant(path: &Path) -> Option<&'static str> {
    let word = path.to_str().filter(|w| !w.contains(['.', '/']))?;
    explain::nearest(word, &["scan", "show", "flows", "explain"]).first().copied()
}
