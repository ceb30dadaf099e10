//! Packets of a window as the flow table takes them: their bytes, their keys, their entries.

use super::entry::{Entry, PEEK, Record, fact};
use super::key::FlowKey;
use crate::capture::Timestamp;
use crate::packet::{checksum, ip};

/// The bytes of a window while its records are absorbed.
#[derive(Clone, Copy)]
pub struct WindowBytes<'w> {
    pub bytes: &'w [u8],
    /// Reassembled packets.
    pub side: &'w [u8],
    /// File offset of `bytes[0]`.
    pub base: u64,
}

impl<'w> WindowBytes<'w> {
    pub(super) fn frame(&self, record: &Record) -> &'w [u8] {
        let store = if record.facts & fact::REASSEMBLED != 0 { self.side } else { self.bytes };
        store.get(record.at as usize..).unwrap_or_default()
    }

    pub(super) fn header(&self, record: &Record) -> &'w [u8] {
        self.frame(record).get(usize::from(record.ip_at)..).unwrap_or_default()
    }

    pub(super) fn payload(&self, record: &Record) -> &'w [u8] {
        let start = usize::from(record.payload_at);
        self.frame(record).get(start..start + usize::from(record.payload_captured)).unwrap_or_default()
    }
}

/// The outer 802.1Q tag of an Ethernet frame whose IP header starts at `ip_at`: where a tag's type stands, and the room for it.
pub(super) fn vlan(frame: &[u8], ip_at: usize) -> Option<u16> {
    let word = |at: usize| frame.get(at..at + 2).and_then(|b| b.first_chunk()).map(|b| u16::from_be_bytes(*b));
    (ip_at >= 18 && matches!(word(12), Some(0x8100 | 0x88a8 | 0x9100))).then(|| word(14).map(|tag| tag & 0xfff)).flatten()
}

pub(super) fn key_of(record: &Record, window: &WindowBytes<'_>) -> Option<FlowKey> {
    let frame = window.frame(record);
    let header = ip::header(frame, usize::from(record.ip_at)).ok()?;
    let packet = ip::transport(&ip::Ip { fragment: None, ..header }, usize::from(record.ip_at), None, None).ok()?;
    let transaction = (record.facts & fact::UDP != 0 && record.facts & fact::ICMP == 0 && record.ack != 0).then_some(record.seq as u16);
    Some(FlowKey::of(&packet, transaction).0)
}

/// What a flow remembers of a packet.
#[inline(always)]
pub(super) fn entry_of(record: &Record, frame: u64, window: &WindowBytes<'_>, payload: &[u8]) -> Entry {
    let is_icmp = record.facts & fact::ICMP != 0;
    let (peek, peek_len) = match payload.first_chunk::<PEEK>() {
        _ if is_icmp => sender_of(record, window, payload),
        Some(whole) => (*whole, PEEK as u8),
        None if payload.is_empty() => ([0; PEEK], 0),
        None => short_peek(payload),
    };
    // A datagram's record has its transaction there.
    let [seq, ack] = if record.facts & fact::UDP != 0 && !is_icmp { [0, 0] } else { [record.seq, record.ack] };
    Entry {
        frame,
        offset: window.base + u64::from(record.at),
        time: Timestamp(record.time),
        seq,
        ack,
        tsval: record.tsval,
        tsecr: record.tsecr,
        payload_len: record.payload_len,
        window: record.window,
        ip_id: record.ip_id,
        flags: record.flags,
        facts: record.facts,
        ttl: record.ttl,
        tos: record.tos,
        header_len: record.header_len,
        peek,
        peek_len,
    }
}

#[inline(never)]
fn short_peek(payload: &[u8]) -> ([u8; PEEK], u8) {
    let mut peek = [0; PEEK];
    peek.iter_mut().zip(payload).for_each(|(to, from)| *to = *from);
    (peek, payload.len().min(PEEK) as u8)
}

/// The sender of an ICMP error is no endpoint of the flow: its address is kept instead of payload.
#[cold]
fn sender_of(record: &Record, window: &WindowBytes<'_>, payload: &[u8]) -> ([u8; PEEK], u8) {
    match ip::header(window.frame(record), usize::from(record.ip_at)).map(|h| h.src) {
        Ok(std::net::IpAddr::V4(a)) => short_peek(&a.octets()),
        Ok(std::net::IpAddr::V6(a)) => (a.octets(), PEEK as u8),
        Err(_) => short_peek(payload),
    }
}

/// Marks the entry by its transport checksum; 1 if it is bad.
pub(super) fn check(entry: &mut Entry, record: &Record, window: &WindowBytes<'_>) -> u64 {
    // Of a frame that was cut the rest is not there to be summed, and an ICMP error is no segment of the flow.
    if record.facts & (fact::REASSEMBLED | fact::CUT | fact::ICMP) != 0 {
        return 0;
    }
    let protocol = if record.facts & fact::UDP != 0 { 17 } else { 6 };
    let good = checksum::of_plain(window.header(record), protocol).unwrap_or_else(|| {
        // Its header is read in memory and back in larger pieces, for which a processor waits: for odd packets alone.
        ip::header(window.frame(record), usize::from(record.ip_at)).ok().and_then(|h| checksum::transport(&h))
    });
    match good {
        Some(true) => entry.facts |= fact::CHECKSUM_GOOD,
        Some(false) => entry.facts |= fact::CHECKSUM_BAD,
        None => {}
    }
    u64::from(good == Some(false))
}
