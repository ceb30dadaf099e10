//! One direction of a byte stream as the observer saw it: pieces in order, possibly with holes.

use std::borrow::Cow;
use std::ops::Range;

/// Pieces kept of one direction. A message head of 16 KiB in segments of 16 bytes still fits; a peer that sends
/// single bytes for ever does not get to make each insertion slower and slower.
const MAX_PIECES: usize = 2048;
/// What [`Pieces::prefix`] copies at most: four times the largest TLS record.
const MAX_PREFIX: usize = 64 * 1024;

/// Sorted, non-overlapping pieces of one direction, at offsets from its first byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pieces<'a> {
    pieces: Vec<(u32, &'a [u8])>,
}

impl<'a> Pieces<'a> {
    /// Puts segments together; where they overlap, the bytes seen first win. (Which version the endpoint kept is
    /// another room's question: the overlap itself is reported there.)
    pub fn from_segments(segments: impl IntoIterator<Item = (u32, &'a [u8])>) -> Self {
        let mut pieces = Pieces::default();
        for (offset, bytes) in segments {
            pieces.insert(offset, bytes);
        }
        pieces
    }

    /// The whole of a contiguous stream.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Pieces::from_segments([(0, bytes)])
    }

    fn insert(&mut self, mut offset: u32, mut bytes: &'a [u8]) {
        // Nothing may reach past the largest offset; a stream head never comes near it.
        let room = usize::try_from(u32::MAX - offset).unwrap_or(usize::MAX);
        bytes = bytes.get(..bytes.len().min(room)).unwrap_or(&[]);
        let mut index = self.pieces.partition_point(|&(at, piece)| end_of(at, piece) <= offset);
        while !bytes.is_empty() && self.pieces.len() < MAX_PIECES {
            let Some(&(at, piece)) = self.pieces.get(index) else {
                self.pieces.push((offset, bytes));
                return;
            };
            // The part before the next known piece is new.
            let free = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
            let (new, rest) = bytes.split_at_checked(free).unwrap_or((bytes, &[]));
            if !new.is_empty() {
                self.pieces.insert(index, (offset, new));
                index += 1;
            }
            // The part under that piece is known already; go on behind it.
            let known_end = end_of(at, piece);
            let start = offset.saturating_add(new.len() as u32);
            let skip = usize::try_from(known_end.saturating_sub(start)).unwrap_or(usize::MAX);
            bytes = rest.get(skip..).unwrap_or(&[]);
            offset = known_end;
            index += 1;
        }
    }

    /// The pieces in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &'a [u8])> {
        self.pieces.iter().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// One past the last known byte.
    pub fn end(&self) -> u32 {
        self.pieces.last().map_or(0, |&(at, piece)| end_of(at, piece))
    }

    /// How many bytes are known from offset 0 on without a hole.
    pub fn prefix_len(&self) -> u32 {
        let mut end = 0;
        for &(at, piece) in &self.pieces {
            if at != end {
                break;
            }
            end = end_of(at, piece);
        }
        end
    }

    /// Is a byte missing before the last known one?
    pub fn has_gap(&self) -> bool {
        self.prefix_len() != self.end()
    }

