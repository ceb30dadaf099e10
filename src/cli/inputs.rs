//! From paths to files. What is named is tried; of a directory only captures are taken.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What the paths come to.
#[derive(Debug, Default)]
pub struct Inputs {
    /// In the order they were named; the files of a directory in byte order of their paths.
    pub files: Vec<PathBuf>,
    /// Files of directories that are no captures.
    pub passed_over: u64,
    /// Directories, or files in them, that could not be looked at.
    pub failed: Vec<(PathBuf, std::io::Error)>,
    /// Directories that hold no capture at all.
    pub empty: Vec<PathBuf>,
    /// Bytes to be read in all, where they can be known before (no pipes, nothing compressed): for the progress bar only.
    pub bytes: Option<u64>,
}

impl Inputs {
    /// Looks at the paths.
    pub fn find(paths: &[PathBuf]) -> Inputs {
        let mut inputs = Inputs { bytes: Some(0), ..Inputs::default() };
        for path in paths {
            // `-` is standard input even where a file of that name exists.
            if path.as_path() != Path::new("-") && path.is_dir() {
                inputs.directory(path);
            } else {
                inputs.weigh(path);
                inputs.files.push(path.clone());
            }
        }
        inputs
    }

    fn directory(&mut self, top: &Path) {
        let mut found = Vec::new();
        let mut waiting = vec![top.to_owned()];
        let failures = self.failed.len();
        while let Some(directory) = waiting.pop() {
            let entries = match std::fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) => {
                    self.failed.push((directory, error));
                    continue;
                }
            };
            for entry in entries {
                let Ok(entry) = entry.inspect_err(|_| ()) else {
                    self.passed_over += 1;
                    continue;
                };
                let path = entry.path();
                // Links to directories are not followed: they may lead in circles. Links to files are.
                if entry.file_type().is_ok_and(|t| t.is_dir()) {
                    waiting.push(path);
                } else if path.metadata().is_ok_and(|m| m.is_file()) && is_capture(&path) {
                    found.push(path);
                } else {
                    // A pipe or a device in a directory was not meant; reading it could wait for ever.
                    self.passed_over += 1;
                }
            }
        }
        if found.is_empty() && self.failed.len() == failures {
            self.empty.push(top.to_owned());
        }
        found.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
        // The order in which a directory lists its entries must not show in the failures either.
        self.failed[failures..].sort_by(|a, b| a.0.cmp(&b.0));
        for path in &found {
            self.weigh(path);
        }
        self.files.extend(found);
    }

    fn weigh(&mut self, path: &Path) {
        let plain = path.metadata().ok().filter(|m| m.is_file()).filter(|_| !is_compressed(&magic(path)));
        self.bytes = self.bytes.zip(plain).map(|(sum, m)| sum.saturating_add(m.len()));
    }
}

/// By its name, or else by its first bytes: names are enough for those that libpcap has to read and for compressed ones.
fn is_capture(path: &Path) -> bool {
    named_like_one(path) || begins_like_one(&magic(path))
}

/// `x.pcap`, `x.pcap1`, `x.pcapng.gz`, `x.cap.zst`, ...
fn named_like_one(path: &Path) -> bool {
    let extension = |p: &Path| p.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase).unwrap_or_default();
    let mut last = extension(path);
    if matches!(last.as_str(), "gz" | "zst" | "xz" | "lz4") {
        last = path.file_stem().map(|stem| extension(Path::new(stem))).unwrap_or_default();
    }
    // tcpdump -C numbers its files: trace.pcap12.
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(last, "pcap" | "pcapng" | "ntar" | "cap" | "dmp" | "npcap")
}

fn magic(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Opening a pipe would wait for its writer, and what is read of it would be missing later.
    if path.metadata().is_ok_and(|m| m.is_file())
        && let Ok(file) = File::open(path)
    {
        // What cannot be read here fails again, and is reported, when it is opened in earnest.
        let _ = file.take(12).read_to_end(&mut bytes);
    }
    bytes
}

fn begins_like_one(magic: &[u8]) -> bool {
    matches!(
        magic,
        [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xcd, 0x34, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..]
            | [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x1a, 0x2b, 0x3c, 0x4d]
            | [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x4d, 0x3c, 0x2b, 0x1a]
    )
}

fn is_compressed(magic: &[u8]) -> bool {
    matches!(magic, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0xfd, b'7', b'z', b'X', b'Z', ..] | [0x04, 0x22, 0x4d, 0x18, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a.pcap", "a.PCAPNG", "a.cap.gz", "x.pcap12", "b.dmp.zst", "dir.d/c.pcap.xz", "c.pcapng.lz4"] {
            assert!(named_like_one(Path::new(name)), "{name}");
        }
        for name in ["pcap", "a.txt", "a.gz", "a.json", "README.md", ".pcap", "a.tar.gz"] {
            assert!(!named_like_one(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn takes_captures_of_a_directory_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("b")).unwrap();
        for (name, bytes) in [
            ("z.pcap", &b"anything"[..]),
            ("b/1", &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]),
            ("a.txt", b"text"),
            ("B.cap.gz", &[0x1f, 0x8b, 8]),
        ] {
            std::fs::write(at(name), bytes).unwrap();
        }
        let inputs = Inputs::find(&[dir.path().to_owned(), at("missing.pcap"), "-".into()]);
        assert_eq!(inputs.files, [at("B.cap.gz"), at("b/1"), at("z.pcap"), at("missing.pcap"), "-".into()]);
        assert_eq!((inputs.passed_over, inputs.bytes), (1, None));
        let inputs = Inputs::find(&[at("b"), at("z.pcap")]);
        assert_eq!(inputs.bytes, Some(16));
    }
}
