//! When the start of a direction has been heard: what payload need not be kept any more.

use super::key::FlowKey;
use super::record::{Flow, Head};
use crate::limits::{BODY_BYTES, PAGE_BYTES};

/// Stops keeping payload of a direction once what judging reads from its start is complete.
///
/// Not part of the flow's law: a settled flow is judged like the unsettled one, it only holds less. Flows that are to be merged with
/// others are not settled.
pub fn settle(flow: &mut Flow, side: usize) {
    let tcp = flow.key.protocol == 6;
    let [low, high] = &mut flow.heads;
    let (head, other) = if side == 0 { (low, high) } else { (high, low) };
    if head.closed || flow.key.transaction.is_some() {
        return;
    }
    if !tcp && is_answer(&flow.key, side, head, other) {
        // Only what a client of QUIC sends says anything; of the server's packets their first octets do.
        *head = Head { closed: true, ..Head::default() };
        return;
    }
    let first = head.bytes.first().copied();
    head.closed = match first {
        None => false,
        Some(0x16) if tcp => match end_of_clear_records(head) {
            Some(end) => {
                cut(head, end);
                true
            }
            None => false,
        },
        Some(b'A'..=b'Z') if tcp => match memchr::memmem::find(&head.bytes, b"\r\n\r\n") {
            Some(_) if !head.bytes.starts_with(b"HTTP/") => true,
            Some(end) if head.bytes.len() >= end + PAGE_BYTES => {
                // Where nothing was sent twice there is nothing to compare either.
                cut(head, end + if is_in_order(head) { BODY_BYTES + b"\r\n\r\n".len() } else { PAGE_BYTES });
                true
            }
            Some(_) => false,
            None => false,
        },
        Some(_) if tcp => head.bytes.len() >= 2048,
        Some(_) => false,
    };
    if head.closed {
        head.bytes.shrink_to_fit();
        head.segments.shrink_to_fit();
    }
}

/// Lets go of what a direction's kept payload holds behind an offset.
fn cut(head: &mut Head, end: usize) {
    head.bytes.truncate(end);
    head.segments.retain_mut(|s| {
        s.len = s.len.min((end as u32).saturating_sub(s.at));
        s.len > 0
    });
}

/// Whether every segment goes on where the one before it ended.
fn is_in_order(head: &Head) -> bool {
    head.segments.iter().zip(head.segments.iter().skip(1)).all(|(a, b)| b.seq == a.seq.wrapping_add(a.len))
}

/// What of a packet's payload is worth copying: of a direction that begins with TLS records in the clear, nothing behind them.
///
/// Encrypted records fill most first packets of servers; they would be copied only to be cut off again.
pub fn clear_part<'p>(flow: &Flow, side: usize, payload: &'p [u8]) -> &'p [u8] {
    if flow.key.protocol != 6 || !flow.heads[side].segments.is_empty() || payload.first() != Some(&0x16) {
        return payload;
    }
    let mut at = 0usize;
    while let Some(&[kind, 3, _, high, low]) = payload.get(at..at + 5) {
        match kind {
            0x17 => return payload.get(..at + 5).unwrap_or(payload),
            0x14..=0x16 => at += 5 + usize::from(u16::from_be_bytes([high, low])),
            _ => break,
        }
    }
    payload
}

/// Whether a direction's datagrams answer those of the other one, which spoke first and not from a server's port.
fn is_answer(key: &FlowKey, side: usize, head: &Head, other: &Head) -> bool {
    let (Some(mine), Some(first)) = (head.segments.first(), other.segments.first()) else { return false };
    let ports = if side == 0 { (key.low.port, key.high.port) } else { (key.high.port, key.low.port) };
    first.frame < mine.frame && !matches!(ports, (1024.., 0..1024))
}

/// Where the first record of application data starts, five octets of its header included. `None` while the records in the clear go
/// on, or when the segments are not in order (then all is kept up to the cap).
fn end_of_clear_records(head: &Head) -> Option<usize> {
    if !is_in_order(head) {
        return None;
    }
    let mut at = 0usize;
    // A hello cut into one-octet records is the most records there can be in the kept bytes.
    while let Some(&[kind, _, _, high, low]) = head.bytes.get(at..at + 5) {
        match kind {
            0x17 => return Some(at + 5),
            0x14..=0x16 => at += 5 + usize::from(u16::from_be_bytes([high, low])),
            // Not TLS after all.
            _ => return None,
        }
    }
    None
}
