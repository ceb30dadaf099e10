//! A head as lines, with the place of each value: tolerant of bare LF, odd blanks and a cut end.

use std::ops::Range;

use memchr::memchr;

use super::{MAX_HEAD, MAX_HEADERS};

/// The lines of a head.
#[derive(Debug, Default)]
pub struct Head {
    pub start_line: Range<usize>,
    pub headers: Vec<Line>,
    /// One past the blank line, or past the last byte looked at.
    pub len: usize,
    /// The blank line is there.
    pub complete: bool,
}

/// Where a header's name and value stand. The value is trimmed of blanks.
#[derive(Debug)]
pub struct Line {
    pub name: Range<usize>,
    pub value: Range<usize>,
    /// Its line end is there.
    pub complete: bool,
}

impl Head {
    pub fn read(bytes: &[u8]) -> Head {
        let bytes = bytes.get(..MAX_HEAD).unwrap_or(bytes);
        let mut head = Head::default();
        let mut at = 0;
        // RFC 9112 section 2.2: empty lines before the start line are to be skipped.
        while matches!(bytes.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        let (line, next, mut ended) = line(bytes, at);
        head.start_line = line;
        at = next;
        while ended {
            let (text, next, line_ended) = line_or_end(bytes, at);
            if text.is_empty() && line_ended {
                head.complete = true;
                at = next;
                break;
            }
            ended = line_ended;
            if head.headers.len() < MAX_HEADERS {
                head.headers.extend(header(bytes, text, line_ended));
            }
            at = next;
        }
        head.len = at;
        head
    }

    /// The first header of this name, whatever its case.
    pub fn find(&self, bytes: &[u8], name: &[u8]) -> Option<&Line> {
        self.headers.iter().find(|line| {
            let written = bytes.get(line.name.clone()).unwrap_or(&[]);
            written.trim_ascii().eq_ignore_ascii_case(name)
        })
    }
}

/// The line at `at` without its end, the next line's place, and whether there was a line end.
fn line(bytes: &[u8], at: usize) -> (Range<usize>, usize, bool) {
    let rest = bytes.get(at..).unwrap_or(&[]);
    match memchr(b'\n', rest) {
        Some(length) => {
            let cr = length.checked_sub(1).and_then(|last| rest.get(last)) == Some(&b'\r');
            (at..at + length - usize::from(cr), at + length + 1, true)
        }
        None => (at..bytes.len().max(at), bytes.len().max(at), false),
    }
}

/// Like [`line`], but a lone CR at a cut end is not taken for text.
fn line_or_end(bytes: &[u8], at: usize) -> (Range<usize>, usize, bool) {
    let (mut text, next, ended) = line(bytes, at);
    if !ended && bytes.get(text.end.wrapping_sub(1)) == Some(&b'\r') && !text.is_empty() {
        text.end -= 1;
    }
    (text, next, ended)
}

fn header(bytes: &[u8], text: Range<usize>, complete: bool) -> Option<Line> {
    let line = bytes.get(text.clone())?;
    let colon = memchr(b':', line)?;
    let value = line.get(colon + 1..)?;
    let leading = value.len() - value.trim_ascii_start().len();
    let start = text.start + colon + 1 + leading;
    Some(Line { name: text.start..text.start + colon, value: start..start + value.trim_ascii().len(), complete })
}
