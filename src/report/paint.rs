//! Colour, where it was asked for; and lines that fit 80 columns.

use crate::detect::finding::Confidence;

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

/// Width that fits a terminal of 80 columns.
pub const WIDTH: usize = 79;

/// Breaks text between words. The first line starts with `first`, the others are indented as far. Words longer than a line stay
/// whole: a name that is cut cannot be searched for.
pub fn fill(first: &str, text: &str) -> String {
    fill_words(first, text.split_whitespace())
}

/// The same for words that are given one by one; blanks inside of them are no place to break.
pub fn fill_words<'t>(first: &str, words: impl Iterator<Item = &'t str>) -> String {
    let indent = width(first);
    let mut out = first.to_owned();
    let mut column = indent;
    let mut fresh = true;
    for word in words {
        let width = width(word);
        if !fresh && column + 1 + width > WIDTH {
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
        column += width;
        fresh = false;
    }
    out.push('\n');
    out
}

/// Columns a word takes; colour takes none. (Nothing but [`Paint`] puts an ESC into what is printed.)
fn width(word: &str) -> usize {
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
        assert_eq!(width(&Paint::new(true).bold("bold")), 4);
    }
}
