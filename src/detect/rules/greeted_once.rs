//! # `greeted-once`: one conversation of its protocol failed, or others go through
//!
//! ## What it looks for
//!
//! A conversation that the server opened (SSH, SMTP and their like) and in which it heard nothing of the client's first words, while
//! another one on the same server and port went through within two minutes; or none that began at another time failed like it.
//!
//! ## Why it speaks against it
//!
//! Such a conversation names nothing, so that all that can have set a filter off is the protocol. A filter of protocols takes every
//! conversation; what befalls one of them befell it by chance, or by a ban that the server itself put on its client.
//!
//! ## What could still be wrong
//!
//! A filter that looks further than the protocol, or that was switched on or off meanwhile; a capture with one conversation only.
//!
//! ## How to check in Wireshark
//!
//! Filter on the port, and compare the conversations: `tcp.ack` of the server against the client's first data.
//!
//! ## Source
//!
//! What fail2ban and its like do: the port is closed to one address, also in the middle of a greeting.

use super::control_name_ok::NEAR_NS;
use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance, TriggerKind};
use crate::detect::surroundings::Outcome;
use crate::detect::suspects::drop::is_greeted;

pub const RULE: Rule = Rule {
    id: "greeted-once",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

/// What fails within so short a time fails together: one fault explains it. Each handshake after that shows the path up again.
const APART_NS: i64 = 1_000_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let trigger = view.suspect.trigger.as_ref().filter(|t| t.kind == TriggerKind::Protocol && case.flow.key.protocol == 6)?;
    let request = case.messages.requests.iter().find(|r| r.frame == trigger.frame && is_greeted(case, r.frame))?;
    let server = case.server_end();
    let same = || view.around.same_name.iter().filter(|a| a.same_kind && a.port == server.port);
    let apart = |t: crate::capture::Timestamp| t.since(request.time).abs();
    let passes = same().find(|a| a.outcome == Outcome::Answered && a.server == server.ip && apart(a.time) <= NEAR_NS);
    if let Some(other) = passes {
        let text = format!("another conversation of its kind went through on the same server {:.1} s away", apart(other.time) as f64 / 1e9);
        return Some(Claim::new("greeted-once", Class::B, [other.frame], text));
    }
    let again = same().any(|a| a.outcome == Outcome::Silent && apart(a.time) > APART_NS);
    (!again).then(|| Claim::new("greeted-once", Class::B, [trigger.frame], "no other conversation of its kind failed so at another time"))
}
