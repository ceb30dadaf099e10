//! # `dns-forwarder`: the machine that answered repeats what the resolver says
//!
//! ## What it looks for
//!
//! A single answer from another distance than the resolver's. Of another name this machine gave the same address as the resolver, which
//! took at least twice as long; or the lifetime of what it says runs off between two questions, second by second, and never begins anew.
//!
//! ## Why it speaks against it
//!
//! Access routers, providers' forwarders and nearer sites of the resolver answer what they have heard in the resolver's name. Which of
//! them does may go by name: what is remembered is answered from nearby. A forger has nothing to remember.
//!
//! ## What could still be wrong
//!
//! A forwarder can lie about some names and tell the truth about others. What it says is judged; where it stands is no proof.
//!
//! ## How to check in Wireshark
//!
//! `dns.a == ADDRESS`: columns `ip.ttl`, `dns.time`, `dns.resp.ttl`.
//!
//! ## Source
//!
//! RFC 5625 (DNS proxies); RFC 1035 section 3.2.1 (lifetimes).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::surroundings::Machine;
use crate::detect::suspects::dns_answer::answers;

pub const RULE: Rule = Rule {
    id: "dns-forwarder",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &["dns-ttl-outlier", "too-early", "dns-edns-lost", "dns-flags-odd"],
    // What it says may still be a lie.
    cap: Some(Confidence::Confirmed),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let mut all = answers(view.case);
    let (Some(_), None) = (all.next(), all.next()) else { return None };
    let elsewhere = |m: &Machine| m.apart >= 3 && (m.answers <= m.others || m.slowest < m.others_fastest);
    let machine = view.around.resolver.as_ref()?.machine.filter(elsewhere)?;
    let (one, other) = machine.cache?;
    let text = "the machine that answered repeats what the resolver says: the same address for a name, or a lifetime that runs off";
    Some(Claim::new("dns-forwarder", Class::B, [one.min(other), one.max(other)], text))
}
