//! Moving an open capture from window to window, and what can be said about it on the way.

use super::LinkType;
use super::aligned::PAGE;
use super::damage::Damage;
use super::open::{Capture, Source};
use super::records::Layout;
use super::sniff::Compression;
use super::window::Window;
use std::sync::Arc;

/// What kind of capture it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `pcap`, `pcapng`, `pcap (modified)`, ...
    pub format: String,
    /// `gzip`, `zstd`, `xz`, `lz4`.
    pub compression: Option<&'static str>,
    /// Length of a tick of its clock: `us`, `ns`, ...; the finest of its interfaces.
    pub resolution: String,
    /// Link types of its interfaces so far, sorted.
    pub link_types: Vec<LinkType>,
    /// The largest snap length of its interfaces so far; zero means no limit.
    pub snaplen: u32,
    /// Options that name its interfaces, by their numbers; none if it has several sections, each with numbers of its own.
    pub interfaces: Vec<Arc<[u8]>>,
    /// Size of the capture, where it can be known before the end.
    pub bytes_total: Option<u64>,
    /// Whether byte offsets are those of the (uncompressed) file; not so when libpcap reads it for us.
    pub offsets_known: bool,
}

impl Capture {
    /// A window for what is left of this capture. Two of them, used in turn, let one be analysed while the next is read.
    pub fn new_window(&self) -> Window {
        let left = match &self.source {
            _ if self.done => 0,
            Source::File { length, .. } => length.saturating_sub(self.next) + PAGE as u64,
            Source::Stream { .. } => u64::MAX,
        };
        // No larger than it can become: zeroes for it may be written to every page.
        let size = usize::try_from(left).map_or(self.options.window, |left| left.min(self.options.window));
        Window::new(size, self.options.chunk, self.context.clone(), self.options.force_wrong_guess)
    }

    /// Prepares the next window (of a stream: fills it); false at the end of the capture.
    pub fn begin(&mut self, window: &mut Window) -> bool {
        if self.done {
            return false;
        }
        // Offsets in the buffer and in the capture agree modulo the page size, so that reads land on pages.
        let start = (self.next % PAGE as u64) as usize;
        window.base = self.next - start as u64;
        window.start = start;
        window.context = self.context.clone();
        window.near = self.context.previous.or(self.near);
        window.proven = self.search.is_none();
        let capacity = window.buffer.len();
        match &mut self.source {
            Source::File { file, length, .. } => {
                let left = length.saturating_sub(window.base);
                window.filled = usize::try_from(left).unwrap_or(capacity).min(capacity);
                window.last = left <= capacity as u64;
                window.file = Some(Arc::clone(file));
            }
            Source::Stream { feed, carry } => {
                let carried = start + carry.len();
                if let Some(room) = window.buffer.get_mut(start..carried) {
                    room.copy_from_slice(carry);
                }
                let room = window.buffer.get_mut(carried..).unwrap_or_default();
                let got = feed.read(room);
                window.last = got < room.len();
                window.filled = carried + got;
                window.file = None;
                carry.clear();
            }
        }
        if window.filled <= start {
            window.filled = 0;
            self.finish();
            return false;
        }
        true
    }

    /// Ends the reading, with a word on bytes that were never reached.
    pub(super) fn finish(&mut self) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        if let Some(search) = self.search.take() {
            self.damages.add(search.offset, || format!("{}; no record found behind it", search.text));
        }
        if let Some(failure) = self.source.failure().map(str::to_owned) {
            let end = match &self.source {
                Source::File { length, .. } => *length,
                Source::Stream { .. } => self.next,
            };
            self.damages.add(end, || failure);
        }
    }

    /// What is known of the capture so far.
    pub fn description(&self) -> Description {
        let (format, resolution, link_types, snaplen) = match &self.context.layout {
            Layout::Pcap(header) => {
                let resolution = if header.nanoseconds { "ns" } else { "us" };
                (header.name(), resolution.to_owned(), vec![header.link], header.snaplen)
            }
            Layout::Pcapng(section) => {
                let seen = &section.seen;
                let resolution = seen.finest.map_or_else(|| "us".to_owned(), |finest| finest.text());
                ("pcapng", resolution, seen.link_types.iter().copied().collect(), seen.snaplen)
            }
        };
        Description {
            format: if self.through_libpcap { "read by libpcap".into() } else { format.into() },
            compression: self.compression.map(Compression::name),
            resolution,
            link_types,
            snaplen,
            interfaces: self.interfaces(),
            bytes_total: match &self.source {
                Source::File { length, .. } => Some(*length),
                Source::Stream { .. } => None,
            },
            offsets_known: !self.through_libpcap,
        }
    }

    fn interfaces(&self) -> Vec<Arc<[u8]>> {
        match &self.context.layout {
            Layout::Pcapng(section) if section.seen.sections < 2 => section.interfaces.iter().map(|i| Arc::clone(&i.names)).collect(),
            _ => Vec::new(),
        }
    }

    /// Bytes of (uncompressed) capture that have been dealt with.
    pub fn bytes_read(&self) -> u64 {
        self.next
    }

    /// The first hundred damages, in order.
    pub fn damage(&self) -> &[Damage] {
        &self.damages.list
    }

    /// How many damages there are in all.
    pub fn damage_count(&self) -> u64 {
        self.damages.count
    }

    /// Whether anything was truncated, damaged or left out.
    pub fn damaged(&self) -> bool {
        self.damages.count > 0
    }
}
