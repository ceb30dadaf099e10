//! # `disguise-passes`: the same name goes through in disguise
//!
//! ## What it looks for
//!
//! Requests for the name on the same server were answered when the client used a way around filters that the suspect does
//! not use, and never without it. What counts is decoys, which never reach a server; for a suspect without any such thing
//! also a message cut up or oddly written. Either chance is ruled out (Fisher's exact test over both kinds, one in ten), or
//! all in disguise were answered, at least one before the suspect and one after it, within two minutes.
//!
//! ## Why it speaks for interference
//!
//! Server, path and name are the same. That something which the server never sees, or reads as the same message, makes the
//! difference takes somebody in between who reads along.
//!
//! ## Innocent explanations
//!
//! A server that comes and goes while a tool tries one way after the other.
//!
//! ## How to check in Wireshark
//!
//! Filter on the server's address; compare conversations that have packets with a small TTL or a wrong checksum in front of
//! the ClientHello, or one cut into pieces, with those that have not.
//!
//! ## Source
//!
//! Bock et al., CCS 2019 (Geneva); Xue et al., IMC 2022 on what the TSPU lets pass. The test: Fisher 1925.

use super::control_name_ok::{NEAR_NS, may_have_gone};
use super::{Rule, View};
use crate::detect::evasion::Evasion;
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stage, Stance, TriggerKind};
use crate::detect::surroundings::{Attempt, Outcome};
use crate::detect::fisher::fisher;
use std::collections::BTreeSet;

pub const RULE: Rule = Rule {
    id: "disguise-passes",
    stance: Stance::For,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::TcpReset, Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Tables as unlikely as this are not put down to chance.
const CHANCE: f64 = 0.1;

fn check(view: &View<'_>) -> Option<Claim> {
    let (case, around) = (view.case, view.around);
    let trigger = view.suspect.trigger.as_ref().filter(|t| !t.value.is_empty() && t.kind != TriggerKind::DnsQname)?;
    if view.suspect.mechanism == Mechanism::TcpReset && (view.suspect.stage == Stage::Later || view.suspect.sender == case.client) {
        return None;
    }
    let at = case.entries.get(case.index_of(trigger.frame)?)?.time;
    let server = case.server_end();
    let here = || around.same_name.iter().filter(|a| a.same_kind && a.server == server.ip && a.port == server.port);
    let own = around.evasion;
    if here().any(|a| a.is_answered_without(own)) || (view.suspect.mechanism == Mechanism::Drop && may_have_gone(view)) {
        return None;
    }
    let in_vain: Vec<&Attempt<'_>> =
        here().filter(|a| a.evasion & !own == 0 && matches!(a.outcome, Outcome::Silent | Outcome::Reset)).collect();
    let failed = in_vain.len() + 1;
    let tells = |a: &&Attempt<'_>| a.evasion & !own & if own == 0 { u8::MAX } else { Evasion::DECOYS } != 0;
    let disguises: BTreeSet<u8> = here().filter(tells).map(|a| a.evasion).collect();
    disguises.into_iter().find_map(|disguise| {
        let tried: Vec<&Attempt<'_>> = here().filter(|a| a.evasion == disguise).collect();
        let passed: Vec<&&Attempt<'_>> = tried.iter().filter(|a| a.outcome == Outcome::Answered).collect();
        let near = |a: &&&Attempt<'_>| a.time.since(at).abs() <= NEAR_NS;
        let around_it = passed.iter().any(|a| near(a) && a.time < at) && passed.iter().any(|a| near(a) && a.time > at);
        let chance = fisher((0, failed as u64), (passed.len() as u64, tried.len() as u64));
        if passed.len() < 2 || !(chance <= CHANCE || (around_it && passed.len() == tried.len())) {
            return None;
        }
        let plainly = if failed == 1 { "once".to_owned() } else { format!("{failed} times") };
        let text = format!(
            "the name failed {plainly} on this server, and was answered {} of {} times in disguise ({})",
            passed.len(),
            tried.len(),
            Evasion::names(disguise)
        );
        // As many as the test needs, for whoever judges by the evidence alone.
        let frames = passed.iter().take(10).map(|a| a.frame).chain(in_vain.iter().take(6).map(|a| a.frame)).chain([trigger.frame]);
        Some(Claim::new("disguise-passes", Class::B, frames, text).measured(chance, CHANCE, "probability"))
    })
}
