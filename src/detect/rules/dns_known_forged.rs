//! # `dns-known-forged`: an address known from forged answers
//!
//! ## What it looks for
//!
//! An address or name in the answer that stands in the table of forged answers (pools of national injectors, block-page
//! hosts of providers), with the scope the table gives it.
//!
//! ## Why it speaks for interference
//!
//! Such addresses are given out for names that have nothing to do with them.
//!
//! ## Innocent explanations
//!
//! The table ages, and pools contain addresses of ordinary companies; the real name of that company is left alone where
//! the table names it.
//!
//! ## How to check in Wireshark
//!
//! `dns.a == ADDRESS`.
//!
//! ## Source
//!
//! OONI blocking-fingerprints; GFW injector pools of the Wallbleed study (NDSS 2025); sources stand beside each row of
//! `src/attribute/forged_answers.toml`.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, known, odd};

pub const RULE: Rule = Rule {
    id: "dns-known-forged",
    stance: Stance::For,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let odd = odd(view);
    let qname = view.suspect.trigger.as_ref().map(|t| t.value.clone()).unwrap_or_default();
    for (_, seen) in answers(view.case).filter(|(i, _)| odd.contains(i)) {
        if let Some((what, row)) = known(&seen.message, &qname) {
            let frame = view.case.entries.get(seen.entry)?.frame;
            // Ours are told by name, with the source in the manual; a user's own must say where it comes from.
            let source = if row.evidence == "given" { format!("; source: {}", row.source) } else { String::new() };
            let text = format!("{what} is known from forged answers: {} ({}){source}", row.system, row.scope);
            return Some(Claim::new("dns-known-forged", Class::B, [frame], text));
        }
    }
    None
}
