//! # `dns-no-such-name`: an address for a name that nobody has
//!
//! ## What it looks for
//!
//! A public resolver gives a public address for a name that cannot exist (under `.invalid`, or of a single label as browsers make up
//! to probe for this) or that looks made up: fifteen or more letters and digits right below the top level, changing from one to the
//! other four times or more. It supports, and is told of as unexplained at most by itself.
//!
//! ## Why it speaks for interference
//!
//! A resolver that sells what does not exist lies about the rest as easily, and DNSSEC, mail and scripts rely on the truth. The answer
//! is false all the same when nobody means to block anything.
//!
//! ## Innocent explanations
//!
//! Somebody may have registered such a name: programs that make up names (malware, tests) do. Search domains and company zones
//! have names of one label, at resolvers of their own (`resolver-policy`). A TLS session under the name refutes it.
//!
//! ## How to check in Wireshark
//!
//! `dns.flags.rcode == 0 && dns.a`: look up the name elsewhere, and ask the resolver for another name as unlikely.
//!
//! ## Source
//!
//! RFC 6761 section 6.4; RFC 7085; Chromium's intranet redirect detector; Kreibich et al., "Netalyzr", IMC 2010, on name errors
//! turned into advertisements.

use super::{Rule, View};
use crate::attribute::{special, unregistered};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{addresses, answers, odd};

pub const RULE: Rule = Rule {
    id: "dns-no-such-name",
    stance: Stance::For,
    class: Class::C,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    if !special::is_global(view.case.server_end().ip) {
        return None;
    }
    let odd = odd(view);
    answers(view.case).filter(|(i, _)| odd.contains(i)).find_map(|(_, seen)| {
        let given = addresses(&seen.message);
        // Addresses of special use have a rule of their own.
        let public = given.iter().any(|a| special::is_global(*a));
        let name = seen.message.question.as_ref().map(|q| q.name.as_lower_octets()).filter(|_| public)?;
        let frame = view.case.entries.get(seen.entry)?.frame;
        unregistered::why(&name).map(|why| Claim::new("dns-no-such-name", Class::C, [frame], why))
    })
}
