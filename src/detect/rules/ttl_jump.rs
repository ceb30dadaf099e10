//! # `ttl-jump`: the packet comes from another distance
//!
//! ## What it looks for
//!
//! The TTL of the packet in question against the TTLs of the same host's other packets, in this flow and in every flow of the capture
//! that gave no cause for suspicion. Distances are counted in hops after assuming the next larger of 32, 64, 128 and 255
//! as initial value. Five hops or more are class B, three or four class C; another initial value at the same distance is
//! class C.
//!
//! ## Why it speaks for interference
//!
//! Packets of one host travel one path. A packet that has seen five hops fewer was made on the way.
//!
//! ## Innocent explanations
//!
//! Load balancing over unequal paths (differences of one to three, learned from other flows), a firewall in front of the
//! server that answers for it (same distance, other initial value), an anycast address that moves.
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
use crate::detect::suspects::tcp_reset::packets;

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
    let own: Vec<u8> = view.case.of(view.suspect.sender).filter(|(i, e)| !e.is_rst() && !view.suspect.packets.contains(i)).map(|(_, e)| e.ttl).collect();
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

/// Hops travelled, assuming the next larger common initial value.
fn hops(ttl: u8) -> u8 {
    let initial = [32, 64, 128, 255].into_iter().find(|i| ttl <= *i).unwrap_or(255);
    initial - ttl
}

/// How many hops apart two TTLs put their senders.
pub fn hop_distance(a: u8, b: u8) -> u8 {
    hops(a).abs_diff(hops(b)).min(a.abs_diff(b))
}
