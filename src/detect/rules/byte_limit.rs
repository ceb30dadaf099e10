//! # `byte-limit`: transfers freeze after the same amount
//!
//! ## What it looks for
//!
//! A transfer stopped in the middle: what the sender sent last was a full segment, and neither side hears the other any more.
//! At least two more transfers of this capture stopped after an amount within a quarter of this one's, in octets or in packets,
//! and they are most of those that stopped; where the network card glued segments (`offloaded` in the `capture` record) octets alone
//! count. A single frozen transfer supports, no more.
//!
//! ## Why it speaks for interference
//!
//! Lines and servers fail after any amount. A box that counts fails after its own.
//!
//! ## Innocent explanations
//!
//! Equal objects fetched at the moment a server died (`outage` speaks to that); a proxy or a quota with a limit of its own.
//!
//! ## How to check in Wireshark
//!
//! Statistics, Conversations: sort by octets from the server; the frozen ones stand together. `tcp.analysis.retransmission`.
//!
//! ## Source
//!
//! net4people/bbs issues 490 and 546, 2025: connections to foreign hosting networks freeze after 14 to 34 kB.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::surroundings::Seen;
use crate::detect::suspects::stall::freeze;

pub const RULE: Rule = Rule {
    id: "byte-limit",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::Stall],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Amounts within a quarter of one another: a limit in packets makes unequal octets.
const ALIKE: f64 = 0.25;
/// With this one, three make a series.
pub const OTHERS: usize = 2;

/// Other transfers that stopped after as much.
pub fn alike<'v>(view: &'v View<'_>, bytes: u64, packets: u64) -> Vec<&'v Seen> {
    let near = |a: u64, b: u64| a.abs_diff(b) as f64 <= ALIKE * b as f64;
    let frozen: Vec<&Seen> = view.around.transfers.iter().filter(|t| t.frozen).collect();
    let alike: Vec<&Seen> = frozen.iter().copied().filter(|t| near(t.bytes, bytes) || (!view.around.offloaded && near(t.packets, packets))).collect();
    if alike.len() * 2 > frozen.len() { alike } else { Vec::new() }
}

fn check(view: &View<'_>) -> Option<Claim> {
    let freeze = freeze(view.case)?;
    let (bytes, packets) = (freeze.transfer.bytes, freeze.transfer.packets);
    let alike = alike(view, bytes, packets);
    let class = if alike.len() >= OTHERS { Class::B } else { Class::C };
    let waited = freeze.until.since(freeze.from) as f64 / 1e9;
    let mut text = format!("the transfer stopped for good after {bytes} octets in {packets} packets; {waited:.1} s without a sign");
    if !alike.is_empty() {
        text.push_str(&format!("; {} other(s) stopped after as much", alike.len()));
    }
    let frames = view.case.entries.get(freeze.last).map(|e| e.frame).into_iter().chain(alike.iter().map(|t| t.frame).take(4));
    Some(Claim::new("byte-limit", class, frames, text).measured(bytes as f64, 0.0, "octets"))
}
