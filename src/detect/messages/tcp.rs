//! What is said over TCP: the hello, the HTTP request or the DNS messages that both sides' streams begin with, and later requests.

use super::{DnsSeen, Messages, Request};
use crate::app::pieces::Pieces;
use crate::app::{dns, http, tls};
use crate::detect::case::{Case, Role};
use crate::detect::finding::TriggerKind;
use crate::detect::suspects::drop::RETRANSMISSIONS;
use crate::flow::key::Direction;
use crate::flow::stream::{Laid, ahead, lay};
use std::cell::OnceCell;

impl Messages {
    pub(super) fn tcp(&mut self, case: &Case<'_>) {
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
                self.requests.extend(unnamed_request(case, &client).or_else(|| unheard_reply(case, &client)));
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

/// What a client says first to a server that spoke before it, where the server never heard any of it: then there is something to explain,
/// and otherwise it is no request.
fn unheard_reply(case: &Case<'_>, laid: &Laid<'_>) -> Option<Request> {
    // Every flow without a request is asked, and few say anything so often.
    let often = case.flow.sides[case.client.index()].data_packets > RETRANSMISSIONS as u64;
    let start = case.starts[case.client.index()].filter(|_| often && case.role == Role::Syn)?;
    let mut said = case.of(case.client).filter(|(_, e)| e.payload_len > 0 && e.seq == start && !e.is_rst());
    let (at, first) = said.next()?;
    let heard = || case.after(case.server(), at).any(|(_, e)| e.is_rst() || ahead(e.ack, start) > 0);
    let unheard = said.count() >= RETRANSMISSIONS && !laid.pieces.is_empty() && !heard();
    unheard.then(|| request(case, laid, TriggerKind::Protocol, Vec::new(), 0, first.payload_len, true)).flatten()
}

fn http_request(case: &Case<'_>, laid: &Laid<'_>, http: &http::Request) -> Option<Request> {
    let at = http.host_at.map_or(0, |(from, _)| from);
    request(case, laid, TriggerKind::HttpHost, http.host.clone().unwrap_or_default(), at, http.head_len as u32, http.complete)
}
