//! Domain names as they stand in DNS messages (RFC 1035 sections 3.1 and 4.1.4).
//!
//! A name is kept as raw labels, case and odd bytes included: mixed case is how resolvers spot off-path forgers,
//! and a forger's byte soup must reach the report unchanged. Reading is bounded, because compression pointers
//! let a few bytes stand for endless work.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use thiserror::Error;

/// Pointers followed in one name. Real encoders point straight at a name and need one or two hops.
pub const MAX_HOPS: usize = 16;
/// A 255-octet name cannot hold more one-octet labels than this.
pub const MAX_LABELS: usize = 127;
/// RFC 1035 section 2.3.4: length octets, labels and the root octet together.
pub const MAX_OCTETS: usize = 255;

/// Why a name could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    #[error("name runs past the end of the message")]
    Cut,
    #[error("name follows too many compression pointers")]
    PointerLoop,
    #[error("name has too many labels")]
    TooManyLabels,
    #[error("name is longer than 255 octets")]
    TooLong,
    #[error("label type is neither a length nor a pointer")]
    BadLabel,
}

/// A domain name: its labels in wire form (length octet, bytes), without the root octet. Shared, because most records of an answer
/// bear the name that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name {
    /// Nothing for the root, which every OPT record bears.
    wire: Option<Arc<[u8]>>,
}

impl Name {
    /// Reads the name at `at` of `message`; returns it and the offset of what follows it there.
    pub fn read(message: &[u8], at: usize) -> Result<(Name, usize), NameError> {
        let mut wire = [0; MAX_OCTETS];
        let mut used = 0;
        let mut next = None;
        let (mut pos, mut hops, mut labels) = (at, 0, 0);
        loop {
            let length = *message.get(pos).ok_or(NameError::Cut)?;
            match length {
                0 => {
                    let end = next.unwrap_or(pos + 1);
                    return Ok((Name::of(wire.get(..used).unwrap_or_default()), end));
                }
                1..=0x3f => {
                    let label = message.get(pos..=pos + usize::from(length)).ok_or(NameError::Cut)?;
                    labels += 1;
                    if labels > MAX_LABELS {
                        return Err(NameError::TooManyLabels);
                    }
                    // One octet stays reserved for the root label.
                    let place = wire.get_mut(used..used + label.len()).filter(|_| used + label.len() < MAX_OCTETS);
                    place.ok_or(NameError::TooLong)?.copy_from_slice(label);
                    used += label.len();
                    pos += label.len();
                }
                0xc0..=0xff => {
                    let low = *message.get(pos + 1).ok_or(NameError::Cut)?;
                    hops += 1;
                    if hops > MAX_HOPS {
                        return Err(NameError::PointerLoop);
                    }
                    next.get_or_insert(pos + 2);
                    pos = usize::from(length & 0x3f) << 8 | usize::from(low);
                }
                _ => return Err(NameError::BadLabel),
            }
        }
    }

    fn of(wire: &[u8]) -> Name {
        Name { wire: (!wire.is_empty()).then(|| wire.into()) }
    }

    fn wire(&self) -> &[u8] {
        self.wire.as_deref().unwrap_or_default()
    }

    /// Makes a name from dotted text without escapes; `None` if a label or the whole is too long.
    pub fn from_text(text: &[u8]) -> Option<Name> {
        let text = text.strip_suffix(b".").unwrap_or(text);
        let mut wire = Vec::new();
        if !text.is_empty() {
            for label in text.split(|&b| b == b'.') {
                let length = u8::try_from(label.len()).ok().filter(|n| (1..=0x3f).contains(n))?;
                wire.push(length);
                wire.extend_from_slice(label);
            }
        }
        (wire.len() < MAX_OCTETS).then(|| Name::of(&wire))
    }

