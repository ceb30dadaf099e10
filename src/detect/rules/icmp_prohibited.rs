//! # `icmp-prohibited`: a router says the conversation is forbidden
//!
//! ## What it looks for
//!
//! ICMP "administratively prohibited" (or ICMPv6 "administratively prohibited", "reject route") about the client's packets, from
//! an address that is not the server's, while the server itself sent no data. Connections that the capture does not see begin
//! are left out: a gateway that has forgotten them may refuse them for that.
//!
//! ## Why it speaks for interference
//!
//! The message says in so many words that somebody's rule stopped the packet. Whose rule it is, it does not say: the
//! mechanism is never called more than likely.
//!
//! ## Innocent explanations
//!
//! A provider's or company's ordinary access rule; the server's own firewall in front of it (`icmp-from-server` speaks to
//! that).
//!
//! ## How to check in Wireshark
//!
//! `icmp.type == 3 && icmp.code in {9, 10, 13}`.
//!
//! ## Source
//!
//! RFC 1812 section 5.2.7.1; RFC 4443 section 3.1.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::icmp_error::source;
use crate::packet::icmp::IcmpError;

pub const RULE: Rule = Rule {
    id: "icmp-prohibited",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::IcmpError],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let server = view.case.server_end().ip;
    let refusals: Vec<_> = view.suspect.packets.iter().filter_map(|i| view.case.entries.get(*i)).filter(|e| source(e).is_some_and(|s| s != server)).collect();
    let first = refusals.first()?;
    let (version, kind, code) = first.icmp()?;
    let from = source(first)?;
    let text = format!("{from} reports: {}", IcmpError::name(version, kind, code));
    Some(Claim::new("icmp-prohibited", Class::A, refusals.iter().map(|e| e.frame), text))
}
