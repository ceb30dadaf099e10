//! # `dns-cached`: a cache on the way repeats what the resolver said
//!
//! ## What it looks for
//!
//! An answer that comes from somewhere else than the resolver's others, or sooner than those can. Earlier in the capture the
//! resolver gave the same address for the name, from where it always answers (a TTL within two hops of its usual ones) and in
//! its own time (no less than half of its shortest round trip).
//!
//! ## Why it speaks against it
//!
//! Access routers, satellite terminals and some providers answer what they have heard before in the resolver's name: sooner, from
//! nearer by, and often without EDNS. What they say is what the resolver said.
//!
//! ## What could still be wrong
//!
//! Whoever answers in another's name can see what is asked for, and could say something else.
//!
//! ## How to check in Wireshark
//!
//! `dns.resp.ttl` of the near answers counts down from that of the far one.
//!
//! ## Source
//!
//! RFC 5625 (DNS proxies); field experience with satellite links.

use super::ttl_jump::hop_distance;
use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{addresses, answers, odd};

pub const RULE: Rule = Rule {
    id: "dns-cached",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &["dns-ttl-outlier", "too-early", "dns-edns-lost", "dns-flags-odd"],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let resolver = view.around.resolver.as_ref()?;
    let fastest = resolver.rtt?;
    let usual = |ttl: u8| resolver.ttls.iter().any(|(t, n)| *n >= 2 && hop_distance(ttl, *t) < 3);
    let odd = odd(view);
    let (_, seen) = answers(view.case).find(|(i, _)| odd.contains(i))?;
    let (e, address) = (view.case.entries.get(seen.entry)?, addresses(&seen.message).first().copied()?);
    let asked = view.case.of(view.case.client).map(|(_, q)| q).take_while(|q| q.frame < e.frame).last();
    let early = asked.is_some_and(|q| e.time.since(q.time) < fastest / 2);
    if usual(e.ttl) && !early {
        return None;
    }
    let same = view.around.other_answers.iter().filter(|o| o.resolver == view.case.server_end().ip && o.address == address);
    let before = same.filter(|o| o.frame < e.frame && usual(o.ttl) && o.delay >= fastest / 2).min_by_key(|o| o.frame)?;
    let text = format!("the resolver itself gave {address} for the name before, in {:.1} ms", before.delay as f64 / 1e6);
    Some(Claim::new("dns-cached", Class::B, [before.frame, e.frame], text))
}
