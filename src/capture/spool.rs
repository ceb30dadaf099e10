//! What comes through a pipe cannot be read twice: a bounded copy in a temporary file can.

use crate::limits::SPOOL;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tempfile::NamedTempFile;

/// The copy, byte for byte as it came (still compressed, if it was).
#[derive(Debug)]
pub struct Spool {
    file: NamedTempFile,
    room: AtomicU64,
    partial: AtomicBool,
}

impl Spool {
    pub(super) fn new() -> io::Result<Spool> {
        Self::of(SPOOL)
    }

    fn of(room: u64) -> io::Result<Spool> {
        let file = tempfile::Builder::new().prefix("interloper-").tempfile()?;
        Ok(Spool { file, room: AtomicU64::new(room), partial: AtomicBool::new(false) })
    }

    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The bound was reached, or the disk is full: only the start was kept.
    pub fn is_partial(&self) -> bool {
        self.partial.load(Ordering::Relaxed)
    }

    /// One reader calls this; what it could not keep is gone, and so is everything after it.
    fn keep(&self, bytes: &[u8]) {
        if self.is_partial() {
            return;
        }
        let room = self.room.load(Ordering::Relaxed);
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let kept = self.file.as_file().write_all(bytes.get(..fits).unwrap_or_default());
        self.room.store(room - fits as u64, Ordering::Relaxed);
        if kept.is_err() || fits < bytes.len() {
            self.partial.store(true, Ordering::Relaxed);
        }
    }
}

/// Copies what is read to the spool.
pub(super) struct Tee<R> {
    inner: R,
    spool: Arc<Spool>,
}

impl<R> Tee<R> {
    pub fn new(inner: R, spool: Arc<Spool>) -> Tee<R> {
        Tee { inner, spool }
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(out)?;
        self.spool.keep(out.get(..got).unwrap_or_default());
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_fits_and_says_when_it_does_not() {
        for (room, kept, partial) in [(10, "hello pipe", false), (7, "hello p", true), (0, "", true)] {
            let spool = Arc::new(Spool::of(room).unwrap());
            let mut out = String::new();
            Tee::new(&b"hello pipe"[..], Arc::clone(&spool)).read_to_string(&mut out).unwrap();
            assert_eq!((out.as_str(), spool.is_partial()), ("hello pipe", partial));
            assert_eq!(std::fs::read_to_string(spool.path()).unwrap(), kept);
        }
    }
}
