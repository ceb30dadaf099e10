//! # `ttl-jump`: the packet comes from another distance
//!
//! ## What it looks for
//!
//! The TTL of the packet in question against the TTLs of the same host's other packets, in this flow and in every flow of the capture
//! that gave no cause for suspicion. Distances are counted in hops after assuming the next larger of 32, 64, 128 and 255
//! as initial value. Five hops or more are class B, three or four class C; another initial value at the same distance is
//! class C. Of a server of which nothing but a SYN/ACK was heard, only what comes sooner than it could answer counts; of a client
//! of which nothing but a SYN was heard, its kernel's reset of the SYN/ACK does not.
//!
//! ## Why it speaks for interference
//!
//! Packets of one host travel one path. A packet that has seen five hops fewer was made on the way.
//!
//! ## Innocent explanations
//!
//! Load balancing over unequal paths (differences of one to three, learned from other flows), a firewall in front of the
//! server that answers for it (same distance, other initial value), an anycast address that moves (`another-machine`), a machine in
//! front that completes handshakes, a scanner that invents the TTL of its SYNs.
//!
//! ## How to check in Wireshark
//!
//! Column `ip.ttl` (or `ipv6.hlim`) for `tcp.stream eq N && tcp.srcport == 443`.
//!
//! ## Source
//!
//! RFC 791; thresholds from genuine jitter of +-1 measured on published captures; IEEE S&P 2025 table 4.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::{HONEST_SHARE, packets, refuses_syn_ack, sender_rtt};

pub const RULE: Rule = Rule {
    id: "ttl-jump",
    stance: Stance::For,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset, Mechanism::TcpFin, Mechanism::TcpData, Mechanism::TcpHandshake],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (case, sender) = (view.case, view.suspect.sender);
    let own = || case.of(sender).filter(|(i, e)| !e.is_rst() && !view.suspect.packets.contains(i));
    // Scanners make up the TTL of a SYN; what refuses the answer is the kernel's.
    if view.suspect.packets.iter().all(|i| refuses_syn_ack(case, sender, *i)) && own().all(|(_, e)| e.is_syn()) {
        return None;
    }
    // A machine in front that completes handshakes has a distance of its own, and what the server says comes a round trip later.
    let only_syn_ack = own().next().is_some() && own().all(|(_, e)| e.is_syn_ack());
    if sender != case.client && only_syn_ack && packets(view).all(|(i, _)| is_in_time(view, i)) {
        return None;
    }
    let own: Vec<u8> = own().map(|(_, e)| e.ttl).collect();
    let others = view.around.sender.ttls.iter().filter(|(_, n)| *n >= 2).map(|(t, _)| *t);
    let known: Vec<u8> = own.iter().copied().chain(others).collect();
    let (distance, frame, ttl, usual) = packets(view)
        .filter_map(|(_, e)| known.iter().map(|t| (hop_distance(e.ttl, *t), e.ttl.abs_diff(*t), *t)).min().map(|(h, raw, t)| ((h, raw), e.frame, e.ttl, t)))
        .max_by_key(|(d, ..)| *d)?;
    let (hops, raw) = distance;
    let class = match (hops, raw) {
        (5.., _) => Class::B,
        (3.., _) => Class::C,
        // The same distance under another initial value: a device beside the server, or an injector that is careless.
        (_, 20..) => Class::C,
        _ => return None,
    };
    let text = format!("TTL {ttl} where this host's packets have {usual}");
    Some(Claim::new("ttl-jump", class, [frame], text).measured(f64::from(ttl), f64::from(usual), "TTL"))
}

/// Whether a packet came no sooner than what it answers lets it.
fn is_in_time(view: &View<'_>, i: usize) -> bool {
    let (case, sender) = (view.case, view.suspect.sender);
    let asked = case.ordinary_before(sender.other(), i).filter(|(_, e)| e.payload_len > 0).map(|(_, e)| e.time).next_back();
    let since = case.entries.get(i).zip(asked).map(|(e, asked)| e.time.since(asked));
    sender_rtt(view).zip(since).is_some_and(|(rtt, since)| since as f64 >= rtt as f64 * HONEST_SHARE)
}

/// Hops travelled, assuming the next larger common initial value.
fn hops(ttl: u8) -> u8 {
    let initial = [32, 64, 128, 255].into_iter().find(|i| ttl <= *i).unwrap_or(255);
    initial - ttl
}

/// How many hops apart two TTLs put their senders.
pub fn hop_distance(a: u8, b: u8) -> u8 {
    hops(a).abs_diff(hops(b)).min(a.abs_diff(b))
}
