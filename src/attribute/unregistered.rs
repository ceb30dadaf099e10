//! Names that cannot exist in the public DNS, or that hardly anyone registers: whoever answers them with an address makes it up.

/// Why a name (in small letters, with or without the final dot) has no right to an address; `None` for a name like others.
pub fn why(name: &[u8]) -> Option<&'static str> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let mut labels = name.rsplit(|b| *b == b'.');
    match [labels.next(), labels.next(), labels.next(), labels.next()] {
        [Some(b"invalid"), ..] => Some("RFC 6761 keeps .invalid from ever existing"),
        [Some(label), None, ..] if probes(label) => Some("a name of one label has no address in the public DNS (RFC 7085)"),
        [_, Some(label), None | Some(b"www"), None] if is_made_up(label) => {
            Some("the name looks made up, as people make one up to see what comes back")
        }
        _ => None,
    }
}

/// Browsers ask for a few letters at random to find out whether what does not exist is answered (Chromium's redirect detector: seven
/// to fifteen letters).
fn probes(label: &[u8]) -> bool {
    (7..=15).contains(&label.len()) && label.iter().all(u8::is_ascii_lowercase)
}

/// Whether a label is letters and digits thrown together. Hashes are left alone: some are registered, and those who ask for them mean it.
fn is_made_up(label: &[u8]) -> bool {
    /// Names that people choose change from letters to digits once or twice, and are seldom so long with so many digits.
    const LONG: usize = 15;
    const DIGITS: usize = 4;
    const CHANGES: usize = 4;
    if label.len() < LONG {
        return false;
    }
    let digit = |b: &u8| b.is_ascii_digit();
    let plain = label.iter().all(|b| b.is_ascii_lowercase() || digit(b));
    let hash = label.iter().all(u8::is_ascii_hexdigit);
    let changes = label.windows(2).filter(|w| matches!(w, [a, b] if digit(a) != digit(b))).count();
    plain && !hash && label.iter().filter(|b| digit(b)).count() >= DIGITS && changes >= CHANGES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_and_what_is() {
        for name in ["shop.invalid", "invalid", "qzkfhwtpx", "83hf20vmq7w2kd91x.com", "www.7x2jq90plz4m8tt1.org.", "0q9w8e7r6t5y4u3i2o.net"]
        {
            assert!(why(name.as_bytes()).is_some(), "{name}");
        }
        for name in [
            "example.org",
            "1e100.net",
            "2mdn.net",
            "web2print24hours.de",
            "d3n8a8pro7vhmx.cloudfront.net",
            "xn--80ak6aa92e1b.com",
            "0123456789abcdef0123.com",
            "4chan.org",
            "a1b2.co",
            "83hf20vmq7w2kd91x.example.com",
            "nas",
            "",
        ] {
            assert!(why(name.as_bytes()).is_none(), "{name}");
        }
    }
}
