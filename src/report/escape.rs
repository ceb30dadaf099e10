//! The one place where bytes of a capture, or of a file's name, become text that is safe to show.
//!
//! A name in a capture is written by whoever sent the packet. Shown raw it could move the cursor (ESC), turn the line around (bidi
//! controls), hide characters (zero width), end a JSON string or an HTML element, or start a spreadsheet formula. What comes out
//! of [`escape`] can do none of these, in a terminal, in JSON, in CSV or in HTML, and no two inputs come out equal.

use std::fmt::Write;

/// Makes bytes printable: invalid UTF-8 and control bytes as `\xNN`, characters that deceive the eye as `\u{...}`, a backslash as
/// two, and markup that CSV or HTML would act on as `\xNN`.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    // Spreadsheets take a cell that starts so for a formula. A lone sign (standard input is `-`) is none.
    let formula = bytes.len() > 1;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' | '<' | '>' => hex(&mut out, c as u32),
                '=' | '+' | '-' | '@' if formula && out.is_empty() => hex(&mut out, c as u32),
                _ => push(&mut out, c),
            }
        }
        for byte in chunk.invalid() {
            hex(&mut out, u32::from(*byte));
        }
    }
    out
}

/// The same for sentences of our own that quote a capture: their quotes, brackets and backslashes stay.
pub fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut out, c));
    out
}

/// A cell of CSV (RFC 4180): quoted where it must be, and never taken for a formula by a spreadsheet.
pub fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.len() > 1;
    let safe = if formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\r', '\n', ';', '\'']) || safe.starts_with(' ') || safe.ends_with(' ') {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

/// JSON as it may stand in a `script` element: nothing in it can end the element or open a comment. In JSON a `<` is only ever part of
/// a string, where its escape means the same.
pub fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// For terminals that show ASCII only.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
    }
    out
}

/// A path as it is printed everywhere.
pub fn path(path: &std::path::Path) -> String {
    escape(path.as_os_str().as_encoded_bytes())
}

/// At most so many characters, for a line that people read. What is cut is marked.
pub fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}... ({} characters)", text.get(..end).unwrap_or_default(), text.chars().count()),
    }
}

fn push(out: &mut String, c: char) {
    match c {
        '\0'..='\x1f' | '\x7f' => hex(out, c as u32),
        c if deceives(c) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
        c => out.push(c),
    }
}

fn hex(out: &mut String, value: u32) {
    let _ = write!(out, "\\x{value:02x}");
}

/// Characters that show nothing, or change how others are shown.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, joiners, Hangul and Khmer fillers, Mongolian separators.
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            // Zero widths and directional marks; line and paragraph separators with embeddings and overrides; isolates.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{ffa0}'
            // Private use, variation selectors, byte order mark, annotations, replacement (it would hide what it replaces).
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}'
            // Tags, supplementary variation selectors, supplementary private use.
            | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn leaves_ordinary_names_alone() {
        for name in ["example.com", "münchen.example", "пример.рф", "例え.jp", "a_b-c.d:443", "dir/Bob's file & more.pcap", "-", ""]
        {
            assert_eq!(escape(name.as_bytes()), name);
        }
    }

    #[test]
    fn disarms_what_terminals_act_on() {
        for (bytes, shown) in [
            (&b"\x1b[31mred\x07"[..], "\\x1b[31mred\\x07"),
            (b"a\r\nb\tc\0d\x7f", "a\\x0d\\x0ab\\x09c\\x00d\\x7f"),
            ("a\u{202e}moc\u{2066}x\u{2069}".as_bytes(), "a\\u{202e}moc\\u{2066}x\\u{2069}"),
            ("c1\u{9b}31m".as_bytes(), "c1\\u{9b}31m"),
            ("zero\u{200b}width\u{feff}\u{e0041}".as_bytes(), "zero\\u{200b}width\\u{feff}\\u{e0041}"),
            (b"\xff\xc3(\xe2\x82", "\\xff\\xc3(\\xe2\\x82"),
            (b"back\\x41slash", "back\\\\x41slash"),
        ] {
            assert_eq!(escape(bytes), shown);
        }
    }

    #[test]
    fn disarms_what_csv_and_html_act_on() {
        assert_eq!(escape(b"<script>\"x\"</script>"), "\\x3cscript\\x3e\\x22x\\x22\\x3c/script\\x3e");
        assert_eq!(escape(b"=cmd|' /C calc'!A0"), "\\x3dcmd|' /C calc'!A0");
        for start in [&b"+1"[..], b"-1", b"@x"] {
            assert!(escape(start).starts_with("\\x"), "{start:?}");
        }
    }

    #[test]
    fn sentences_keep_their_quotes() {
        assert_eq!(sentence("\"a\\b\" <c> \u{1b}[0m\u{202e}"), "\"a\\b\" <c> \\x1b[0m\\u{202e}");
    }

    #[test]
    fn cells() {
        for (text, shown) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("@x", "\"'@x\""),
            ("-", "-"),
            (" x", "\" x\""),
        ] {
            assert_eq!(cell(text), shown);
        }
        assert_eq!(ascii("a\u{e9}"), "a\\u{e9}");
        assert_eq!(embedded("[\"</script><!--\"]"), "[\"\\u003c/script>\\u003c!--\"]");
    }

    #[test]
    fn shortens_and_says_so() {
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(shorten("ééééé", 2), "éé... (5 characters)");
    }

    proptest! {
        /// Nothing gets through that a terminal, a JSON reader, a spreadsheet or a browser would act on.
        #[test]
        fn nothing_gets_through(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let shown = escape(&bytes);
            prop_assert!(!shown.chars().any(|c| deceives(c) || matches!(c, '"' | '<' | '>')));
            prop_assert!(shown.len() < 2 || !shown.starts_with(['=', '+', '-', '@']));
        }

        /// Two inputs never look the same.
        #[test]
        fn escaping_loses_nothing(a in "[\\\\x0-9a-f\u{1b}\u{202e}<]{0,6}", b in "[\\\\x0-9a-f\u{1b}\u{202e}<]{0,6}") {
            prop_assert_eq!(a == b, escape(a.as_bytes()) == escape(b.as_bytes()));
        }
    }
}
