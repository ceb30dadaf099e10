//! `-w`: the packets of the findings in a capture of their own, each with a comment that says what it is there for.
//!
//! A section for each capture with findings, so that frames of several captures keep their interfaces and order. The names in
//! comments are ours alone: a host name could claim to be a role.

mod comments;
mod plan;

use super::pcapng::Pcapng;
use super::share::{WARNING, scrub::Scrub};
use super::{SCHEMA, Shown, Sink, Tally, identity, words};
use crate::capture::{Frame, OpenOptions};
use crate::reread::{Plan, reread};
use comments::{Handshake, comments};
use plan::{Role, add_pieces, plan, suspect};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::Path;

/// Writes the evidence.
pub struct Evidence<W> {
    out: Pcapng<W>,
    open: OpenOptions,
    whole: bool,
    sections: u64,
}

impl<W: Write + Send> Evidence<W> {
    /// Captures are read again with `open`; with `whole`, the whole flows of the findings.
    pub fn new(out: W, open: OpenOptions, whole: bool) -> Evidence<W> {
        Evidence { out: Pcapng::new(out), open: OpenOptions { spool: false, ..open }, whole, sections: 0 }
    }
}

impl<W: Write + Send> Sink for Evidence<W> {
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        if shown.findings.is_empty() {
            return Ok(());
        }
        let path = shown.report.again();
        let rename = |address| shown.rename(address);
        let (mut reasons, mut plan, more) = plan(shown, self.whole, &rename);
        if shown.report.stats.fragments > 0 {
            add_pieces(path, &self.open, &mut reasons, &mut plan)?;
        }
        self.sections += 1;
        let mut handshakes: Vec<Handshake> = shown.findings.iter().map(|_| Handshake::default()).collect();
        let mut scrub = scrub(shown, path, &self.open, &plan)?;
        let alone = scrub.as_ref().map_or(0, Scrub::left_out);
        let names = if shown.share.is_some() { &[] } else { shown.report.description.interfaces.as_slice() };
        self.out.section(shown.report.description.snaplen, names, &about(shown, path, (alone, more))?)?;
        let out = &mut self.out;
        let whole = self.whole;
        let pages: BTreeSet<u64> =
            shown.findings.iter().filter(|(_, f)| suspect(f) == Role::Forged).flat_map(|(_, f)| &f.forged).map(|p| p.entry.frame).collect();
        let reading = reread(path, &self.open, &plan, |wanted| {
            let comments = comments(shown, &reasons, wanted, &mut handshakes, whole);
            let clean = scrub.as_mut().map(|s| s.clean(wanted, pages.contains(&wanted.number)));
            if comments.is_empty() {
                return Ok(());
            }
            match &clean {
                Some(bytes) => out.packet(&Frame { bytes, ..*wanted.frame }, &comments),
                None => out.packet(wanted.frame, &comments),
            }
        });
        reading.map_err(io::Error::other)?.failed.map_or(Ok(()), Err)?;
        self.out.flush()
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        if self.sections == 0 {
            let said = format!("no findings in {}", words::count(tally.captures, "capture"));
            self.out.section(0, &[], &[said, versions()])?;
        }
        self.out.flush()
    }
}

/// With `--share`: what is to be shown of the packets, learned by reading them once.
fn scrub<'n>(shown: &Shown<'n>, path: &Path, open: &OpenOptions, plan: &Plan<'_>) -> io::Result<Option<Scrub<'n>>> {
    let Some(names) = shown.share else { return Ok(None) };
    let mut scrub = Scrub::new(names);
    let reading = reread(path, open, plan, |wanted| {
        scrub.learn(wanted);
        Ok(())
    });
    reading.map_err(io::Error::other)?;
    scrub.settle();
    Ok(Some(scrub))
}

fn versions() -> String {
    format!("interloper {}, rules {}, schema {SCHEMA}", env!("CARGO_PKG_VERSION"), identity::rules())
}

/// What the section says of its source.
fn about(shown: &Shown<'_>, path: &Path, (alone, more): (u64, u64)) -> io::Result<Vec<String>> {
    let partial = shown.report.spool.as_ref().is_some_and(|s| s.is_partial());
    let mut said = vec![format!("packets of {} in {}", words::count(shown.findings.len() as u64, "finding"), shown.file)];
    let of = if partial { " of the part that could be kept: THE EVIDENCE IS PARTIAL" } else { "" };
    if shown.share.is_some() {
        // A hash of the original would tell it from all others.
        said.push(format!("anonymised{of}; capture {}", shown.id));
        said.push(WARNING.into());
        if alone > 0 {
            said.push(format!("{} cleaned without the stream around them: more than needed is zero", words::count(alone, "segment")));
        }
    } else {
        said.push(format!("source sha256 {}{of}; capture {}", sha256(path)?, shown.id));
    }
    let more = more + shown.findings.iter().map(|(_, f)| f.leans.more).sum::<u64>();
    if more > 0 {
        said.push(format!("left out of what the findings rest on: {}", words::count(more, "flow")));
    }
    said.push(versions());
    Ok(said)
}

/// Hash of a file as `sha256sum` prints it.
fn sha256(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect()),
            Ok(got) => hash.update(block.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
