//! What the user typed. Nothing here looks at a file or decides anything: [`super::options`] says what it means.

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

const SHORT: &str = "`interloper --help` has all options, examples and what the exit status means";

pub(super) const EXAMPLES: &str = "\
Examples:
  interloper capture.pcap
      what was forged, and by which packets
  interloper --json DIR/ > findings.jsonl
      a directory of captures as JSON Lines
  interloper -f 'host 192.0.2.1' big.pcapng
      only what tcpdump's filter matches
  ssh host tcpdump -w - | interloper -
      from a pipe; gz, zst, xz and lz4 are undone
  interloper --by name DIR/
      how each name went over time: blocked, lifted, blocked
  interloper show capture.pcap F3
      finding 3, or the flow of a frame, packet by packet
  interloper -o report.html -o tables/ DIR/
      a report for a browser, and Parquet tables
  interloper -w evidence.pcapng capture.pcap
      the packets that prove it, for Wireshark
  interloper explain ttl-jump
      what a reason means, and how to check it";

pub(super) const STATUS: &str = "\
Exit status:
  0    everything was read, whatever was found
  1    only with -e: something was found
  2    usage, or no input could be read
  3    finished, but some input was truncated, damaged or unreadable
  130  interrupted; what was known is printed";

/// The command line.
#[derive(Parser, Debug)]
#[command(
    name = "interloper",
    version,
    about = "Finds forged and missing packets in captures",
    after_help = SHORT,
    after_long_help = format!("{EXAMPLES}\n\n{STATUS}"),
    args_conflicts_with_subcommands = true,
    subcommand_precedence_over_arg = true,
    max_term_width = 100
)]
pub struct LowArgs {
    #[command(subcommand)]
    pub verb: Option<Verb>,
    #[command(flatten)]
    pub scan: ScanArgs,
}

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Find interference (the default: `interloper capture.pcap` does the same)
    Scan(ScanArgs),
    /// One flow as a ladder with its argument: `show PATH F3`, or a frame number instead of F3
    Show(ScanArgs),
    /// Every flow, a line each, with its verdict or why it was not judged
    Flows(ScanArgs),
    /// Explain a word of the output: a rule, mechanism, state, injector, trigger or reason; without one, list them
    Explain {
        /// A word, as a finding or a flow has it
        #[arg(value_name = "WORD")]
        name: Option<String>,
        /// Fingerprints of your own, to be explained as well; repeatable
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        fingerprints: Vec<PathBuf>,
        /// Colour: auto is on a terminal only, unless NO_COLOR is set
        #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
        color: Color,
    },
    /// Print a completion script for a shell: `interloper completions bash > /etc/bash_completion.d/interloper`
    #[command(hide = true)]
    Completions { shell: clap_complete::Shell },
    /// Print the manual page of the program, or of one of its verbs: `interloper man > interloper.1`
    #[command(hide = true)]
    Man {
        #[arg(value_name = "VERB", value_parser = ["scan", "show", "flows", "explain"])]
        verb: Option<String>,
    },
}

