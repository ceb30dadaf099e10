//! # `dns-non-resolver`: an answer from a host that says it runs no resolver
//!
//! ## What it looks for
//!
//! The queried host itself sent an ICMP port unreachable for the very query that was answered (for each copy of it), or for at least three others, before
//! the answer and behind it, and for names that it never answered. Both together, of a query that was sent once, settle it (class A);
//! either is class B.
//!
//! Class C: the host says nothing at all. At least three other names were asked for before and behind the answer and never answered,
//! while every query for this one was.
//!
//! ## Why it speaks for interference
//!
//! A host without a resolver cannot answer; whoever answered was on the path.
//!
//! ## Innocent explanations
//!
//! A host whose resolver was restarted at that moment; a balancer with a resolver behind it that is down, which refuses whatever it is
//! asked. A zone's server that answers for its own names and is silent about others (class C; its answers are authoritative).
//!
//! ## How to check in Wireshark
//!
//! `icmp.type == 3 && icmp.code == 3` beside the DNS answer.
//!
//! ## Source
//!
//! Queries to addresses without a resolver are the classic way to see injectors (Lowe et al. 2007; Anonymous, SIGCOMM CCR
//! 2012).

use super::{Rule, View};
use crate::attribute::special::is_global;
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, queries};

pub const RULE: Rule = Rule {
    id: "dns-non-resolver",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Other queries refused, and other names never answered, from which it is the host's habit.
const REFUSED: usize = 3;
const UNHEARD: usize = 3;

fn check(view: &View<'_>) -> Option<Claim> {
    let (case, refused) = (view.case, &view.around.refused);
    let (_, seen) = answers(case).next()?;
    let frame = case.entries.get(seen.entry)?.frame;
    let host = case.server_end().ip;
    // An error that quotes enough of the query stands in its flow.
    let here = case.entries.iter().filter(|e| e.is_refusal_of(host)).map(|e| e.frame);
    let mut own: Vec<u64> = refused.own.iter().map(|(frame, _)| *frame).chain(here).collect();
    own.sort_unstable();
    own.dedup();
    let others = refused.only.len();
    let only = || refused.only.iter().map(|(frame, ..)| *frame);
    let habit = others >= REFUSED && refused.before && refused.behind;
    // Of a query that was sent twice one may have come before a restart, and the other behind it.
    let asked = queries(case).count();
    if own.len() >= asked.max(1) {
        let class = if asked == 1 && answers(case).count() == 1 && habit { Class::A } else { Class::B };
        let frames = own.iter().copied().chain(only().take(REFUSED)).chain([frame]);
        let beside = if others > 0 { format!(", as of {others} others that nobody answered") } else { String::new() };
        let text = format!("the queried host reports that no resolver runs there, of this very query{beside}");
        return Some(Claim::new("dns-non-resolver", class, frames, text));
    }
    if habit && refused.by_name {
        let text = format!("the queried host reports of {others} other queries that no resolver runs there");
        // The first ones and the last, to show some on either side.
        let ends = only().take(REFUSED).chain(only().skip(others.saturating_sub(REFUSED)));
        return Some(Claim::new("dns-non-resolver", Class::B, ends.chain([frame]), text));
    }
    let unheard = refused.unheard.len();
    let public = seen.message.addresses().next().is_some() && seen.message.addresses().all(is_global);
    if unheard < UNHEARD || seen.message.authoritative || !public {
        return None;
    }
    let text = format!("the queried host answered none of {unheard} other names");
    let ends = refused.unheard.iter().map(|(frame, _)| *frame);
    Some(Claim::new("dns-non-resolver", Class::C, ends.take(UNHEARD).chain([frame]), text))
}
