//! # `ack-after-reset`: the sender goes on acknowledging after its own reset
//!
//! ## What it looks for
//!
//! A packet without payload (a bare ACK, a SYN/ACK, a FIN) from the side that is said to have reset the connection,
//! provably sent after the reset, or, as class B, later than a round trip and three times the largest reordering in the
//! capture. A reset that answers what was never sent, or a SYN/ACK that a program asked for past its kernel, is contradicted
//! by nothing; where `another-machine` speaks, or the reset is numbered behind what was sent, this is class B.
//!
//! ## Why it speaks for interference
//!
//! A host that has sent a reset answers what still arrives with further resets, never with an acknowledgement. Behind on-
//! path injectors the real server usually gets one ACK out before our own kernel's reset silences it.
//!
//! ## Innocent explanations
//!
//! Reordering, mirror ports, a load balancer that resets while the server behind it goes on.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && tcp.flags.ack == 1 && tcp.flags.reset == 0` below the reset.
//!
//! ## Source
//!
//! RFC 9293 section 3.10.7; captures from China in the ECH measurements of 2025, where 14 of 14 reset flows show it.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::contradiction;

pub const RULE: Rule = Rule {
    id: "ack-after-reset",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let found = contradiction(view, |_, p| p.payload_len == 0)?;
    let (r, p) = (view.case.entries.get(found.reset)?, view.case.entries.get(found.packet)?);
    let class = found.class(view);
    let lag = found.lag as f64 / 1e6;
    let text = format!("a packet with flags {} follows {lag:.1} ms after the reset, from the side that is said to have sent it", p.flag_letters());
    Some(Claim::new("ack-after-reset", class, [r.frame, p.frame], text).measured(lag, 0.0, "ms"))
}
