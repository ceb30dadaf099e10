//! # `mtu-black-hole`: large packets vanish, small ones pass
//!
//! ## What it looks for
//!
//! Every unacknowledged copy of the request is a full-size segment, smaller packets of the same side were acknowledged or
//! none were tried, and no request of that size to the same server went through elsewhere in the capture. In QUIC: every copy is of more
//! than 1,200 bytes, requests that were answered were smaller, and none was as large.
//!
//! ## Why it speaks against it
//!
//! A hop with a smaller MTU that sends no ICMP (RFC 2923) swallows exactly the large segments.
//!
//! ## What could still be wrong
//!
//! A filter that drops the segment with the name when that segment is a large one.
//!
//! ## How to check in Wireshark
//!
//! Column `tcp.len` of the retransmitted segments: near the MSS.
//!
//! ## Source
//!
//! RFC 2923; RFC 8899.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::surroundings::Outcome;
use crate::flow::stream::ahead;

pub const RULE: Rule = Rule {
    id: "mtu-black-hole",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::Drop],
    rebuts: &["control-name-ok", "control-port-ok", "disguise-passes", "name-repeats", "request-unreceived"],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

/// Payload of a segment that a tunnel on the way may not pass: 1,280 less headers.
const LARGE: u32 = 1200;
/// A longer segment was captured before the card cut it up: its last part is a small packet.
const ETHERNET_MSS: u32 = 1460;

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    if case.messages.quic.is_some() {
        return datagrams(view);
    }
    let stuck: Vec<_> = view.suspect.packets.iter().filter_map(|i| view.case.entries.get(*i)).collect();
    let first = stuck.first()?;
    let again: Vec<_> = stuck.iter().filter(|e| e.seq == first.seq).collect();
    let large = again.len() >= 2 && again.iter().all(|e| e.payload_len >= LARGE) && view.case.flow.key.protocol == 6;
    let tail_acked = view.case.of(view.case.server()).any(|(_, e)| e.has(crate::packet::tcp::ACK) && !e.is_syn_ack() && ahead(e.ack, first.seq_end()) >= 0);
    let passed = view.around.other_names.iter().chain(&view.around.same_name).any(|a| a.outcome == Outcome::Answered && a.segments >= 2);
    // Whatever small the client sent after it would have been acknowledged (as a duplicate, with the hole) by a live server.
    let small = case.of(case.client).any(|(_, e)| e.frame > first.frame && (e.seq_end() != e.seq) && e.payload_len < LARGE && !e.is_rst());
    let drew_nothing = !case.of(case.server()).any(|(_, e)| e.frame > first.frame && e.has(crate::packet::tcp::ACK));
    let offloaded = first.payload_len > ETHERNET_MSS;
    if !large || tail_acked || passed || ((small || offloaded) && drew_nothing) {
        return None;
    }
    let text = format!("only segments of {} bytes are lost, and none that large got through anywhere", first.payload_len);
    Some(Claim::new("mtu-black-hole", Class::B, again.iter().map(|e| e.frame), text).measured(f64::from(first.payload_len), f64::from(LARGE), "bytes"))
}

/// QUIC: a client's first datagrams are all of one size, and a path that does not pass them passes another client's.
fn datagrams(view: &View<'_>) -> Option<Claim> {
    let lost: Vec<_> = view.suspect.packets.iter().filter_map(|i| view.case.entries.get(*i)).collect();
    let least = lost.iter().map(|e| e.payload_len).min().filter(|least| *least > LARGE && lost.len() >= 2)?;
    let answered = || view.around.other_names.iter().chain(&view.around.same_name).filter(|a| a.outcome == Outcome::Answered);
    let smaller = answered().find(|a| u32::from(a.largest) < least)?;
    if answered().any(|a| u32::from(a.largest) >= least) {
        return None;
    }
    let text = format!("datagrams of {least} bytes are lost, and only smaller ones were answered");
    let claim = Claim::new("mtu-black-hole", Class::B, lost.iter().map(|e| e.frame).chain([smaller.frame]), text);
    Some(claim.measured(f64::from(least), f64::from(LARGE), "bytes"))
}
