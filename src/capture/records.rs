//! One record at a time, whatever the format; everything above this file knows offsets and frames only.

use super::damage::Damages;
use super::{Frame, Sink, Timestamp, pcap, pcapng};
use std::sync::Arc;

/// What stands at one offset of a capture.
pub(super) enum Record<'a> {
    /// A packet: its frame, where its bytes start, and where the next record starts.
    Frame { frame: Frame<'a>, at: usize, next: usize },
    /// A record Wireshark gives a frame number although it holds no packet (custom, journal and system call blocks).
    Numbered { next: usize },
    /// A record without a packet.
    Skip { next: usize },
    /// A record that can be stepped over but not understood.
    Faulty { next: usize, text: String },
    /// The bytes end inside the record. `needs` is its whole size, zero when even the header is cut; `packet` says that it has a
    /// frame number.
    Cut { needs: u64, packet: bool },
    /// A packet without a time, while the time of the packet before it is not known.
    NeedsPrevious,
    /// No record: the chain of lengths is broken here.
    Bad { text: String },
}

/// Whether a record could start at an offset, for guesses.
pub(super) enum Plausible {
    No,
    /// Yes, and the next one starts here.
    Next(usize),
    /// Nothing speaks against it as far as the bytes go, but they end inside its header.
    EndsInHeader,
    /// A plausible header whose record ends behind the bytes.
    EndsInBody,
}

/// How records are laid out here.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    Pcap(pcap::Header),
    /// Shared, because every chunk of a window starts from the same interface table; copied only when one changes it.
    Pcapng(Arc<pcapng::Section>),
}

/// All that reading a record needs besides its bytes.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub layout: Layout,
    /// Time of the last packet, if known.
    pub previous: Option<Timestamp>,
    /// True when every record from the start of the capture has been seen, so that an unknown previous time means there is none.
    pub exact: bool,
}

impl Context {
    /// Reads the record at `pos`, taking in what it says about the records after it.
    #[inline(always)]
    pub fn read<'a>(&mut self, bytes: &'a [u8], pos: usize) -> Record<'a> {
        let record = match &mut self.layout {
            Layout::Pcap(header) => header.record(bytes, pos),
            Layout::Pcapng(section) => {
                let previous = match (self.previous, self.exact) {
                    (None, true) => Some(Timestamp::default()),
                    (previous, _) => previous,
                };
                pcapng::record(section, bytes, pos, previous)
            }
        };
        if let Record::Frame { frame, .. } = &record {
            self.previous = Some(frame.time);
        }
        record
    }

    /// Could a record start at `pos`? `near` is a time its own should be within reach of.
    pub fn plausible(&self, bytes: &[u8], pos: usize, near: Option<Timestamp>) -> Plausible {
        match &self.layout {
            Layout::Pcap(header) => header.plausible(bytes, pos, near),
            Layout::Pcapng(section) => pcapng::plausible(section, bytes, pos),
        }
    }

    /// Records start at multiples of this from one another.
    pub fn step(&self) -> usize {
        match self.layout {
            Layout::Pcap(_) => 1,
            Layout::Pcapng(_) => 4,
        }
    }

    /// The end of the record at `pos`, if that reads like one.
    pub fn claimed_end(&self, bytes: &[u8], pos: usize) -> Option<usize> {
        match &self.layout {
            Layout::Pcap(_) => None,
            Layout::Pcapng(section) => pcapng::claimed_end(section, bytes, pos),
        }
    }

    /// Can the length of the record at `pos` be true, as far as its first bytes show?
    pub fn believable(&self, bytes: &[u8], pos: usize) -> bool {
        match &self.layout {
            // A pcap record is held to the limit of its capture already.
            Layout::Pcap(_) => true,
            Layout::Pcapng(section) => pcapng::believable(section, bytes, pos),
        }
    }

    /// Do both read the records after this point the same way?
    pub fn same_layout(&self, other: &Context) -> bool {
        match (&self.layout, &other.layout) {
            (Layout::Pcap(_), Layout::Pcap(_)) => true,
            (Layout::Pcapng(one), Layout::Pcapng(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

/// Why a walk stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The next record starts at or behind the limit.
    Limit,
    Cut {
        needs: u64,
        packet: bool,
    },
    NeedsPrevious,
    Bad(String),
}

/// Walks records from `pos` until one starts at or behind `until`, or cannot be read. `shift` is the offset of `bytes` in the
/// window buffer and `base` the offset of that buffer in the capture. Returns where it stopped, and why.
pub(super) fn walk<S: Sink + ?Sized>(
    context: &mut Context,
    bytes: &[u8],
    (mut pos, until): (usize, usize),
    (base, shift): (u64, usize),
    sink: &mut S,
    damages: &mut Damages,
) -> (usize, Stop) {
    while pos < until {
        let next = match context.read(bytes, pos) {
            Record::Frame { frame, at, next } => {
                // A window is far smaller than 4 GiB (see `OpenOptions::window`), so its offsets fit.
                sink.frame(&frame, (shift + at) as u32);
                next
            }
            Record::Numbered { next } => {
                sink.numbered();
                next
            }
            Record::Skip { next } => next,
            Record::Faulty { next, text } => {
                damages.add(base + (shift + pos) as u64, || text);
                next
            }
            Record::Cut { needs, packet } => return (pos, Stop::Cut { needs, packet }),
            Record::NeedsPrevious => return (pos, Stop::NeedsPrevious),
            Record::Bad { text } => return (pos, Stop::Bad(text)),
        };
        // Every record has a header, so `next` is ahead of `pos`; a loop here would hang the program, so it is checked all the same.
        if next <= pos {
            return (pos, Stop::Bad("a record that ends before it starts".into()));
        }
        pos = next;
    }
    (pos, Stop::Limit)
}
