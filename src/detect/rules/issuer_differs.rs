//! # `issuer-differs`: the same name has another issuer elsewhere
//!
//! ## What it looks for
//!
//! A certificate for the same name, from another address in the same capture, was issued by another authority.
//!
//! ## Why it speaks for interference
//!
//! A site's servers share an authority; an interceptor signs in its own name.
//!
//! ## Innocent explanations
//!
//! Sites that use several authorities at once.
//!
//! ## How to check in Wireshark
//!
//! `tls.handshake.certificate` of both connections.
//!
//! ## Source
//!
//! Kazakhstan measurements (Raman et al., IMC 2020).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "issuer-differs",
    stance: Stance::For,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::TlsIntercept],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (issuer, frame) = view.around.other_issuer.as_ref()?;
    Some(Claim::new("issuer-differs", Class::B, [*frame], format!("another connection for this name shows the issuer {issuer}")))
}
