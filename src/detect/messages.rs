//! The messages of a flow: requests that can set interference off, and what answered them.

use super::case::Case;
use super::finding::TriggerKind;
use crate::app::name::Name;
use crate::app::pieces::Pieces;
use crate::app::{dns, http, quic, tls};
use crate::capture::Timestamp;
use crate::flow::key::Direction;
use crate::flow::stream::{Laid, lay};
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

    fn tcp(&mut self, case: &Case<'_>) {
        let client = side(case, case.client);
        let server = side(case, case.server());
        let client_pieces = pieces(&client);
        let server_pieces = pieces(&server);
        if let Some(side) = tls::client(&client_pieces)
            && let Some(hello) = side.hello
        {
            self.requests.extend(hello_request(case, &client, &hello));
            self.hello = Some(hello);
        } else if let Some(request) = http::request(&client_pieces.prefix()) {
            self.requests.extend(http_request(case, &client, &request));
            self.host = Some(request);
        } else {
            self.dns_over_tcp(case, &client, &server);
            if self.requests.is_empty() {
                self.requests.extend(unnamed_request(case, &client));
            }
        }
        self.server = tls::server(&server_pieces).filter(|s| !s.first_bytes_not_tls || self.hello.is_some());
        self.response = http::response(&server_pieces.prefix());
        self.later_requests(case);
    }

    /// Every later segment that begins a request, as far as it was kept.
    fn later_requests(&mut self, case: &Case<'_>) {
        let head = &case.flow.heads[case.client.index()];
        let first = self.requests.first().map(|r| r.complete_at_frame).unwrap_or(0);
        let kept = head.segments.iter().map(|s| (s.frame, s.seq, head.slice(s)));
        let latest = case.flow.latest[case.client.index()].iter().map(|l| (l.frame, l.seq, l.bytes.as_slice()));
        for (frame, seq, bytes) in kept.chain(latest) {
            let known = self.requests.iter().any(|r| r.frame == frame || r.complete_at_frame == frame || r.seq == seq);
            if frame <= first || known || !http::is_request_start(bytes) {
                continue;
            }
            let Some(request) = http::request(bytes) else { continue };
            let time = case.index_of(frame).and_then(|i| case.entries.get(i)).map_or(case.flow.last, |e| e.time);
            self.requests.push(Request {
                kind: TriggerKind::HttpHost,
                value: request.host.unwrap_or_default(),
                frame,
                complete_at_frame: frame,
                time,
                seq_end: seq.wrapping_add(if request.complete { request.head_len as u32 } else { bytes.len() as u32 }),
                seq,
                complete: request.complete,
                answered: OnceCell::new(),
            });
        }
        self.requests.sort_by_key(|r| r.frame);
    }

    fn dns_over_tcp(&mut self, case: &Case<'_>, client: &Laid<'_>, server: &Laid<'_>) {
        // Two bytes of length in front make almost anything look like DNS: away from its port a strict parser must agree.
        let own_port = case.server_end().port == 53;
        for (laid, direction) in [(client, case.client), (server, case.server())] {
            let stream = pieces(laid).prefix().into_owned();
            let mut at = 0u32;
            for (bytes, complete) in dns::tcp_messages(&stream) {
                let end = at + 2 + bytes.len() as u32;
                let frame = laid.carrier(at);
                if !own_port && !dns::strictly_valid(bytes) {
                    return;
                }
                let parsed = if complete { dns::parse(bytes) } else { dns::parse_lenient(bytes) };
                let Some((message, entry)) = parsed.zip(frame.and_then(|f| case.index_of(f))) else { return };
                if message.is_response == (direction == case.client) {
                    return;
                }
                let seen = DnsSeen::new(entry, message, !complete, self.dns.last());
                if !seen.message.is_response
                    && seen.message.question.is_some()
                    && let Some(e) = case.entries.get(entry)
                {
                    self.requests.push(Request {
                        kind: TriggerKind::DnsQname,
                        value: seen.name.clone(),
                        frame: e.frame,
                        complete_at_frame: laid.completed_by(end).unwrap_or(e.frame),
                        time: e.time,
                        seq_end: e.seq_end(),
                        seq: e.seq,
                        complete,
                        answered: OnceCell::new(),
                    });
                }
                self.dns.push(seen);
                at = end;
            }
        }
        self.dns.sort_by_key(|d| d.entry);
    }

    fn udp(&mut self, case: &Case<'_>) {
        let ends = [case.client_end(), case.server_end()];
        if ends.iter().any(|e| e.ip.is_multicast() || matches!(e.port, 5353 | 5355 | 137)) {
            // mDNS, LLMNR and NetBIOS: nobody has to answer, and everybody may.
            return;
        }
        if case.flow.key.transaction.is_some() {
            self.dns_over_udp(case);
        } else {
            self.quic = quic_seen(case);
            let hello = self.quic.as_ref().and_then(|q| q.hello.as_ref());
            if let (Some(seen), Some(hello)) = (&self.quic, hello)
                && let Some(first) = seen.client_initials.first().and_then(|i| case.entries.get(*i))
            {
                let kind = if hello.sni.is_some() || hello.ech.is_none() { TriggerKind::QuicSni } else { TriggerKind::TlsEch };
                self.requests.push(Request {
                    kind,
                    value: hello.sni.clone().unwrap_or_default(),
                    frame: first.frame,
                    complete_at_frame: first.frame,
                    time: first.time,
                    seq_end: 0,
                    seq: 0,
                    complete: hello.complete,
                    answered: OnceCell::new(),
                });
            }
        }
    }

    fn dns_over_udp(&mut self, case: &Case<'_>) {
        self.dns.reserve_exact(case.flow.heads.iter().map(|h| h.segments.len()).sum());
        for side in [Direction::FromLow, Direction::FromHigh] {
            let head = &case.flow.heads[side.index()];
            for segment in &head.segments {
                let bytes = head.slice(segment);
                let Some(entry) = case.index_of(segment.frame) else { continue };
                let cut = case.entries.get(entry).is_some_and(|e| e.is(crate::flow::entry::fact::CUT));
                if let Some(message) = dns::parse_lenient(bytes) {
                    self.dns.push(DnsSeen::new(entry, message, cut, self.dns.last()));
                }
            }
        }
        self.dns.sort_by_key(|d| d.entry);
        for seen in self.dns.iter().filter(|d| !d.message.is_response && d.message.question.is_some()) {
            let Some(e) = case.entries.get(seen.entry) else { continue };
            self.requests.push(Request {
                kind: TriggerKind::DnsQname,
                value: seen.name.clone(),
                frame: e.frame,
                complete_at_frame: e.frame,
                time: e.time,
                seq_end: 0,
                seq: 0,
                complete: true,
                answered: OnceCell::new(),
            });
        }
    }
}

