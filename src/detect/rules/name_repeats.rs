//! # `name-repeats`: the same name fails again and again, others do not
//!
//! ## What it looks for
//!
//! The same name failed in the same way on at least two servers, or at least three times, and never went through in the
//! capture, while requests of the same kind for other names did. Of DNS only questions that ask for recursion count. What
//! went through with a way around filters that the suspect does not use (decoys, messages cut up) does not count as having
//! gone through.
//!
//! Silences on one server count once for each stretch without an answer to another name, which one outage explains, unless each time the
//! server had just opened a connection. Where a name that does go through there failed as well, this one must have failed more often
//! than chance deals (as for `control-name-ok`).
//!
//! To a silence after an answer, one that was answered and then cut is another failure, and only what went on went through.
//!
//! Resets in the client's name count where they differ from its other packets (TTL, identification, options), and where this
//! name's connections are reset so on the server and those of others are not (Fisher's exact test, one in a hundred).
//!
//! The same for the names of one registered domain (publicsuffix.org), where the suspect is a request over TCP that was not
//! even acknowledged, and the servers are of two networks at least (24 bits of the address, 48 of IPv6).
//!
//! ## Why it speaks for interference
//!
//! A fault of one server or a passing loss does not follow a name from server to server.
//!
//! ## Innocent explanations
//!
//! A site that is down everywhere (all its servers silent); loss on the way to one network.
//!
//! ## How to check in Wireshark
//!
//! Filter on the name; look at every conversation.
//!
//! ## Source
//!
//! T14 of the field's passive tests; repeated measurement as in Sundara Raman et al., SIGCOMM 2023 section 5.

use super::reset_ladder::steps;
use super::control_name_ok::may_have_gone;
use super::trigger_then_silence::{TRIED, unheard};
use super::{Rule, View};
use crate::detect::suspects::dns_answer::asks_recursion;
use crate::detect::suspects::drop::{Acknowledged, later_silence, silence};
use crate::app::domain::registered;
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stage, Stance, Trigger, TriggerKind};
use crate::attribute::special::{is_global, network};
use crate::detect::messages::Request;
use crate::detect::fisher::fisher;
use crate::detect::trials::Trials;
use crate::detect::suspects::tcp_reset::is_foreign;
use crate::detect::surroundings::{Attempt, Outcome};
use std::collections::BTreeSet;

pub const RULE: Rule = Rule {
    id: "name-repeats",
    stance: Stance::For,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::TcpReset, Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let trigger = view.suspect.trigger.as_ref().filter(|t| !t.value.is_empty())?;
    let clients = view.suspect.mechanism == Mechanism::TcpReset && view.suspect.sender == view.case.client;
    if view.suspect.mechanism == Mechanism::TcpReset && (view.suspect.stage == Stage::Later || (clients && !is_foreign(view))) {
        return None;
    }
    if trigger.kind == TriggerKind::DnsQname && (!is_global(view.case.server_end().ip) || !asks_recursion(view.case)) {
        return None;
    }
    if view.around.kind_answered == 0 {
        return None;
    }
    if clients && !is_about_the_name(view) {
        return None;
    }
    by_name(view, trigger).or_else(|| by_domain(view, trigger))
}

fn by_name(view: &View<'_>, trigger: &Trigger) -> Option<Claim> {
    let same: Vec<_> = view.around.same_name.iter().filter(|a| a.same_kind && (trigger.kind != TriggerKind::TlsEch || a.ech)).collect();
    if same.iter().any(|a| a.is_answered_without(view.around.evasion)) || (view.around.name_answered && trigger.kind != TriggerKind::TlsEch) {
        return None;
    }
    let failed: Vec<_> = same.iter().filter(|a| matches!(a.outcome, Outcome::Silent | Outcome::Reset)).collect();
    let mut servers: BTreeSet<_> = failed.iter().map(|a| a.server).collect();
    servers.insert(view.case.server_end().ip);
    let times = failed.len() + 1;
    // On one server, a name that fails again and again may be the server's own doing, unless others go through there or the failure
    // is none that the program behind the port can cause.
    let gone = view.suspect.mechanism == Mechanism::Drop && may_have_gone(view);
    let others_pass = !gone && view.around.other_names.iter().any(|a| a.outcome == Outcome::Answered);
    if servers.len() < 2 && (times < 3 || !(others_pass || is_not_the_servers(view))) {
        return None;
    }
    if servers.len() < 2 && view.suspect.mechanism == Mechanism::Drop && trigger.kind != TriggerKind::DnsQname {
        let trials = Trials::of(view);
        if trials.failed < 2 || trials.is_chance() {
            return None;
        }
    }
    let frames = failed.iter().take(8).map(|a| a.frame).chain([trigger.frame]);
    let text = format!("the name failed {times} times on {} server(s) and never went through", servers.len());
    Some(Claim::new("name-repeats", Class::B, frames, text).measured(times as f64, 0.0, "failures"))
}

