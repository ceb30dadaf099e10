//! # `request-unreceived`: the server says that it got nothing
//!
//! ## What it looks for
//!
//! In the suspect's own connection, behind at least three copies of the request and a round trip after the third, the server
//! sent ordinary packets (mostly the FIN of a server that waited long enough, and its repetitions) that acknowledge nothing
//! of the part in question, numbered right behind what it had said, or are the greeting that it opened the conversation with; and from the first of them to the last, a round trip
//! less, the client sent at least two packets more. Repeated SYN-ACKs do not count: behind those the handshake did not end
//! for the server. Nor does what answers a client's reset.
//!
//! ## Why it speaks for interference
//!
//! Server and return path are alive in this very connection, and its handshake arrived. What did not arrive, before and
//! while the server was heard, is every packet from the one with the name in it on.
//!
//! ## Innocent explanations
//!
//! A packet filter at the server that takes data for invalid; a client whose transmitter alone has failed, which other
//! connections would show (`outage`); an MTU black hole (`mtu-black-hole`).
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`: the server's last packets against `tcp.seq` of the ClientHello.
//!
//! ## Source
//!
//! Captures from Russia, 2025: servers close after ten seconds with nothing of the ClientHello acknowledged; RFC 9293
//! section 3.4 on what an acknowledgement says.

use super::{Rule, View};
use crate::detect::case::Case;
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance, Suspect, TriggerKind};
use crate::detect::suspects::drop::{Acknowledged, is_greeted, silence};
use crate::flow::entry::{Entry, fact};
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "request-unreceived",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Copies of the request that must have been sent before: what one or two losses explain is no statement of the server's.
const COPIES: usize = 3;
/// So many packets of the client, sent while the server was heard, must have got lost as well: before, the line may have been dead.
const MEANWHILE: usize = 2;

fn check(view: &View<'_>) -> Option<Claim> {
    let said = says(view.case, view.suspect);
    let count = said.len();
    if said.is_empty() {
        return None;
    }
    let text = format!("the server said {count} times that it had received nothing of the request");
    Some(Claim::new("request-unreceived", Class::B, said.iter().take(8).map(|e| e.frame), text).measured(count as f64, 0.0, "packets"))
}

/// Packets by which a suspect's server says that it has received nothing of the request.
pub fn says<'a>(case: &'a Case<'_>, suspect: &Suspect) -> Vec<&'a Entry> {
    let request = case.messages.requests.iter().find(|r| suspect.trigger.as_ref().is_some_and(|t| t.frame == r.frame));
    let Some(silence) = request.filter(|_| case.flow.key.protocol == 6).and_then(|r| silence(case, r)) else { return Vec::new() };
    let copies: Vec<&Entry> = silence.copies.iter().filter_map(|i| case.entries.get(*i)).collect();
    // The last copy stands for all: what came before it may have been acknowledged.
    let Some(stuck) = copies.last().filter(|_| silence.acknowledged != Acknowledged::All) else { return Vec::new() };
    let mut again = copies.iter().filter(|e| e.seq == stuck.seq);
    let Some(third) = again.nth(COPIES - 1) else { return Vec::new() };
    let due = case.rtt[case.server().index()].unwrap_or(0);
    let Some(next) = case.index_of(third.frame).and_then(|i| case.next_seq(case.server(), i)) else { return Vec::new() };
    let ordinary = |e: &Entry| e.has(tcp::ACK) && !e.is_rst() && !e.is_syn_ack() && !e.is(fact::ICMP);
    let over = case.of(case.client).map(|(_, e)| e).find(|e| e.is_rst()).map_or(u64::MAX, |e| e.frame);
    let heard = case.of(case.server()).map(|(_, e)| e).filter(|e| ordinary(e) && e.frame < over && e.time.since(third.time) >= due);
    // A server that spoke first says its greeting again and again, though the client acknowledges every copy.
    let greeted = is_greeted(case, stuck.frame) && suspect.trigger.as_ref().is_some_and(|t| t.kind == TriggerKind::Protocol);
    let again = |e: &Entry| greeted && e.payload_len > 0 && e.seq_end() == next;
    let said: Vec<&Entry> = heard.filter(|e| (e.seq == next || again(e)) && ahead(e.ack, stuck.seq) <= 0).collect();
    let (Some(first), Some(last)) = (said.first(), said.last()) else { return said };
    let meanwhile = case.of(case.client).filter(|(_, e)| e.frame > first.frame && last.time.since(e.time) >= due).count();
    if meanwhile >= MEANWHILE { said } else { Vec::new() }
}
