//! Payload, FINs and SYN/ACKs that a server is said to have sent and that do not fit its other packets.

use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Stage, Suspect};
use crate::detect::rules::{elapsed, hop_distance, reused};
use crate::flow::entry::{Entry, fact};
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

/// At most one suspect of each kind.
pub fn find(case: &Case<'_>) -> Vec<Suspect> {
    if case.flow.key.protocol != 6 {
        return Vec::new();
    }
    let answers = answers(case);
    let disowned = if answers.is_none() { disowned(case) } else { None };
    [handshake(case), answers, disowned].into_iter().flatten().collect()
}

/// Data behind which its sender's own stream ends too soon, and that is missing from the sender's count of packets: a FIN alone could as
/// well be the forged one of the two.
///
/// Only a server's: clients with evasion tools send what is not of their stream on purpose.
fn disowned(case: &Case<'_>) -> Option<Suspect> {
    let sender = case.server();
    let (packets, ends) = beyond_end(case, sender)?;
    uncounted(case, sender, &packets, *ends.first()?)?;
    let trigger = case.request_before(*packets.first()?).map(super::trigger);
    let stage = if trigger.is_some() { Stage::PostRequest } else { Stage::Later };
    Some(Suspect { mechanism: Mechanism::TcpData, stage, trigger, sender, packets, answers: Vec::new() })
}

/// Data packets of a side that reach beyond where the side's stream ended later, and the packets that end it there.
pub fn beyond_end(case: &Case<'_>, side: Direction) -> Option<(Vec<usize>, Vec<usize>)> {
    /// Farther off is another connection's numbering.
    const WINDOW: i64 = 1 << 20;
    if case.course(side).in_order {
        return None;
    }
    let behind = |e: &Entry| e.seq.wrapping_add(e.payload_len);
    let mut fins = case.of(side).filter(|(_, e)| e.has(tcp::FIN) && !e.is_rst() && !e.has(tcp::SYN));
    let (first, fin) = fins.next()?;
    let data = case.ordinary_before(side, first).filter(|(_, e)| e.payload_len > 0 && !e.has(tcp::SYN));
    let beyond = data.filter(|(_, e)| (1..WINDOW).contains(&ahead(behind(e), behind(fin))));
    let packets: Vec<usize> = beyond.map(|(i, _)| i).collect();
    if packets.is_empty() {
        return None;
    }
    let again = fins.filter(|(_, e)| behind(e) == behind(fin)).map(|(i, _)| i);
    Some((packets, std::iter::once(first).chain(again).collect()))
}

/// Whether a side that numbers its packets one by one went on as if it had not sent these: the number it had reached before them, and
/// the one it gave the packet behind them.
pub fn uncounted(case: &Case<'_>, side: Direction, packets: &[usize], next: usize) -> Option<(u16, u16)> {
    /// Steps of one in a row that make a counter of this conversation alone.
    const STEPS: usize = 4;
    let (begin, after) = (*packets.first()?, case.entries.get(next)?);
    if case.left_out.get(begin..=next)?.iter().any(|n| *n > 0) {
        return None;
    }
    let mut counted: Vec<u16> = case.ordinary_before(side, begin).rev().take(STEPS + 1).filter_map(|(_, e)| e.ip_id()).collect();
    counted.reverse();
    let by_one = counted.len() > STEPS && counted.windows(2).all(|w| matches!(w, [a, b] if b.wrapping_sub(*a) == 1));
    let last = *counted.last().filter(|_| by_one)?;
    let others = case.of(side).filter(|(i, _)| *i > begin && *i <= next && !packets.contains(i)).count() as u16;
    let id = after.ip_id().filter(|id| id.wrapping_sub(last) == others)?;
    // One that has a number of its own in the series, even out of turn, was sent by whoever counts.
    const AHEAD: u16 = 64;
    let mut numbered = packets.iter().filter_map(|i| case.entries.get(*i)).map(|e| e.ip_id().map(|id| id.wrapping_sub(last)));
    numbered.all(|ahead| ahead.is_some_and(|n| !(1..=AHEAD).contains(&n))).then_some((last, id))
}

