//! The one error type. Only opening, reading and writing files fails; a malformed packet is an observation.

use std::path::PathBuf;

/// What can stop a run, or one file of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be opened.
    #[error("{}: cannot open: {source}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    /// Reading failed part of the way.
    #[error("{}: read failed at byte {offset}: {source}", path.display())]
    Read { path: PathBuf, offset: u64, source: std::io::Error },
    /// The bytes are no capture we know, and libpcap does not know them either.
    #[error("{}: not a capture: {reason}", path.display())]
    NotACapture { path: PathBuf, reason: String },
    /// A BPF expression that libpcap does not accept for this link type.
    #[error("filter '{expression}': {reason}")]
    Filter { expression: String, reason: String },
    /// Writing an output failed.
    #[error("{}: cannot write: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// The command line asks for something impossible.
    #[error("{0}")]
    Usage(String),
}

/// Shorthand used throughout the crate.
pub type Result<T> = std::result::Result<T, Error>;
