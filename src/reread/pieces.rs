//! Fragments met again: which frames a datagram came in.

use crate::capture::{Frame, Timestamp};
use crate::packet::fragment::{MAX_DATAGRAMS, Reassembler, TIMEOUT_NS};
use crate::packet::{ip, link};
use std::collections::BTreeMap;
use std::net::IpAddr;

type Key = (IpAddr, IpAddr, u32, u8);

/// Datagrams under reassembly with the numbers of their frames.
#[derive(Default)]
pub struct Pieces {
    whole: Reassembler,
    frames: BTreeMap<Key, Vec<(Timestamp, u64)>>,
}

impl Pieces {
    /// Takes a frame that is a fragment; the datagram's bytes and the frames it came in, once it is whole.
    pub fn push(&mut self, number: u64, frame: &Frame<'_>) -> Option<(Vec<u8>, Vec<u64>)> {
        let at = link::network(frame.link, frame.bytes).ok()?.at;
        let header = ip::header(frame.bytes, at).ok()?;
        let key = (header.src, header.dst, header.fragment?.id, header.protocol);
        if self.frames.len() >= MAX_DATAGRAMS && !self.frames.contains_key(&key) {
            // The reassembler gives the oldest up as well.
            let oldest = self.frames.iter().min_by_key(|(_, list)| list.first().map(|f| f.1)).map(|(k, _)| *k);
            oldest.map(|key| self.frames.remove(&key));
        }
        let list = self.frames.entry(key).or_default();
        list.retain(|(time, _)| frame.time.since(*time).abs() <= TIMEOUT_NS);
        list.push((frame.time, number));
        let whole = self.whole.push(&header, frame.time)?;
        let numbers = self.frames.remove(&key)?.into_iter().map(|(_, number)| number).collect();
        Some(([whole.header(), whole.body].concat(), numbers))
    }
}
