//! # `ttl-mirror`: the reset's TTL is made from the trigger's
//!
//! ## What it looks for
//!
//! A reset whose TTL lies an even number below the trigger's own, away from the server's TTLs, and whose identification
//! or window is the trigger's too.
//!
//! ## Why it speaks for interference
//!
//! Simple devices turn the offending packet round and send it back with the header it came with; its TTL then tells twice
//! the distance to the device.
//!
//! ## Innocent explanations
//!
//! A stateful firewall that answers an old connection's packet by turning it round (after a long idle time).
//!
//! ## How to check in Wireshark
//!
//! Compare `ip.ttl`, `ip.id` and `tcp.window_size_value` of the trigger and the reset.
//!
//! ## Source
//!
//! CenTrace captures (Russian provider DPI, 2022); net4people/bbs issue 98 (Iran).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use super::ttl_jump::hop_distance;

pub const RULE: Rule = Rule {
    id: "ttl-mirror",
    stance: Stance::For,
    class: Class::C,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    // The trigger is the client's own packet: its own resets resemble it by nature.
    let trigger = view.suspect.trigger.as_ref().filter(|_| view.suspect.sender != view.case.client)?;
    let t = view.case.entries.get(view.case.index_of(trigger.complete_at_frame)?)?;
    let own: Vec<u8> = view.case.of(view.suspect.sender).filter(|(_, e)| !e.is_rst()).map(|(_, e)| e.ttl).collect();
    let (_, r) = packets(view).find(|(_, r)| {
        let away = !own.is_empty() && own.iter().all(|o| hop_distance(*o, r.ttl) >= 3);
        let even = t.ttl >= r.ttl && (t.ttl - r.ttl) % 2 == 0;
        let mirrored = r.ip_id().is_some_and(|id| id != 0 && t.ip_id() == Some(id)) || (r.window != 0 && r.window == t.window);
        away && even && mirrored
    })?;
    let text = format!("TTL {} is {} below the trigger's: a device {} hops away that answers with the trigger's header", r.ttl, t.ttl - r.ttl, (t.ttl - r.ttl) / 2);
    Some(Claim::new("ttl-mirror", Class::C, [t.frame, r.frame], text).measured(f64::from(r.ttl), f64::from(t.ttl), "TTL"))
}
