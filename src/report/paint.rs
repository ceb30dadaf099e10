//! Colour, where it was asked for; and lines that fit 80 columns.

use crate::detect::finding::Confidence;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Paints text, or leaves it plain.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// With colour or without.
    pub fn new(on: bool) -> Paint {
        Paint { on }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// What is there to be looked up, not read.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// A state: the surer, the louder.
    pub fn state(self, state: Confidence, text: &str) -> String {
        match state {
            Confidence::Confirmed => self.wrap("1;31", text),
            Confidence::Likely => self.wrap("33", text),
            Confidence::Unexplained => self.wrap("36", text),
        }
    }
}

/// Lines fit a terminal of 80 columns, and so does what goes to a file.
const WIDTH: usize = 79;
/// Narrower than this only words by themselves would be left.
const NARROWEST: usize = 40;

static COLUMNS: AtomicUsize = AtomicUsize::new(WIDTH);

/// Makes lines fit a terminal of so many columns, if it is narrower than most.
pub fn narrow(columns: usize) {
    COLUMNS.store(columns.saturating_sub(1).clamp(NARROWEST, WIDTH), Ordering::Relaxed);
}

/// Columns of a line.
pub fn width() -> usize {
    COLUMNS.load(Ordering::Relaxed)
}

/// Breaks text between words. The first line starts with `first`, the others are indented as far. Words longer than a line stay
/// whole: a name that is cut cannot be searched for.
pub fn fill(first: &str, text: &str) -> String {
    fill_words(first, text.split_whitespace())
}

/// The same for words that are given one by one; blanks inside of them are no place to break.
pub fn fill_words<'t>(first: &str, words: impl Iterator<Item = &'t str>) -> String {
    let indent = length(first);
    let most = width();
    let mut out = first.to_owned();
    let mut column = indent;
    let mut fresh = true;
    for word in words {
        let length = length(word);
        if !fresh && column + 1 + length > most {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
            fresh = true;
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
        fresh = false;
    }
    out.push('\n');
    out
}

/// Columns a word takes; colour takes none. (Nothing but [`Paint`] puts an ESC into what is printed.)
fn length(word: &str) -> usize {
    let mut parts = word.split('\x1b');
    let plain = parts.next().map_or(0, |p| p.chars().count());
    plain + parts.map(|p| p.split_once('m').map_or(0, |(_, text)| text.chars().count())).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_when_off() {
        assert_eq!(Paint::new(false).bold("x"), "x");
        assert_eq!(Paint::new(true).bold("x"), "\x1b[1mx\x1b[0m");
    }

    #[test]
    fn fills() {
        let text = fill("  why  ", &"word ".repeat(30));
        assert!(text.lines().count() == 3 && text.lines().all(|l| l.len() <= WIDTH));
        assert!(text.lines().skip(1).all(|l| l.starts_with("       word")));
        assert_eq!(fill("a ", &"x".repeat(100)), format!("a {}\n", "x".repeat(100)));
        assert_eq!(fill("a", ""), "a\n");
        assert_eq!(length(&Paint::new(true).bold("bold")), 4);
    }
}
