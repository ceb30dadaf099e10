//! `--share` and `--key`: where the key of the mapping comes from.

use crate::error::{Error, Result};
use crate::report::escape;
use crate::report::share::{KEY, Share};
use std::io::Read;
use std::path::Path;

/// The mapping of a run: from a file, so that several runs agree, or from the operating system, and then thrown away.
pub fn share(key: Option<&Path>) -> Result<Share> {
    match key {
        Some(path) => read(path).map(|key| Share::new(&key)),
        None => {
            let mut key = [0; KEY];
            // A key that could be guessed would be none.
            getrandom::fill(&mut key).map_err(|e| Error::Usage(format!("--share: the system gives no random numbers: {e}; use --key")))?;
            Ok(Share::new(&key))
        }
    }
}

fn read(path: &Path) -> Result<[u8; KEY]> {
    let wrong = |what: String| Error::Usage(format!("--key {}: {what}", escape::path(path)));
    let file = std::fs::File::open(path).map_err(|e| wrong(format!("cannot open: {e}")))?;
    let mut bytes = Vec::new();
    // More than any key has, with its line end.
    file.take(256).read_to_end(&mut bytes).map_err(|e| wrong(format!("cannot read: {e}")))?;
    parse(&bytes).ok_or_else(|| {
        let there = match bytes.len() {
            256 => "more than 255".to_owned(),
            n => n.to_string(),
        };
        wrong(format!(
            "a key is 32 octets, or 64 hexadecimal digits; this file has {there} octets (`head -c 32 /dev/urandom > FILE` makes one)"
        ))
    })
}

/// 32 octets as they are, or written as 64 digits with or without a line end.
fn parse(bytes: &[u8]) -> Option<[u8; KEY]> {
    if let Ok(key) = <[u8; KEY]>::try_from(bytes) {
        return Some(key);
    }
    let digits = std::str::from_utf8(bytes).ok()?.trim();
    if digits.len() != 2 * KEY || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; KEY];
    for (n, octet) in key.iter_mut().enumerate() {
        *octet = u8::from_str_radix(digits.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let key: [u8; KEY] = std::array::from_fn(|n| n as u8 * 7);
        let hex: String = key.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(parse(&key), Some(key));
        assert_eq!(parse(hex.as_bytes()), Some(key));
        assert_eq!(parse(format!("{}\r\n", hex.to_uppercase()).as_bytes()), Some(key));
        for bad in [&b""[..], &key[1..], &hex.as_bytes()[2..], format!("0x{hex}").as_bytes(), hex.replace('0', "g").as_bytes()] {
            assert_eq!(parse(bad), None);
        }
    }
}
