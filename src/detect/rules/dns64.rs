//! # `dns64`: an IPv6 address made from an IPv4 one
//!
//! ## What it looks for
//!
//! AAAA records in 64:ff9b::/96, or in a prefix whose last 32 bits are an IPv4 address that an A answer for the same name
//! gives.
//!
//! ## Why it speaks against it
//!
//! IPv6-only networks translate (RFC 6147).
//!
//! ## What could still be wrong
//!
//! None worth naming.
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
use crate::detect::suspects::dns_answer::{addresses, answers};
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
    for (_, seen) in answers(view.case) {
        let synthesised = addresses(&seen.message).into_iter().any(|a| match a {
            IpAddr::V6(v6) => {
                let s = v6.segments();
                let well_known = s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] || s[..3] == [0x64, 0xff9b, 1];
                let tail = IpAddr::from([(s[6] >> 8) as u8, s[6] as u8, (s[7] >> 8) as u8, s[7] as u8]);
                well_known || view.around.other_answers.iter().any(|other| other.address == tail)
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
