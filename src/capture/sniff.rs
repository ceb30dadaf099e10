//! What a file is by its first bytes; names and extensions lie.

/// Compressions that are undone while reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Xz,
    Lz4,
}

impl Compression {
    /// Bytes needed to recognise any of them.
    pub const MAGIC: usize = 6;

    pub fn of(bytes: &[u8]) -> Option<Compression> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Compression::Lz4),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
            Compression::Lz4 => "lz4",
        }
    }
}

/// Says what a file that is no capture looks like, for the error message.
pub(super) fn what_else(bytes: &[u8]) -> String {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"snoop\0\0\0", "a Solaris snoop file; `editcap in out.pcap` converts it"),
        (b"GMBU", "a Microsoft Network Monitor 2 file; `editcap in out.pcap` converts it"),
        (b"RTSS", "a Microsoft Network Monitor 1 file; `editcap in out.pcap` converts it"),
        (b"TRSNIFF data", "a Sniffer file; `editcap in out.pcap` converts it"),
        (b"XCP\0", "a NetXRay or Windows Sniffer file; `editcap in out.pcap` converts it"),
        (b"\x7fver", "an EtherPeek file; `editcap in out.pcap` converts it"),
        (&[0xa1, 0x2b, 0x3c, 0x4d], "a Navtel pcap variant that has no published layout"),
        (&[0x4d, 0x3c, 0x2b, 0xa1], "a Navtel pcap variant that has no published layout"),
        (&[0xa1, 0xb2, 0x34, 0xcd], "a pcap variant that has no published layout"),
        (&[0xcd, 0x34, 0xb2, 0xa1], "a pcap variant that has no published layout"),
        (b"\x0a\x0d\x0d\x0a", "a pcapng file with a broken section header"),
        (b"PK\x03\x04", "a zip archive; unpack it first"),
        (b"BZh", "bzip2 data; unpack it first (gzip, zstd, xz and lz4 are read directly)"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
        (b"Rar!", "a rar archive; unpack it first"),
        (&[0x02, 0x21, 0x4c, 0x18], "lz4 data of the legacy format; unpack it first"),
        (b"version https://git-lfs", "a Git LFS pointer, not the file it points to"),
        (b"%PDF", "a PDF document"),
        (b"\x7fELF", "a program"),
    ];
    if bytes.is_empty() {
        return "empty file".into();
    }
    if let Some((_, name)) = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return (*name).into();
    }
    if let Some(compression) = Compression::of(bytes) {
        return format!("{} data inside of compressed data; unpack it first", compression.name());
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return "a tar archive; unpack it first".into();
    }
    let start: String = bytes.iter().take(64).map(|&byte| byte.to_ascii_lowercase() as char).collect();
    let start = start.trim_start_matches(['\u{ef}', '\u{bb}', '\u{bf}']).trim_start();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return "an HTML page, perhaps a login or error page saved by a download".into();
    }
    let head = bytes.get(..512).unwrap_or(bytes);
    if head.iter().all(|&byte| byte == 0) {
        return "zero bytes where a capture's header should be".into();
    }
    if head.iter().all(|&byte| byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n')) {
        return "text".into();
    }
    "no format known here (pcap and pcapng are, plain or as gzip, zstd, xz or lz4)".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_it_is() {
        for (bytes, expected) in [
            (&b""[..], "empty file"),
            (b"\xef\xbb\xbf <!DOCTYPE html>", "HTML"),
            (b"snoop\0\0\0\0\0\0\x02", "snoop"),
            (b"PK\x03\x04", "zip"),
            (b"1.2.3.4 > 5.6.7.8: S\n", "text"),
            (&[0; 40], "zero bytes"),
            (&[0x1f, 0x8b, 8, 0], "gzip data inside"),
            (&[0xd4, 1, 2, 0xff, 0], "no format known"),
        ] {
            assert!(what_else(bytes).contains(expected), "{bytes:?}: {}", what_else(bytes));
        }
    }
}
