//! The messages of a flow: requests that can set interference off, and what answered them.

mod tcp;
mod udp;

use super::case::Case;
use super::finding::TriggerKind;
use crate::app::name::Name;
use crate::app::{dns, http, tls};
use crate::capture::Timestamp;
use std::cell::OnceCell;

/// A request of the client that carries a name.
#[derive(Clone, Debug)]
pub struct Request {
    pub kind: TriggerKind,
    /// The name as sent; empty where there is none.
    pub value: Vec<u8>,
    /// Frame that carries the name, and the one that completes the message.
    pub frame: u64,
    pub complete_at_frame: u64,
    /// When it was complete.
    pub time: Timestamp,
    /// Sequence number after it (TCP).
    pub seq_end: u32,
    /// Sequence number of its first byte.
    pub seq: u32,
    /// All of it was captured.
    pub complete: bool,
    /// The server said something in answer; found out when first asked.
    pub answered: OnceCell<bool>,
}

/// A DNS message and the frame it came in.
#[derive(Clone, Debug)]
pub struct DnsSeen {
    pub entry: usize,
    pub message: dns::Message,
    /// What it asks for, in small letters; empty without a question.
    pub name: Vec<u8>,
    /// The capture does not hold all of it.
    pub cut: bool,
}

impl DnsSeen {
    /// `before` is another message of the conversation: most ask for the same.
    fn new(entry: usize, message: dns::Message, cut: bool, before: Option<&DnsSeen>) -> DnsSeen {
        let known = |name: &Name| before.filter(|b| b.message.question.as_ref().is_some_and(|q| q.name == *name));
        let lower = |name: &Name| known(name).map_or_else(|| name.as_lower_octets(), |b| b.name.clone());
        let name = message.question.as_ref().map(|q| lower(&q.name)).unwrap_or_default();
        DnsSeen { entry, message, name, cut }
    }
}

/// What the QUIC packets of a flow showed.
#[derive(Clone, Debug)]
pub struct QuicSeen {
    pub version: u32,
    pub hello: Option<tls::ClientHello>,
    /// Indices of the client's and the server's long-header packets.
    pub client_initials: Vec<usize>,
    pub server_packets: Vec<usize>,
}

/// Everything read from a flow's payload.
#[derive(Default)]
pub struct Messages {
    pub requests: Vec<Request>,
    pub hello: Option<tls::ClientHello>,
    pub server: Option<tls::ServerSide>,
    pub response: Option<http::Response>,
    pub host: Option<http::Request>,
    pub dns: Vec<DnsSeen>,
    pub quic: Option<QuicSeen>,
}

impl Messages {
    /// Reads a case's payload.
    pub fn read(case: &Case<'_>) -> Messages {
        let mut messages = Messages::default();
        if case.flow.key.protocol == 6 {
            messages.tcp(case);
        } else {
            messages.udp(case);
        }
        messages
    }

    /// Service name by content.
    pub fn service(&self) -> Option<&'static str> {
        if !self.dns.is_empty() {
            Some("dns")
        } else if self.quic.is_some() {
            Some("quic")
        } else if self.hello.is_some() || self.server.as_ref().is_some_and(|s| s.handshake_started) {
            Some("tls")
        } else if self.host.is_some() || self.response.is_some() {
            Some("http")
        } else {
            None
        }
    }
}
