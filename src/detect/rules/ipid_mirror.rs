//! # `ipid-mirror`: the reset carries the trigger's IP identification
//!
//! ## What it looks for
//!
//! A reset whose identification equals that of the packet that set it off, or is one more, and is not zero.
//!
//! ## Why it speaks for interference
//!
//! The device that made the reset built it from the trigger's header.
//!
//! ## Innocent explanations
//!
//! A stateful firewall that turns a packet of an expired connection round does the same; it follows a long idle time, not
//! a name.
//!
//! ## How to check in Wireshark
//!
//! Compare `ip.id` of the trigger and the reset.
//!
//! ## Source
//!
//! net4people/bbs issue 39 (Iran); CenTrace captures 2022.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;

pub const RULE: Rule = Rule {
    id: "ipid-mirror",
    stance: Stance::For,
    class: Class::C,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset, Mechanism::TcpFin, Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    // The trigger is the client's own packet: its own resets resemble it by nature.
    let trigger = view.suspect.trigger.as_ref().filter(|_| view.suspect.sender != view.case.client)?;
    let t = view.case.entries.get(view.case.index_of(trigger.complete_at_frame)?)?;
    let id = t.ip_id().filter(|id| *id != 0)?;
    let (_, r) = packets(view).find(|(_, r)| r.ip_id().is_some_and(|x| x == id || x == id.wrapping_add(1)))?;
    let text = format!("IP identification {} is the trigger's{}", r.ip_id, if r.ip_id == id { "" } else { " plus one" });
    Some(Claim::new("ipid-mirror", Class::C, [t.frame, r.frame], text).measured(f64::from(r.ip_id), f64::from(id), "IP ID"))
}
