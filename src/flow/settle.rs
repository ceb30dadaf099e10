//! When the start of a direction has been heard: what payload need not be kept any more.

use super::key::FlowKey;
use super::opened::Opened;
use super::record::{Flow, Head, begins_request};
use super::unread::leave_out_key_shares;
use crate::limits::{BODY_BYTES, PAGE_BYTES};

/// Stops keeping payload of a direction once what judging reads from its start is complete.
///
/// Not part of the flow's law: a settled flow is judged like the unsettled one, it only holds less. Flows that are to be merged with
/// others are not settled.
pub fn settle(flow: &mut Flow, side: usize) {
    let tcp = flow.key.protocol == 6;
    let [low, high] = &mut flow.heads;
    let (head, other) = if side == 0 { (low, high) } else { (high, low) };
    if head.closed || head.opened.is_some() || flow.key.transaction.is_some() {
        return;
    }
    if !tcp && is_answer(&flow.key, side, head, other) {
        // Only what a client of QUIC sends says anything; of the server's packets their first octets do.
        *head = Head { closed: true, ..Head::default() };
        return;
    }
    if !tcp {
        if let Some(opened) = Opened::of(head) {
            *head = Head { capped: head.capped, opened: Some(Box::new(opened)), ..Head::default() };
        }
        return;
    }
    let first = head.bytes.first().copied();
    head.closed = match first {
        None => false,
        Some(_) if is_tls(&head.bytes) => match end_of_clear_records(head) {
            Some(end) => {
                cut(head, end);
                leave_out_key_shares(head);
                true
            }
            None => false,
        },
        Some(_) if is_http(&head.bytes) => match memchr::memmem::find(&head.bytes, b"\r\n\r\n") {
            Some(_) if !head.bytes.starts_with(b"HTTP/") => true,
            Some(end) if head.bytes.len() >= end + PAGE_BYTES => {
                // Where nothing was sent twice there is nothing to compare either.
                cut(head, end + if is_in_order(head) { BODY_BYTES + b"\r\n\r\n".len() } else { PAGE_BYTES });
                true
            }
            Some(_) => false,
            None => false,
        },
        Some(_) => head.bytes.len() >= 2048,
    };
    if head.closed {
        head.bytes.shrink_to_fit();
        head.segments.shrink_to_fit();
    }
}

/// Whether a direction begins with a TLS handshake, or with application data where the capture began in the middle of it.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, ..] | [0x17, 3, ..])
}

/// Whether a direction begins like HTTP. Other protocols that begin with letters, SSH above all, have no end of a head to wait for.
fn is_http(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/") || begins_request(bytes)
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
    if flow.key.protocol != 6 || !flow.heads[side].segments.is_empty() || !is_tls(payload) {
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
    let (Some(mine), Some(first)) = (head.first_frame(), other.first_frame()) else { return false };
    let ports = if side == 0 { (key.low.port, key.high.port) } else { (key.high.port, key.low.port) };
    first < mine && !matches!(ports, (1024.., 0..1024))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;
    use crate::flow::entry::Entry;
    use crate::packet::Endpoint;

    fn flow() -> Flow {
        let end = |port| Endpoint { ip: std::net::Ipv4Addr::LOCALHOST.into(), port };
        Flow::new(FlowKey::new(end(443), end(50_000), 6, None).0, Timestamp(0))
    }

    /// What is left of the first packets of a direction.
    fn kept(payloads: &[&[u8]]) -> (Vec<u8>, bool) {
        let (mut flow, mut seq) = (flow(), 1000);
        for (payload, frame) in payloads.iter().zip(1..) {
            let payload_len = payload.len() as u32;
            let part = clear_part(&flow, 0, payload).to_vec();
            flow.absorb(&Entry { frame, seq, payload_len, ..Entry::blank() }, &part);
            settle(&mut flow, 0);
            seq += payload_len;
        }
        let [head, _] = flow.heads;
        (head.bytes, head.closed)
    }

    fn record(kind: u8, length: usize) -> Vec<u8> {
        [&[kind, 3, 3, (length >> 8) as u8, length as u8][..], &vec![7; length]].concat()
    }

    #[test]
    fn of_tls_only_what_is_in_the_clear_is_kept() {
        let (hello, sealed) = (record(0x16, 200), record(0x17, 900));
        assert_eq!(kept(&[&hello, &sealed, &sealed]), ([&hello[..], &sealed[..5]].concat(), true));
        assert_eq!(kept(&[&[hello.clone(), sealed.clone()].concat()]), ([&hello[..], &sealed[..5]].concat(), true));
        // A capture that begins in the middle.
        assert_eq!(kept(&[&sealed, &sealed]), (sealed[..5].to_vec(), true));
        let other = [&[0x17, 9][..], &[1; 300]].concat();
        assert_eq!(kept(&[&other, &other]), ([&other[..], &other].concat(), false));
    }

    #[test]
    fn of_a_page_what_is_read_of_it_is_kept() {
        let head = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n".as_slice();
        let page = [head, &[b'x'; 1400]].concat();
        let more = vec![b'y'; 1448];
        let (bytes, closed) = kept(&[&page, &more, &more]);
        assert_eq!((bytes.len(), closed), (head.len() + BODY_BYTES, true));
        assert!(!kept(&[&page, &more]).1);
    }

    #[test]
    fn of_a_protocol_without_a_head_the_start_is_kept() {
        let more = vec![0xa5; 1000];
        let banner = b"SSH-2.0-OpenSSH_9.6\r\n".as_slice();
        assert!(!kept(&[banner, &more]).1);
        let (bytes, closed) = kept(&[banner, &more, &more, &more, &more]);
        assert_eq!((bytes.len(), closed), (banner.len() + 3 * more.len(), true));
        // The head of a request may be as long, and come a letter at a time.
        assert!(!kept(&[b"P", b"OST / HTTP/1.1\r\nA: ", &more, &more, &more]).1);
        assert!(!kept(&[b"H", b"TTP/1.1 200 OK\r\nA: ", &more, &more, &more]).1);
    }
}
