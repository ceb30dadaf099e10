//! # `dns-answers-conflict`: one query, two answers that contradict each other
//!
//! ## What it looks for
//!
//! More answers than queries in one transaction, and two of them disagree: disjoint addresses, or a name error beside
//! data. With a difference in the packets themselves too (TTL, DF, EDNS, AA, RA) it is class A; without one class B. Class C where this
//! resolver answered at least two other questions twice, with the same two TTLs, and said the same both times.
//!
//! ## Why it speaks for interference
//!
//! A resolver answers a query once. A second, different answer from the same address is somebody else's.
//!
//! ## Innocent explanations
//!
//! Answers to repeated queries (counted), rotated records (`answer-rotation`), mirror ports (copies are dropped),
//! lines that double packets, whose copies reach two sites of one resolver: those answer everything twice.
//!
//! ## How to check in Wireshark
//!
//! `dns.id == 0x...`: two responses; compare `dns.a`, `ip.ttl`, `dns.flags`.
//!
//! ## Source
//!
//! Duan et al., "Hold-On: Protecting Against On-Path DNS Poisoning", 2012; Anonymous, "Triplet Censors", FOCI 2020.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::messages::DnsSeen;
use crate::detect::suspects::dns_answer::{answers, differs_in_header, disagree, queries};

pub const RULE: Rule = Rule {
    id: "dns-answers-conflict",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let all: Vec<_> = answers(view.case).map(|(_, d)| d).collect();
    if all.len() <= queries(view.case).count().max(1) {
        return None;
    }
    let (mut weak, mut habit) = (None, None);
    for (n, one) in all.iter().enumerate() {
        for two in all.iter().skip(n + 1) {
            if !disagree(one, two) {
                continue;
            }
            let frames: Vec<u64> = [one.entry, two.entry].iter().filter_map(|i| view.case.entries.get(*i)).map(|e| e.frame).collect();
            if is_habit(view, one, two) {
                let text = "two answers to one query disagree; this resolver answers other questions twice in the same way, and agrees";
                habit = Some(Claim::new("dns-answers-conflict", Class::C, frames, text));
                continue;
            }
            match differs_in_header(view.case, one, two) {
                Some(how) => return Some(Claim::new("dns-answers-conflict", Class::A, frames, format!("two answers to one query disagree, and their packets differ in {how}"))),
                None if weak.is_none() => weak = Some(Claim::new("dns-answers-conflict", Class::B, frames, "two answers to one query disagree")),
                None => {}
            }
        }
    }
    weak.or(habit)
}

/// Whether two answers with these TTLs are what this resolver gives to one question.
fn is_habit(view: &View<'_>, one: &DnsSeen, two: &DnsSeen) -> bool {
    let ttl = |d: &DnsSeen| view.case.entries.get(d.entry).map_or(0, |e| e.ttl);
    let pair = (ttl(one).min(ttl(two)), ttl(one).max(ttl(two)));
    view.around.resolver.as_ref().is_some_and(|r| r.doubled.iter().any(|(ttls, n)| *ttls == pair && *n >= 2))
}
