//! # `options-missing`: the packet lacks the timestamps the connection uses
//!
//! ## What it looks for
//!
//! A packet with ACK but without TCP timestamps from a side all of whose earlier packets carry them. For a reset this is class
//! C, for any other packet class B.
//!
//! ## Why it speaks for interference
//!
//! RFC 7323 section 3.2 asks for timestamps in every segment but resets, and kernels that abort a live connection put
//! them into the reset too. Injectors rarely bother.
//!
//! ## Innocent explanations
//!
//! Kernels that reset from a closed socket send no options; firewalls that answer for a server do not either. So this
//! only supports.
//!
//! ## How to check in Wireshark
//!
//! `tcp.options.timestamp.tsval` is present in the side's other packets and absent in the reset.
//!
//! ## Source
//!
//! RFC 7323; Linux tcp_send_active_reset.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "options-missing",
    stance: Stance::For,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset, Mechanism::TcpFin, Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (_, r) = packets(view).find(|(i, r)| {
        let before: Vec<bool> = view.case.ordinary_before(view.suspect.sender, *i).map(|(_, e)| e.timestamps().is_some()).collect();
        r.has(tcp::ACK) && r.timestamps().is_none() && !before.is_empty() && before.iter().all(|b| *b)
    })?;
    let class = if r.is_rst() { Class::C } else { Class::B };
    Some(Claim::new("options-missing", class, [r.frame], "no TCP timestamps, though the connection uses them"))
}
