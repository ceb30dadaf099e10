//! The frames an Initial packet may carry (RFC 9000 section 12.4).

use super::varint;

/// What of the frames matters here.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    Crypto { offset: u64, data: &'a [u8] },
    Close { error: u64 },
}

/// The CRYPTO and CONNECTION_CLOSE frames of a payload; stops at anything that does not belong there.
pub fn frames(payload: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        loop {
            let (kind, after) = varint(rest)?;
            rest = after;
            match kind {
                // PADDING, PING
                0 => rest = skip_padding(rest),
                1 => {}
                2 | 3 => rest = skip_ack(rest, kind == 3)?,
                6 => {
                    let (offset, after) = varint(rest)?;
                    let (length, after) = varint(after)?;
                    let (data, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                    rest = after;
                    return Some(Frame::Crypto { offset, data });
                }
                0x1c | 0x1d => {
                    let (error, _) = varint(rest)?;
                    rest = &[];
                    return Some(Frame::Close { error });
                }
                _ => return None,
            }
        }
    })
}

/// Steps over padding, of which most Initials mostly consist, in strides; what is left of it are frames like others.
fn skip_padding(mut bytes: &[u8]) -> &[u8] {
    const STRIDE: usize = 16;
    while let Some((stride, after)) = bytes.split_first_chunk()
        && *stride == [0; STRIDE]
    {
        bytes = after;
    }
    bytes
}

fn skip_ack(bytes: &[u8], with_ecn: bool) -> Option<&[u8]> {
    let (_largest, rest) = varint(bytes)?;
    let (_delay, rest) = varint(rest)?;
    let (ranges, mut rest) = varint(rest)?;
    // The first range, then a gap and a length each; every one takes a byte at least, so this ends.
    let numbers = ranges.checked_mul(2)?.checked_add(if with_ecn { 4 } else { 1 })?;
    for _ in 0..numbers {
        rest = varint(rest)?.1;
    }
    Some(rest)
}