#[derive(Args, Debug)]
pub struct ScanArgs {
    /// Captures, directories of captures, or `-` for standard input
    ///
    /// pcap and pcapng, plain or as gz, zst, xz or lz4, recognised by content. Of a directory all captures are read, below it too.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// The same as PATH, for fingers that know tcpdump
    #[arg(short = 'r', long = "read", value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub read: Vec<PathBuf>,
    /// Write the packets of the findings to a capture of their own
    ///
    /// With them come those that the verdicts rest on, so that it can be judged again. Each packet gets a comment that says what it
    /// is there for; with -v the whole flows are written. `-w -` pipes it into Wireshark: `interloper -w - x.pcap | wireshark -k -i -`.
    #[arg(short = 'w', long = "write", value_name = "FILE.pcapng", value_hint = ValueHint::FilePath)]
    pub write: Option<PathBuf>,
    /// For results that are shown to others: clients' addresses and secrets are replaced in every output
    ///
    /// Clients' addresses are mapped (Crypto-PAn: prefixes stay), MAC addresses, host and file names and comments go, of payload only
    /// what shows the trigger stays. Names that were asked for, times and servers stay: read it before you pass it on.
    #[arg(long)]
    pub share: bool,
    /// With --share: a key that keeps one mapping over several runs
    ///
    /// 32 octets, or 64 hexadecimal digits. Without it the key is random and thrown away. Whoever has the key can undo the mapping.
    #[arg(long, value_name = "FILE", requires = "share", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// Look only at frames that match a filter in tcpdump's syntax
    ///
    /// Frame numbers stay those of the file.
    #[arg(short = 'f', long, value_name = "BPF")]
    pub filter: Option<String>,
    /// Stop after so many frames of each capture
    #[arg(short = 'c', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), hide_short_help = true)]
    pub count: Option<u64>,
    /// Print findings only, a line each
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print all evidence, with what was ruled out and voided
    #[arg(short, long)]
    pub verbose: bool,
    /// Threads; all cores by default
    ///
    /// The output is the same for any number.
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// How times are shown, by tshark's letters; always UTC
    ///
    /// r: seconds since the first packet, a or u: time of day, ad: with the date, e: epoch.
    #[arg(short = 't', long, value_enum, value_name = "FORMAT", default_value_t, hide_short_help = true)]
    pub time: Time,
    /// Accepted and without effect: names are never resolved, the network is never touched
    #[arg(short = 'n', hide_short_help = true)]
    pub numeric: bool,
    /// Report findings of this state or a surer one
    ///
    /// `interloper explain likely` tells what the states mean. What lies below is counted.
    #[arg(long, value_enum, value_name = "STATE", default_value_t)]
    pub min: Min,
    /// Exit with 1 if a finding is reported
    #[arg(short, long)]
    pub exit_code: bool,
    /// Group findings by name (the default), server, mechanism or client, and draw how each went over time
    ///
    /// The timeline is of all captures of the run: attempts, the share interfered with, and when that changed. Without --by it is
    /// drawn where there were five attempts or more.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub by: Option<GroupBy>,
    /// Write JSON Lines (schema interloper/1) instead of the page
    #[arg(long)]
    pub json: bool,
    /// Write to a file as well, by its name: .html, .jsonl, .csv, or DIR/ for Parquet tables
    ///
    /// .html is a report to open in a browser, .jsonl the records of --json, .csv the findings. A name that ends in a slash, or a
    /// directory that is there, gets the tables of docs/tables.md, in place of those of an earlier run. `-o -` is JSON Lines instead
    /// of the page. Repeatable.
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub output: Vec<PathBuf>,
    /// With JSON Lines: a record for every flow as well
    #[arg(long, hide_short_help = true)]
    pub flows: bool,
    /// Fingerprints of your own, laid over those that come with the program; repeatable
    ///
    /// A table of injectors (TOML, as in README.md) or OONI's fingerprints_http.csv or fingerprints_dns.csv as they are.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub fingerprints: Vec<PathBuf>,
    /// Memory for flows under observation, such as 512M or 4G
    ///
    /// Beyond it the longest idle flows of a capture are given up, counted, and not judged. The default is 2G. Of many captures as many
    /// are read at a time as there are threads.
    #[arg(long, value_name = "SIZE", value_parser = size, hide_short_help = true)]
    pub memory: Option<u64>,
    /// Stop reading a capture after so many (uncompressed) bytes
    #[arg(long, value_name = "SIZE", value_parser = size, hide_short_help = true)]
    pub max_bytes: Option<u64>,
    /// Colour: auto is on a terminal only, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, hide_short_help = true)]
    pub color: Color,
    /// For tests: bytes read at a time
    #[arg(long, hide = true, value_name = "SIZE", value_parser = size)]
    pub window: Option<u64>,
    /// For tests: bytes walked at a time
    #[arg(long, hide = true, value_name = "SIZE", value_parser = size)]
    pub chunk: Option<u64>,
    /// For tests: never guess the start of a chunk right
    #[arg(long, hide = true)]
    pub wrong_guesses: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
pub enum Min {
    Confirmed,
    #[default]
    Likely,
    Unexplained,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum GroupBy {
    Name,
    Server,
    Mechanism,
    Client,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
pub enum Time {
    #[default]
    R,
    A,
    Ad,
    U,
    E,
}

/// A number of octets: `4096`, `512K`, `16M`, `2GiB`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err("expected a number with K, M, G or T behind it, such as 512M".into()),
    };
    let number: u64 = number.parse().map_err(|_| "expected a number such as 4096 or 512M".to_owned())?;
    match number.checked_mul(1 << shift) {
        Some(0) => Err("must be more than nothing".into()),
        Some(n) => Ok(n),
        None => Err("more than this machine can count".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_is_sound() {
        LowArgs::command().debug_assert();
    }

    #[test]
    fn sizes() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("16MiB"), Ok(16 << 20));
        for bad in ["", "x", "1Q", "-1", "0", "99999999999999999999", "99999999T", "1.5G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_verb_may_be_left_out() {
        let args = LowArgs::try_parse_from(["interloper", "-v", "a.pcap"]).unwrap();
        assert!(args.verb.is_none() && args.scan.verbose && args.scan.paths.len() == 1);
        let args = LowArgs::try_parse_from(["interloper", "scan", "a.pcap", "-"]).unwrap();
        assert!(matches!(args.verb, Some(Verb::Scan(s)) if s.paths.len() == 2));
        assert!(LowArgs::try_parse_from(["interloper", "-q", "-v", "a.pcap"]).is_err());
    }
}