    /// The labels, first to last, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.wire();
        std::iter::from_fn(move || {
            let (&length, tail) = rest.split_first()?;
            let (label, after) = tail.split_at_checked(usize::from(length))?;
            rest = after;
            Some(label)
        })
    }

    pub fn is_root(&self) -> bool {
        self.wire.is_none()
    }

    /// Does it stand at `at` of `message` in full, without pointers?
    pub fn is_written_at(&self, message: &[u8], at: usize) -> bool {
        let rest = message.get(at..).and_then(|here| here.strip_prefix(self.wire()));
        rest.is_some_and(|rest| rest.first() == Some(&0))
    }

    /// Equal as DNS compares names. Length octets are below `A`, so folding the whole wire form is safe.
    pub fn eq_ignore_case(&self, other: &Name) -> bool {
        self.wire().eq_ignore_ascii_case(other.wire())
    }

    /// Is this name `zone` itself or below it?
    pub fn is_within(&self, zone: &Name) -> bool {
        let skip = self.labels().count().checked_sub(zone.labels().count());
        skip.is_some_and(|skip| self.labels().skip(skip).zip(zone.labels()).all(|(a, b)| a.eq_ignore_ascii_case(b)))
    }

    /// Both cases of letters occur: the asker used the 0x20 trick, or the name was typed so.
    pub fn is_mixed_case(&self) -> bool {
        let letters = || self.labels().flatten();
        letters().any(u8::is_ascii_uppercase) && letters().any(u8::is_ascii_lowercase)
    }

    /// Presentation form in lower case; the root is a single dot, other names have no final dot.
    pub fn as_lower_text(&self) -> String {
        String::from_utf8(self.as_lower_octets()).unwrap_or_default()
    }

    /// The same as octets.
    pub fn as_lower_octets(&self) -> Vec<u8> {
        // Nothing to escape, as nearly always: the octets are the text, with a dot where the length of a further label stands.
        let mut text = self.wire().get(1..).unwrap_or(b".").to_ascii_lowercase();
        let mut end = 0;
        for label in self.labels() {
            // Counted, not searched for: a label is too short to be worth stopping in.
            if label.iter().filter(|b| is_escaped(**b)).count() > 0 {
                return self.to_string().to_ascii_lowercase().into_bytes();
            }
            end += label.len();
            if let Some(length) = text.get_mut(end) {
                *length = b'.';
            }
            end += 1;
        }
        text
    }
}

/// Whether presentation form writes an octet other than as itself.
fn is_escaped(byte: u8) -> bool {
    !matches!(byte, 0x21..=0x7e) || matches!(byte, b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$')
}

impl fmt::Display for Name {
    /// RFC 1035 section 5.1 presentation: dots and backslashes inside labels escaped, odd bytes as `\DDD`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return out.write_char('.');
        }
        for (index, label) in self.labels().enumerate() {
            if index > 0 {
                out.write_char('.')?;
            }
            for &byte in label {
                match byte {
                    b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => write!(out, "\\{}", char::from(byte))?,
                    0x21..=0x7e => out.write_char(char::from(byte))?,
                    _ => write!(out, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plain_and_compressed_names() {
        let message = b"\x03www\x07ExAmple\x03com\x00\xff\x01a\xc0\x04";
        let (name, next) = Name::read(message, 0).unwrap();
        assert_eq!((name.to_string().as_str(), next), ("www.ExAmple.com", 17));
        assert!(name.is_mixed_case());
        assert_eq!(name.as_lower_text(), "www.example.com");
        let (name, next) = Name::read(message, 18).unwrap();
        assert_eq!((name.to_string().as_str(), next), ("a.ExAmple.com", 22));
    }

    #[test]
    fn refuses_loops_and_oversize() {
        assert_eq!(Name::read(b"\xc0\x00", 0), Err(NameError::PointerLoop));
        let chain: Vec<u8> = (1..=20u8).flat_map(|i| [0xc0, i * 2]).chain([0]).collect();
        assert_eq!(Name::read(&chain, 0), Err(NameError::PointerLoop));
        assert!(Name::read(&chain, 10).is_ok());
        let long: Vec<u8> = [[63u8; 64]; 4].concat();
        assert_eq!(Name::read(&long, 0), Err(NameError::TooLong));
        let many = [1u8, b'x'].repeat(200);
        assert!(matches!(Name::read(&many, 0), Err(NameError::TooLong | NameError::TooManyLabels)));
        assert_eq!(Name::read(b"\x40a\x00", 0), Err(NameError::BadLabel));
        assert_eq!(Name::read(b"\x05ab", 0), Err(NameError::Cut));
        assert_eq!(Name::read(b"", 9), Err(NameError::Cut));
        // A label prefix in front of a self-pointer grows until a bound stops it.
        assert!(Name::read(b"\x01a\xc0\x00", 0).is_err());
    }

    #[test]
    fn escapes_odd_bytes() {
        let (name, _) = Name::read(b"\x04a.\\\x07\x02\xc3\xa9\x00", 0).unwrap();
        assert_eq!(name.to_string(), "a\\.\\\\\\007.\\195\\169");
        assert_eq!(Name::default().to_string(), ".");
    }

    #[test]
    fn compares_names() {
        let name = |text: &str| Name::from_text(text.as_bytes()).unwrap();
        assert!(name("Example.COM.").eq_ignore_case(&name("example.com")));
        assert!(name("a.Example.com").is_within(&name("example.COM")));
        assert!(!name("aexample.com").is_within(&name("example.com")));
        assert!(!name("com").is_within(&name("example.com")));
        assert!(Name::from_text(b"a..b").is_none());
        assert!(Name::from_text(&[b'a'; 64]).is_none());
    }
}
