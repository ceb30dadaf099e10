//! # `protocol-control`: another protocol to the same host goes through
//!
//! ## What it looks for
//!
//! A first message that was never acknowledged (TCP) or answered (QUIC), of a protocol that nobody in the capture got an
//! answer to, while requests of another protocol to the same host were answered within two minutes.
//!
//! ## Why it speaks for interference
//!
//! Host and path are up; what differs is the protocol.
//!
//! ## Innocent explanations
//!
//! Networks that close UDP port 443 as a policy; a firewall at the server that knows only its own protocols.
//!
//! ## How to check in Wireshark
//!
//! Filter on the server's address; compare the conversations by protocol.
//!
//! ## Source
//!
//! Iran's protocol filter of 2020 (net4people/bbs issue 49); QUIC blocking (Elmenhorst et al., IMC 2021).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance, TriggerKind};
use super::control_name_ok::NEAR_NS;
use crate::detect::suspects::drop::{Acknowledged, silence};
use crate::detect::surroundings::Outcome;

pub const RULE: Rule = Rule {
    id: "protocol-control",
    stance: Stance::For,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let trigger = view.suspect.trigger.as_ref().filter(|t| t.kind == TriggerKind::Protocol)?;
    let case = view.case;
    let request = case.messages.requests.iter().find(|r| r.frame == trigger.frame)?;
    let server = case.server_end();
    let spoken = view.around.same_name.iter().any(|a| a.outcome == Outcome::Answered && a.server == server.ip && a.port == server.port);
    let passes = if case.flow.key.protocol == 6 { spoken } else { view.around.kind_answered > 0 };
    if passes || (case.flow.key.protocol == 6 && silence(case, request)?.acknowledged == Acknowledged::All) {
        return None;
    }
    let control = view.around.other_protocol.as_ref()?;
    let gap = control.time.since(case.flow.first).abs();
    (gap <= NEAR_NS).then(|| Claim::new("protocol-control", Class::B, [control.frame], format!("another protocol to the same host was answered {:.1} s away", gap as f64 / 1e9)))
}
