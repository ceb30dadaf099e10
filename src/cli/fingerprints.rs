//! `--fingerprints FILE`: reads a user's files and lays them over our tables, before any capture is looked at.

use crate::attribute::given::{self, File};
use crate::error::{Error, Result};
use crate::limits;
use crate::report::escape;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Reads the files in the order in which they were given. What is `shared` cites a file by its last name: the path tells whose it is.
pub fn load(paths: &[PathBuf], shared: bool) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let mut files: Vec<File> = paths.iter().map(|p| read(p)).collect::<Result<_>>()?;
    for (file, path) in files.iter_mut().zip(paths).filter(|_| shared) {
        file.name = escape::path(Path::new(path.file_name().unwrap_or_default()));
    }
    // Errors quote the file.
    given::set(&files).map_err(|what| Error::Usage(format!("--fingerprints {}", escape::sentence(&what))))
}

fn read(path: &Path) -> Result<File> {
    let name = escape::path(path);
    let wrong = |what: String| Error::Usage(format!("--fingerprints {name}: {what}"));
    let file = std::fs::File::open(path).map_err(|e| wrong(format!("cannot open: {e}")))?;
    let mut bytes = Vec::new();
    file.take(limits::FINGERPRINTS + 1).read_to_end(&mut bytes).map_err(|e| wrong(format!("cannot read: {e}")))?;
    if bytes.len() as u64 > limits::FINGERPRINTS {
        return Err(wrong(format!("more than {} octets; that is no file of fingerprints", limits::FINGERPRINTS)));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let line = e.as_bytes().iter().take(good).filter(|b| **b == b'\n').count() + 1;
        wrong(format!("line {line}: not UTF-8"))
    })?;
    Ok(File { name, text })
}
