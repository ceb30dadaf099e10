//! What is said over UDP: DNS messages, and what QUIC shows in the clear.

use super::{DnsSeen, Messages, QuicSeen, Request};
use crate::app::{dns, quic};
use crate::detect::case::Case;
use crate::detect::finding::TriggerKind;
use crate::flow::key::Direction;
use std::cell::OnceCell;

impl Messages {
    pub(super) fn udp(&mut self, case: &Case<'_>) {
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
        // Another capture of a question is none more that was asked.
        let asks = |d: &&DnsSeen| !d.message.is_response && d.message.question.is_some() && !case.is_copy(d.entry);
        for seen in self.dns.iter().filter(asks) {
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
