//! # `icmp-from-server`: the server's own firewall refuses
//!
//! ## What it looks for
//!
//! The ICMP message comes from the server's address, or from the same distance as the server.
//!
//! ## Why it speaks against it
//!
//! Hosts and the firewalls beside them refuse what they do not offer.
//!
//! ## What could still be wrong
//!
//! A box that forges the server's address in ICMP too.
//!
//! ## How to check in Wireshark
//!
//! `ip.src` of the ICMP message.
//!
//! ## Source
//!
//! iptables REJECT --reject-with icmp-admin-prohibited.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use super::ttl_jump::hop_distance;
use crate::detect::suspects::icmp_error::source;

pub const RULE: Rule = Rule {
    id: "icmp-from-server",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::IcmpError],
    rebuts: &["icmp-prohibited", "icmp-nearby"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let server = view.case.server_end().ip;
    let e = view.suspect.packets.first().and_then(|i| view.case.entries.get(*i))?;
    let beside = view.around.sender.ttls.iter().any(|(t, _)| hop_distance(*t, e.ttl) <= 1);
    (source(e) == Some(server) || beside).then(|| Claim::new("icmp-from-server", Class::B, [e.frame], "the refusal comes from the server or from beside it"))
}
