//! Payload kept from the start of a direction, until its first message is complete.

use super::entry::Entry;
use super::opened::Opened;
use crate::limits::HEAD_BYTES;

/// A stretch of payload that was kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    pub frame: u64,
    pub seq: u32,
    /// Where it starts in [`Head::bytes`], and its length there (the wire may have carried more).
    pub at: u32,
    pub len: u32,
}

impl Segment {
    /// Stands for the start of a stretch that is not kept, since nobody reads it.
    pub(super) const LEFT_OUT: u32 = u32::MAX;
}

/// What such stretches are read as.
static LEFT_OUT: [u8; HEAD_BYTES] = [0; HEAD_BYTES];

/// Payload kept from the start of one direction, in order of arrival.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Head {
    pub segments: Vec<Segment>,
    pub bytes: Vec<u8>,
    /// Set by the table once the first message is complete: later payload is not worth its memory.
    pub closed: bool,
    /// Payload arrived that was not kept.
    pub capped: bool,
    /// What is left of a QUIC client's datagrams: then the lists above are empty.
    pub opened: Option<Box<Opened>>,
}

impl Head {
    pub(super) fn push(&mut self, entry: &Entry, payload: &[u8], cap: usize) {
        if self.closed {
            return;
        }
        if let Some(opened) = &mut self.opened {
            self.capped |= !opened.note(entry.frame, payload, cap);
            return;
        }
        let room = cap.saturating_sub(self.bytes.len());
        let kept = payload.get(..room).unwrap_or(payload);
        self.capped |= kept.len() < payload.len();
        if !kept.is_empty() {
            if self.segments.capacity() == 0 {
                // Most directions say one thing: a vector's first growth makes room for four.
                self.segments.reserve_exact(1);
            }
            self.segments.push(Segment { frame: entry.frame, seq: entry.seq, at: self.bytes.len() as u32, len: kept.len() as u32 });
            // Most is cut off again once the message is complete: room to grow would only be copied.
            self.bytes.reserve_exact(kept.len());
            self.bytes.extend_from_slice(kept);
        }
    }

    /// Frame of the first packet that something was kept of.
    pub fn first_frame(&self) -> Option<u64> {
        self.opened.as_ref().map(|o| o.first_frame).or(self.segments.first().map(|s| s.frame))
    }

    /// The bytes of a segment.
    pub fn slice(&self, segment: &Segment) -> &[u8] {
        if segment.at == Segment::LEFT_OUT {
            return LEFT_OUT.get(..segment.len as usize).unwrap_or(&LEFT_OUT);
        }
        self.bytes.get(segment.at as usize..(segment.at + segment.len) as usize).unwrap_or_default()
    }

    pub(super) fn merge(&mut self, later: &Head, cap: usize) {
        if self.closed {
            return;
        }
        for segment in &later.segments {
            let entry = Entry { frame: segment.frame, seq: segment.seq, ..Entry::blank() };
            self.push(&entry, later.slice(segment), cap);
        }
        self.capped |= later.capped;
        self.closed |= later.closed;
    }
}
