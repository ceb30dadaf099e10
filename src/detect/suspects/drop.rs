//! Silence after a request: the packets that would have answered it, or that carried it, vanish.

use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Stage, Suspect};
use crate::detect::messages::Request;
use crate::detect::surroundings::Afterwards;
use crate::flow::entry::{Entry, fact};
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

/// Silence shorter than this is a slow server (TLS stacks and CDNs answer well within it).
pub const SILENCE_NS: i64 = 5_000_000_000;
/// Lost copies of a request beyond the first: at 5 % independent loss four losses in a row are one in 160,000.
pub const RETRANSMISSIONS: usize = 3;
/// Or so many round trips, on long paths.
pub const SILENCE_RTTS: i64 = 10;

/// At most one suspect: the first request that was never answered.
pub fn find(case: &Case<'_>) -> Option<Suspect> {
    if let Some(packets) = unanswered_syns(case) {
        let trigger = super::address_trigger(case);
        return Some(Suspect {
            mechanism: Mechanism::Drop,
            stage: Stage::PostSyn,
            trigger,
            sender: case.client,
            packets,
            answers: Vec::new(),
        });
    }
    let unanswered = case.messages.requests.iter().find(|r| !is_answered(case, r));
    let (request, silence) = match unanswered.and_then(|r| silence(case, r).map(|s| (r, s))) {
        Some(found) => found,
        None => (case.messages.requests.first()?, later_silence(case)?),
    };
    let sender = silence.copies.first().and_then(|i| case.entries.get(*i)).map_or(case.client, |e| e.direction());
    let stage = Stage::PostRequest;
    let trigger = Some(super::trigger(request));
    Some(Suspect { mechanism: Mechanism::Drop, stage, trigger, sender, packets: silence.copies, answers: Vec::new() })
}

/// Whether the server said anything in answer to a request.
pub fn is_answered(case: &Case<'_>, request: &Request) -> bool {
    *request.answered.get_or_init(|| answers(case, request))
}

fn answers(case: &Case<'_>, request: &Request) -> bool {
    if case.flow.key.protocol != 6 {
        return case.of(case.server()).any(|(_, e)| e.frame > request.frame);
    }
    let expected = case.index_of(request.frame).and_then(|i| case.next_seq(case.server(), i));
    // What was left out of the transcript is judged by the sums: far more data than the transcript shows was an answer.
    let unseen = case.flow.transcript.has_gaps() && case.flow.sides[case.server().index()].data_packets > 4;
    unseen
        || case
            .of(case.server())
            .any(|(_, e)| e.frame > request.frame && e.payload_len > 0 && !e.is_rst() && expected.is_none_or(|n| ahead(e.seq_end(), n) > 0))
}

/// A silence after a request, long enough to need explaining.
pub struct Silence {
    /// Entries that carry the request or part of it: the first copy and its retransmissions.
    pub copies: Vec<usize>,
    pub retransmissions: usize,
    pub from: Timestamp,
    pub until: Timestamp,
    /// The server acknowledged all of it, part of it, or none.
    pub acknowledged: Acknowledged,
}

/// How much of a request the server acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acknowledged {
    Nothing,
    Part,
    All,
}

