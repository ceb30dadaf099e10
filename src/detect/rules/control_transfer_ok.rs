//! # `control-transfer-ok`: another transfer in the same minutes was larger, or faster
//!
//! ## What it looks for
//!
//! For a stall: a transfer within two minutes that got through more than twice as much, under another name on the same server or
//! from another server. For a throttled transfer: one from the same server under another name, ten times as fast.
//! It counts only if the trouble is a series: three transfers that stopped after as much, or three of the name at the same rate.
//! Says nothing if the same name fared well there in the same minutes.
//!
//! ## Why it speaks for interference
//!
//! The line, the minute and (for a rate) the server are the same; what differs is the name or the address.
//!
//! ## Innocent explanations
//!
//! A server that limits some of its sites; other content with other sizes.
//!
//! ## How to check in Wireshark
//!
//! Statistics, TCP Stream Graphs, Throughput, for both conversations.
//!
//! ## Source
//!
//! Xue et al., IMC 2021: goodput with the throttled name against the same replay without it.

use super::{Rule, View, byte_limit, control_name_ok, rate_ceiling};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::surroundings::Seen;
use crate::detect::suspects::stall::freeze;

pub const RULE: Rule = Rule {
    id: "control-transfer-ok",
    stance: Stance::For,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::Stall, Mechanism::Throttle],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// A throttled transfer runs at less than a tenth of its control's rate.
pub const TIMES_AS_FAST: f64 = 10.0;

fn check(view: &View<'_>) -> Option<Claim> {
    match view.suspect.mechanism {
        Mechanism::Stall => stalled(view),
        _ => throttled(view),
    }
}

/// Whether a transfer ran within two minutes of the suspect's flow.
pub fn near(view: &View<'_>, t: &Seen) -> bool {
    t.first.since(view.case.flow.last) <= control_name_ok::NEAR_NS && view.case.flow.first.since(t.last) <= control_name_ok::NEAR_NS
}

fn is_own_name(view: &View<'_>, t: &Seen) -> bool {
    let name = view.suspect.trigger.as_ref().map_or(&[][..], |trigger| &trigger.value);
    t.server == view.case.server_end().ip && t.name.eq_ignore_ascii_case(name)
}

fn stalled(view: &View<'_>) -> Option<Claim> {
    let freeze = freeze(view.case)?;
    let transfer = &freeze.transfer;
    let larger = |t: &&Seen| !t.frozen && t.bytes > transfer.bytes * 2 && near(view, t);
    let controls: Vec<&Seen> = view.around.transfers.iter().filter(larger).collect();
    if controls.iter().any(|t| is_own_name(view, t)) {
        return None;
    }
    let server = view.case.server_end().ip;
    let control = controls.iter().find(|t| t.server == server).or(controls.first())?;
    let series = byte_limit::alike(view, &freeze).len() >= byte_limit::OTHERS;
    let text = format!("a transfer of {} octets {} went through", control.bytes, told(control, server));
    let class = if series { Class::B } else { Class::C };
    Some(Claim::new("control-transfer-ok", class, [control.frame], text).measured(control.bytes as f64, transfer.bytes as f64, "octets"))
}

fn throttled(view: &View<'_>) -> Option<Claim> {
    let transfer = view.case.transfer()?;
    let server = view.case.server_end().ip;
    let faster = |t: &&Seen| t.server == server && t.rate >= TIMES_AS_FAST * transfer.rate && !t.frozen && near(view, t);
    let controls: Vec<&Seen> = view.around.transfers.iter().filter(faster).collect();
    if controls.iter().any(|t| is_own_name(view, t)) {
        return None;
    }
    let control = controls.first()?;
    let series = rate_ceiling::alike(view, transfer).len() >= rate_ceiling::OTHERS;
    let text = format!("a transfer {} ran at {:.0} octets a second", told(control, server), control.rate);
    let class = if series { Class::B } else { Class::C };
    Some(Claim::new("control-transfer-ok", class, [control.frame], text).measured(control.rate, transfer.rate, "octets/s"))
}

fn told(control: &Seen, server: std::net::IpAddr) -> String {
    let name = String::from_utf8_lossy(&control.name).escape_debug().to_string();
    match (name.is_empty(), control.server == server) {
        (false, true) => format!("for {name} on the same server"),
        (true, true) => "without a name on the same server".to_owned(),
        (false, false) => format!("for {name} from {}", control.server),
        (true, false) => format!("from {}", control.server),
    }
}
