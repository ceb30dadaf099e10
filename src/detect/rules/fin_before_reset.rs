//! # `fin-before-reset`: the sender had finished before it reset
//!
//! ## What it looks for
//!
//! A FIN of the sender itself before its reset, with a TTL of the sender's own.
//!
//! ## Why it speaks against it
//!
//! Servers that have sent everything and closed answer what still comes with resets; that ends an exchange, it does not
//! cut one.
//!
//! ## What could still be wrong
//!
//! Injectors that close with a forged FIN and reset afterwards: their FIN has another TTL and is not counted.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && tcp.flags.fin == 1` above the reset.
//!
//! ## Source
//!
//! RFC 9293 section 3.6; half-closed sockets (RFC 1122 section 4.2.2.13).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use super::ttl_jump::hop_distance;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "fin-before-reset",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["control-name-ok", "name-repeats", "name-hit-elsewhere", "reset-burst-equal", "reset-mixed-flags", "options-missing", "window-odd", "ipid-jump"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (i, r) = packets(view).next()?;
    let mut before = view.case.ordinary_before(view.suspect.sender, i);
    let usual = before.next()?.1.ttl;
    // Balancers send the packets of one connection over paths of their own.
    let own = |ttl: u8| hop_distance(ttl, usual) <= 2 || view.around.sender.ttl_distance(ttl) == Some(0);
    let fin = view.case.ordinary_before(view.suspect.sender, i).find(|(_, e)| e.has(tcp::FIN) && own(e.ttl))?.1;
    Some(Claim::new("fin-before-reset", Class::B, [fin.frame, r.frame], "this side had closed the connection before"))
}
