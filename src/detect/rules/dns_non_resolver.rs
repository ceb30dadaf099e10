//! # `dns-non-resolver`: an answer from a host that says it runs no resolver
//!
//! ## What it looks for
//!
//! The queried address sent an ICMP port-unreachable for the very query that was answered.
//!
//! ## Why it speaks for interference
//!
//! A host without a resolver cannot answer; whoever answered was on the path.
//!
//! ## Innocent explanations
//!
//! A host whose resolver was restarted at that moment.
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
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::answers;

pub const RULE: Rule = Rule {
    id: "dns-non-resolver",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let resolver = view.case.server_end().ip;
    let sender = |e: &crate::flow::entry::Entry| match e.peek() {
        [a, b, c, d] => resolver == std::net::IpAddr::from([*a, *b, *c, *d]),
        bytes => <[u8; 16]>::try_from(bytes).is_ok_and(|b| resolver == std::net::IpAddr::from(b)),
    };
    let unreachable = view.case.entries.iter().find(|e| matches!(e.icmp(), Some((4, 3, 3) | (6, 1, 4))) && sender(e))?;
    let (_, seen) = answers(view.case).next()?;
    let frame = view.case.entries.get(seen.entry)?.frame;
    Some(Claim::new("dns-non-resolver", Class::B, [unreachable.frame, frame], "the queried host reports that no resolver runs there"))
}
