//! # `dns-unfiltered`: the resolver is known to filter nothing
//!
//! ## What it looks for
//!
//! An answer in the name of a public resolver whose operator says that it filters nothing by choice (a list of the program's), with
//! special-use addresses only, which three or more unrelated names were given as well.
//!
//! ## Why it speaks for interference
//!
//! Resolvers that people choose for their filter make up such addresses; this one does not, and no three owners published the same one.
//! Somebody answers in its name.
//!
//! ## Innocent explanations
//!
//! The owner of the network redirects all lookups to a filter of his own (`dns-gateway` where that is the nearest router).
//!
//! ## How to check in Wireshark
//!
//! `ip.src == RESOLVER && dns.a == ADDRESS`: the names.
//!
//! ## Source
//!
//! Documentation of Google Public DNS, Cloudflare's 1.1.1.1, Quad9 and AdGuard DNS.

use super::{Rule, View};
use crate::attribute::special;
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, odd};

pub const RULE: Rule = Rule {
    id: "dns-unfiltered",
    stance: Stance::For,
    class: Class::C,
    family: Family::Control,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// So many names are no coincidence.
pub const UNRELATED: usize = 3;

fn check(view: &View<'_>) -> Option<Claim> {
    if view.around.same_answer_names < UNRELATED || !special::is_unfiltered(view.case.server_end().ip) {
        return None;
    }
    let odd = odd(view);
    let special = |m: &crate::app::dns::Message| m.addresses().next().is_some() && !m.addresses().any(special::is_global);
    let (_, seen) = answers(view.case).find(|(i, d)| odd.contains(i) && special(&d.message))?;
    let frame = view.case.entries.get(seen.entry)?.frame;
    Some(Claim::new("dns-unfiltered", Class::C, [frame], "this resolver is known to filter nothing; three unrelated names got this address"))
}
