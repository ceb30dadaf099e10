//! Both directions' Initial packets of one connection, opened and put together into hellos.

use super::crypto::InitialKeys;
use super::frames::{Frame, frames};
use super::{Kind, LongHeader, coalesced};
use crate::app::pieces::Pieces;
use crate::app::tls::{ClientHello, ServerHello, client_hello, client_hello_len, server_messages};
use crate::app::tls_records::{Handshake, MAX_HANDSHAKE};

/// Initials opened per direction. A hello with post-quantum keys takes two packets; the rest is for repeats.
const MAX_OPENED: usize = 8;
/// Failed openings per direction, so that a flood of forged Initials does not cost a decryption each.
const MAX_FAILED: usize = 8;
/// Keys kept: the first Initial's, one more after a Retry or a version change, and room for mistakes.
const MAX_KEYS: usize = 4;
/// CRYPTO frames kept per direction. Chrome scatters a hello over dozens of small ones.
const MAX_FRAMES: usize = 256;

/// JA4's letter.
const TRANSPORT: char = 'q';

/// Reads a hello that is whole.
pub fn read_hello(octets: &[u8]) -> Option<ClientHello> {
    client_hello(Handshake::from_crypto(&Pieces::whole(octets)), TRANSPORT)
}

/// Reads the Initials of one connection.
#[derive(Clone, Default)]
pub struct InitialReader {
    first_dcid: Vec<u8>,
    keys: Vec<(u32, Vec<u8>, InitialKeys)>,
    client: Side,
    server: Side,
    retry: bool,
    version_negotiation: bool,
}

#[derive(Clone, Default)]
struct Side {
    crypto: Vec<(u32, Vec<u8>)>,
    opened: usize,
    failed: usize,
    close: Option<u64>,
    handshake_packets: bool,
}

impl InitialReader {
    /// `client_dcid` is the Destination Connection ID of the client's first Initial.
    pub fn new(client_dcid: &[u8]) -> InitialReader {
        InitialReader { first_dcid: client_dcid.to_vec(), ..InitialReader::default() }
    }

    /// Takes a datagram the client sent; says how many of its Initials opened.
    pub fn feed_client(&mut self, datagram: &[u8]) -> usize {
        self.feed(datagram, true)
    }

    /// Takes a datagram the server sent; says how many of its Initials opened.
    pub fn feed_server(&mut self, datagram: &[u8]) -> usize {
        self.feed(datagram, false)
    }

    /// The client's hello, as far as it came. Positions in it are offsets in the CRYPTO stream.
    pub fn client_hello(&self) -> Option<ClientHello> {
        client_hello(self.client.handshake(), TRANSPORT)
    }

    /// The octets of the client's hello, once every one of them is there.
    pub fn whole_client_hello(&self) -> Option<Vec<u8>> {
        let handshake = self.client.handshake();
        let len = client_hello_len(&handshake)?;
        handshake.get(0, len)?;
        Some(handshake.into_first(len))
    }

    pub fn server_hello(&self) -> Option<ServerHello> {
        server_messages(&self.server.handshake()).hello
    }

    /// Initials that opened: from the client, from the server.
    pub fn opened(&self) -> (usize, usize) {
        (self.client.opened, self.server.opened)
    }

    /// The error code of a CONNECTION_CLOSE inside an Initial: from the client, from the server.
    pub fn closes(&self) -> (Option<u64>, Option<u64>) {
        (self.client.close, self.server.close)
    }

    /// The server asked for an address check first.
    pub fn retry_seen(&self) -> bool {
        self.retry
    }

    pub fn version_negotiation_seen(&self) -> bool {
        self.version_negotiation
    }

    /// Handshake packets came: from the client, from the server. The other side's Initials had arrived by then.
    pub fn handshake_packets(&self) -> (bool, bool) {
        (self.client.handshake_packets, self.server.handshake_packets)
    }

    fn feed(&mut self, datagram: &[u8], from_client: bool) -> usize {
        let mut opened = 0;
        for (header, packet) in coalesced(datagram) {
            match header.kind {
                Kind::Initial => opened += usize::from(self.initial(&header, packet, from_client)),
                Kind::Handshake if from_client => self.client.handshake_packets = true,
                Kind::Handshake => self.server.handshake_packets = true,
                Kind::Retry => self.retry |= !from_client,
                Kind::VersionNegotiation => self.version_negotiation |= !from_client,
                Kind::ZeroRtt => {}
            }
        }
        opened
    }

    fn initial(&mut self, header: &LongHeader, packet: &[u8], from_client: bool) -> bool {
        let side = if from_client { &self.client } else { &self.server };
        if side.opened >= MAX_OPENED || side.failed >= MAX_FAILED {
            return false;
        }
        // Of one that was cut the tag is gone: keys for it would be made in vain.
        let payload = if packet.len() < header.end { None } else { self.open(header, packet, from_client) };
        let side = if from_client { &mut self.client } else { &mut self.server };
        match &payload {
            Some(payload) => side.take(payload),
            None => side.failed += 1,
        }
        payload.is_some()
    }

    /// Tries the keys known, newest first, then the datagram's own connection ID: after a Retry the client's next
    /// Initial carries the one the server chose, and new keys come from it.
    fn open(&mut self, header: &LongHeader, packet: &[u8], from_client: bool) -> Option<Vec<u8>> {
        let first = self.first_dcid.clone();
        self.learn(header.version, &first);
        let with = |keys: &InitialKeys| {
            let keys = if from_client { keys.client() } else { keys.server() };
            keys?.open(packet, header.packet_number_at)
        };
        let fits = |entry: &&(u32, Vec<u8>, InitialKeys)| entry.0 == header.version;
        if let Some(payload) = self.keys.iter().rev().filter(fits).find_map(|(_, _, keys)| with(keys)) {
            return Some(payload);
        }
        if !from_client || self.keys.iter().any(|(v, dcid, _)| *v == header.version && dcid == header.dcid) {
            return None;
        }
        let keys = InitialKeys::derive(header.version, header.dcid)?;
        let payload = with(&keys)?;
        self.keep(header.version, header.dcid, keys);
        Some(payload)
    }

    fn learn(&mut self, version: u32, dcid: &[u8]) {
        let known = self.keys.iter().any(|(v, id, _)| *v == version && id == dcid);
        if !known && let Some(keys) = InitialKeys::derive(version, dcid) {
            self.keep(version, dcid, keys);
        }
    }

    fn keep(&mut self, version: u32, dcid: &[u8], keys: InitialKeys) {
        if self.keys.len() < MAX_KEYS {
            self.keys.push((version, dcid.to_vec(), keys));
        }
    }
}

impl Side {
    fn take(&mut self, payload: &[u8]) {
        self.opened += 1;
        for frame in frames(payload) {
            match frame {
                Frame::Crypto { offset, data } => {
                    let within = usize::try_from(offset).is_ok_and(|at| at < MAX_HANDSHAKE);
                    if within && self.crypto.len() < MAX_FRAMES {
                        self.crypto.push((offset as u32, data.to_vec()));
                    }
                }
                Frame::Close { error } => self.close = Some(error),
            }
        }
    }

    fn handshake(&self) -> Handshake {
        let frames = self.crypto.iter().map(|(offset, data)| (*offset, data.as_slice()));
        Handshake::from_crypto(&Pieces::from_segments(frames))
    }
}

impl std::fmt::Debug for InitialReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("InitialReader")
            .field("opened", &self.opened())
            .field("closes", &self.closes())
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
