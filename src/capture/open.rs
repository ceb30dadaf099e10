//! Opening a capture: where its bytes come from and what format they are.

use super::aligned::PAGE;
use super::damage::Damages;
use super::records::{Context, Layout, Record};
use super::sniff::{Compression, what_else};
use super::spool::{Spool, Tee};
use super::stitch::Search;
use super::stream::Feed;
use super::window::fill;
use super::{Timestamp, libpcap, pcap, pcapng};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Bytes looked at before the first window: enough for the interfaces a pcapng file starts with, in all but odd cases (which are
/// only slower).
const PEEK: usize = 64 << 10;
/// A window holds at least this much, so that a record of ordinary size always fits.
const MIN_WINDOW: usize = 2 * PEEK;
/// Offsets in a window are 32-bit.
const MAX_WINDOW: usize = 1 << 30;

/// How to read. The results do not depend on `chunk` or `force_wrong_guess`, nor on `window` as long as every record fits one.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Bytes per window: 4 MiB keep eight chunks of work at hand, and two windows stay in the cache that cores share (8 MiB took
    /// one core up to a tenth longer, 1 MiB two cores); rounded up to whole chunks.
    pub window: usize,
    /// Bytes per chunk: from 512 KiB on the size makes no difference that can be measured.
    pub chunk: usize,
    /// Stop after so many bytes of (uncompressed) capture, against decompression bombs.
    pub max_bytes: Option<u64>,
    /// Keep what cannot be read twice (pipes, standard input) in a temporary file: see [`Capture::spool`].
    pub spool: bool,
    /// For tests: every guess of a chunk's first record is wrong.
    pub force_wrong_guess: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions { window: 4 << 20, chunk: 512 << 10, max_bytes: None, spool: false, force_wrong_guess: false }
    }
}

/// Where the bytes come from.
pub(super) enum Source {
    File {
        file: Arc<File>,
        length: u64,
        limited: bool,
    },
    /// `carry` holds the bytes from `Capture::next` on that have been taken from the feed already.
    Stream {
        feed: Feed,
        carry: Vec<u8>,
    },
}

impl Source {
    /// Why the bytes end before the capture does.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Source::File { limited, .. } => limited.then_some("stopped at --max-bytes"),
            Source::Stream { feed, .. } => feed.failure(),
        }
    }
}

/// An open capture.
///
/// Reading goes window by window: [`Capture::begin`], [`Window::chunks`], [`Capture::stitch`], until `begin` says there is no
/// more. Nothing of that fails: what cannot be read is damage, and what precedes it counts.
pub struct Capture {
    pub(super) source: Source,
    /// How to read the record at `next`.
    pub(super) context: Context,
    pub(super) next: u64,
    pub(super) near: Option<Timestamp>,
    pub(super) search: Option<Search>,
    pub(super) damages: Damages,
    /// The end of the bytes is not the end of the capture, and has been reported.
    pub(super) cut_on_purpose: bool,
    pub(super) done: bool,
    pub(super) options: OpenOptions,
    pub(super) compression: Option<Compression>,
    pub(super) through_libpcap: bool,
    pub(super) spool: Option<Arc<Spool>>,
}

