//! # `dns-gateway`: the network's own router answered
//!
//! ## What it looks for
//!
//! A single answer in the name of a public resolver, whose TTL is one that systems begin with (64, 128, 255), within ten milliseconds and
//! half of the time of the resolver's fastest, if that is known; and the client's packets begin with such a TTL as well.
//!
//! ## Why it speaks against it
//!
//! It was sent in the network of the client: by its router, which sees all questions, has a memory of its own, answers for names of its
//! own (its log-in page, `home.arpa`, names that switch encrypted DNS off) and filters as its owner told it.
//!
//! ## What could still be wrong
//!
//! A provider's router may be told to lie; and a box on the line that is no hop away from the capture looks the same. Addresses known from
//! forged answers are not excused.
//!
//! ## How to check in Wireshark
//!
//! `ip.ttl == 64 || ip.ttl == 255`: columns `dns.time`, `eth.src`.
//!
//! ## Source
//!
//! RFC 5625 (DNS proxies); RFC 8375 (`home.arpa`); Mozilla's canary domain (`use-application-dns.net`).

use super::{Rule, View, elapsed};
use crate::attribute::special;
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, is_telling, known, queries};

pub const RULE: Rule = Rule {
    id: "dns-gateway",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[
        "dns-ttl-outlier",
        "too-early",
        "dns-edns-lost",
        "dns-flags-odd",
        "dns-bogon",
        "dns-same-answer",
        "dns-no-such-name",
        "name-hit-elsewhere",
    ],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

/// A router answers at once; a wireless network takes a few milliseconds.
const NEARBY_NS: i64 = 10_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let mut all = answers(view.case);
    let (Some((_, seen)), None) = (all.next(), all.next()) else { return None };
    let e = view.case.entries.get(seen.entry)?;
    let asked = queries(view.case).filter_map(|q| view.case.entries.get(q.entry)).take_while(|q| q.frame < e.frame).last()?;
    let unhopped = |ttl: u8| matches!(ttl, 64 | 128 | 255);
    let delay = elapsed(asked.time, e.time).filter(|d| *d < NEARBY_NS)?;
    let fastest = view.around.resolver.as_ref().and_then(|r| r.machine).filter(|m| m.others > 0).map(|m| m.others_fastest);
    // Where nobody else answers, what it says has to need an explanation.
    let sooner = fastest.map_or_else(|| is_telling(seen), |fastest| delay < fastest / 2);
    let public = special::is_global(view.case.server_end().ip);
    if !(public && sooner && unhopped(e.ttl) && unhopped(asked.ttl)) || known(&seen.message, &seen.name).is_some() {
        return None;
    }
    let text = format!("an answer within {:.1} ms and no hop away: the network's own router", delay as f64 / 1e6);
    Some(Claim::new("dns-gateway", Class::B, [e.frame], text).measured(delay as f64 / 1e6, f64::NAN, "ms"))
}
