//! # `reset-ladder`: resets that repeat on the other end's retransmission timer
//!
//! ## What it looks for
//!
//! Two or more further resets of one side at growing intervals of at least 150 ms, with nothing sent towards that side in
//! between, or on the way to it, that could have drawn them. With three intervals or more that double each time it is class
//! A, otherwise class B. Of a side whose peer was never heard before nothing can be said.
//!
//! ## Why it speaks for interference
//!
//! A host resets once and then only answers packets. Resets that arrive on a retransmission timer are packets of a live
//! server (its SYN/ACK or its answer, retransmitted) that something on the path turns into resets.
//!
//! ## Innocent explanations
//!
//! A client whose own retransmissions are missing from the capture (one-sided or lossy captures). A host that resets what
//! is still under way to it numbers each bare reset by the acknowledgement it answers, on a long path for seconds: those are no steps.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && tcp.flags.reset == 1`, time since previous displayed packet: 0.2, 0.4, 0.8 s or 1, 2, 4 s, and no
//! packet from the other side between.
//!
//! ## Source
//!
//! Xue et al., "TSPU: Russia's Decentralized Censorship System", IMC 2022 (SNI-I rewrites the server's packets).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::{packets, sender_rtt, undrawn};
use crate::flow::entry::Entry;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "reset-ladder",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Shorter gaps are a train, not a timer: Linux' shortest retransmission timeout is 200 ms.
const GAP_NS: i64 = 150_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let steps = steps(view);
    if steps.len() < 2 || view.around.one_sided {
        return None;
    }
    // Doubling, three times: a retransmission timer and nothing else.
    let doubling = steps.windows(2).all(|w| matches!(w, [a, b] if b * 10 > a * 16 && b * 10 < a * 26));
    let class = if steps.len() >= 3 && doubling { Class::A } else { Class::B };
    let frames = packets(view).map(|(_, e)| e.frame);
    let text = format!("{} more resets come by themselves, {}", steps.len(), gaps(&steps));
    Some(Claim::new("reset-ladder", class, frames, text).measured(steps.len() as f64, 0.0, "resets"))
}

fn gaps(steps: &[i64]) -> String {
    let texts: Vec<String> = steps.iter().take(4).map(|g| format!("{:.2} s", *g as f64 / 1e9)).collect();
    format!("after {}", texts.join(", "))
}

/// Gaps of resets that nothing of the receiver can have drawn.
pub fn steps(view: &View<'_>) -> Vec<i64> {
    /// Beside half a round trip of queue, what a host takes to answer.
    const SLACK_NS: i64 = 50_000_000;
    let case = view.case;
    let other = view.suspect.sender.other();
    let rtt = case.rtt[view.suspect.sender.index()].unwrap_or(0);
    let reach = sender_rtt(view).unwrap_or(0) * 3 / 2 + SLACK_NS;
    let unasked = undrawn(view);
    let mut previous: Option<(usize, &Entry)> = None;
    let mut steps: Vec<i64> = Vec::new();
    for (i, e) in packets(view) {
        let Some((before, p)) = previous.replace((i, e)) else {
            if case.of(other).next().is_none_or(|(first, _)| first > i) {
                return steps;
            }
            continue;
        };
        let gap = e.time.since(p.time);
        if gap < GAP_NS || case.left_out.get(i).is_some_and(|n| *n > 0) {
            continue;
        }
        // What is still under way when the previous reset arrives draws the next one a round trip after it was sent.
        let in_reach = |j: usize, o: &Entry| j > before || e.time.since(o.time) <= reach;
        let on_its_way = case.of(other).any(|(j, o)| j < i && in_reach(j, o) && e.time.since(o.time) >= rtt / 2);
        let drawn = !e.has(tcp::ACK) && !unasked.contains(&i);
        if !on_its_way && !drawn && steps.last().is_none_or(|last| gap * 4 > last * 3) {
            steps.push(gap);
        }
    }
    steps
}
