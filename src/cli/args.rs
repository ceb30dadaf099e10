//! What the user typed. Nothing here looks at a file or decides anything: [`super::options`] says what it means.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  interloper capture.pcap                    what was forged, by which packets
  interloper --json DIR/ > findings.jsonl    a directory of captures as JSON Lines
  interloper -f 'host 192.0.2.1' big.pcapng  tcpdump's filters work on files
  ssh host tcpdump -w - | interloper -       from a pipe; gz, zst, xz and lz4 are undone
  interloper show capture.pcap F3            finding 3 (or the flow of a frame) packet by packet
  interloper -w evidence.pcapng capture.pcap the packets that prove it, for Wireshark
  interloper explain ttl-jump                what a reason means, and how to check it

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
    after_help = EXAMPLES,
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
    /// Explain a rule, a mechanism or a state; without a name, list them
    Explain {
        /// A rule, mechanism or state, as a finding names it
        name: Option<String>,
        /// Fingerprints of your own, to be explained as well; repeatable
        #[arg(long, value_name = "FILE")]
        fingerprints: Vec<PathBuf>,
        /// Colour: auto is on a terminal only, unless NO_COLOR is set
        #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
        color: Color,
    },
    /// Print a completion script for a shell
    #[command(hide = true)]
    Completions { shell: clap_complete::Shell },
}

#[derive(Args, Debug)]
pub struct ScanArgs {
    /// Captures, directories of captures, or `-` for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The same as PATH, for fingers that know tcpdump
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    pub read: Vec<PathBuf>,
    /// Write the packets of the findings to a capture of their own, each with a comment that says what it is; with -v their whole
    /// flows. `-` pipes it into Wireshark
    #[arg(short = 'w', long = "write", value_name = "FILE.pcapng")]
    pub write: Option<PathBuf>,
    /// Look only at frames that match a filter in tcpdump's syntax (frame numbers stay those of the file)
    #[arg(short = 'f', long, value_name = "BPF")]
    pub filter: Option<String>,
    /// Stop after so many frames of each capture
    #[arg(short = 'c', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Print findings only, a line each
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print all evidence, with what was ruled out and voided
    #[arg(short, long)]
    pub verbose: bool,
    /// Threads; all cores by default. The output is the same for any number
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Times as r: seconds since the first packet, a or u: time of day, ad: with the date, e: epoch; all UTC
    #[arg(short = 't', long, value_enum, value_name = "FORMAT", default_value_t)]
    pub time: Time,
    /// Accepted and without effect: names are never resolved, the network is never touched
    #[arg(short = 'n')]
    pub numeric: bool,
    /// Report findings of this state or a surer one
    #[arg(long, value_enum, value_name = "STATE", default_value_t)]
    pub min: Min,
    /// Exit with 1 if a finding is reported
    #[arg(short, long)]
    pub exit_code: bool,
    /// Group findings by name (the default) or something else, and draw how its attempts went over time
    #[arg(long, value_enum, value_name = "WHAT")]
    pub by: Option<GroupBy>,
    /// Write JSON Lines (schema interloper/1) instead of the page
    #[arg(long)]
    pub json: bool,
    /// Write to a file as well, by its name: .html (a report to open in a browser), .jsonl or .csv (findings); - is JSON Lines instead of the page; repeatable
    #[arg(short, long, value_name = "PATH")]
    pub output: Vec<PathBuf>,
    /// With JSON Lines: a record for every flow as well
    #[arg(long)]
    pub flows: bool,
    /// Fingerprints of your own, laid over those that come with the program: a table of injectors (TOML, as in README.md) or OONI's
    /// fingerprints_http.csv or fingerprints_dns.csv as they are; repeatable
    #[arg(long, value_name = "FILE")]
    pub fingerprints: Vec<PathBuf>,
    /// Memory for flows under observation, such as 512M or 4G; beyond it the longest idle ones are given up, and counted
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,
    /// Stop reading a capture after so many (uncompressed) bytes
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_bytes: Option<u64>,
    /// Colour: auto is on a terminal only, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
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