/// Whether a side's stream and count of packets both leave out one of its data packets.
pub fn is_uncounted(case: &Case<'_>, side: Direction, i: usize) -> bool {
    let Some((beyond, ends)) = beyond_end(case, side).filter(|(beyond, _)| beyond.contains(&i)) else { return false };
    ends.first().is_some_and(|next| uncounted(case, side, &beyond, *next).is_some())
}

/// Two SYN/ACKs that number the server's stream differently.
fn handshake(case: &Case<'_>) -> Option<Suspect> {
    if case.course(case.server()).in_order {
        return None;
    }
    let mut syn_acks = case.of(case.server()).filter(|(_, e)| e.is_syn_ack() && !e.is_rst());
    let first = syn_acks.next()?;
    let other = syn_acks.find(|(_, e)| e.seq != first.1.seq)?;
    // The one the conversation goes on with is the genuine one.
    let went_on = |seq: u32| {
        case.of(case.server()).any(|(_, e)| !e.has(tcp::SYN) && !e.is_rst() && (0..1 << 20).contains(&ahead(e.seq, seq.wrapping_add(1))))
    };
    let (odd, _) = [first, other].into_iter().chain(syn_acks).find(|(_, e)| !went_on(e.seq)).unwrap_or(other);
    let packets = vec![odd];
    Some(Suspect {
        mechanism: Mechanism::TcpHandshake,
        stage: Stage::PostSyn,
        trigger: super::address_trigger(case),
        sender: case.server(),
        packets,
        answers: Vec::new(),
    })
}

/// Data (or a FIN) in answer to a request that differs from the server's other packets, or that two packets claim differently.
fn answers(case: &Case<'_>) -> Option<Suspect> {
    let server = case.server();
    let request = case.messages.requests.first()?;
    let begins = case.index_of(request.frame)?;
    let base = case.ordinary_before(server, begins).find(|(_, e)| e.is_syn_ack()).or_else(|| case.ordinary_before(server, begins).next());
    let answering = || case.after(server, begins).filter(|(_, e)| !e.is_rst() && !e.has(tcp::SYN));
    let speaking = |e: &Entry| e.payload_len > 0 || e.has(tcp::FIN);
    let foreign = |i: usize, e: &Entry| base.is_some_and(|(_, b)| is_foreign(b, e)) && !continues_series(case, i, e) && !is_resent(case, e);
    let odd = |i: usize, e: &Entry| speaking(e) && (foreign(i, e) || reused(case, server, i, e).is_some());
    let course = case.course(server);
    let mut foreign: Vec<usize> = if course.alike { Vec::new() } else { answering().filter(|(i, e)| odd(*i, e)).map(|(i, _)| i).collect() };
    // Whoever numbered one packet of a pair numbered both.
    let twins =
        foreign.iter().filter_map(|i| reused(case, server, *i, case.entries.get(*i)?)).filter_map(|(frame, _)| case.index_of(frame));
    let twins: Vec<usize> = twins.filter(|i| *i > begins && !foreign.contains(i)).collect();
    foreign.extend(twins);
    foreign.sort_unstable();
    if !foreign.is_empty() && is_relayed(case, answering(), base.map(|(_, b)| b)) {
        foreign.clear();
    }
    let raced = if course.in_order { None } else { race_among(answering()) };
    let packets = match (foreign.is_empty(), raced) {
        (false, _) => foreign,
        (true, Some((winner, loser))) => vec![odder(case, winner, loser)],
        (true, None) => early(case, answering(), request.seq_end).or_else(|| outlived(case, begins)).into_iter().collect(),
    };
    packets.first()?;
    let data = packets.iter().filter_map(|i| case.entries.get(*i)).any(|e| e.payload_len > 0);
    let mechanism = if data { Mechanism::TcpData } else { Mechanism::TcpFin };
    let trigger = case.request_before(*packets.first()?).map(super::trigger);
    Some(Suspect { mechanism, stage: Stage::PostRequest, trigger, sender: server, packets, answers: Vec::new() })
}

