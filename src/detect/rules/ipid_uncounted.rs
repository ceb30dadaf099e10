//! # `ipid-uncounted`: the sender's count of packets leaves this one out
//!
//! ## What it looks for
//!
//! Before the data in question its side gave five packets of this conversation identifications one apart. The packet with which
//! the side's own stream goes on has the number that was due if it had never sent the data, and the data has none of those due.
//!
//! ## Why it speaks for interference
//!
//! Who counts packets counts all of them (Linux counts for each connection). A forger who repeats the last number, or makes one
//! up, leaves the count as it was.
//!
//! ## Innocent explanations
//!
//! A second machine behind the same address that takes over for some packets. A retransmission may repeat a number: what is
//! looked at here is data that the side's stream has no room for.
//!
//! ## How to check in Wireshark
//!
//! Column `ip.id` for the packets of that side, in order.
//!
//! ## Source
//!
//! RFC 6864; Weaver, Sommer and Paxson, NDSS 2009, on identifications as the mark of an injector.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_data::{beyond_end, uncounted};

pub const RULE: Rule = Rule {
    id: "ipid-uncounted",
    stance: Stance::For,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "RFC 6864",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (beyond, ends) = beyond_end(view.case, view.suspect.sender)?;
    let next = *ends.first()?;
    let (last, id) = uncounted(view.case, view.suspect.sender, &beyond, next)?;
    let frame = |i: &usize| view.case.entries.get(*i).map(|e| e.frame);
    let data = view.suspect.packets.iter().find(|i| beyond.contains(i)).and_then(frame)?;
    let text = format!("identifications of this side count {last}, {id} from before this data to behind it: the data is not among the packets counted");
    Some(Claim::new("ipid-uncounted", Class::B, [data, frame(&next)?], text).measured(f64::from(id), f64::from(last), "IP ID"))
}
