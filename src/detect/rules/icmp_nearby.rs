//! # `icmp-nearby`: the refusing router is far from the server
//!
//! ## What it looks for
//!
//! The TTL of the ICMP message puts its sender three hops or more nearer than the server, as the server's own packets
//! elsewhere in the capture show.
//!
//! ## Why it speaks for interference
//!
//! A rule close to the server may be the server's owner's; one far from it is not.
//!
//! ## Innocent explanations
//!
//! Asymmetric paths.
//!
//! ## How to check in Wireshark
//!
//! `ip.ttl` of the ICMP message against the server's packets.
//!
//! ## Source
//!
//! RFC 791.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use super::ttl_jump::hop_distance;

pub const RULE: Rule = Rule {
    id: "icmp-nearby",
    stance: Stance::For,
    class: Class::C,
    family: Family::Header,
    mechanisms: &[Mechanism::IcmpError],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let e = view.suspect.packets.first().and_then(|i| view.case.entries.get(*i))?;
    let usual: Vec<u8> = view.around.sender.ttls.iter().map(|(t, _)| *t).collect();
    let nearest = usual.iter().map(|t| (hop_distance(*t, e.ttl), *t)).min()?;
    (nearest.0 >= 3).then(|| Claim::new("icmp-nearby", Class::C, [e.frame], format!("TTL {} where the server's packets have {}", e.ttl, nearest.1)).measured(f64::from(e.ttl), f64::from(nearest.1), "TTL"))
}
