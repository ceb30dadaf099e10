//! Manual pages and shell completions, from the definitions that parse the command line. Packagers call both when they build.

use super::args::{EXAMPLES, LowArgs, STATUS};
use crate::report::explain::topics;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::io;

/// The command with the words that `explain` knows, for shells to offer. Parsing takes any word, to suggest what was meant.
fn with_words() -> Command {
    LowArgs::command().mut_subcommand("explain", |verb| verb.mut_arg("name", |word| word.value_parser(PossibleValuesParser::new(topics()))))
}

/// Pages, and the verbs they are of.
const PAGES: [(&str, Option<&str>); 5] = [
    ("interloper", None),
    ("interloper-scan", Some("scan")),
    ("interloper-show", Some("show")),
    ("interloper-flows", Some("flows")),
    ("interloper-explain", Some("explain")),
];

/// A completion script.
pub fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut with_words(), "interloper", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page in roff: of the program, or of a verb.
pub fn page(verb: Option<&str>) -> io::Result<String> {
    let mut command = LowArgs::command();
    // What verbs inherit is worked out when a command is built.
    command.build();
    let of = verb.and_then(|v| command.find_subcommand(v)).unwrap_or(&command).clone();
    let name = PAGES.iter().find(|(_, v)| *v == verb).map_or("interloper", |(name, _)| name);
    // A page has room for what the short help leaves out.
    let command = of.name(name).display_name(name).after_long_help("").after_help("").mut_args(|a| a.hide_short_help(false));
    let source = concat!("interloper ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).title(name.to_uppercase()).section("1").source(source).manual("User Commands");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    let mut more = Roff::new();
    if verb.is_none() {
        man.render_subcommands_section(&mut out)?;
        section(&mut more, EXAMPLES);
    }
    if verb != Some("explain") {
        section(&mut more, STATUS);
    }
    more.control("SH", ["ENVIRONMENT"]);
    more.control("TP", [])
        .text([roman("NO_COLOR")])
        .text([roman("If set and not empty, --color auto means never (https://no-color.org).")]);
    more.control("TP", []).text([roman("LC_ALL, LC_CTYPE, LANG")]);
    more.text([roman("The first that is set decides whether more than ASCII is drawn: if it names UTF-8.")]);
    more.control("SH", ["SEE ALSO"]);
    let others = PAGES.iter().filter(|(page, _)| *page != name).map(|(page, _)| format!("{page}(1)"));
    let also: Vec<String> = others.chain(["tcpdump(1)", "tshark(1)", "pcap-filter(7)"].map(str::to_owned)).collect();
    more.text([roman(also.join(", "))]);
    more.to_writer(&mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A block of the help as a section, lines as they are.
fn section(roff: &mut Roff, block: &str) {
    let (title, lines) = block.split_once(":\n").unwrap_or(("", block));
    roff.control("SH", [title.to_uppercase().as_str()]).control("nf", []);
    for line in lines.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}
