//! # `reset-mixed-flags`: a bare reset and an acknowledging one for the same trigger
//!
//! ## What it looks for
//!
//! A RST without ACK and a RST/ACK of one side within 50 ms, of which nothing can have drawn the bare one:
//! an earlier segment of the other side is looked for that acknowledged up to its number, the shortest round trip before or more. In
//! captures that miss packets it does not count.
//!
//! ## Why it speaks for interference
//!
//! One stack ends a connection in one way. Two kinds of reset for one packet are two machines.
//!
//! ## Innocent explanations
//!
//! A server that aborts (RST/ACK) and then answers packets still in flight with bare resets: those are counted off.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && tcp.flags.reset == 1`: flags R and R. side by side.
//!
//! ## Source
//!
//! Great Firewall type I and II, captures of 2025 in the ECH measurements; signature 13 of Sundara Raman et al., SIGCOMM
//! 2023.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::{packets, undrawn};
use crate::flow::entry::Entry;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "reset-mixed-flags",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Both injectors see the trigger within this of one another.
const WINDOW_NS: i64 = 50_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let unasked = undrawn(view);
    let resets: Vec<(usize, &Entry)> = packets(view).filter(|(i, r)| r.has(tcp::ACK) || unasked.contains(i)).collect();
    for (n, (_, first)) in resets.iter().enumerate() {
        let near: Vec<&(usize, &Entry)> = resets.iter().skip(n).take_while(|(_, e)| e.time.since(first.time) <= WINDOW_NS).collect();
        let bare = near.iter().find(|(_, e)| !e.has(tcp::ACK));
        let acking = near.iter().find(|(_, e)| e.has(tcp::ACK));
        if let (Some((_, bare)), Some((_, acking))) = (bare, acking) {
            let text = "a bare RST and a RST/ACK for the same packet: two machines answered";
            return Some(Claim::new("reset-mixed-flags", Class::B, [bare.frame, acking.frame], text).measured(near.len() as f64, 1.0, "resets"));
        }
    }
    None
}
