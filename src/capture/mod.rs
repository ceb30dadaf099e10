//! Bytes to frames: opens captures of any format and compression and walks their records.
//!
//! A capture is read as a run of *windows* (16 MiB), each a contiguous page-aligned buffer, cut into *chunks* (1 MiB) that are
//! read and walked independently. Files are read with `pread`, streams (stdin, gz, zst, xz, lz4) are inflated into the same windows.

/// Nanoseconds since the Unix epoch, as the capture says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Signed distance `self - earlier` in nanoseconds, saturating.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
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
    /// Length on the wire; `bytes` may be shorter (snap length).
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
}
