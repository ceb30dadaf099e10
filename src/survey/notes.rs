//! What every flow adds to the survey's facts: how its hosts look, how its requests went, what it was answered.

use super::examples::First;
use super::facts::{Kind, SHOWN, Silent};
use super::heard::Heard;
use super::part::Part;
use super::tries;
use crate::attribute::special;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Suspect};
use crate::detect::rules::View;
use crate::detect::surroundings::{Afterwards, Attempt, FlowRef, Outcome, Surroundings};
use crate::detect::suspects::{drop, stall, tcp_reset};
use crate::flow::spells;
use std::num::NonZeroU64;

impl Part {
    pub(super) fn note_facts(&mut self, case: &Case<'_>, suspects: &[Suspect], (bad, odd): (bool, bool), (reset, evasion): (bool, u8)) {
        let flow = case.flow;
        let last = case.entries.iter().filter(|e| e.time == flow.last).map(|e| e.frame).next_back();
        self.facts.end = self.facts.end.max((flow.last, last.unwrap_or(0)));
        let first_frame = case.entries.first().map_or(0, |e| e.frame);
        let named = case.messages.requests.iter().any(|r| !r.value.is_empty());
        // A flow counts once a second, with what came last in it.
        let mut heard_at =
            |second, frame| self.facts.lately.push((second, Heard { flow: first_frame, frame, client: case.client_end().ip, named }));
        let mut heard: Option<(i64, u64)> = None;
        for (_, e) in case.of(case.server()).filter(|(_, e)| !e.is_rst()) {
            let second = e.time.second();
            if let Some((before, frame)) = heard.replace((second, e.frame)).filter(|(before, _)| *before != second) {
                heard_at(before, frame);
            }
        }
        if let Some((second, frame)) = heard {
            heard_at(second, frame);
        }
        if !bad && flow.key.protocol == 6 {
            for side in [case.client, case.server()] {
                let ip = flow.key.sender(side).ip;
                let mut heard = case.ttls(side).peekable();
                if heard.peek().is_none() {
                    continue;
                }
                let rtt = case.rtt[side.index()].filter(|r| *r > 0);
                if let Some(host) = self.facts.hosts.of(ip) {
                    host.flows += 1;
                    if let Some(rtt) = rtt {
                        host.rtt.add(rtt, first_frame);
                    }
                    for (ttl, n) in heard {
                        host.ttls.add(ttl, first_frame, n);
                    }
                }
            }
        }
        self.facts.transfers.note(case, suspects);
        self.note_attempts(case, suspects, bad, (reset, evasion));
        self.note_greeted(case, bad);
        self.note_portal(case);
        self.note_issuer(case);
        self.note_port(case);
        self.note_refusals(case);
        self.note_answers(case, odd);
        let (client, server, mut dropped) = (case.client_end().ip, case.server_end().ip, 0);
        let mut silent = |(from, until), unopened, ended, frames: &[u64]| {
            let mut silent = Silent { from, until, flow: first_frame, client, server, unopened, ended, frames: [0; SHOWN] };
            silent.frames.iter_mut().zip(frames).for_each(|(to, frame)| *to = *frame);
            self.facts.silences.push(silent);
        };
        // Where a silence of a long flow begins, and what shows it.
        let shown = |packets: &[usize]| {
            let heard = packets.first().and_then(|first| case.ordinary_before(case.server(), *first).next_back()).map(|(_, e)| e.frame);
            let said = packets.iter().filter_map(|i| case.entries.get(*i)).map(|e| e.frame);
            heard.into_iter().chain(said).take(SHOWN).collect::<Vec<_>>()
        };
        let repeats = !case.course(case.client).in_order || flow.transcript.may_have_spells();
        if repeats && flow.key.protocol == 6 && flow.last.since(flow.first) >= spells::LEAST_NS {
            let (spells, more) = flow.transcript.spells(&case.entries);
            for spell in spells.iter().filter(|s| s.side == case.client) {
                silent((spell.from, spell.until), None, spell.answered, &spell.frames);
            }
            dropped += u64::from(more);
        }
        if let Some(late) = opened_late(case) {
            silent(late, Some(case.server_end().port), true, &[]);
        }
        if let Some(freeze) = suspects.iter().find(|s| s.mechanism == Mechanism::Stall).and_then(|_| stall::freeze(case)) {
            silent((freeze.from, freeze.until), None, false, &shown(&freeze.vain));
        }
        for suspect in suspects.iter().filter(|s| s.mechanism == Mechanism::Drop) {
            let request = case.messages.requests.iter().find(|r| suspect.trigger.as_ref().is_some_and(|t| t.frame == r.frame));
            if request.is_none() && drop::unanswered_syns(case).is_some() {
                silent((flow.first, flow.last), Some(case.server_end().port), false, &[]);
            }
            if let Some(silence) = request.and_then(|r| drop::silence(case, r)).or_else(|| drop::later_silence(case)) {
                silent((silence.from, silence.until), None, false, &shown(&silence.copies));
            }
        }
        self.facts.dropped += dropped;
    }