/// Measures the silence after an unanswered request; `None` if it is too short to mean anything.
pub fn silence(case: &Case<'_>, request: &Request) -> Option<Silence> {
    let at = case.index_of(request.frame)?;
    let is_tcp = case.flow.key.protocol == 6;
    if !is_tcp && case.has(fact::ICMP) {
        // Nobody is there, and somebody says so.
        return None;
    }
    if is_tcp && !case.established() {
        return None;
    }
    let begins = at.min(first_part(case, request));
    let mine: Vec<usize> = case
        .of(case.client)
        .filter(|(i, e)| *i >= begins && e.payload_len > 0 && !e.is_rst())
        .filter(|(_, e)| !is_tcp || (ahead(e.seq_end(), request.seq) > 0 && ahead(request.seq_end, e.seq) > 0))
        .map(|(i, _)| i)
        .collect();
    let sent = case.entries.get(at)?;
    let acknowledged = if is_tcp { acknowledged(case, request, begins) } else { Acknowledged::Nothing };
    let last = case.entries.iter().rev().find(|e| e.direction() == case.client && !e.is(fact::ICMP))?;
    // A client that resets its connection waits no longer, whatever its server, which heard nothing of that, still says.
    let reset = case.after(case.client, at).find(|(_, e)| e.is_rst()).map(|(_, e)| e.time);
    let until = reset.unwrap_or(last.time.max(case.entries.last()?.time));
    let from = request.time.max(sent.time);
    let waited = until.since(from);
    let copies = mine;
    let retransmissions = if is_tcp { retransmissions(case, &copies, acknowledged, request) } else { copies.len().saturating_sub(1) };
    let rtt = case.rtt[case.server().index()].unwrap_or(0);
    // No kernel says once what is not acknowledged: one that does has gone away, or the capture has holes.
    let mut said = copies.iter().filter_map(|i| case.entries.get(*i)).map(|e| e.seq_end());
    let again = said.next().is_some_and(|first| said.try_fold(first, |end, e| (ahead(e, end) > 0).then_some(e)).is_none());
    let alive = acknowledged == Acknowledged::All || again;
    let long = alive && waited >= SILENCE_NS.max(SILENCE_RTTS * rtt);
    // A ladder of retransmissions says it sooner than the clock: the third one comes after about a second.
    let ladder = retransmissions >= RETRANSMISSIONS && waited >= 5 * rtt.max(100_000_000);
    // Over UDP a client may ask again from another port, or only once: how often in all is for the survey to count.
    (long || ladder || !is_tcp).then_some(Silence { copies, retransmissions, from, until, acknowledged })
}

fn first_part(case: &Case<'_>, request: &Request) -> usize {
    let first = case.of(case.client).find(|(_, e)| e.payload_len > 0 && e.seq == request.seq);
    first.map_or(usize::MAX, |(i, _)| i)
}

fn acknowledged(case: &Case<'_>, request: &Request, begins: usize) -> Acknowledged {
    let acks = case.after(case.server(), begins).filter(|(_, e)| e.has(tcp::ACK) && !e.is_rst());
    let best = acks.map(|(_, e)| ahead(e.ack, request.seq)).max().unwrap_or(0);
    match best {
        n if n >= ahead(request.seq_end, request.seq) => Acknowledged::All,
        n if n > 0 => Acknowledged::Part,
        _ => Acknowledged::Nothing,
    }
}

/// Copies beyond the first of the part that stayed unacknowledged.
fn retransmissions(case: &Case<'_>, copies: &[usize], acknowledged: Acknowledged, request: &Request) -> usize {
    let edge = match acknowledged {
        Acknowledged::Nothing => request.seq,
        Acknowledged::Part => {
            let acks = case.of(case.server()).filter(|(_, e)| e.has(tcp::ACK) && !e.is_rst()).map(|(_, e)| e.ack);
            acks.filter(|a| ahead(*a, request.seq) > 0).reduce(|a, b| if ahead(b, a) > 0 { b } else { a }).unwrap_or(request.seq)
        }
        Acknowledged::All => return 0,
    };
    let covering = copies.iter().filter_map(|i| case.entries.get(*i)).filter(|e| ahead(e.seq, edge) <= 0 && ahead(e.seq_end(), edge) > 0);
    covering.count().saturating_sub(1)
}

/// A silence after an answer: what the client sent after the server's first data was never acknowledged, and nothing more came.
pub fn later_silence(case: &Case<'_>) -> Option<Silence> {
    if case.messages.quic.is_some() {
        return later_quic_silence(case);
    }
    if case.flow.key.protocol != 6 {
        return None;
    }
    unheard_client(case).or_else(|| unheard_answer(case)).filter(|_| case.established())
}

/// What a client said to a server that spoke before it, where the server heard it and went on.
pub fn heard_reply<'c>(case: &'c Case<'_>) -> Option<&'c Entry> {
    let start = case.starts[case.client.index()].filter(|_| case.flow.key.protocol == 6 && case.established())?;
    let (at, reply) = case.of(case.client).find(|(_, e)| e.payload_len > 0 && e.seq == start && !e.is_rst())?;
    let spoken = case.next_seq(case.server(), at)?;
    let goes_on = |e: &Entry| e.payload_len > 0 && !e.is_rst() && ahead(e.seq_end(), spoken) > 0 && ahead(e.ack, start) > 0;
    (is_greeted(case, reply.frame) && case.after(case.server(), at).any(|(_, e)| goes_on(e))).then_some(reply)
}

