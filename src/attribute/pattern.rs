//! Patterns as OONI writes them: a text that is all of another, starts it or stands in it, or a regular expression.

use crate::limits;
use regex::bytes::{Regex, RegexBuilder};

/// How a text has to look.
#[derive(Debug, Clone)]
pub enum Pattern {
    Full(String),
    Prefix(String),
    Contains(String),
    Regexp(Regex),
}

impl Pattern {
    /// Of OONI's `pattern_type` and `pattern`; the error says what is wrong with them.
    pub fn new(kind: &str, text: &str) -> Result<Pattern, String> {
        if text.is_empty() {
            return Err("an empty pattern would match everything".into());
        }
        match kind {
            "full" => Ok(Pattern::Full(text.to_owned())),
            "prefix" => Ok(Pattern::Prefix(text.to_owned())),
            "contains" => Ok(Pattern::Contains(text.to_owned())),
            "regexp" => regexp(text).map(Pattern::Regexp),
            _ => Err(format!("pattern_type {kind:?} is not known here; full, prefix, contains and regexp are")),
        }
    }

    /// Whether it holds for a text of any encoding.
    pub fn matches(&self, text: &[u8]) -> bool {
        match self {
            Pattern::Full(p) => text == p.as_bytes(),
            Pattern::Prefix(p) => text.starts_with(p.as_bytes()),
            Pattern::Contains(p) => memchr::memmem::find(text, p.as_bytes()).is_some(),
            Pattern::Regexp(r) => r.is_match(text),
        }
    }

    /// The same pattern for texts that are in small letters throughout, such as names.
    pub fn in_small_letters(self) -> Pattern {
        match self {
            Pattern::Full(p) => Pattern::Full(p.to_ascii_lowercase()),
            Pattern::Prefix(p) => Pattern::Prefix(p.to_ascii_lowercase()),
            Pattern::Contains(p) => Pattern::Contains(p.to_ascii_lowercase()),
            regexp => regexp,
        }
    }
}

/// A dot is any octet, line ends among them, as in OONI's own matching. Pages have any encoding: octets come first, characters only
/// where the expression cannot be read otherwise (a class of accented letters).
fn regexp(text: &str) -> Result<Regex, String> {
    let braces = literal_braces(text);
    let build = |unicode: bool| RegexBuilder::new(&braces).unicode(unicode).dot_matches_new_line(true).size_limit(limits::REGEXP).build();
    let built = build(false).or_else(|_| build(true)).map_err(|error| match error {
        regex::Error::CompiledTooBig(most) => format!("it would take more than {most} octets"),
        // The last line of several says why; those before draw the expression.
        other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    });
    let built = built.map_err(|why| format!("the regular expression does not compile: {why}"))?;
    if built.is_match(b"") {
        return Err("the regular expression matches nothing at all, and so everything".into());
    }
    Ok(built)
}

/// OONI's expressions are Python's, where a brace that counts nothing is a brace.
fn literal_braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let counts = || {
            let inner = text.get(at + 1..).and_then(|rest| rest.split_once('}')).map(|(inner, _)| inner);
            inner.is_some_and(|i| i.starts_with(|c: char| c.is_ascii_digit()) && i.chars().all(|c| c.is_ascii_digit() || c == ','))
        };
        // After a backslash it is a brace already, and in \x{..} or \p{..} it belongs to the escape.
        let of_escape = text.get(..at).is_some_and(|before| ["\\x", "\\u", "\\p", "\\P"].iter().any(|e| before.ends_with(e)));
        if c == '{' && !escaped && !of_escape && !counts() {
            out.push('\\');
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(kind: &str, pattern: &str, text: &[u8]) -> bool {
        Pattern::new(kind, pattern).unwrap().matches(text)
    }

    #[test]
    fn each_kind() {
        assert!(holds("full", "abc", b"abc") && !holds("full", "abc", b"abcd"));
        assert!(holds("prefix", "abc", b"abcd") && !holds("prefix", "abc", b"zabc"));
        assert!(holds("contains", "abc", b"zabcd") && !holds("contains", "abc", b"ABC"));
        assert!(holds("regexp", "a.+c\\d", b"z a\n\xffc7") && !holds("regexp", "^b", b"ab"));
        assert!(holds("regexp", "{\"msg\":.*\"id\":", b"{\"msg\":1,\"id\":2}") && holds("regexp", "^a{2}\\{b$", b"aa{b"));
        assert!(holds("regexp", "^\\x{41}{1,2}$", b"AA"));
        assert!(holds("regexp", "[\u{e9}e]t\u{e9}", "\u{e9}t\u{e9}".as_bytes()));
    }

    #[test]
    fn what_is_refused() {
        for (kind, pattern, says) in [
            ("glob", "a*", "not known"),
            ("contains", "", "everything"),
            ("regexp", "(", "does not compile"),
            ("regexp", "((a{1000}){1000}){1000}", "more than"),
            ("regexp", "a*", "everything"),
        ] {
            let error = Pattern::new(kind, pattern).unwrap_err();
            assert!(error.contains(says), "{pattern}: {error}");
        }
    }
}