    /// The contiguous bytes from offset 0 on, at most 64 KiB when they must be put together.
    pub fn prefix(&self) -> Cow<'a, [u8]> {
        match self.pieces.first() {
            Some(&(0, first)) => match first.len() == self.prefix_len() as usize {
                true => Cow::Borrowed(first),
                false => Cow::Owned(self.copy(0..self.prefix_len().min(MAX_PREFIX as u32))),
            },
            _ => Cow::Borrowed(&[]),
        }
    }

    /// The contiguous runs: pieces that touch belong together.
    pub fn runs(&self) -> Vec<Range<u32>> {
        let mut runs: Vec<Range<u32>> = Vec::new();
        for &(at, piece) in &self.pieces {
            match runs.last_mut() {
                Some(run) if run.end == at => run.end = end_of(at, piece),
                _ => runs.push(at..end_of(at, piece)),
            }
        }
        runs
    }

    /// The known parts of `range`, in order, each with its offset.
    pub fn known(&self, range: Range<u32>) -> impl Iterator<Item = (u32, &'a [u8])> {
        let from = self.pieces.partition_point(|&(at, piece)| end_of(at, piece) <= range.start);
        let pieces = self.pieces.get(from..).unwrap_or(&[]).iter().copied();
        pieces.take_while(move |&(at, _)| at < range.end).filter_map(move |(at, piece)| {
            let start = at.max(range.start);
            let end = end_of(at, piece).min(range.end);
            let part = piece.get((start - at) as usize..end.checked_sub(at)? as usize)?;
            (!part.is_empty()).then_some((start, part))
        })
    }

    /// `N` bytes at `at`, if all of them are known.
    pub fn array<const N: usize>(&self, at: u32) -> Option<[u8; N]> {
        let end = at.checked_add(u32::try_from(N).ok()?)?;
        let from = self.pieces.partition_point(|&(start, piece)| end_of(start, piece) <= at);
        let &(start, piece) = self.pieces.get(from)?;
        match piece.get(at.checked_sub(start)? as usize..)?.first_chunk() {
            Some(whole) => Some(*whole),
            None => self.copy(at..end).try_into().ok(),
        }
    }

    /// The known bytes of `range` up to the first hole.
    pub fn copy(&self, range: Range<u32>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut next = range.start;
        for (at, part) in self.known(range) {
            if at != next {
                break;
            }
            bytes.extend_from_slice(part);
            next = end_of(at, part);
        }
        bytes
    }
}

fn end_of(at: u32, piece: &[u8]) -> u32 {
    at.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_seen_bytes_win() {
        let pieces = Pieces::from_segments([(0, &b"abcd"[..]), (2, b"XXef"), (8, b"ij"), (0, b"ZZZZZZghZZkl")]);
        assert!(!pieces.has_gap());
        assert_eq!(&*pieces.prefix(), b"abcdefghijkl");
        assert_eq!(pieces.runs(), vec![0..12]);
        assert_eq!(pieces.array::<3>(5), Some(*b"fgh"));
    }

    #[test]
    fn holes_are_seen() {
        let pieces = Pieces::from_segments([(6, &b"gh"[..]), (0, b"abc")]);
        assert!(pieces.has_gap());
        assert_eq!(&*pieces.prefix(), b"abc");
        assert_eq!((pieces.prefix_len(), pieces.end()), (3, 8));
        assert_eq!(pieces.array::<4>(1), None);
        assert_eq!(pieces.known(1..7).collect::<Vec<_>>(), vec![(1, &b"bc"[..]), (6, b"g")]);
        let headless = Pieces::from_segments([(5, &b"x"[..])]);
        assert!(headless.has_gap() && headless.prefix().is_empty());
        assert!(Pieces::default().prefix().is_empty() && !Pieces::default().has_gap());
    }

    #[test]
    fn agrees_with_a_byte_by_byte_model() {
        let mut rng = crate::app::mutate::Rng(7);
        for _ in 0..2000 {
            let data = rng.bytes(200);
            let segments: Vec<(u32, &[u8])> = (0..12)
                .map(|_| {
                    let from = rng.below(100);
                    (rng.below(60) as u32, &data[from..from + rng.below(30)])
                })
                .collect();
            let mut model = [None; 128];
            for (at, bytes) in &segments {
                for (i, byte) in bytes.iter().enumerate() {
                    model[*at as usize + i].get_or_insert(*byte);
                }
            }
            let pieces = Pieces::from_segments(segments.iter().copied());
            let mut got = [None; 128];
            let mut last_end = 0;
            for (at, bytes) in pieces.iter() {
                assert!(at >= last_end && !bytes.is_empty());
                last_end = at + bytes.len() as u32;
                for (i, byte) in bytes.iter().enumerate() {
                    got[at as usize + i] = Some(*byte);
                }
            }
            assert_eq!(model, got);
            let prefix: Vec<u8> = model.iter().map_while(|b| *b).collect();
            assert_eq!(&*pieces.prefix(), &prefix[..]);
        }
    }

    #[test]
    fn stays_bounded_at_the_edge() {
        let pieces = Pieces::from_segments([(u32::MAX - 2, &b"abcdef"[..]), (u32::MAX, b"z")]);
        assert_eq!(pieces.end(), u32::MAX);
        let byte = b"x";
        let many = Pieces::from_segments((0..100_000).map(|i| (i * 2, &byte[..])));
        assert_eq!(many.iter().count(), MAX_PIECES);
    }
}
