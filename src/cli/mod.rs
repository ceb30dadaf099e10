//! The command line: `args` is what was typed, `options` what it means, and each verb has a file. The only room that knows clap.

mod args;
mod explain;
mod fingerprints;
mod inputs;
mod manual;
mod options;
mod progress;
mod scan;
mod share;
mod show;

use crate::report::identity;
use crate::report::paint::Paint;
use args::{LowArgs, Verb};
use clap::{CommandFactory, FromArgMatches};
use options::Options;
use std::process::ExitCode;
use std::sync::LazyLock;

/// How a run ended; the exit status is a contract with scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Everything was read, whatever was found.
    Done,
    /// Only with `-e`: a finding was reported.
    Found,
    /// Usage, or no input could be read.
    Failed,
    /// Finished, but some input was truncated, damaged or unreadable.
    Partial,
    Interrupted,
}

impl Status {
    /// The exit status.
    pub fn code(self) -> u8 {
        match self {
            Status::Done => 0,
            Status::Found => 1,
            Status::Failed => 2,
            Status::Partial => 3,
            Status::Interrupted => 130,
        }
    }
}

/// The version names the rules as well: two runs agree only if both do.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{} (rules {}, schema {})", env!("CARGO_PKG_VERSION"), identity::rules(), crate::report::SCHEMA));

/// Runs the program on the arguments of the process.
pub fn main() -> ExitCode {
    ExitCode::from(run().code())
}

fn run() -> Status {
    if let Some(columns) = options::columns() {
        crate::report::paint::narrow(columns);
    }
    let parsed = LowArgs::command().version(VERSION.as_str()).try_get_matches().and_then(|m| LowArgs::from_arg_matches(&m));
    let args = match parsed {
        Ok(args) => args,
        Err(error) => {
            // Help and version come this way too, as answers on standard output. A closed pipe is no failure.
            let _ = error.print();
            return if error.use_stderr() { Status::Failed } else { Status::Done };
        }
    };
    match args.verb {
        Some(Verb::Explain { name, fingerprints, color }) => match fingerprints::load(&fingerprints, false) {
            Ok(()) => explain::run(name.as_deref(), Paint::new(options::color(color))),
            Err(error) => refuse(&error),
        },
        Some(Verb::Completions { shell }) => explain::print(&manual::completions(shell)),
        Some(Verb::Man { verb }) => match manual::page(verb.as_deref()) {
            Ok(page) => explain::print(&page),
            Err(error) => {
                complain(&format!("cannot write the manual page: {error}"));
                Status::Failed
            }
        },
        Some(Verb::Scan(scan)) => with(scan, "scan"),
        Some(Verb::Show(scan)) => with(scan, "show"),
        Some(Verb::Flows(scan)) => with(scan, "flows"),
        None => {
            let (scan, verb) = behind_options(args.scan);
            with(scan, verb)
        }
    }
}

/// `interloper -v scan x.pcap`: people put the verb behind the options too. A file of that name goes first.
fn behind_options(mut args: args::ScanArgs) -> (args::ScanArgs, &'static str) {
    let verb = ["scan", "show", "flows"].into_iter().find(|v| args.paths.first().is_some_and(|p| p.as_os_str() == *v && !p.exists()));
    if verb.is_some() {
        args.paths.remove(0);
    }
    (args, verb.unwrap_or("scan"))
}

fn with(args: args::ScanArgs, verb: &str) -> Status {
    let files = args.fingerprints.clone();
    let shared = args.share;
    match Options::new(args, verb == "flows").and_then(|options| fingerprints::load(&files, shared).map(|()| options)) {
        Ok(options) if verb == "show" => show::run(options),
        Ok(options) => scan::run(&options),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &crate::error::Error) -> Status {
    complain(&error.to_string());
    Status::Failed
}

/// A word on standard error. Where that is closed there is nobody left to tell.
fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "interloper: {text}");
}
