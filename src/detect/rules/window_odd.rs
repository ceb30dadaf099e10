//! # `window-odd`: the reset's window is not one a host would send
//!
//! ## What it looks for
//!
//! A bare reset with a window other than 0, or a reset without a clock whose window equals the trigger's. A window that the
//! side has had before is its own, and one that many hosts begin with is nobody's copy.
//!
//! ## Why it speaks for interference
//!
//! Kernels send bare resets with window 0 (Linux, Windows, BSD). A random or copied window was put there by another
//! program.
//!
//! ## Innocent explanations
//!
//! Load balancers and embedded stacks with habits of their own.
//!
//! ## How to check in Wireshark
//!
//! `tcp.flags.reset == 1 && tcp.window_size_value > 0`.
//!
//! ## Source
//!
//! Captures of Great Firewall type I (window uniform over 16 bits) in the ECH measurements of 2025.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::entry::Entry;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "window-odd",
    stance: Stance::For,
    class: Class::C,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// What the windows of Linux, Windows and macOS are worth once scaled, before anything has filled them: two hosts have one of these by chance.
const USUAL: [u16; 14] = [227, 229, 256, 342, 501, 502, 509, 512, 513, 1024, 1026, 2058, 64_240, u16::MAX];

fn check(view: &View<'_>) -> Option<Claim> {
    let trigger = view.suspect.trigger.as_ref().and_then(|t| view.case.index_of(t.complete_at_frame)).and_then(|i| view.case.entries.get(i));
    // A kernel that gives a connection up itself sends its usual window and its clock with it.
    let copied = |r: &Entry| {
        let own = r.timestamps().is_some() || r.window == 0 || view.suspect.sender == view.case.client;
        !own && !USUAL.contains(&r.window) && trigger.is_some_and(|t| t.window == r.window)
    };
    // A stack that never changes its window field puts it into its resets too.
    let habitual = |i: usize, w: u16| view.case.ordinary_before(view.suspect.sender, i).any(|(_, e)| e.window == w);
    let (_, r) = packets(view).find(|(i, r)| (!r.has(tcp::ACK) && r.window != 0 && !habitual(*i, r.window)) || (copied(r) && !habitual(*i, r.window)))?;
    let text = if copied(r) { format!("window {} is copied from the trigger", r.window) } else { format!("a bare reset with window {}", r.window) };
    Some(Claim::new("window-odd", Class::C, [r.frame], text).measured(f64::from(r.window), 0.0, "window"))
}
