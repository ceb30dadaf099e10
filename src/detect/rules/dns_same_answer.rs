//! # `dns-same-answer`: the same answer for name after name
//!
//! ## What it looks for
//!
//! The address in the answer was given for at least two unrelated names in this capture.
//!
//! ## Why it speaks for interference
//!
//! Block pages and sinkholes have few addresses; forged answers share them.
//!
//! ## Innocent explanations
//!
//! Content networks and hosters serve many names from one address. So this only supports.
//!
//! ## How to check in Wireshark
//!
//! `dns.a == ADDRESS`, column `dns.qry.name`.
//!
//! ## Source
//!
//! OONI; CensorWatch (most common lie address).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, odd};

pub const RULE: Rule = Rule {
    id: "dns-same-answer",
    stance: Stance::For,
    class: Class::C,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    if view.around.same_answer_names < 2 {
        return None;
    }
    let odd = odd(view);
    let (_, seen) = answers(view.case).find(|(i, _)| odd.contains(i))?;
    let frame = view.case.entries.get(seen.entry)?.frame;
    let n = view.around.same_answer_names;
    Some(Claim::new("dns-same-answer", Class::C, [frame], format!("the same address was given for {n} unrelated names")).measured(n as f64, 1.0, "names"))
}
