//! # `tls-validates`: the address proved to be the name's own
//!
//! ## What it looks for
//!
//! A later TLS connection to the answered address, for this very name, completed: with a certificate that names it (TLS
//! 1.2), or with a normal session (TLS 1.3).
//!
//! ## Why it speaks against it
//!
//! A forged address has no key for the name.
//!
//! ## What could still be wrong
//!
//! Interception with its own certificates (the certificate then names another issuer).
//!
//! ## How to check in Wireshark
//!
//! `ip.addr == ADDRESS && tls.handshake.extensions_server_name == "NAME"`.
//!
//! ## Source
//!
//! OONI's TLS-consistency rule.

use super::{Rule, View};
use crate::detect::suspects::dns_answer::{addresses, answers, odd};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "tls-validates",
    stance: Stance::Against,
    class: Class::A,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &["dns-known-forged", "dns-bogon", "dns-same-answer", "dns-no-such-name", "dns-ttl-outlier", "dns-edns-lost", "dns-flags-odd", "too-early", "dns-answers-conflict"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let odd = odd(view);
    let mut given = answers(view.case).filter(|(i, _)| odd.contains(i)).flat_map(|(_, d)| addresses(&d.message));
    let frame = given.find_map(|a| view.around.validated.iter().find(|(v, _)| *v == a).map(|(_, f)| *f))?;
    Some(Claim::new("tls-validates", Class::A, [frame], "a TLS session for this name succeeded with the answered address"))
}