/// A gateway that resets in its clients' names does so whatever they ask for, and sooner or later three times in a row.
fn is_about_the_name(view: &View<'_>) -> bool {
    /// As rare as this it is no coincidence that a name and no other was hit.
    const CHANCE: f64 = 0.01;
    let ((reset, tried), others) = on_the_service(view, |outcome| outcome == Outcome::Reset);
    fisher((reset + 1, tried + 1), others) <= CHANCE
}

/// Of the other requests for the name on this server and port, and of those for other names, how many had such an outcome.
pub(super) fn on_the_service(view: &View<'_>, failed: impl Fn(Outcome) -> bool) -> ((u64, u64), (u64, u64)) {
    let server = view.case.server_end();
    let here = |a: &&Attempt<'_>| a.same_kind && a.server == server.ip && a.port == server.port;
    let count = |list: &[Attempt<'_>]| {
        let such = list.iter().filter(here).filter(|a| failed(a.outcome)).count() as u64;
        (such, list.iter().filter(here).count() as u64)
    };
    (count(&view.around.same_name), count(&view.around.other_names))
}

/// A filter that takes out a name takes out what is below it, on all its servers.
fn by_domain(view: &View<'_>, trigger: &Trigger) -> Option<Claim> {
    let (case, around) = (view.case, view.around);
    if view.suspect.mechanism != Mechanism::Drop || trigger.kind == TriggerKind::TlsEch || around.domain_answered.is_some() || !is_not_the_servers(view) {
        return None;
    }
    let failed = &around.domain;
    let own = trigger.value.to_ascii_lowercase();
    let names: BTreeSet<&[u8]> = failed.iter().map(|a| a.name).chain([own.as_slice()]).collect();
    let servers: BTreeSet<_> = failed.iter().map(|a| a.server).chain([case.server_end().ip]).collect();
    // Behind one machine in front of servers that are down every name fails, and such a machine has a row of addresses.
    let networks: BTreeSet<_> = servers.iter().map(|ip| network(*ip)).collect();
    let times = failed.len() + 1;
    if names.len() < 2 || networks.len() < 2 {
        return None;
    }
    let domain = String::from_utf8_lossy(registered(&own)).escape_debug().to_string();
    let frames = failed.iter().take(8).map(|a| a.frame).chain([trigger.frame]);
    let (names, servers) = (names.len(), servers.len());
    let text = format!("{times} requests for {names} names of {domain} failed on {servers} servers, and none ever went through");
    Some(Claim::new("name-repeats", Class::B, frames, text).measured(times as f64, 0.0, "failures"))
}

/// A kernel that completes handshakes acknowledges data, and what is sent after it, whatever its program does; and no kernel repeats
/// resets on a timer.
fn is_not_the_servers(view: &View<'_>) -> bool {
    let case = view.case;
    if view.suspect.mechanism == Mechanism::TcpReset {
        return steps(view).len() >= 2;
    }
    let request = case.messages.requests.iter().find(|r| view.suspect.trigger.as_ref().is_some_and(|t| t.frame == r.frame));
    let unacknowledged = |r: &Request| silence(case, r).is_some_and(|s| s.acknowledged != Acknowledged::All || unheard(case, r) >= TRIED);
    case.flow.key.protocol == 6 && (request.is_some_and(unacknowledged) || later_silence(case).is_some())
}
