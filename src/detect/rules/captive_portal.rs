//! # `captive-portal`: the network shows its own page to everybody first
//!
//! ## What it looks for
//!
//! A page that redirects to a host to which, in this capture, a system's own connectivity check was redirected too. Operating
//! systems and browsers fetch such a check when they join a network, to find out whether a sign-in page stands in the way. Or a DNS answer
//! that gives an address at which such a check was redirected: the gateway has every name resolved to itself until then.
//!
//! ## Why it speaks against it
//!
//! A hotel's or a café's gateway answers every request in the server's name until its guest has signed in. It does so whatever
//! the name; nobody filters the check of a telephone.
//!
//! ## What could still be wrong
//!
//! A network that filters names and has a sign-in page on the same host. Two versions of the same bytes stay what they are:
//! forged, by the gateway.
//!
//! ## How to check in Wireshark
//!
//! `http.location`: the same host for every `http.host`, in the first minutes only.
//!
//! ## Source
//!
//! RFC 8952 (captive portal architecture); the check names are published by the makers of the systems.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "captive-portal",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::TcpData, Mechanism::DnsAnswer],
    rebuts: &["blockpage-known", "dark-after-answer", "name-hit-elsewhere", "options-missing", "page-bare", "too-early", "ttl-jump", "ipid-jump", "ipid-reused", "window-odd", "dns-bogon", "dns-same-answer", "dns-ttl-outlier", "dns-edns-lost", "dns-flags-odd"],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (name, frame) = view.around.portal.as_ref()?;
    let name = String::from_utf8_lossy(name).escape_debug().to_string();
    let how = if view.suspect.mechanism == Mechanism::DnsAnswer { "was redirected by this address" } else { "was sent to the same page" };
    Some(Claim::new("captive-portal", Class::B, [*frame], format!("the connectivity check of {name} {how}: a sign-in page for everybody")))
}
