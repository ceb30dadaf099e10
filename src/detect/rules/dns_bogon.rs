//! # `dns-bogon`: a special-use address for a public name, from a public resolver
//!
//! ## What it looks for
//!
//! Every address in the answer is private, loopback, unspecified, reserved, documentation, or Teredo, although the
//! resolver has a global address and the name is one of the public DNS. Class B; of private addresses (RFC 1918, RFC 4193) class C, for
//! many publish those of their own networks, unless another answer of the capture gives the name one of another kind, or three unrelated
//! names got the same.
//!
//! ## Why it speaks for interference
//!
//! Hardly anybody publishes such addresses for public names; injectors and blocking resolvers give them out.
//!
//! ## Innocent explanations
//!
//! Names that are private on purpose (rebinding tests, development names such as `localtest.me`, remote-desktop and NAS
//! services), filtering resolvers people choose (they say 0.0.0.0 for advertisers).
//!
//! ## How to check in Wireshark
//!
//! `dns.a == 10.0.0.0/8 || dns.a == 127.0.0.0/8 || dns.a == 0.0.0.0`.
//!
//! ## Source
//!
//! RFC 6890 and the IANA special-purpose registries; OONI's bogon rule.

use super::dns_unfiltered::UNRELATED;
use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{addresses, answers, odd};
use crate::attribute::special;
use std::net::IpAddr;

pub const RULE: Rule = Rule {
    id: "dns-bogon",
    stance: Stance::For,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let resolver = view.case.server_end().ip;
    let name = view.suspect.trigger.as_ref()?.value.clone();
    if !special::is_global(resolver) || !special::is_public_name(&name) {
        return None;
    }
    let odd = odd(view);
    for (_, seen) in answers(view.case).filter(|(i, _)| odd.contains(i)) {
        let given = addresses(&seen.message);
        if let Some(first) = given.first()
            && given.iter().all(|a| !special::is_global(*a))
        {
            let frame = view.case.entries.get(seen.entry)?.frame;
            // An owner publishes one network of his, to everybody.
            let shared = view.around.same_answer_names >= UNRELATED;
            let published = !shared && given.iter().all(|a| is_private(*a)) && view.around.other_answers.iter().all(|o| is_private(o.address));
            let class = if published { Class::C } else { Class::B };
            let text = format!("{first} ({}) for a public name, from a public resolver", special::describe(*first));
            return Some(Claim::new("dns-bogon", class, [frame], text));
        }
    }
    None
}

/// Whether somebody's own network may have the address.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}