/// Whether a packet differs from the server's handshake in what one host keeps the same.
fn is_foreign(base: &Entry, e: &Entry) -> bool {
    let far = hop_distance(base.ttl, e.ttl) >= 3;
    let stripped = base.timestamps().is_some() && e.timestamps().is_none();
    // A host that changes its path keeps its clock: then the TTL alone says nothing.
    (far && !on_clock(base, e)) || stripped
}

/// Whether a packet's identification goes on from the server's counter: then the host is the same, whatever path it took.
fn continues_series(case: &Case<'_>, i: usize, e: &Entry) -> bool {
    /// Packets a server sends to others between two of one connection, on a counter per destination or per core.
    const STEP: u16 = 64;
    let last = case.ordinary_before(case.server(), i).filter_map(|(_, b)| b.ip_id()).rfind(|id| *id != 0);
    e.ip_id().zip(last).is_some_and(|(id, last)| (1..=STEP).contains(&id.wrapping_sub(last)))
}

/// Whether a packet is one of several copies, one of which came with nothing before it that could have set it off: their sender waits for
/// an acknowledgement, as TCP does. Who forges an answer sends it when the client speaks, and a box that takes the client's packets hears
/// it acknowledge; or on a timer, which TCP doubles each time (RFC 6298 section 5.5).
fn is_resent(case: &Case<'_>, e: &Entry) -> bool {
    /// Longer than what answers a packet, even slowly, takes.
    const UNPROVOKED_NS: i64 = 500_000_000;
    let wait = UNPROVOKED_NS.max(3 * case.rtt[case.server().index()].unwrap_or(0));
    let alike = |p: &Entry| p.seq == e.seq && p.payload_len == e.payload_len && p.ttl == e.ttl && p.peek() == e.peek();
    let copies = case.of(case.server()).filter(|(_, p)| alike(p));
    let times: Vec<i64> = copies.clone().map(|(_, p)| p.time.0).collect();
    let pauses: Vec<i64> = times.windows(2).filter_map(|w| Some(w.last()? - w.first()?)).collect();
    let timed = pauses.windows(2).any(|w| matches!(w, [a, b] if *a > UNPROVOKED_NS && a.abs_diff(*b) < a.unsigned_abs() / 10));
    let spoken = |before: usize| case.ordinary_before(case.client, before).next_back();
    e.payload_len > 0 && !timed && copies.skip(1).any(|(i, p)| spoken(i).is_some_and(|(_, c)| p.time.since(c.time) > wait))
}

/// A conversation that goes on at length in the new guise: the handshake was done by a proxy in front of the server (or the capture
/// was stitched from two), and what follows is the server.
fn is_relayed<'e>(case: &Case<'_>, answering: impl Iterator<Item = (usize, &'e Entry)>, base: Option<&Entry>) -> bool {
    /// Injected answers are one to three packets; a page of ten segments is somebody's content.
    const PACKETS: usize = 4;
    let Some(base) = base else { return false };
    // One that is sent again and again is one.
    let mut before = None;
    let said = answering.filter(|(_, e)| before.replace((e.seq, e.seq_end(), e.ttl)) != Some((e.seq, e.seq_end(), e.ttl)));
    let (changed, all) = said.fold((0, 0), |(changed, all), (_, e)| (changed + usize::from(is_foreign(base, e)), all + 1));
    // Evasion tools send decoys with a TTL too small to arrive; those are not the client's other packets.
    let syn = case.of(case.client).find(|(_, e)| e.is_syn()).map(|(_, e)| e);
    let client_changed =
        syn.is_some_and(|syn| case.of(case.client).any(|(_, e)| e.payload_len > 0 && hop_distance(syn.ttl, e.ttl) >= 3 && e.ttl > 10));
    client_changed || (changed >= PACKETS && changed == all)
}