/// Whether the server had spoken before the client said something.
pub fn is_greeted(case: &Case<'_>, frame: u64) -> bool {
    case.of(case.server()).take_while(|(_, e)| e.frame < frame).any(|(_, e)| e.payload_len > 0 && !e.is_rst())
}

/// How a connection went on after the server's first answer.
pub fn afterwards(case: &Case<'_>) -> Afterwards {
    if case.flow.key.protocol != 6 {
        let cut = case.messages.quic.is_some() && later_quic_silence(case).is_some();
        return if cut { Afterwards::Cut } else { Afterwards::Heard };
    }
    let Some((first, answer)) = case.of(case.server()).find(|(_, e)| e.payload_len > 0 && !e.is_rst()) else { return Afterwards::Untold };
    // What was said before the answer came and acknowledged with it shows nothing of later.
    let known = case.next_seq(case.client, first).unwrap_or(answer.ack);
    let (mut acknowledged, mut closed, mut last) = (answer.ack, false, first);
    for (i, e) in case.after(case.server(), first).filter(|(_, e)| !e.is_rst()) {
        closed |= e.has(tcp::FIN);
        last = i;
        acknowledged = if e.has(tcp::ACK) && ahead(e.ack, acknowledged) > 0 { e.ack } else { acknowledged };
    }
    let in_vain = |(_, e): &(usize, &Entry)| e.seq_end() != e.seq && !e.is_rst() && ahead(e.seq_end(), acknowledged) > 0;
    let mut unheard = case.after(case.client, last).filter(in_vain).map(|(_, e)| e.seq);
    let again = unheard.next().is_some_and(|seq| unheard.filter(|s| *s == seq).count() >= RETRANSMISSIONS);
    match (closed || ahead(acknowledged, known) > 0, later_silence(case).is_some() || again) {
        (true, false) => Afterwards::Heard,
        (false, true) => Afterwards::Cut,
        _ => Afterwards::Untold,
    }
}

/// Whether a suspect is a silence that came after the answer.
pub fn is_later(case: &Case<'_>, suspect: &Suspect) -> bool {
    let request = case.messages.requests.iter().find(|r| suspect.trigger.as_ref().is_some_and(|t| t.frame == r.frame));
    suspect.stage == Stage::PostRequest && request.is_some_and(|r| is_answered(case, r)) && later_silence(case).is_some()
}

/// Whether a side sent data often enough to have repeated one packet so often, and anything twice. Every flow is asked.
fn may_repeat(case: &Case<'_>, side: Direction) -> bool {
    case.flow.sides[side.index()].data_packets > RETRANSMISSIONS as u64 && !case.course(side).in_order
}

/// Seen near the server: its answer goes out again and again, and the client is not heard any more.
fn unheard_answer(case: &Case<'_>) -> Option<Silence> {
    if !may_repeat(case, case.server()) {
        return None;
    }
    let request = case.messages.requests.first()?;
    let (heard, last) = case.of(case.client).next_back()?;
    let answer = case.after(case.server(), heard).find(|(_, e)| e.payload_len > 0 && e.time >= request.time)?.1;
    if case.of(case.client).any(|(_, e)| e.is_rst() || e.has(tcp::FIN)) || case.of(case.server()).any(|(_, e)| e.is_rst()) {
        return None;
    }
    let copies: Vec<usize> = case.of(case.server()).filter(|(_, e)| e.payload_len > 0 && e.seq == answer.seq).map(|(i, _)| i).collect();
    let until = copies.last().and_then(|i| case.entries.get(*i))?.time;
    let retransmissions = copies.len() - 1;
    let long = until.since(last.time) >= SILENCE_NS && retransmissions >= RETRANSMISSIONS;
    long.then_some(Silence { copies, retransmissions, from: answer.time, until, acknowledged: Acknowledged::Nothing })
}

