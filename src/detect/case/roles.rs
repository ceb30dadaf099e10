//! Who sent what, and where each side's stream and the path's round trips begin: what a case is made of first.

use super::Role;
use crate::flow::entry::{Entry, fact};
use crate::flow::key::Direction;
use crate::flow::record::Flow;
use crate::flow::stream::{ahead, is_copy};
use crate::packet::tcp;

/// Entries looked back on for another capture of the same packet: taps interleave, but not by more.
const COPY_WINDOW: usize = 8;

pub(super) fn senders(entries: &[Entry]) -> Vec<Option<Direction>> {
    let mut marks = [0; COPY_WINDOW];
    let of = |(i, e): (usize, &Entry)| {
        // Every packet is held against those before it, and few have the same mark.
        let mark = mark(e);
        let similar = marks.iter().fold(false, |similar, m| similar | (*m == mark));
        if let Some(oldest) = marks.get_mut(i % COPY_WINDOW) {
            *oldest = mark;
        }
        let near = || entries.get(i.saturating_sub(COPY_WINDOW)..i).unwrap_or_default();
        // Equal resets microseconds apart are what some injectors send: see below.
        let copied = similar && !e.is_rst() && near().iter().any(|earlier| is_copy(earlier, e));
        (!e.is(fact::ICMP) && !copied).then(|| e.direction())
    };
    entries.iter().enumerate().map(of).collect()
}

/// Takes resets out that are other captures of earlier ones: from a second tap, so many hops on as the flow's other packets come from.
/// Whether there is one; where both captures have the same TTL, whether resets are copies is for the rules to say.
pub(super) fn unsay_copied_resets(entries: &[Entry], senders: &mut [Option<Direction>]) -> bool {
    /// One pair among packets that were captured once may be a forger's.
    const PAIRS: usize = 2;
    let near = |i: usize| entries.get(i.saturating_sub(2 * COPY_WINDOW)..i).unwrap_or_default();
    // Which of several alike a packet is a copy of does not matter, as long as one has come so many hops fewer.
    let apart = |i: usize, e: &Entry| near(i).iter().filter(|earlier| is_copy(earlier, e)).map(|earlier| earlier.ttl.abs_diff(e.ttl)).max();
    let ordinary = || entries.iter().enumerate().filter(|(_, e)| !e.is(fact::ICMP) && !e.is_rst());
    let hops: Vec<u8> = ordinary().filter(|(i, _)| senders.get(*i) == Some(&None)).filter_map(|(i, e)| apart(i, e)).collect();
    let all = hops.len() * 2 == ordinary().count();
    let usual = |found: u8| found > 0 && (all || hops.iter().filter(|hops| **hops == found).count() >= PAIRS) && hops.contains(&found);
    for (i, (e, sender)) in entries.iter().zip(senders).enumerate().filter(|(_, (e, _))| e.is_rst()) {
        if apart(i, e).is_some_and(usual) {
            *sender = None;
        }
    }
    !hops.is_empty() && hops.iter().all(|found| usual(*found))
}

/// Something of what a packet has in common with every copy of it, and with hardly any other.
fn mark(e: &Entry) -> u32 {
    let [.., a, b, c, d] = e.peek;
    e.seq ^ e.ack.rotate_left(16) ^ u32::from(e.ip_id) ^ u32::from_ne_bytes([a, b, c, d])
}

pub(super) fn client(entries: &[Entry], flow: &Flow) -> (Direction, Role) {
    if let Some(syn) = entries.iter().find(|e| e.is_syn()) {
        return (syn.direction(), Role::Syn);
    }
    if let Some(syn_ack) = entries.iter().find(|e| e.is_syn_ack()) {
        return (syn_ack.direction().other(), Role::Syn);
    }
    for e in entries {
        let peek = e.peek();
        if e.is(fact::ICMP) || peek.is_empty() {
            continue;
        }
        if flow.key.transaction.is_some() {
            let is_response = peek.get(2).is_some_and(|b| b & 0x80 != 0);
            return (if is_response { e.direction().other() } else { e.direction() }, Role::Message);
        }
        if crate::app::tls::is_client_hello_start(peek) || crate::app::http::is_request_start(peek) {
            return (e.direction(), Role::Message);
        }
        if crate::app::http::is_response_start(peek) {
            return (e.direction().other(), Role::Message);
        }
    }
    let ports = |side: Direction| (flow.key.sender(side).port, flow.key.sender(side.other()).port);
    let speaker = entries.iter().find(|e| !e.is(fact::ICMP)).map_or(Direction::FromLow, Entry::direction);
    // Mid-stream the first speaker is anyone: a registered port against a dynamic one says more.
    match ports(speaker) {
        (0..1024, 1024..) => (speaker.other(), Role::Ports),
        _ => (speaker, Role::FirstSpeaker),
    }
}

pub(super) fn starts(entries: &[Entry]) -> [Option<u32>; 2] {
    let mut starts = [None, None];
    for side in [Direction::FromLow, Direction::FromHigh] {
        let mine = || entries.iter().filter(move |e| e.direction() == side && e.is_tcp());
        let syn = mine().find(|e| e.has(tcp::SYN) && !e.is_rst()).map(|e| e.seq.wrapping_add(1));
        // Without the SYN: what the other side's first acknowledgement expects, or else the lowest early sequence number.
        let lowest = || mine().filter(|e| e.payload_len > 0).take(8).map(|e| e.seq).reduce(|a, b| if ahead(b, a) < 0 { b } else { a });
        starts[side.index()] = syn.or_else(lowest).or_else(|| mine().next().map(|e| e.seq));
    }
    starts
}

/// Slower than any path, satellite and all.
const SLOWEST_ACK_NS: i64 = 3_000_000_000;

pub(super) fn handshake_rtt(entries: &[Entry], client: Direction) -> [Option<i64>; 2] {
    let mut rtt = [None, None];
    let answer = entries.iter().position(|e| e.is_syn_ack() && e.direction() != client);
    let Some(answer) = answer else { return rtt };
    let Some(syn_ack) = entries.get(answer) else { return rtt };
    let syn = entries.iter().take(answer).rev().find(|e| e.is_syn() && e.direction() == client);
    let ack = entries.iter().skip(answer + 1).find(|e| e.direction() == client && e.has(tcp::ACK) && !e.is_rst());
    rtt[client.other().index()] = syn.map(|s| syn_ack.time.since(s.time)).filter(|t| *t >= 0);
    // A client whose kernel took seconds to acknowledge did not: something else answered.
    rtt[client.index()] = ack.map(|a| a.time.since(syn_ack.time)).filter(|t| (0..SLOWEST_ACK_NS).contains(t));
    rtt
}
