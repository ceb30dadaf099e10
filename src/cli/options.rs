//! What the command line means: built once, before any file is touched.

use super::args::{Color, GroupBy, Min, ScanArgs, Time};
use crate::capture::OpenOptions;
use crate::detect::finding::Confidence;
use crate::error::{Error, Result};
use crate::pipeline::ScanOptions;
use crate::report::clock::TimeFormat;
use crate::report::share::Share;
use crate::report::text::By;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// A run of `scan`.
#[derive(Debug)]
pub struct Options {
    pub paths: Vec<PathBuf>,
    pub scan: ScanOptions,
    pub threads: usize,
    pub min: Confidence,
    pub exit_code: bool,
    /// What goes to standard output.
    pub stdout: Stdout,
    /// Where the evidence goes.
    pub evidence: Option<PathBuf>,
    /// The mapping of addresses, if the results are to be shared.
    pub share: Option<Share>,
    /// What is written beside that.
    pub outputs: Vec<Output>,
    pub flows: bool,
    /// No findings, flows alone.
    pub only_flows: bool,
    pub by: By,
    /// `--by` was given: the timeline is told however little there is to it.
    pub timeline: bool,
    pub times: TimeFormat,
    pub quiet: bool,
    pub verbose: bool,
    pub color: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stdout {
    /// Nothing: the evidence goes there.
    Evidence,
    Page,
    JsonLines,
    /// `interloper flows`.
    Flows,
}

/// A file or directory that is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    pub path: PathBuf,
    pub format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    JsonLines,
    Csv,
    Html,
    /// Parquet tables in a directory.
    Tables,
}

impl Output {
    /// By its name: a directory (there already, or with a slash at its end) gets tables.
    fn of(path: PathBuf) -> Result<Output> {
        let slash = path.as_os_str().as_encoded_bytes().last().is_some_and(|b| std::path::is_separator(char::from(*b)));
        let shown = crate::report::escape::path(&path);
        if slash && without_slash(&path).is_file() {
            return Err(Error::Usage(format!("-o {shown}: there is a file of that name; name another directory, or leave the slash out")));
        }
        if slash || path.is_dir() {
            return Ok(Output { path, format: Format::Tables });
        }
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        let format = match extension.as_str() {
            "jsonl" | "ndjson" => Format::JsonLines,
            "csv" => Format::Csv,
            "html" => Format::Html,
            "parquet" => {
                return Err(Error::Usage(format!(
                    "-o {shown}: the tables are several files; name their directory, with a slash at the end"
                )));
            }
            _ => {
                return Err(Error::Usage(format!(
                    "-o {shown}: cannot tell the format; name the file .html, .jsonl or .csv, end it with / for a directory of \
                     Parquet tables, or use -o - for standard output"
                )));
            }
        };
        Ok(Output { path, format })
    }
}

/// A trailing slash makes a system say "not a directory" where a file stands.
fn without_slash(path: &Path) -> PathBuf {
    path.components().collect()
}

