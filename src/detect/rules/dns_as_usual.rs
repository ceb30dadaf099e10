//! # `dns-as-usual`: the packet is one of the resolver's own
//!
//! ## What it looks for
//!
//! The only answer to a question, with special-use addresses only, that came no sooner than the resolver's fastest, with the DF, AA
//! and RA bits of its other answers, of which there are at least four. Either their TTL as well; or one less than twenty off that came to
//! stay (nothing came with the old one after it), and the OPT record that was asked for.
//!
//! Not asked of a resolver that is known to filter nothing, where the same address was given for three unrelated names: those are no
//! owners who published one.
//!
//! ## Why it speaks against it
//!
//! Resolvers that filter by their users' choice make up 0.0.0.0 themselves, and leave out OPT when they do. A route that
//! changes for good changes the TTL of all that follows, and what comes first may be a name whose owner published a private address.
//! Forgers are nearer than the resolver.
//!
//! ## What could still be wrong
//!
//! The resolver may lie; then it lies, and nobody forged a packet. A forger beside the resolver looks like it. Addresses known from
//! forged answers are not excused.
//!
//! ## How to check in Wireshark
//!
//! `ip.src == RESOLVER`: columns `ip.ttl`, `dns.time`, `dns.flags`.
//!
//! ## Source
//!
//! RFC 8914 (codes for filtered answers); documentation of AdGuard DNS, NextDNS and Quad9.

use super::dns_unfiltered::UNRELATED;
use super::{Rule, View};
use crate::attribute::special;
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, known, queries};
use crate::flow::entry::fact;

pub const RULE: Rule = Rule {
    id: "dns-as-usual",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &["dns-ttl-outlier", "dns-edns-lost"],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

/// Answers that make a habit.
const HABIT: u64 = 4;
/// Routes do not change by more hops.
const ROUTE: u8 = 20;
/// Resolvers' clocks and queues make the fastest answer a little faster than the path.
const IN_TIME: f64 = 0.95;

fn check(view: &View<'_>) -> Option<Claim> {
    let resolver = view.around.resolver.as_ref()?;
    let others = &resolver.others;
    let mut all = answers(view.case);
    let (Some((_, seen)), None) = (all.next(), all.next()) else { return None };
    let (m, e) = (&seen.message, view.case.entries.get(seen.entry)?);
    if others.count() < HABIT {
        return None;
    }
    if special::is_unfiltered(view.case.server_end().ip) && view.around.same_answer_names >= UNRELATED {
        return None;
    }
    let special = m.addresses().next().is_some() && !m.addresses().any(special::is_global);
    if !special || known(m, &seen.name).is_some() {
        return None;
    }
    let asked = view.case.of(view.case.client).map(|(_, q)| q).take_while(|q| q.frame < e.frame).last()?;
    let fastest = resolver.rtt.max(others.rtt)?;
    let in_time = e.time.since(asked.time) as f64 >= fastest as f64 * IN_TIME;
    let flags = resolver.flags.iter().any(|(f, n)| *n >= 2 && (f ^ m.flags) & 0x0480 == 0);
    let df = e.is(fact::IPV6) || others.df.get(usize::from(e.is(fact::DONT_FRAGMENT))).is_some_and(|n| *n > 0);
    let same = others.ttls.iter().any(|(ttl, _)| *ttl == e.ttl);
    let options = m.edns.is_some() || queries(view.case).all(|q| q.message.edns.is_none());
    let moved = options && others.until < e.frame && others.ttls.iter().any(|(ttl, _)| ttl.abs_diff(e.ttl) < ROUTE);
    if !(in_time && flags && df && (same || moved)) {
        return None;
    }
    let how = if same { "with the header of its other answers" } else { "and the route has changed for good" };
    Some(Claim::new("dns-as-usual", Class::B, [e.frame], format!("the resolver's own: no sooner than its fastest answer, {how}")))
}
