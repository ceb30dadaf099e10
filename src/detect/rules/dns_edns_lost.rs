//! # `dns-edns-lost`: the query spoke EDNS, the answer does not
//!
//! ## What it looks for
//!
//! The query carried an OPT record, the answer has none, its code is no error or no such name, and the same resolver kept OPT in other
//! answers of the capture.
//!
//! ## Why it speaks for interference
//!
//! RFC 6891 section 7 asks responders that know OPT to include it. Injectors build the shortest answer there is.
//!
//! ## Innocent explanations
//!
//! Forwarders that strip EDNS from everything (then the resolver's other answers lack it too and the rule is silent).
//!
//! ## How to check in Wireshark
//!
//! `dns.id == 0x...`: additional records 1 in the query, 0 in the answer.
//!
//! ## Source
//!
//! RFC 6891; GFW injectors answer with ARCOUNT 0 (Wallbleed study, NDSS 2025).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::surroundings::ResolverBaseline;
use crate::detect::suspects::dns_answer::{answers, odd, queries};

pub const RULE: Rule = Rule {
    id: "dns-edns-lost",
    stance: Stance::For,
    class: Class::C,
    family: Family::Header,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let asked = queries(view.case).any(|q| q.message.edns.is_some());
    let keeps = view.around.resolver.as_ref().and_then(ResolverBaseline::keeps_edns);
    // Beside an answer that has it, unless all others of this resolver lack it too.
    let beside = || answers(view.case).any(|(_, d)| d.message.edns.is_some());
    if !asked || !keeps.unwrap_or_else(beside) {
        return None;
    }
    let odd = odd(view);
    let (_, seen) = answers(view.case).find(|(i, d)| odd.contains(i) && !d.cut && d.message.edns.is_none() && matches!(d.message.rcode, 0 | 3))?;
    let frame = view.case.entries.get(seen.entry)?.frame;
    Some(Claim::new("dns-edns-lost", Class::C, [frame], "no OPT record, though the query had one and this resolver keeps it"))
}