/// What the client sent after the server's first answer is not acknowledged.
fn unheard_client(case: &Case<'_>) -> Option<Silence> {
    if !may_repeat(case, case.client) {
        return None;
    }
    let first_answer = case.of(case.server()).find(|(_, e)| e.payload_len > 0 && !e.is_rst())?.0;
    let highest_ack =
        case.of(case.server()).filter(|(_, e)| e.has(tcp::ACK)).map(|(_, e)| e.ack).reduce(|a, b| if ahead(b, a) > 0 { b } else { a })?;
    let unacked =
        |e: &crate::flow::entry::Entry| e.payload_len > 0 && ahead(e.seq_end(), highest_ack) > 0 && ahead(e.seq, highest_ack) <= 0;
    let copies: Vec<usize> = case.after(case.client, first_answer).filter(|(_, e)| !e.is_rst() && unacked(e)).map(|(i, _)| i).collect();
    let sent = case.entries.get(*copies.first()?)?;
    // A packet of the server after it, even a repeated one, shows the way back open; then it is the client's direction that is cut,
    // unless that packet acknowledges what was sent.
    let last = case.of(case.client).next_back()?.1;
    let retransmissions = copies.len() - 1;
    let server_closed =
        case.of(case.server()).any(|(_, e)| e.has(tcp::FIN) && e.time <= sent.time) || case.of(case.server()).any(|(_, e)| e.is_rst());
    if server_closed || retransmissions < RETRANSMISSIONS {
        return None;
    }
    Some(Silence { copies, retransmissions, from: sent.time, until: last.time, acknowledged: Acknowledged::Nothing })
}

/// SYNs of a connection attempt that nobody answered: at least three over three seconds.
pub fn unanswered_syns(case: &Case<'_>) -> Option<Vec<usize>> {
    /// The second retransmission comes three seconds after the first SYN (RFC 6298: 1 s, then 2 s).
    const SYNS: usize = 3;
    const SPAN_NS: i64 = 2_500_000_000;
    if case.flow.key.protocol != 6 || case.of(case.server()).next().is_some() || case.has(fact::ICMP) {
        return None;
    }
    let syns: Vec<usize> = case.of(case.client).filter(|(_, e)| e.is_syn()).map(|(i, _)| i).collect();
    let only_syns = case.of(case.client).all(|(_, e)| e.is_syn() || e.is_rst());
    (only_syns && syns.len() >= SYNS && case.flow.last.since(case.flow.first) >= SPAN_NS).then_some(syns)
}

/// QUIC after an answer: the client goes on sending, and all that still comes is the server repeating its handshake, or nothing.
///
/// Some filters let the Initial and the first answers pass and drop the client's packets a tenth of a second later (USENIX Security
/// 2025). It must begin early in the connection: later, a silent server is one that has forgotten an idle client.
fn later_quic_silence(case: &Case<'_>) -> Option<Silence> {
    const EARLY_NS: i64 = 5_000_000_000;
    const LASTING_NS: i64 = 3_000_000_000;
    let first = case.entries.first()?.time;
    let is_long = |e: &crate::flow::entry::Entry| e.peek().first().is_some_and(|b| b & 0x80 != 0);
    // The answer: the server's first flight. What it sends in the same form half a second later is a repetition.
    let answer = case.of(case.server()).next()?.1.time;
    let progress = case.of(case.server()).filter(|(_, e)| !is_long(e) || e.time.since(answer) < 500_000_000).map(|(_, e)| e.time).max()?;
    let copies: Vec<usize> = case.of(case.client).filter(|(_, e)| e.time > progress).map(|(i, _)| i).collect();
    let (from, until) = (case.entries.get(*copies.first()?)?.time, case.entries.get(*copies.last()?)?.time);
    let rtt = case.rtt[case.server().index()].unwrap_or(0);
    let lasting = until.since(from) >= LASTING_NS.max(SILENCE_RTTS * rtt) && copies.len() > RETRANSMISSIONS;
    let whole = case.left_out.iter().all(|n| *n == 0);
    let retransmissions = copies.len() - 1;
    (lasting && whole && progress.since(first) <= EARLY_NS).then_some(Silence {
        copies,
        retransmissions,
        from,
        until,
        acknowledged: Acknowledged::Nothing,
    })
}
