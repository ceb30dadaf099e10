//! # `control-name-ok`: another name on the same server goes through
//!
//! ## What it looks for
//!
//! A request of the same kind for another name to the same server and port, within two minutes of the suspect, that the
//! server answered, while the suspect's own name was never answered there. For DNS: the resolver answered other names.
//!
//! ## Why it speaks for interference
//!
//! The server, the path and the protocol work; what differs is the name.
//!
//! ## Innocent explanations
//!
//! A server that itself refuses or ignores this name (a virtual host that is not configured, a resolver that cannot
//! resolve it): `server-abort-pattern` and repetition on other servers speak to that.
//!
//! ## How to check in Wireshark
//!
//! Filter on the server's address; compare the conversations by `tls.handshake.extensions_server_name`, `http.host` or
//! `dns.qry.name`.
//!
//! ## Source
//!
//! OONI and Censored Planet judge by such controls; Raman et al., CCS 2020 on false positives without them.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stage, Stance, TriggerKind};
use crate::attribute::special::is_global;
use crate::detect::surroundings::Outcome;

pub const RULE: Rule = Rule {
    id: "control-name-ok",
    stance: Stance::For,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::TcpReset, Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Long enough for a test run or a page load, short enough for the path to be the same.
pub const NEAR_NS: i64 = 120_000_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let trigger = view.suspect.trigger.as_ref()?;
    // A client ends its own connections for reasons of its own, and a request that was answered was not stopped.
    if view.suspect.mechanism == Mechanism::TcpReset && (view.suspect.stage == Stage::Later || view.suspect.sender == view.case.client) {
        return None;
    }
    if trigger.kind == TriggerKind::DnsQname && !is_global(view.case.server_end().ip) {
        // A local forwarder may itself be without an answer.
        return None;
    }
    let at = view.case.entries.get(view.case.index_of(trigger.frame)?)?.time;
    let near = |t: crate::capture::Timestamp| t.since(at).abs() <= NEAR_NS;
    let server = view.case.server_end();
    let worked = view.around.same_name.iter().any(|a| {
        a.outcome == Outcome::Answered && a.server == server.ip && a.port == server.port && a.same_kind && near(a.time) && (a.ech || trigger.kind != TriggerKind::TlsEch)
    });
    if worked {
        return None;
    }
    let control = if trigger.kind == TriggerKind::TlsEch {
        // What differs is the extension, so the same name without it is the best control.
        let plain = view.around.same_name.iter().filter(|a| !a.ech && a.server == server.ip);
        plain.chain(&view.around.other_names).find(|a| a.outcome == Outcome::Answered && a.same_kind && near(a.time))
    } else {
        view.around.other_names.iter().find(|a| a.outcome == Outcome::Answered && a.same_kind && near(a.time))
    }?;
    let name = String::from_utf8_lossy(&control.name).escape_debug().to_string();
    let shown = if name.is_empty() { "a request without a name".to_owned() } else { name };
    let text = format!("{shown} on the same server was answered {:.1} s away", control.time.since(at).abs() as f64 / 1e9);
    // One lost datagram is loss, whatever went through beside it.
    let single = view.suspect.mechanism == Mechanism::Drop && view.case.flow.key.protocol != 6 && view.suspect.packets.len() < 2 && view.around.unanswered_queries < 2;
    let class = if single && view.around.name_hit.is_none() { Class::C } else { Class::B };
    Some(Claim::new("control-name-ok", class, [control.frame], text))
}
