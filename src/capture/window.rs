//! Windows and their chunks: the part of reading that runs on every core at once.
//!
//! A window is one contiguous page-aligned buffer. Of a file, each chunk of it is read and walked by whichever thread takes the
//! chunk, so that the bytes are still in that core's cache; of a stream, the buffer is already full and the chunks are only
//! walked. Either way a chunk knows nothing of its neighbours: it guesses where its first record starts and stops at the last
//! record that ends inside it. `stitch` proves the guesses afterwards.

use super::aligned::{Aligned, PAGE};
use super::damage::Damages;
use super::records::{Context, Stop, walk};
use super::{Sink, Timestamp, boundary};
use std::fs::File;
use std::io;
use std::sync::Arc;

/// One stretch of the capture, up to `OpenOptions::window` bytes.
pub struct Window {
    pub(super) buffer: Aligned,
    pub(super) chunk: usize,
    /// Offset in the capture of the buffer's first byte.
    pub(super) base: u64,
    /// Where in the buffer the first record starts (or the search for it, behind damage).
    pub(super) start: usize,
    /// How much of the buffer belongs to this window.
    pub(super) filled: usize,
    /// No bytes follow.
    pub(super) last: bool,
    /// Whether a record is known to start at `start`.
    pub(super) proven: bool,
    pub(super) context: Context,
    /// A time the records of this window should be within reach of.
    pub(super) near: Option<Timestamp>,
    /// Where the chunks read their bytes; `None` when the buffer holds them already.
    pub(super) file: Option<Arc<File>>,
    pub(super) wrong_guesses: bool,
}

impl Window {
    pub(super) fn new(size: usize, chunk: usize, context: Context, wrong_guesses: bool) -> Window {
        Window {
            buffer: Aligned::new(size),
            chunk: chunk.max(PAGE),
            base: 0,
            start: 0,
            filled: 0,
            last: false,
            proven: false,
            context,
            near: None,
            file: None,
            wrong_guesses,
        }
    }

    /// The buffer; what [`Sink::frame`] was told as `at` is an offset in it. Valid once the chunks have been read, until the
    /// window is begun again.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Byte offset in the (uncompressed) capture of the buffer's first byte: a frame's bytes are at `base() + at`.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The most chunks a window of this capture has; so many sinks serve every window.
    pub fn max_chunks(&self) -> usize {
        self.buffer.len().div_ceil(self.chunk)
    }

    /// The chunks of this window, in order: independent of one another, callable from any thread.
    pub fn chunks(&mut self) -> Vec<Chunk<'_>> {
        let Window { buffer, chunk, base, start, filled, proven, context, near, file, wrong_guesses, .. } = self;
        let (size, file) = (*chunk, file.as_deref());
        let used = buffer.get_mut(..*filled).unwrap_or_default();
        used.chunks_mut(size)
            .enumerate()
            .map(|(index, bytes)| Chunk {
                bytes,
                shift: index * size,
                base: *base,
                from: if index > 0 {
                    Start::Guess
                } else if *proven {
                    Start::Known(*start)
                } else {
                    Start::GuessAfter(*start)
                },
                context,
                near: *near,
                file,
                wrong_guesses: *wrong_guesses,
            })
            .collect()
    }
}

/// Where a chunk's walk starts.
#[derive(Clone, Copy)]
enum Start {
    Known(usize),
    Guess,
    GuessAfter(usize),
}

/// One chunk, to be read and walked.
pub struct Chunk<'w> {
    bytes: &'w mut [u8],
    /// Offset of the chunk in the window's buffer.
    shift: usize,
    base: u64,
    from: Start,
    context: &'w Context,
    near: Option<Timestamp>,
    file: Option<&'w File>,
    wrong_guesses: bool,
}

/// How a chunk's walk went, for `Capture::stitch`. Offsets are those of the window's buffer.
#[derive(Debug)]
pub struct ChunkEnd {
    pub(super) from: Option<usize>,
    pub(super) to: usize,
    pub(super) context: Context,
    pub(super) damages: Damages,
    /// Bytes the chunk should have and has.
    pub(super) wanted: usize,
    pub(super) got: usize,
    pub(super) error: Option<io::Error>,
}

impl Chunk<'_> {
    /// Reads the chunk's bytes and hands every frame that ends inside it to `sink`, which is reset first.
    pub fn read_and_walk<S: Sink + ?Sized>(self, sink: &mut S) -> ChunkEnd {
        sink.reset();
        let (got, error) = match self.file {
            Some(file) => fill(file, self.bytes, self.base + self.shift as u64),
            None => (self.bytes.len(), None),
        };
        let bytes = self.bytes.get(..got).unwrap_or_default();
        let mut context = self.context.clone();
        let start = match self.from {
            Start::Known(start) => Some(start),
            Start::Guess | Start::GuessAfter(_) => {
                // The packet before the chunk is in another one, so its time is not known here.
                context.exact = false;
                context.previous = None;
                let earliest = if let Start::GuessAfter(start) = self.from { start } else { 0 };
                let guess = boundary::guess(&context, bytes, earliest, self.near);
                if self.wrong_guesses { Some(guess.map_or(earliest, |guess| guess + context.step())) } else { guess }
            }
        };
        let mut damages = Damages::default();
        let mut to = start.unwrap_or(got);
        if let Some(start) = start {
            // Why the walk stopped does not matter here: `stitch` goes on from there, with the bytes of the next chunk in reach.
            let (stopped, _why): (usize, Stop) = walk(&mut context, bytes, (start, got), (self.base, self.shift), sink, &mut damages);
            to = stopped;
        }
        ChunkEnd {
            from: start.map(|start| self.shift + start),
            to: self.shift + to,
            context,
            damages,
            wanted: self.bytes.len(),
            got,
            error,
        }
    }
}

/// Reads from the file until the bytes are full, the file ends or fails.
pub(super) fn fill(file: &File, bytes: &mut [u8], offset: u64) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match read_at(file, room, offset + filled as u64) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}