    fn note_attempts(&mut self, case: &Case<'_>, suspects: &[Suspect], bad: bool, (reset, evasion): (bool, u8)) {
        let server = case.server_end();
        let flow = flow_ref(case);
        // Clients end their own connections for reasons of their own; what somebody else sends in their name is a failure.
        let own = reset && case.of(case.server()).all(|(_, e)| !e.is_rst()) && !is_forged_by_header(case, suspects);
        for request in &case.messages.requests {
            let kind = tries::kind(case, request);
            let answered = drop::is_answered(case, request);
            let outcome = if answered && (!bad || kind == Kind::Dns) {
                Outcome::Answered
            } else if answered {
                Outcome::Suspicious
            } else if reset && !own {
                Outcome::Reset
            } else if drop::silence(case, request).is_some() {
                Outcome::Silent
            } else {
                continue;
            };
            let (begins, ends) = (case.index_of(request.frame), case.index_of(request.complete_at_frame));
            let segments = begins.zip(ends).map_or(1, |(a, b)| if a == b { 1 } else { 2 });
            let large = ends.and_then(|i| case.entries.get(i)).is_some_and(|e| e.payload_len >= 1200);
            let hello = case.messages.hello.as_ref().or(case.messages.quic.as_ref().and_then(|q| q.hello.as_ref()));
            let parts = begins.zip(ends).and_then(|(a, b)| case.entries.get(a..=b)).unwrap_or_default();
            let largest = parts.iter().filter(|e| e.direction() == case.client).map(|e| e.payload_len).max().unwrap_or(0);
            self.facts.attempts.add(
                kind,
                Attempt {
                    time: request.time,
                    frame: request.frame,
                    flow,
                    server: server.ip,
                    port: server.port,
                    name: &request.value.to_ascii_lowercase(),
                    outcome,
                    same_kind: true,
                    ech: hello.is_some_and(|h| h.ech.is_some()),
                    session: has_session(case),
                    hit: false,
                    segments: if large { 2 } else { segments },
                    largest: u16::try_from(largest).unwrap_or(u16::MAX),
                    afterwards: if answered { drop::afterwards(case) } else { Afterwards::Untold },
                    evasion,
                },
            );
        }
    }

    /// A conversation that the server opened and the client was heard in: what others of its protocol are measured by.
    fn note_greeted(&mut self, case: &Case<'_>, bad: bool) {
        let Some(reply) = drop::heard_reply(case).filter(|_| !bad && case.messages.requests.is_empty()) else { return };
        let server = case.server_end();
        self.facts.attempts.add(
            Kind::Greeted,
            Attempt {
                time: reply.time,
                frame: reply.frame,
                flow: flow_ref(case),
                server: server.ip,
                port: server.port,
                name: b"",
                outcome: Outcome::Answered,
                same_kind: true,
                ech: false,
                session: false,
                hit: false,
                segments: 1,
                largest: u16::try_from(reply.payload_len).unwrap_or(u16::MAX),
                afterwards: drop::afterwards(case),
                evasion: 0,
            },
        );
    }

    fn note_port(&mut self, case: &Case<'_>) {
        let server = case.server_end();
        let key = (server.ip, server.port);
        let first = flow_ref(case).first;
        if drop::unanswered_syns(case).is_some() {
            if let Some(seen) = self.facts.unanswered_syns.of(key) {
                seen.add(first);
            }
        } else if case.of(case.server()).any(|(_, e)| e.is_syn_ack()) {
            self.facts.answering_ports.add(key, First(first));
        }
    }