impl Capture {
    /// Opens a file, a pipe, or with `-` standard input, and finds out what it is by its first bytes.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Capture> {
        if path == Path::new("-") {
            return Self::from_stream(std::io::stdin(), path, options);
        }
        let failed = |source| Error::Open { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(Error::NotACapture { path: path.into(), reason: "a directory".into() });
        }
        // Files of /proc say they are empty, and are not.
        if !metadata.is_file() || metadata.len() == 0 {
            return Self::from_stream(file, path, options);
        }
        let mut head = vec![0; PEEK.min(usize::try_from(metadata.len()).unwrap_or(PEEK))];
        let (got, error) = fill(&file, &mut head, 0);
        if let Some(source) = error {
            return Err(Error::Read { path: path.into(), offset: got as u64, source });
        }
        head.truncate(got);
        if let Some(compression) = Compression::of(&head) {
            let feed = Feed::start(file, Some(compression), options.max_bytes).map_err(failed)?;
            return Self::from_feed(feed, Some(compression), path, options);
        }
        match recognise(&head) {
            Ok(context) => {
                let length = metadata.len().min(options.max_bytes.unwrap_or(u64::MAX));
                let source = Source::File { file: Arc::new(file), length, limited: length < metadata.len() };
                Ok(Self::new(source, context, &head, options))
            }
            Err(reason) => match libpcap::Reader::open(path) {
                Ok(reader) => {
                    let feed = Feed::start(reader, None, options.max_bytes).map_err(failed)?;
                    let mut capture = Self::from_feed(feed, None, path, options)?;
                    capture.through_libpcap = true;
                    Ok(capture)
                }
                Err(_) => Err(Error::NotACapture { path: path.into(), reason }),
            },
        }
    }

    fn from_stream<R: Read + Send + 'static>(input: R, path: &Path, options: &OpenOptions) -> Result<Capture> {
        if !options.spool {
            return Self::from_pipe(input, path, options);
        }
        let spool = Spool::new().map_err(|source| Error::Write { path: std::env::temp_dir(), source })?;
        let spool = Arc::new(spool);
        let mut capture = Self::from_pipe(Tee::new(input, Arc::clone(&spool)), path, options)?;
        capture.spool = Some(spool);
        Ok(capture)
    }

    /// The copy of what came through a pipe, if [`OpenOptions::spool`] asked for one; it goes when nobody holds it any more.
    pub fn spool(&self) -> Option<Arc<Spool>> {
        self.spool.clone()
    }

    fn from_pipe<R: Read + Send + 'static>(mut input: R, path: &Path, options: &OpenOptions) -> Result<Capture> {
        let mut magic = Vec::new();
        let read = input.by_ref().take(Compression::MAGIC as u64).read_to_end(&mut magic);
        read.map_err(|source| Error::Read { path: path.into(), offset: 0, source })?;
        let compression = Compression::of(&magic);
        let input = std::io::Cursor::new(magic).chain(input);
        let feed = Feed::start(input, compression, options.max_bytes).map_err(|source| Error::Open { path: path.into(), source })?;
        Self::from_feed(feed, compression, path, options)
    }

    fn from_feed(mut feed: Feed, compression: Option<Compression>, path: &Path, options: &OpenOptions) -> Result<Capture> {
        let mut head = vec![0; PEEK];
        let got = feed.read(&mut head);
        head.truncate(got);
        let context = recognise(&head).map_err(|reason| {
            let reason = match (feed.failure(), compression) {
                (Some(failure), _) => format!("{reason} ({failure})"),
                (None, Some(compression)) => format!("{} data of {reason}", compression.name()),
                (None, None) => reason,
            };
            Error::NotACapture { path: path.into(), reason }
        })?;
        let mut capture = Self::new(Source::Stream { feed, carry: Vec::new() }, context, &head, options);
        capture.compression = compression;
        if let Source::Stream { carry, .. } = &mut capture.source {
            carry.extend_from_slice(head.get(capture.next as usize..).unwrap_or_default());
        }
        Ok(capture)
    }

    fn new(source: Source, context: Context, head: &[u8], options: &OpenOptions) -> Capture {
        let chunk = options.chunk.clamp(PAGE, MAX_WINDOW).next_multiple_of(PAGE);
        let window = options.window.clamp(MIN_WINDOW, MAX_WINDOW).next_multiple_of(chunk).min(MAX_WINDOW);
        let mut capture = Capture {
            cut_on_purpose: source.failure().is_some(),
            source,
            context,
            next: 0,
            near: None,
            search: None,
            damages: Damages::default(),
            done: false,
            options: OpenOptions { window, chunk, ..options.clone() },
            compression: None,
            through_libpcap: false,
            spool: None,
        };
        capture.skip_preamble(head);
        capture
    }

    /// Takes in the file header, and the interfaces a pcapng file starts with: else every chunk of the first window would start
    /// from a table that the first chunk then changes.
    fn skip_preamble(&mut self, head: &[u8]) {
        let mut pos = match &self.context.layout {
            Layout::Pcap(header) => header.size,
            Layout::Pcapng(_) => 0,
        };
        loop {
            let mut ahead = self.context.clone();
            match ahead.read(head, pos) {
                Record::Skip { next } => {
                    self.context = ahead;
                    pos = next;
                }
                Record::Frame { frame, .. } => {
                    self.near = Some(frame.time);
                    break;
                }
                _ => break,
            }
        }
        self.next = pos as u64;
    }
}

/// The format of a capture by its first bytes, or what they are instead.
fn recognise(head: &[u8]) -> std::result::Result<Context, String> {
    let layout = match (pcap::Header::parse(head), pcapng::Section::parse(head)) {
        (Some(Ok(header)), _) => Layout::Pcap(header),
        (Some(Err(reason)), _) => return Err(reason),
        (None, Some(section)) => Layout::Pcapng(Arc::new(section)),
        (None, None) => return Err(what_else(head)),
    };
    Ok(Context { layout, previous: None, exact: true })
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture").field("description", &self.description()).field("next", &self.next).finish()
    }
}
