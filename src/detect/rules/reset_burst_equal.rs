//! # `reset-burst-equal`: several resets with equal numbers at once
//!
//! ## What it looks for
//!
//! Two or more resets of one side with the same sequence and acknowledgement numbers within 5 ms. Resets without ACK count only where
//! nothing can have drawn them: for each an earlier segment of the other side is looked for that acknowledged up to its number, came the
//! shortest round trip before or more and met no live connection. In captures that miss packets they do not count at all.
//!
//! ## Why it speaks for interference
//!
//! A host resets a connection once. Injectors send copies so that one gets through.
//!
//! ## Innocent explanations
//!
//! A mirror port that captures everything twice (`span-duplicate`), a dead socket that answers each of several packets in
//! flight with the same bare reset (counted off; what a network card cuts into segments draws one for each).
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && tcp.flags.reset == 1`; equal `tcp.seq`, `tcp.ack` and often `ip.id`, microseconds apart.
//!
//! ## Source
//!
//! Captures of the Great Firewall 2022-2025 (three RST/ACK with equal numbers); net4people/bbs issue 285.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::{eliciting, packets, undrawn};
use crate::flow::entry::Entry;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "reset-burst-equal",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Copies of one injector are microseconds apart, a few milliseconds after a long path.
const WINDOW_NS: i64 = 5_000_000;
/// A reset this long before belongs to another burst.
const GONE_NS: i64 = 100_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let unasked = undrawn(view);
    let resets: Vec<(usize, &Entry)> = packets(view).filter(|(i, r)| r.has(tcp::ACK) || unasked.contains(i)).collect();
    let mut best: Option<(Vec<u64>, i64)> = None;
    for (n, (i, first)) in resets.iter().enumerate() {
        let alike = |e: &Entry| e.seq == first.seq && e.ack == first.ack && e.flags == first.flags && e.time.since(first.time) <= WINDOW_NS;
        let burst: Vec<&(usize, &Entry)> = resets.iter().skip(n).filter(|(_, e)| alike(e)).collect();
        let last = burst.last().map_or(*i, |(j, _)| *j);
        // A side that was already gone answers every packet that still comes.
        let gone = || view.case.of(view.suspect.sender).any(|(_, e)| (e.is_rst() || e.has(tcp::FIN)) && first.time.since(e.time) > GONE_NS);
        let explained = if first.has(tcp::ACK) && gone() { eliciting(view, *i, last).max(1) } else { 1 };
        if burst.len() > explained && best.as_ref().is_none_or(|b| b.0.len() < burst.len()) {
            let span = burst.last().map_or(0, |(_, e)| e.time.since(first.time));
            best = Some((burst.iter().map(|(_, e)| e.frame).collect(), span));
        }
    }
    let (frames, span) = best?;
    let count = frames.len();
    let text = format!("{count} resets with equal sequence and acknowledgement numbers within {:.3} ms", span as f64 / 1e6);
    Some(Claim::new("reset-burst-equal", Class::B, frames, text).measured(count as f64, 1.0, "resets"))
}
