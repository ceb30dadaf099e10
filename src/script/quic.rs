//! QUIC version 1 datagrams (RFC 9000, RFC 9001): Initials that really open, and noise that looks like the rest.

use super::random::Random;
use super::tls::{self, Hello};
use crate::app::quic::seal_initial;

/// Datagrams that carry Initials are at least so long (RFC 9000 section 14.1).
const INITIAL_DATAGRAM: usize = 1200;

/// A connection: the identifiers both sides chose.
#[derive(Clone, Debug)]
pub struct Quic {
    /// What the client first calls the server; the keys come from it.
    first: Vec<u8>,
    client: Vec<u8>,
    server: Vec<u8>,
    hello: Vec<u8>,
    number: u8,
}

impl Quic {
    /// A connection for a hello.
    pub fn new(hello: &Hello, random: &mut Random) -> Quic {
        let hello = hello.clone().over_quic().message(random);
        Quic { first: random.bytes(8), client: random.bytes(3), server: random.bytes(8), hello, number: 0 }
    }

    /// The client's first flight: one datagram, or two for a large hello. Each call is a new transmission.
    pub fn client_initials(&mut self) -> Vec<Vec<u8>> {
        /// What fits a 1200-byte datagram beside header and tag.
        const ROOM: usize = 1100;
        let hello = self.hello.clone();
        let mut out = Vec::new();
        for (i, part) in hello.chunks(ROOM).enumerate() {
            let frames = crypto_frame(i * ROOM, part);
            out.push(self.initial(&frames, true));
        }
        out
    }

    /// The server's first datagram: its ServerHello, and Handshake packets behind it.
    pub fn server_initial(&mut self, random: &mut Random) -> Vec<u8> {
        let frames = [&[2, 0, 0, 0, 0][..], &crypto_frame(0, &tls::server_hello(random))].concat();
        let mut datagram = self.initial(&frames, false);
        let room = INITIAL_DATAGRAM - datagram.len();
        datagram.extend(self.handshake(false, room, random));
        datagram
    }

    /// A Handshake packet of so many bytes.
    pub fn handshake(&self, from_client: bool, bytes: usize, random: &mut Random) -> Vec<u8> {
        let (to, from) = self.ids(from_client);
        let mut out = vec![0xe0 | random.word() as u8 & 0x0f, 0, 0, 0, 1, to.len() as u8];
        out.extend(to);
        out.push(from.len() as u8);
        out.extend(from);
        let rest = bytes.saturating_sub(out.len() + 2).max(24);
        out.extend((0x4000 | rest as u16).to_be_bytes());
        out.extend(random.bytes(rest));
        out
    }

    /// A short-header packet of so many bytes.
    pub fn one_rtt(&self, from_client: bool, bytes: usize, random: &mut Random) -> Vec<u8> {
        let (to, _) = self.ids(from_client);
        let mut out = vec![0x40 | random.word() as u8 & 0x3f];
        out.extend(to);
        out.extend(random.bytes(bytes.saturating_sub(out.len())));
        out
    }

    fn ids(&self, from_client: bool) -> (&[u8], &[u8]) {
        if from_client { (&self.server, &self.client) } else { (&self.client, &self.server) }
    }

    fn initial(&mut self, frames: &[u8], from_client: bool) -> Vec<u8> {
        let (_, from) = self.ids(from_client);
        let to = if from_client { &self.first } else { &self.client };
        let mut header = vec![0xc0, 0, 0, 0, 1, to.len() as u8];
        header.extend(to);
        header.push(from.len() as u8);
        header.extend(from);
        header.push(0);
        // Length and packet number follow; the client pads the datagram, the server fills it with Handshake packets.
        let padded = if from_client { INITIAL_DATAGRAM - header.len() - 3 - 16 } else { frames.len() };
        let mut frames = frames.to_vec();
        frames.resize(padded.max(frames.len()), 0);
        header.extend((0x4000 | (frames.len() as u16 + 17)).to_be_bytes());
        header.push(self.number);
        self.number = self.number.wrapping_add(1);
        seal_initial(&self.first, from_client, &header, header.len() - 1, &frames).expect("a well-formed Initial")
    }
}

fn crypto_frame(offset: usize, data: &[u8]) -> Vec<u8> {
    [&[6][..], &(0x4000 | offset as u16).to_be_bytes(), &(0x4000 | data.len() as u16).to_be_bytes(), data].concat()
}
