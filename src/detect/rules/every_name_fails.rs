//! # `every-name-fails`: no name works on this server
//!
//! ## What it looks for
//!
//! At least one other name, or another request, was tried on the same server and port, and none was ever answered. Names of
//! the same registered domain (publicsuffix.org) are no other names where that domain is met with silence on another server
//! too: a filter takes out what is below a name as well.
//!
//! ## Why it speaks against it
//!
//! Then the server, its firewall or the path is at fault, not the name: a device near a server that refuses everything
//! looks like a perfect injector.
//!
//! ## What could still be wrong
//!
//! An address that is blocked as a whole looks the same (trigger `ip`, not a name).
//!
//! ## How to check in Wireshark
//!
//! Filter on the server's address and port.
//!
//! ## Source
//!
//! Field experience: a firewall that reset every name on one server of the CenTrace control set.

use super::{Rule, View};
use crate::app::domain::registered;
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::surroundings::{Attempt, Outcome};

pub const RULE: Rule = Rule {
    id: "every-name-fails",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::TcpReset, Mechanism::Drop],
    rebuts: &["name-repeats", "control-name-ok"],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let trigger = view.suspect.trigger.as_ref()?;
    let server = view.case.server_end();
    let elsewhere = view.suspect.mechanism == Mechanism::Drop && view.around.domain.iter().any(|a| a.server != server.ip);
    let own = trigger.value.to_ascii_lowercase();
    let kin = |a: &Attempt<'_>| elsewhere && registered(a.name) == registered(&own);
    let others: Vec<_> = view.around.other_names.iter().filter(|a| a.same_kind && !a.hit && !kin(a)).collect();
    let same: Vec<_> = view.around.same_name.iter().filter(|a| a.server == server.ip && a.same_kind).collect();
    if others.is_empty() || others.iter().chain(&same).any(|a| a.outcome == Outcome::Answered) {
        return None;
    }
    let text = format!("{} other request(s) on the same server failed too, none was answered", others.len());
    Some(Claim::new("every-name-fails", Class::B, others.iter().take(8).map(|a| a.frame).chain([trigger.frame]), text))
}
