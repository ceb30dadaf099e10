//! # `dns-qtype-mismatch`: an answer of another type than was asked for
//!
//! ## What it looks for
//!
//! The answer section holds addresses although MX, TXT, NS, HTTPS or another non-address type was asked for, and nothing
//! of the type asked; or A for AAAA and the reverse.
//!
//! ## Why it speaks for interference
//!
//! Resolvers answer the question. Some injectors have only one kind of answer to give.
//!
//! ## Innocent explanations
//!
//! Broken forwarders in home routers.
//!
//! ## How to check in Wireshark
//!
//! `dns.qry.type != 1 && dns.a`.
//!
//! ## Source
//!
//! Wallbleed study (NDSS 2025): A records for every type but AAAA.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, odd};
use crate::app::dns::Data;

pub const RULE: Rule = Rule {
    id: "dns-qtype-mismatch",
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
    for (_, seen) in answers(view.case).filter(|(i, _)| odd.contains(i)) {
        let Some(question) = &seen.message.question else { continue };
        let (a, aaaa) = (1, 28);
        // ANY is answered with anything; CNAME chains lead to the type asked for.
        if question.qtype == 255 || seen.message.answers.is_empty() {
            continue;
        }
        let right = seen.message.answers.iter().any(|r| r.rtype == question.qtype || matches!(r.rtype, 5 | 39 | 46));
        let address = seen.message.answers.iter().any(|r| matches!(r.data, Data::A(_) | Data::Aaaa(_)) && matches!(r.rtype, t if t == a || t == aaaa));
        if !right && address {
            let frame = view.case.entries.get(seen.entry)?.frame;
            let asked = crate::app::dns::qtype_name(question.qtype);
            return Some(Claim::new("dns-qtype-mismatch", Class::B, [frame], format!("an address in answer to a question for {asked}")));
        }
    }
    None
}