impl Options {
    /// Makes sense of the arguments (of `interloper flows` with `only_flows`), or says what is wrong with them.
    pub fn new(args: ScanArgs, only_flows: bool) -> Result<Options> {
        // `-r` stands first because that is where people put it.
        let paths: Vec<PathBuf> = args.read.into_iter().chain(args.paths).collect();
        if paths.is_empty() {
            return Err(Error::Usage("no capture given; try `interloper capture.pcap`, or `interloper --help`".into()));
        }
        if paths.iter().filter(|p| p.as_path() == Path::new("-")).count() > 1 {
            return Err(Error::Usage("standard input (-) can be read only once".into()));
        }
        let (to_stdout, files): (Vec<PathBuf>, Vec<PathBuf>) = args.output.into_iter().partition(|p| p.as_path() == Path::new("-"));
        let mut outputs: Vec<Output> = Vec::new();
        for path in files {
            let output = Output::of(path)?;
            if outputs.iter().any(|o| without_slash(&o.path) == without_slash(&output.path)) {
                let shown = crate::report::escape::path(&output.path);
                return Err(Error::Usage(format!("-o {shown} was given twice; give each output a path of its own")));
            }
            outputs.push(output);
        }
        let tables = outputs.iter().any(|o| o.format == Format::Tables);
        let evidence = args.write.map(evidence).transpose()?;
        let piped = evidence.as_deref() == Some(Path::new("-"));
        if piped && (args.json || !to_stdout.is_empty()) {
            return Err(Error::Usage("-w - and JSON Lines cannot share standard output; give one of them a file".into()));
        }
        let stdout = if piped {
            Stdout::Evidence
        } else if args.json || !to_stdout.is_empty() {
            Stdout::JsonLines
        } else if only_flows {
            Stdout::Flows
        } else {
            Stdout::Page
        };
        if args.flows && stdout == Stdout::Page && outputs.is_empty() {
            return Err(Error::Usage("--flows adds records to JSON Lines; give --json or -o PATH.jsonl with it".into()));
        }
        let defaults = OpenOptions::default();
        let bytes = |n: Option<u64>, default: usize| n.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let html = outputs.iter().any(|o| o.format == Format::Html);
        let open = OpenOptions {
            window: bytes(args.window, defaults.window),
            chunk: bytes(args.chunk, defaults.chunk),
            max_bytes: args.max_bytes,
            spool: evidence.is_some() || html,
            force_wrong_guess: args.wrong_guesses,
        };
        let scan = ScanOptions {
            open,
            filter: args.filter,
            count: args.count,
            memory: args.memory.unwrap_or(crate::limits::MEMORY),
            // The tables hold every flow and every DNS transaction.
            lines: args.flows || only_flows || tables,
            clients: args.share,
            client_times: matches!(args.by, Some(GroupBy::Client)),
            leans: evidence.is_some(),
        };
        let share = if args.share { Some(super::share::share(args.key.as_deref())?) } else { None };
        Ok(Options {
            paths,
            scan,
            threads: args.jobs.map_or_else(cores, usize::from),
            min: match args.min {
                Min::Confirmed => Confidence::Confirmed,
                Min::Likely => Confidence::Likely,
                Min::Unexplained => Confidence::Unexplained,
            },
            exit_code: args.exit_code,
            stdout,
            evidence,
            share,
            outputs,
            flows: args.flows,
            only_flows,
            timeline: args.by.is_some(),
            by: match args.by {
                Some(GroupBy::Name) | None => By::Name,
                Some(GroupBy::Server) => By::Server,
                Some(GroupBy::Mechanism) => By::Mechanism,
                Some(GroupBy::Client) => By::Client,
            },
            times: match args.time {
                Time::R => TimeFormat::Relative,
                Time::A | Time::U => TimeFormat::TimeOfDay,
                Time::Ad => TimeFormat::DateAndTime,
                Time::E => TimeFormat::Epoch,
            },
            quiet: args.quiet,
            verbose: args.verbose,
            color: color(args.color),
        })
    }
}

/// The old format has no comments, no interfaces and one link type: what the evidence says would be lost.
fn evidence(path: PathBuf) -> Result<PathBuf> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    if path.as_path() == Path::new("-") || matches!(extension.as_str(), "pcapng" | "ntar") {
        return Ok(path);
    }
    let shown = crate::report::escape::path(&path);
    Err(Error::Usage(match extension.as_str() {
        "pcap" | "cap" | "dmp" => format!(
            "-w {shown}: a .{extension} file cannot hold what makes the packets evidence (a comment for each packet, several interfaces); name it .pcapng"
        ),
        _ => format!("-w {shown}: the evidence is pcapng; name the file .pcapng, or use -w - for standard output"),
    }))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Whether standard output gets colour. `NO_COLOR` (<https://no-color.org>) and a dumb terminal say no to `auto`, not to `always`.
pub fn color(asked: Color) -> bool {
    match asked {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
            std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
        }
    }
}

/// Whether the terminal can be trusted with more than ASCII (POSIX: the first of these that is set decides).
pub fn unicode() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os).find(|v| !v.is_empty());
    set.and_then(|v| v.into_string().ok()).is_some_and(|v| {
        let v = v.to_ascii_lowercase();
        v.contains("utf-8") || v.contains("utf8")
    })
}

/// Columns of the terminal that standard output is, if it is one.
pub fn columns() -> Option<usize> {
    std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten().map(|(width, _)| usize::from(width.0))
}