    fn note_portal(&mut self, case: &Case<'_>) {
        let (Some(request), Some(host)) = (case.messages.requests.first(), redirected_to(case)) else { return };
        if special::is_connectivity_check(&request.value) {
            let check = (request.value.to_ascii_lowercase(), request.frame, flow_ref(case).first);
            // A gateway sends its guests there in a server's name, or has the server's name resolved to itself.
            self.facts.portal(case.server_end().ip.to_string().into_bytes(), check.clone());
            self.facts.portal(host, check);
        }
    }

    fn note_issuer(&mut self, case: &Case<'_>) {
        /// A name has few issuers; a capture may have many names.
        const NAMES: usize = 100_000;
        let Some(leaf) = case.messages.server.as_ref().and_then(|s| s.certificates.first()) else { return };
        let (Some(request), Some(issuer)) = (case.messages.requests.first(), leaf.issuer_o.clone().or(leaf.issuer_cn.clone())) else {
            return;
        };
        let name = request.value.to_ascii_lowercase();
        if self.facts.issuers.len() >= NAMES && !self.facts.issuers.contains_key(&name) {
            self.facts.dropped += 1;
            return;
        }
        let first = (request.frame, flow_ref(case).first);
        let known = self.facts.issuers.entry(name).or_default();
        known.entry((issuer, case.server_end().ip)).and_modify(|f| *f = first.min(*f)).or_insert(first);
    }
}

/// From a connection's first SYN to the answer that only a repeated one had.
fn opened_late(case: &Case<'_>) -> Option<(Timestamp, Timestamp)> {
    /// A handshake's packets, and then some.
    const HANDSHAKE: usize = 12;
    /// Kernels wait a second (RFC 6298); what comes sooner was captured twice.
    const AGAIN_NS: i64 = 500_000_000;
    let begin = || case.entries.iter().take(HANDSHAKE);
    let mut syns = begin().filter(|e| e.is_syn() && e.direction() == case.client);
    let first = syns.next()?;
    let again = syns.find(|e| e.time.since(first.time) >= AGAIN_NS)?;
    let answer = begin().find(|e| e.is_syn_ack() && e.direction() == case.server())?;
    (answer.time >= again.time).then_some((first.time, answer.time))
}

/// Where a case's flow is found again.
pub(super) fn flow_ref(case: &Case<'_>) -> FlowRef {
    FlowRef {
        first: case.entries.first().map_or(0, |e| e.frame),
        stream_first: case.flow.stream_first.map(NonZeroU64::get),
        client: case.client_end(),
    }
}

/// The host that an HTTP response sends its client to.
pub(super) fn redirected_to(case: &Case<'_>) -> Option<Vec<u8>> {
    let location = case.messages.response.as_ref().filter(|r| (300..400).contains(&r.status))?.location.as_deref()?;
    let scheme = location.windows(3).position(|w| w == b"://")?;
    let host = location.get(scheme + 3..)?.split(|b| matches!(b, b'/' | b'?' | b':' | b'#')).next()?;
    Some(host.to_ascii_lowercase())
}

/// Whether resets in the client's name are none of its own, as far as this flow tells.
fn is_forged_by_header(case: &Case<'_>, suspects: &[Suspect]) -> bool {
    let around = Surroundings::default();
    let mut resets = suspects.iter().filter(|s| s.mechanism == Mechanism::TcpReset && s.sender == case.client);
    resets.any(|suspect| tcp_reset::is_foreign(&View { case, suspect, around: &around }))
}

/// Whether a TLS handshake was completed as far as an observer can tell.
fn has_session(case: &Case<'_>) -> bool {
    let (Some(server), Some(request)) = (&case.messages.server, case.messages.requests.first()) else { return false };
    if server.hello.is_none() || server.alerts.iter().any(|a| a.is_fatal()) {
        return false;
    }
    match server.certificates.first() {
        Some(leaf) => {
            let name = String::from_utf8_lossy(&request.value);
            !leaf.self_signed && leaf.sans.iter().any(|san| covers(san, &name))
        }
        None => server.application_data && case.flow.sides[case.client.index()].data_packets >= 3,
    }
}

/// RFC 6125: a wildcard covers one label.
fn covers(san: &str, name: &str) -> bool {
    let behind = |name: &str| {
        name.split_once('.').is_some_and(|(_, rest)| san.strip_prefix("*.").is_some_and(|zone| rest.eq_ignore_ascii_case(zone)))
    };
    san.eq_ignore_ascii_case(name) || behind(name)
}
