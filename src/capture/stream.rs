//! Streams: pipes and compressed files, read on a thread of their own so that inflating overlaps with the analysis.
//!
//! The thread hands over blocks through a channel of fixed depth and gets the empty ones back. (Plain files have no such thread:
//! there it would only cost; see `window`.)

use super::sniff::Compression;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Large enough to make the hand-over free, small enough to stay in a core's cache.
const BLOCK: usize = 256 << 10;
/// Blocks in flight: the decoder may run this far ahead.
const DEPTH: usize = 8;
/// A decoder that meets corrupt data drops the output of that call, so calls ask for little.
const STEP: usize = 8 << 10;
/// Largest xz dictionary accepted: `xz -9` needs 65 MiB, while a hostile header may ask for 4 GiB.
const XZ_MEMORY: u64 = 256 << 20;

enum Item {
    Block(Vec<u8>),
    End,
    Failed(String),
}

/// The receiving end of such a thread.
pub(super) struct Feed {
    items: Receiver<Item>,
    spare: SyncSender<Vec<u8>>,
    block: Vec<u8>,
    taken: usize,
    ended: bool,
    failure: Option<String>,
    /// Bytes that may still be handed out (`--max-bytes`).
    left: u64,
    stopped: bool,
}

impl Feed {
    /// Starts reading, and undoing `compression`.
    pub fn start<R: Read + Send + 'static>(input: R, compression: Option<Compression>, max_bytes: Option<u64>) -> io::Result<Feed> {
        let (send, items) = sync_channel(DEPTH);
        let (spare, empty) = sync_channel(DEPTH + 2);
        std::thread::Builder::new().name("inflate".into()).spawn(move || {
            // The thread ends when the input does, or when nobody takes its blocks any more.
            let _ = pump(input, compression, &send, &empty);
        })?;
        Ok(Feed {
            items,
            spare,
            block: Vec::new(),
            taken: 0,
            ended: false,
            failure: None,
            left: max_bytes.unwrap_or(u64::MAX),
            stopped: false,
        })
    }

    /// Bytes at hand, waiting for some; empty at the end.
    fn available(&mut self) -> &[u8] {
        while self.taken >= self.block.len() && !self.ended {
            match self.items.recv() {
                Ok(Item::Block(block)) => {
                    let used = std::mem::replace(&mut self.block, block);
                    self.taken = 0;
                    match self.spare.try_send(used) {
                        // A full or closed return path only costs an allocation.
                        Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
                    }
                }
                Ok(Item::End) => self.ended = true,
                Ok(Item::Failed(text)) => {
                    self.ended = true;
                    self.failure = Some(text);
                }
                Err(_) => {
                    self.ended = true;
                    self.failure = Some("the decoder stopped without a word".into());
                }
            }
        }
        self.block.get(self.taken..).unwrap_or_default()
    }

    /// Fills `out`, or as much of it as there is.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        self.advance(out.len() as u64, Some(out)) as usize
    }

    /// Throws away up to `count` bytes and says how many there were.
    pub fn discard(&mut self, count: u64) -> u64 {
        self.advance(count, None)
    }

    fn advance(&mut self, count: u64, mut out: Option<&mut [u8]>) -> u64 {
        let mut done = 0;
        while done < count {
            let (left, wanted) = (self.left, count - done);
            let available = self.available();
            if available.is_empty() {
                break;
            }
            let step = wanted.min(left).min(available.len() as u64);
            if step == 0 {
                self.stopped = true;
                break;
            }
            if let Some(out) = &mut out {
                let target = out.get_mut(done as usize..(done + step) as usize);
                if let Some((target, source)) = target.zip(available.get(..step as usize)) {
                    target.copy_from_slice(source);
                }
            }
            self.taken += step as usize;
            self.left -= step;
            done += step;
        }
        done
    }

    /// Why the bytes ended, if not by themselves.
    pub fn failure(&self) -> Option<&str> {
        if self.stopped { Some("stopped at --max-bytes") } else { self.failure.as_deref() }
    }
}

/// Counts what a decoder has taken in, so that damage can be placed in the compressed file.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(out)?;
        self.count.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// lz4 frames one after the other: the decoder reports the end of each as the end of all.
struct Lz4Frames<R: Read>(lz4_flex::frame::FrameDecoder<R>);

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.0.read(out)?;
            if got > 0 || out.is_empty() {
                return Ok(got);
            }
            let before = self.0.get_mut().fill_buf()?.len();
            if before == 0 {
                return Ok(0);
            }
            let got = self.0.read(out)?;
            if got > 0 {
                return Ok(got);
            }
            if self.0.get_mut().fill_buf()?.len() == before {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "no lz4 frame follows"));
            }
        }
    }
}

fn pump<R: Read + Send + 'static>(
    input: R,
    compression: Option<Compression>,
    send: &SyncSender<Item>,
    empty: &Receiver<Vec<u8>>,
) -> Result<(), std::sync::mpsc::SendError<Item>> {
    let count = Arc::new(AtomicU64::new(0));
    let input = Counted { inner: input, count: Arc::clone(&count) };
    let mut decoder = match decoder(input, compression) {
        Ok(decoder) => decoder,
        Err(error) => return send.send(Item::Failed(error.to_string())),
    };
    loop {
        let mut block = empty.try_recv().unwrap_or_default();
        block.resize(BLOCK, 0);
        let (filled, end) = fill(decoder.as_mut(), &mut block);
        block.truncate(filled);
        if filled > 0 {
            send.send(Item::Block(block))?;
        }
        match end {
            None => {}
            Some(Ok(())) => return send.send(Item::End),
            Some(Err(error)) => {
                let place = count.load(Ordering::Relaxed);
                return send.send(Item::Failed(match compression {
                    None => format!("read failed: {error}"),
                    Some(compression) => {
                        format!("{} data broken at or before compressed byte {place}: {error}", compression.name())
                    }
                }));
            }
        }
    }
}

/// Fills the block; says how far, and whether the input ended, well or not.
fn fill(decoder: &mut dyn Read, block: &mut [u8]) -> (usize, Option<io::Result<()>>) {
    let mut filled = 0;
    while let Some(room) = block.get_mut(filled..).filter(|room| !room.is_empty()) {
        let step = room.len().min(STEP);
        match decoder.read(room.get_mut(..step).unwrap_or_default()) {
            Ok(0) => return (filled, Some(Ok(()))),
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(Err(error))),
        }
    }
    (filled, None)
}

fn decoder<R: Read + Send + 'static>(input: R, compression: Option<Compression>) -> io::Result<Box<dyn Read>> {
    let input = BufReader::with_capacity(BLOCK, input);
    Ok(match compression {
        None => Box::new(input),
        Some(Compression::Gzip) => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        Some(Compression::Zstd) => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
        Some(Compression::Xz) => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        Some(Compression::Lz4) => Box::new(Lz4Frames(lz4_flex::frame::FrameDecoder::new(input))),
    })
}
