//! # `control-name-ok`: another name on the same server goes through
//!
//! ## What it looks for
//!
//! A request of the same kind for another name to the same server and port, within two minutes of the suspect, that the
//! server answered, while the suspect's own name was never answered there. For DNS: the resolver answered other names. A
//! silence that began after the server's last answer, and in which other names share, is no such case: it may have gone down.
//! Nor is one during which another port of the server, one that does answer, was silent too. Nor is one of a resolver that
//! answered nobody while this name was asked for, if two others went unanswered too; a single question that was lost before
//! does not change that. Questions without RD count for nothing: a zone's server knows its zone. Nor is one where names that do go
//! through on the server have failed there as well, unless this name failed so much more often that chance would not deal it so (Fisher's
//! exact test, one in twenty; failures with no answer in between count as one).
//!
//! To a silence after an answer, only what went on after its answer went through.
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
use crate::capture::Timestamp;
use crate::detect::surroundings::{Afterwards, Attempt, Outcome};
use crate::detect::suspects::dns_answer::asks_recursion;
use crate::detect::trials::Trials;
use std::collections::BTreeSet;

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
    if trigger.kind == TriggerKind::DnsQname && (!is_global(view.case.server_end().ip) || !asks_recursion(view.case)) {
        // A local forwarder may itself be without an answer, and a zone's server knows its zone.
        return None;
    }
    let at = view.case.entries.get(view.case.index_of(trigger.frame)?)?.time;
    let near = |t: Timestamp| t.since(at).abs() <= NEAR_NS;
    let server = view.case.server_end();
    let worked = view.around.same_name.iter().any(|a| {
        a.is_answered_without(view.around.evasion) && a.server == server.ip && a.port == server.port && a.same_kind && near(a.time) && (a.ech || trigger.kind != TriggerKind::TlsEch)
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
    let dropped = view.suspect.mechanism == Mechanism::Drop;
    if dropped && (may_have_gone(view) || (trigger.kind != TriggerKind::DnsQname && Trials::of(view).is_chance())) {
        return None;
    }
    let name = String::from_utf8_lossy(control.name).escape_debug().to_string();
    let shown = if name.is_empty() { "a request without a name".to_owned() } else { name };
    let text = format!("{shown} on the same server was answered {:.1} s away", control.time.since(at).abs() as f64 / 1e9);
    // One lost datagram is loss, whatever went through beside it.
    let single = view.suspect.mechanism == Mechanism::Drop && view.case.flow.key.protocol != 6 && view.suspect.packets.len() < 2 && view.around.unanswered_queries < 2;
    let class = if single && view.around.name_hit.is_none() { Class::C } else { Class::B };
    Some(Claim::new("control-name-ok", class, [control.frame], text))
}

/// Whether another port of the server was silent too, or nothing was heard of the server since the suspect's request, or of a resolver
/// while the name was asked for, and other names fared like this one: it may have gone down in between.
pub fn may_have_gone(view: &View<'_>) -> bool {
    /// Stub resolvers ask again after so long.
    const AROUND_NS: i64 = 2_000_000_000;
    /// As many questions in vain as `name-repeats` asks for, but for the first.
    const LOST: usize = 2;
    let around = view.around;
    if around.gone {
        return true;
    }
    let Some(trigger) = view.suspect.trigger.as_ref() else { return false };
    let Some(at) = view.case.index_of(trigger.frame).and_then(|i| view.case.entries.get(i)).map(|e| e.time) else { return false };
    let dns = trigger.kind == TriggerKind::DnsQname;
    let server = view.case.server_end().ip;
    let mut tries: Vec<Timestamp> =
        around.same_name.iter().filter(|a| dns && a.server == server && a.outcome == Outcome::Silent).map(|a| a.time).chain([at]).collect();
    tries.sort_unstable();
    let others = around.other_names.iter();
    let until = tries.last().copied().unwrap_or(at);
    let answered = |a: &&Attempt<'_>| a.outcome == Outcome::Answered;
    let alive = others.clone().chain(&around.other_port).chain(&around.other_protocol).filter(answered).map(|a| a.time);
    let alive = alive.filter(|t| !dns || t.since(until) <= AROUND_NS).max();
    // One question may get lost while others are answered. What counts is those since the server answered last.
    let before = tries.partition_point(|t| alive.is_some_and(|alive| *t <= alive));
    let lost = before == 1 && tries.len() > LOST;
    if before > 0 && !lost {
        return false;
    }
    let from = tries.get(before).copied().unwrap_or(at);
    let heard = others.clone().filter(|a| a.outcome == Outcome::Answered && a.time < at).map(|a| a.time).max();
    let shared = |t: Timestamp| if dns { from.since(t) <= AROUND_NS && t.since(until) <= AROUND_NS } else { heard.is_some_and(|h| t > h) };
    // One that was cut after an answer had one.
    let unheard = |a: &&Attempt<'_>| a.outcome == Outcome::Silent && a.afterwards != Afterwards::Cut;
    let silent = others.filter(unheard).filter(|a| a.same_kind && !a.hit && shared(a.time)).map(|a| &a.name);
    // Two names that are looked up together may both be filtered.
    silent.collect::<BTreeSet<_>>().len() > usize::from(dns)
}
