//! # `dns-flags-odd`: header bits this resolver does not set
//!
//! ## What it looks for
//!
//! AA, RA, AD or Z of the answer differ from what this resolver set in at least two other answers, without exception
//! there; or RD is not copied from the query; or the reserved Z bit is set.
//!
//! ## Why it speaks for interference
//!
//! A recursive resolver never sets AA for other people's zones and always sets RA. Injectors fill the flags word with
//! constants.
//!
//! ## Innocent explanations
//!
//! A resolver that is authoritative for some zones.
//!
//! ## How to check in Wireshark
//!
//! `dns.flags.authoritative == 1`, `dns.flags.recavail == 0`.
//!
//! ## Source
//!
//! RFC 1035 section 4.1.1; GFW injectors use 0x8580 and 0x8180 (TTL-location data of the QUIC study, USENIX Security
//! 2025).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, odd, queries};

pub const RULE: Rule = Rule {
    id: "dns-flags-odd",
    stance: Stance::For,
    class: Class::C,
    family: Family::Header,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

const AA: u16 = 0x0400;
const RA: u16 = 0x0080;

fn check(view: &View<'_>) -> Option<Claim> {
    let odd = odd(view);
    let asked = queries(view.case).next().map(|q| q.message.recursion_desired);
    for (_, seen) in answers(view.case).filter(|(i, _)| odd.contains(i)) {
        let m = &seen.message;
        let habits = view.around.resolver.as_ref().map(|r| r.flags.as_slice()).unwrap_or_default();
        let total: u64 = habits.iter().map(|(_, n)| n).sum();
        let never = |bit: u16, value: bool| total >= 2 && habits.iter().all(|(f, _)| (f & bit != 0) != value);
        let what = if m.z {
            "the reserved Z bit is set"
        } else if asked == Some(!m.recursion_desired) {
            "RD is not the query's"
        } else if never(AA, m.authoritative) {
            if m.authoritative { "AA is set, which this resolver never does" } else { "AA is clear, which this resolver never does" }
        } else if never(RA, m.recursion_available) {
            "RA differs from every other answer of this resolver"
        } else {
            continue;
        };
        let frame = view.case.entries.get(seen.entry)?.frame;
        return Some(Claim::new("dns-flags-odd", Class::C, [frame], what).measured(f64::from(m.flags), habits.first().map_or(f64::NAN, |h| f64::from(h.0)), "flags"));
    }
    None
}
