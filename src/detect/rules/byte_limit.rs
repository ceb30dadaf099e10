//! # `byte-limit`: transfers freeze after the same amount
//!
//! ## What it looks for
//!
//! A transfer stopped in the middle: what the sender sent last was a full segment, and neither side hears the other any more.
//! At least two more transfers of this capture stopped after an amount within a quarter of this one's, in octets or in packets,
//! and they are most of those that stopped; where the network card glued segments (`offloaded` in the `capture` record) octets alone
//! count. Transfers from one server that stop within two seconds of each other count only if the server is heard again within ten.
//! A single frozen transfer supports, no more, nor does any series whose client merely resets what it gave up.
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
use crate::capture::Timestamp;
use crate::detect::surroundings::{Outcome, Seen};
use crate::detect::suspects::stall::{Freeze, freeze};

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

/// One machine that fails takes all its transfers with it within so long.
const AT_ONCE_NS: i64 = 2_000_000_000;
/// A machine that is heard again sooner had not gone down.
const RESTART_NS: i64 = 10_000_000_000;

/// Other transfers that stopped after as much, each for itself: what stops at once on one server that is not heard again stopped with
/// the server. Nor is it a series if the flow's client only let go of it: nothing was asked for in vain.
pub fn alike<'v>(view: &'v View<'_>, freeze: &Freeze) -> Vec<&'v Seen> {
    let (bytes, packets) = (freeze.transfer.bytes, freeze.transfer.packets);
    if !freeze.vain.iter().filter_map(|i| view.case.entries.get(*i)).any(|e| !e.is_rst()) {
        return Vec::new();
    }
    let server = view.case.server_end().ip;
    let soon = |t: Timestamp| t >= freeze.from && t.since(freeze.from) <= RESTART_NS;
    let around = view.around;
    let attempts = around.other_names.iter().chain(&around.same_name).chain(&around.other_port).chain(&around.other_protocol);
    let alive = attempts.filter(|a| a.server == server && a.outcome == Outcome::Answered).any(|a| soon(a.time))
        || around.transfers.iter().any(|t| t.server == server && soon(t.stopped) && t.stopped.since(freeze.from) > AT_ONCE_NS);
    let apart = |t: &Seen| alive || t.server != server || t.stopped.since(freeze.from).abs() > AT_ONCE_NS;
    let near = |a: u64, b: u64| a.abs_diff(b) as f64 <= ALIKE * b as f64;
    let frozen: Vec<&Seen> = view.around.transfers.iter().filter(|t| t.frozen).collect();
    let alike: Vec<&Seen> = frozen.iter().copied().filter(|t| near(t.bytes, bytes) || (!view.around.offloaded && near(t.packets, packets))).collect();
    if alike.len() * 2 <= frozen.len() {
        return Vec::new();
    }
    alike.into_iter().filter(|t| apart(t)).collect()
}

fn check(view: &View<'_>) -> Option<Claim> {
    let freeze = freeze(view.case)?;
    let (bytes, packets) = (freeze.transfer.bytes, freeze.transfer.packets);
    let alike = alike(view, &freeze);
    let class = if alike.len() >= OTHERS { Class::B } else { Class::C };
    let waited = freeze.until.since(freeze.from) as f64 / 1e9;
    let mut text = format!("the transfer stopped for good after {bytes} octets in {packets} packets; {waited:.1} s without a sign");
    if !alike.is_empty() {
        text.push_str(&format!("; {} other(s) stopped after as much", alike.len()));
    }
    let frames = view.case.entries.get(freeze.last).map(|e| e.frame).into_iter().chain(alike.iter().map(|t| t.frame).take(4));
    Some(Claim::new("byte-limit", class, frames, text).measured(bytes as f64, 0.0, "octets"))
}
