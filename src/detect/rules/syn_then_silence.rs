//! # `syn-then-silence`: SYNs without any answer
//!
//! ## What it looks for
//!
//! A connection attempt whose SYN was repeated at least twice over three seconds without any answer, not even a refusal.
//! Where at least two connections to the same port failed so and none was ever answered it is class B, alone class C.
//!
//! ## Why it speaks for interference
//!
//! Something took the SYN or what answered it. Alone that is an unreachable host; with a control it is a refused port or
//! address.
//!
//! ## Innocent explanations
//!
//! A host that is down, a firewall at the host that drops what it does not serve, a line that is down.
//!
//! ## How to check in Wireshark
//!
//! `tcp.flags.syn == 1 && ip.dst == ADDRESS`: 1, 2, 4 s apart.
//!
//! ## Source
//!
//! RFC 6298 section 2; Cloudflare Radar's post-SYN class.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::attribute::special::is_global;
use crate::detect::suspects::drop::unanswered_syns;

pub const RULE: Rule = Rule {
    id: "syn-then-silence",
    stance: Stance::For,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let syns = unanswered_syns(view.case)?;
    // Hosts of the own network are filtered by their owners.
    let global = is_global(view.case.server_end().ip);
    let class = if global && view.around.port_failures >= 2 && !view.around.port_answered { Class::B } else { Class::C };
    let frames: Vec<u64> = syns.iter().filter_map(|i| view.case.entries.get(*i)).map(|e| e.frame).collect();
    let waited = view.case.flow.last.since(view.case.flow.first) as f64 / 1e9;
    let text = format!("{} SYNs in {waited:.1} s, no answer", frames.len());
    Some(Claim::new("syn-then-silence", class, frames, text).measured(waited, 0.0, "s"))
}
