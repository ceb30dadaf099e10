//! # `resolver-policy`: the resolver itself decides so
//!
//! ## What it looks for
//!
//! The resolver has a private or link-local address (a router, a company's or household's own resolver), and the packet
//! looks like its other answers; or it gives special-use addresses for a third or more of all names (for all, where it is known to filter
//! nothing).
//!
//! ## Why it speaks against it
//!
//! Ad blockers, parental controls and split-horizon zones answer with 0.0.0.0 or private addresses on purpose; a captive
//! portal answers everything with one address.
//!
//! ## What could still be wrong
//!
//! A provider's resolver behind the router may be told to lie: then the resolver lies, and nobody forged a packet.
//!
//! ## How to check in Wireshark
//!
//! `ip.src == RESOLVER`: TTL and flags as in its other answers.
//!
//! ## Source
//!
//! Pi-hole, AdGuard and dnsmasq documentation; RFC 6890.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use super::ttl_jump::hop_distance;
use crate::detect::messages::DnsSeen;
use crate::detect::suspects::dns_answer::{answers, odd, queries};
use crate::attribute::special;

pub const RULE: Rule = Rule {
    id: "resolver-policy",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &["dns-bogon", "dns-known-forged", "dns-same-answer", "dns-no-such-name", "name-hit-elsewhere", "dns-edns-lost", "dns-flags-odd"],
    cap: None,
    check,
    source: "",
};

fn looks_foreign(view: &View<'_>, seen: &DnsSeen) -> bool {
    let (Some(r), Some(e)) = (&view.around.resolver, view.case.entries.get(seen.entry)) else { return false };
    let usual: Vec<u8> = r.ttls.iter().filter(|(_, n)| *n >= 2).map(|(t, _)| *t).collect();
    let far = !usual.is_empty() && usual.iter().all(|t| hop_distance(*t, e.ttl) >= 3);
    let asked = queries(view.case).any(|q| q.message.edns.is_some());
    let lost = asked && r.edns_kept >= 2 && seen.message.edns.is_none() && seen.message.rcode == 0;
    far || lost
}

fn check(view: &View<'_>) -> Option<Claim> {
    let resolver = view.case.server_end().ip;
    let local = !special::is_global(resolver);
    let wholesale = view.around.resolver.as_ref().is_some_and(|r| {
        // One that filters nothing does so only where a portal answers for it, and then for every name.
        let share = if special::is_unfiltered(resolver) { 1 } else { 3 };
        r.bogon_names >= 3 && r.bogon_names * share >= r.answered
    });
    if !(local || wholesale) {
        return None;
    }
    let odd = odd(view);
    // A packet that does not look like the resolver's others is not the resolver's policy.
    let foreign = answers(view.case).filter(|(i, _)| odd.contains(i)).any(|(_, d)| looks_foreign(view, d));
    if foreign && !local {
        return None;
    }
    let frames = answers(view.case).filter(|(i, _)| odd.contains(i)).filter_map(|(_, d)| view.case.entries.get(d.entry)).map(|e| e.frame);
    let why = if local { "the resolver is a local one: its own policy" } else { "this resolver gives such addresses for many names: its own policy" };
    Some(Claim::new("resolver-policy", Class::B, frames, why))
}
