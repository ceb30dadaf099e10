//! # `dns64`: an IPv6 address made from an IPv4 one
//!
//! ## What it looks for
//!
//! AAAA records in 64:ff9b::/96, or in a prefix whose last 32 bits are an IPv4 address that an A answer for the same name
//! gives: one that is not known from forged answers, came in its time, and is the only one in its transaction. Never a Teredo address
//! (2001::/32), and not where another answer to the same question says something else.
//!
//! ## Why it speaks against it
//!
//! IPv6-only networks translate (RFC 6147).
//!
//! ## What could still be wrong
//!
//! A forger may make his address in the same way.
//!
//! ## How to check in Wireshark
//!
//! `dns.aaaa` against `dns.a` of the same name.
//!
//! ## Source
//!
//! RFC 6147, RFC 6052.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::attribute::forged_answers;
use crate::detect::suspects::dns_answer::{addresses, answers, disagree};
use crate::detect::surroundings::OtherAnswer;
use std::net::IpAddr;

pub const RULE: Rule = Rule {
    id: "dns64",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &["dns-bogon", "dns-answers-conflict", "dns-same-answer", "dns-known-forged"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    if !answers(view.case).any(|(_, seen)| seen.message.addresses().any(|a| a.is_ipv6())) {
        return None;
    }
    let all: Vec<_> = answers(view.case).collect();
    // A translator says one thing.
    if all.iter().enumerate().any(|(n, (_, one))| all.iter().skip(n + 1).any(|(_, two)| disagree(one, two))) {
        return None;
    }
    for (_, seen) in all {
        let synthesised = addresses(&seen.message).into_iter().any(|a| match a {
            IpAddr::V6(v6) => {
                let s = v6.segments();
                let well_known = s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] || s[..3] == [0x64, 0xff9b, 1];
                let tail = IpAddr::from([(s[6] >> 8) as u8, s[6] as u8, (s[7] >> 8) as u8, s[7] as u8]);
                let teredo = s[..2] == [0x2001, 0];
                well_known || !teredo && view.around.other_answers.iter().any(|other| other.address == tail && is_trusted(view, other))
            }
            IpAddr::V4(_) => false,
        });
        if synthesised {
            let frame = view.case.entries.get(seen.entry)?.frame;
            return Some(Claim::new("dns64", Class::B, [frame], "the IPv6 address is made from the name's IPv4 address"));
        }
    }
    None
}

/// Whether an address was given by the resolver as far as one can see: as none that is known to be forged, in its time, and not in dispute.
fn is_trusted(view: &View<'_>, given: &OtherAnswer) -> bool {
    let name = view.suspect.trigger.as_ref().map(|t| t.value.to_ascii_lowercase()).unwrap_or_default();
    let fastest = view.around.resolver.as_ref().and_then(|r| r.rtt).unwrap_or(0);
    let disputed = |o: &OtherAnswer| o.flow == given.flow && o.frame != given.frame && o.address != given.address;
    let known = forged_answers::known(std::iter::once(given.address), Vec::new, &name).is_some();
    !known && given.delay >= fastest / 2 && !view.around.other_answers.iter().any(disputed)
}
