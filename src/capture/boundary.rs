//! Where records start again: guessed at the start of a chunk, searched for behind damage.
//!
//! Both ask the same question, how long a chain of plausible records starts here, and differ in what a chain cut by the end of
//! the bytes is worth: a guess is proved later and may be generous; behind damage nothing is proved later.

use super::Timestamp;
use super::records::{Context, Plausible};

/// Six headers in a row are believed if they also span 4 KB: a capture carried inside the packets of a capture has chains too,
/// but they end with the packet that carries them (six headers alone guess wrong 43 % of the time there, with the span 0.6 %).
const MIN_HEADERS: usize = 6;
const MIN_SPAN: usize = 4096;
/// So many headers are believed whatever they span; it keeps a search through tiny records from growing quadratic.
const ENOUGH_HEADERS: usize = 64;

enum Chain {
    Broken,
    Believed,
    /// The chain ends exactly at the end of the bytes after so many records (at least one).
    Complete,
    /// The end of the bytes cuts a plausible record; this many whole ones precede it.
    Cut(usize),
}

fn chain(context: &Context, bytes: &[u8], from: usize, near: Option<Timestamp>) -> Chain {
    let mut pos = from;
    for headers in 1..=ENOUGH_HEADERS {
        match context.plausible(bytes, pos, near) {
            Plausible::No => return Chain::Broken,
            Plausible::EndsInHeader if pos == bytes.len() && headers > 1 => return Chain::Complete,
            Plausible::EndsInHeader => return Chain::Cut(headers - 1),
            Plausible::EndsInBody => return Chain::Cut(headers),
            Plausible::Next(next) => pos = next,
        }
        if headers >= MIN_HEADERS && pos - from >= MIN_SPAN {
            return Chain::Believed;
        }
    }
    Chain::Believed
}

/// The first offset from `from` on, in steps the format allows, where a chain of records may well start.
pub(super) fn guess(context: &Context, bytes: &[u8], from: usize, near: Option<Timestamp>) -> Option<usize> {
    (from..bytes.len()).step_by(context.step()).find(|&pos| match chain(context, bytes, pos, near) {
        Chain::Believed | Chain::Complete => true,
        Chain::Cut(headers) => headers > 0,
        Chain::Broken => false,
    })
}

/// What a search behind damage found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resumption {
    /// Records go on here.
    At(usize),
    /// Whether they go on here depends on bytes that are not there yet.
    Undecided(usize),
    /// Nowhere in these bytes.
    Nowhere,
}

/// Looks for the next record from `from` on. `last` says that no bytes follow these, so that a chain must prove itself by ending
/// exactly where they do.
pub(super) fn resume(context: &Context, bytes: &[u8], from: usize, near: Option<Timestamp>, last: bool) -> Resumption {
    for pos in from..bytes.len() {
        match chain(context, bytes, pos, near) {
            Chain::Believed => return Resumption::At(pos),
            Chain::Complete if last => return Resumption::At(pos),
            Chain::Complete | Chain::Cut(_) if !last => return Resumption::Undecided(pos),
            _ => {}
        }
    }
    Resumption::Nowhere
}

/// Could records go on right behind a record that is broken, `from` being where it says it ends?
pub(super) fn may_follow(context: &Context, bytes: &[u8], from: usize) -> bool {
    !matches!(chain(context, bytes, from, None), Chain::Broken)
}
