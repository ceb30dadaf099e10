//! # `reset-with-payload`: a reset that carries bytes
//!
//! ## What it looks for
//!
//! A RST whose IP length leaves room for payload behind the TCP header.
//!
//! ## Why it speaks for interference
//!
//! No common stack puts data into a reset (RFC 9293 allows a diagnostic text, none sends one). Known injectors do: ten
//! counting bytes, or Ethernet padding counted into the IP length.
//!
//! ## Innocent explanations
//!
//! Hand-made test traffic. Padding outside the IP length is not counted here.
//!
//! ## How to check in Wireshark
//!
//! `tcp.flags.reset == 1 && tcp.len > 0`.
//!
//! ## Source
//!
//! net4people/bbs issue 442 (Henan); captures from Iran in the ECH measurements of 2025 (14 of 14 resets with six zero
//! bytes).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;

pub const RULE: Rule = Rule {
    id: "reset-with-payload",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (_, r) = packets(view).find(|(_, e)| e.payload_len > 0)?;
    let zeros = !r.peek().is_empty() && r.peek().iter().all(|b| *b == 0);
    let what = if zeros { "zero bytes" } else { "bytes" };
    let text = format!("the reset carries {} {what} of payload", r.payload_len);
    Some(Claim::new("reset-with-payload", Class::B, [r.frame], text).measured(f64::from(r.payload_len), 0.0, "bytes"))
}
