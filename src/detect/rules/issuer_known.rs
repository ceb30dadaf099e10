//! # `issuer-known`: a certificate issuer known for interception
//!
//! ## What it looks for
//!
//! The issuer (or the certificate's hash) stands in the table of interception issuers. State and provider roots are class
//! B; products that people install on purpose are class C.
//!
//! ## Why it speaks for interference
//!
//! Such authorities sign certificates for names that are not theirs.
//!
//! ## Innocent explanations
//!
//! Endpoint protection and company gateways (class C; reported as what they are), a site that really uses such an
//! authority.
//!
//! ## How to check in Wireshark
//!
//! `tls.handshake.certificate`, issuer field.
//!
//! ## Source
//!
//! net4people/bbs issues 6, 46, 56, 66, 339; the source stands beside each row of `src/attribute/issuers.toml`.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::attribute::issuers;

pub const RULE: Rule = Rule {
    id: "issuer-known",
    stance: Stance::For,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::TlsIntercept],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let server = view.case.messages.server.as_ref()?;
    let row = server.certificates.iter().find_map(issuers::lookup)?;
    let class = if row.scope == "prod" { Class::C } else { Class::B };
    let frames = view.suspect.packets.iter().filter_map(|i| view.case.entries.get(*i)).map(|e| e.frame);
    Some(Claim::new("issuer-known", class, frames, format!("the certificate's issuer is {} ({})", row.system, row.source)))
}
