//! Bytes to frames: opens captures of any format and compression and walks their records.
//!
//! A capture is read as a run of *windows* (16 MiB), each a contiguous page-aligned buffer, cut into *chunks* (1 MiB) that are
//! read and walked independently. Files are read with `pread`, streams (stdin, gz, zst, xz, lz4) are inflated into the same windows.
//!
//! ```text
//! open ─► begin ─► chunks ─► read_and_walk ─► stitch ─► begin ...
//!         (in order)         (any thread)     (in order)
//! ```
//!
//! `open` recognises the format, `advance` prepares the windows, `window` and `boundary` do what can be done for each chunk alone, `stitch` makes it exact,
//! `records` hides the formats (`pcap`, `pcapng` with `interface`) from all of these, and `stream` undoes compression.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod advance;
mod aligned;
mod boundary;
mod bpf;
mod byte_order;
mod damage;
mod filter;
mod in_order;
mod interface;
mod libpcap;
mod open;
mod pcap;
mod pcapng;
mod records;
mod sniff;
mod spool;
mod stitch;
mod stream;
mod window;

#[cfg(test)]
#[path = "../../tests/support/captures.rs"]
mod captures;
#[cfg(test)]
mod tests;

pub use advance::Description;
pub use damage::Damage;
pub use filter::Filter;
pub use open::{Capture, OpenOptions};
pub use spool::Spool;
pub use window::{Chunk, ChunkEnd, Window};

/// Nanoseconds since the Unix epoch, as the capture says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Signed distance `self - earlier` in nanoseconds, saturating.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The second it lies in, counted from 1970.
    pub fn second(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }
}

/// A libpcap link type (`LINKTYPE_*`, <https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct LinkType(pub u16);

/// One captured frame, borrowed from a window.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Capture time.
    pub time: Timestamp,
    /// Link type of the interface it was captured on.
    pub link: LinkType,
    /// Number of that interface in its section; 0 where the format knows but one.
    pub interface: u32,
    /// Length on the wire; `bytes` may be shorter (snap length).
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
}

/// Takes in the frames of one chunk.
///
/// A chunk's first walk may turn out to have started at the wrong place; the sink is then reset and given the right frames.
pub trait Sink {
    /// The next frame in order. `at` is where its bytes are in [`Window::bytes`].
    fn frame(&mut self, frame: &Frame<'_>, at: u32);
    /// A record that takes a frame number in Wireshark but is no packet: count it.
    fn numbered(&mut self);
    /// Forget everything: the chunk is walked again, or a new window begins.
    fn reset(&mut self);
}
