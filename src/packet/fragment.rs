//! Reassembly of IP fragments, bounded in datagrams, bytes and capture time.
//!
//! etherparse's defragmentation pool warns that it is not safe against memory exhaustion, so its buffers stand under caps of our own.

use super::ip::Ip;
use crate::capture::Timestamp;
use etherparse::{IpFragOffset, IpNumber, defrag::IpDefragBuf};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Datagrams under reassembly at once: more than a busy link holds within the timeout, small enough to bound memory at 64 MiB.
pub const MAX_DATAGRAMS: usize = 1024;
/// Hosts give up after 15 to 60 s (RFC 1122 section 3.3.2); later pieces belong to another datagram with the same identification.
pub const TIMEOUT_NS: i64 = 30_000_000_000;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    protocol: u8,
}

struct Pending {
    buffer: IpDefragBuf,
    first: Timestamp,
    /// Facts of the piece with offset 0, which carries the transport header.
    ip: Option<super::IpFacts>,
    serial: u64,
}

/// A datagram put together.
pub struct Whole {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub protocol: u8,
    pub facts: super::IpFacts,
    pub body: Vec<u8>,
}

/// Puts fragments together, in capture order.
#[derive(Default)]
pub struct Reassembler {
    pending: BTreeMap<Key, Pending>,
    serial: u64,
    /// Datagrams given up: evicted, timed out, or with pieces that contradict each other.
    pub abandoned: u64,
}

impl Reassembler {
    /// Takes one fragment; gives the datagram back when it is complete.
    pub fn push(&mut self, ip: &Ip<'_>, time: Timestamp) -> Option<Whole> {
        let fragment = ip.fragment?;
        if (ip.body.len() as u32) < ip.body_len {
            self.abandoned += 1;
            return None;
        }
        let key = Key { src: ip.src, dst: ip.dst, id: fragment.id, protocol: ip.protocol };
        if self.pending.get(&key).is_some_and(|p| time.since(p.first).abs() > TIMEOUT_NS) {
            self.pending.remove(&key);
            self.abandoned += 1;
        }
        if !self.pending.contains_key(&key) && self.pending.len() >= MAX_DATAGRAMS {
            let oldest = self.pending.iter().min_by_key(|(_, p)| p.serial).map(|(k, _)| *k);
            if let Some(oldest) = oldest {
                self.pending.remove(&oldest);
                self.abandoned += 1;
            }
        }
        self.serial += 1;
        let serial = self.serial;
        let pending = self.pending.entry(key).or_insert_with(|| Pending {
            buffer: IpDefragBuf::new(IpNumber(ip.protocol), Vec::new(), Vec::new()),
            first: time,
            ip: None,
            serial,
        });
        if fragment.offset == 0 {
            pending.ip.get_or_insert(ip.facts);
        }
        let offset = IpFragOffset::try_new((fragment.offset / 8) as u16).ok()?;
        if pending.buffer.add(offset, fragment.more, ip.body).is_err() {
            self.pending.remove(&key);
            self.abandoned += 1;
            return None;
        }
        if !pending.buffer.is_complete() {
            return None;
        }
        let done = self.pending.remove(&key)?;
        let (body, _) = done.buffer.take_bufs();
        Some(Whole { src: key.src, dst: key.dst, protocol: key.protocol, facts: done.ip?, body })
    }

    /// Datagrams that never became complete.
    pub fn unfinished(&self) -> u64 {
        self.pending.len() as u64
    }
}

impl Whole {
    /// An IP header for the whole datagram, with the facts of its first fragment.
    pub fn header(&self) -> Vec<u8> {
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let total = u16::try_from(self.body.len() + 20).unwrap_or(u16::MAX).to_be_bytes();
                let id = self.facts.id.unwrap_or(0).to_be_bytes();
                let mut h = vec![0x45, self.facts.tos, total[0], total[1], id[0], id[1], 0, 0, self.facts.ttl, self.protocol, 0, 0];
                h.extend_from_slice(&src.octets());
                h.extend_from_slice(&dst.octets());
                h
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX).to_be_bytes();
                let mut h = vec![0x60, 0, 0, 0, length[0], length[1], self.protocol, self.facts.ttl];
                h.extend_from_slice(&src.octets());
                h.extend_from_slice(&dst.octets());
                h
            }
            // Fragments of one key have one version.
            _ => Vec::new(),
        }
    }
}