fn side<'c>(case: &'c Case<'_>, direction: Direction) -> Laid<'c> {
    match case.starts[direction.index()] {
        Some(start) => {
            let mut laid = lay(&case.flow.heads[direction.index()], start);
            if direction == case.client && !case.decoys.is_empty() && laid.pieces.iter().any(|p| !case.decoys.contains(&p.1)) {
                // A fake message in front of the real one is for filters; what is asked of the server is the real one.
                laid.pieces.retain(|p| !case.decoys.contains(&p.1));
            }
            laid
        }
        None => Laid::default(),
    }
}

fn pieces<'c>(laid: &Laid<'c>) -> Pieces<'c> {
    Pieces::from_segments(laid.pieces.iter().map(|(offset, _, bytes)| (*offset, *bytes)))
}

fn request(case: &Case<'_>, laid: &Laid<'_>, kind: TriggerKind, value: Vec<u8>, at: u32, end: u32, complete: bool) -> Option<Request> {
    let carrier = laid.carrier(at).or_else(|| laid.pieces.first().map(|p| p.1))?;
    let last = laid.completed_by(end).or_else(|| laid.pieces.last().map(|p| p.1)).unwrap_or(carrier);
    let start = case.starts[case.client.index()]?;
    let time = case.index_of(last).and_then(|i| case.entries.get(i)).map_or(case.flow.last, |e| e.time);
    let seq_end = start.wrapping_add(end);
    let answered = OnceCell::new();
    Some(Request { kind, value, frame: carrier, complete_at_frame: last.max(carrier), time, seq_end, seq: start, complete, answered })
}

fn hello_request(case: &Case<'_>, laid: &Laid<'_>, hello: &tls::ClientHello) -> Option<Request> {
    let at = hello.sni_at.map_or(0, |(from, _)| from);
    // Whether it is the extension or the name is told by controls; the request itself says what it carries.
    let nameless = hello.sni.as_ref().is_none_or(Vec::is_empty);
    let kind =
        if hello.ech == Some(tls::Ech::Esni) || (nameless && hello.ech.is_some()) { TriggerKind::TlsEch } else { TriggerKind::TlsSni };
    request(case, laid, kind, hello.sni.clone().unwrap_or_default(), at, hello.stream_len as u32, hello.complete)
}

/// The first data of a conversation in a protocol that carries no name in the clear.
fn unnamed_request(case: &Case<'_>, laid: &Laid<'_>) -> Option<Request> {
    let start = case.starts[case.client.index()]?;
    let first = case.of(case.client).find(|(_, e)| e.payload_len > 0 && e.seq == start && !e.is_rst())?.1;
    // A server that speaks first has chosen the protocol; the client only answers.
    let spoken_to = case.of(case.server()).any(|(_, e)| e.frame < first.frame && e.payload_len > 0);
    if spoken_to || laid.pieces.is_empty() {
        return None;
    }
    request(case, laid, TriggerKind::Protocol, Vec::new(), 0, first.payload_len, true)
}

fn http_request(case: &Case<'_>, laid: &Laid<'_>, http: &http::Request) -> Option<Request> {
    let at = http.host_at.map_or(0, |(from, _)| from);
    request(case, laid, TriggerKind::HttpHost, http.host.clone().unwrap_or_default(), at, http.head_len as u32, http.complete)
}

fn quic_seen(case: &Case<'_>) -> Option<QuicSeen> {
    let datagrams = |side: Direction| {
        let head = &case.flow.heads[side.index()];
        head.segments.iter().map(move |s| (s.frame, head.slice(s)))
    };
    let (client, server) = (case.client, case.server());
    let server_packets = || case.of(server).map(|(i, _)| i).collect();
    if let Some(opened) = &case.flow.heads[client.index()].opened {
        let client_initials = opened.initials.iter().filter_map(|frame| case.index_of(*frame)).collect();
        return Some(QuicSeen { version: opened.version, hello: opened.hello(), client_initials, server_packets: server_packets() });
    }
    let first = datagrams(client).find_map(|(_, d)| quic::classify(d).filter(|h| h.kind == quic::Kind::Initial))?;
    let mut reader = quic::InitialReader::new(first.dcid);
    let mut client_initials = Vec::new();
    for (frame, datagram) in datagrams(client) {
        reader.feed_client(datagram);
        if quic::classify(datagram).is_some_and(|h| h.kind == quic::Kind::Initial) {
            client_initials.extend(case.index_of(frame));
        }
    }
    Some(QuicSeen { version: first.version, hello: reader.client_hello(), client_initials, server_packets: server_packets() })
}