/// Whether a packet's timestamp goes on from an earlier one's.
fn on_clock(base: &Entry, e: &Entry) -> bool {
    let (Some((before, _)), Some((after, _))) = (base.timestamps(), e.timestamps()) else { return false };
    let elapsed_ms = e.time.since(base.time) / 1_000_000;
    (0..=elapsed_ms * 2 + 2_000).contains(&ahead(after, before))
}

/// Two data packets with the same sequence number whose first bytes differ: which came first, which second.
pub fn race(answering: &[(usize, &Entry)]) -> Option<(usize, usize)> {
    race_among(answering.iter().copied())
}

fn race_among<'e>(answering: impl Iterator<Item = (usize, &'e Entry)> + Clone) -> Option<(usize, usize)> {
    // Each behind the one before it, as nearly always: no two have the same number.
    let mut data = answering.clone().filter(|(_, e)| e.payload_len > 1).map(|(_, e)| e.seq);
    let mut last = data.next()?;
    if data.all(|seq| ahead(seq, std::mem::replace(&mut last, seq)) > 0) {
        return None;
    }
    for (n, (j, later)) in answering.clone().enumerate() {
        // Two packets numbered one after the other by one counter are one host's, however odd.
        let one_host = |e: &Entry| {
            e.ttl == later.ttl && matches!((e.ip_id(), later.ip_id()), (Some(a), Some(b)) if a != 0 && (1..=8).contains(&b.wrapping_sub(a)))
        };
        let same = |e: &Entry| e.seq == later.seq && e.payload_len > 1 && later.payload_len > 1 && !one_host(e);
        let differs = |e: &Entry| e.peek().iter().zip(later.peek()).any(|(a, b)| a != b);
        if let Some((i, _)) = answering.clone().take(n).find(|(_, e)| same(e) && differs(e)) {
            return Some((i, j));
        }
    }
    None
}

/// Which of two racing packets is the forged one: the one whose identification or options break the series; an injector wins the race
/// if nothing else tells.
fn odder(case: &Case<'_>, winner: usize, loser: usize) -> usize {
    let (Some(w), Some(l)) = (case.entries.get(winner), case.entries.get(loser)) else { return winner };
    let usual: Vec<&Entry> = case.ordinary_before(case.server(), winner).map(|(_, e)| e).collect();
    let oddness = |e: &Entry| {
        let ttl = usual.iter().map(|u| u.ttl.abs_diff(e.ttl)).min().unwrap_or(0);
        let df = usual.iter().any(|u| u.is(fact::DONT_FRAGMENT) != e.is(fact::DONT_FRAGMENT));
        u32::from(ttl > 0) + u32::from(df) + u32::from(e.ip_id() == Some(0) && !e.is(fact::DONT_FRAGMENT))
    };
    if oddness(l) > oddness(w) { loser } else { winner }
}

/// An answer that acknowledges the request sooner than the handshake took to cross the path. A server that was slow to accept the
/// connection goes on counting its packets, and answers the next request as soon. What stands behind a hole in the stream, which a packet
/// fills that comes later or was not captured, is the rest of an answer.
fn early<'e>(case: &Case<'_>, mut answering: impl Iterator<Item = (usize, &'e Entry)>, request_end: u32) -> Option<usize> {
    let rtt = case.handshake_rtt[case.server().index()].filter(|r| *r >= 8_000_000)?;
    let (i, e) = answering.find(|(_, e)| e.payload_len > 0).filter(|(_, e)| ahead(e.ack, request_end) >= 0)?;
    let sent = case.sent_at(case.server(), e.ack)?;
    let early = elapsed(sent, e.time)? < rtt / 4 && is_next(case, i, e);
    (early && !continues_series(case, i, e) && !is_ever_so_quick(case, i, rtt)).then_some(i)
}

/// What the server goes on from as if it had never sent it, however much it looks like the server's.
fn outlived(case: &Case<'_>, begins: usize) -> Option<usize> {
    let reordered = !case.course(case.server()).in_order;
    reordered.then(|| ended_early(case, begins).or_else(|| taken_back(case, begins)))?
}

/// Data that the client acknowledged, and that the server does not count though it has heard what the client said then.
fn taken_back(case: &Case<'_>, begins: usize) -> Option<usize> {
    /// A keep-alive is numbered by the last octet sent, or has it.
    const LAST: i64 = 1;
    let (client, server) = (case.client, case.server());
    let said = |e: &Entry| e.payload_len > 0 && !e.is_rst() && !e.has(tcp::SYN);
    let mut data = case.after(server, begins).filter(|(i, e)| said(e) && is_of_this(case, *i, e));
    data.find(|(i, e)| {
        let takes = |c: &Entry| c.has(tcp::ACK) && !c.is_rst() && c.seq_end() != c.seq && ahead(c.ack, e.seq_end()) >= 0;
        let said = case.after(client, *i).find(|(_, c)| takes(c));
        said.is_some_and(|(j, c)| {
            let heard = |p: &Entry| p.has(tcp::ACK) && !p.is_rst() && ahead(p.ack, c.seq_end()) >= 0;
            case.after(server, j).any(|(_, p)| heard(p) && ahead(e.seq_end(), p.seq_end()) > LAST && ahead(p.seq, e.seq) >= 0)
        })
    })
    .map(|(i, _)| i)
}

/// Whether a packet is numbered within both streams: one of an earlier connection on the same ports acknowledges what was never said.
fn is_of_this(case: &Case<'_>, i: usize, e: &Entry) -> bool {
    let (own, other) = (case.starts[e.direction().index()], case.starts[e.direction().other().index()]);
    let said = case.next_seq(e.direction().other(), i);
    let begun = own.is_none_or(|start| ahead(e.seq, start) >= 0);
    begun && other.is_none_or(|start| ahead(e.ack, start) >= 0) && said.is_none_or(|next| ahead(next, e.ack) >= 0)
}

/// A FIN whose number the server's data takes afterwards: one of the two is not the server's, and it is not the data that goes on.
fn ended_early(case: &Case<'_>, begins: usize) -> Option<usize> {
    /// Farther off is another connection's numbering.
    const WINDOW: i64 = 1 << 20;
    let server = case.server();
    let mut fins = case.after(server, begins).filter(|(i, e)| e.has(tcp::FIN) && !e.is_rst() && is_of_this(case, *i, e));
    // A keep-alive of one octet may stand in the FIN's place.
    let goes_on = |fin: &Entry, e: &Entry| e.payload_len > 1 && (0..WINDOW).contains(&(ahead(e.seq, fin.seq_end()) + 1));
    fins.find(|(i, fin)| case.after(server, *i).any(|(_, e)| !e.is_rst() && goes_on(fin, e))).map(|(i, _)| i)
}

/// Whether a packet goes on where its sender's stream stood.
pub fn is_next(case: &Case<'_>, i: usize, e: &Entry) -> bool {
    case.next_seq(e.direction(), i).is_none_or(|next| next == e.seq)
}

/// Whether the server acknowledged what the client said after entry `i` as soon as it answered then: it was the handshake that was slow.
fn is_ever_so_quick(case: &Case<'_>, i: usize, rtt: i64) -> bool {
    let Some(from) = case.entries.get(i).map(|e| e.time) else { return false };
    let later = case.after(case.server(), i).filter(|(_, e)| e.has(tcp::ACK) && !e.is_rst());
    let mut delays =
        later.filter_map(|(_, e)| case.sent_at(case.server(), e.ack).filter(|sent| *sent > from).map(|sent| e.time.since(sent)));
    delays.any(|delay| (0..rtt / 2).contains(&delay))
}
