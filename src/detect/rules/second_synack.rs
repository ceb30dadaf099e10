//! # `second-synack`: two SYN/ACKs that number the stream differently
//!
//! ## What it looks for
//!
//! Two SYN/ACKs of one side in one connection with different initial sequence numbers, no more SYNs than would explain
//! them.
//!
//! ## Why it speaks for interference
//!
//! A host chooses its initial sequence number once per connection (RFC 9293 section 3.4.1).
//!
//! ## Innocent explanations
//!
//! SYN cookies chosen anew for a repeated SYN (counted off), a load balancer in front of two servers.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && tcp.flags.syn == 1 && tcp.flags.ack == 1`.
//!
//! ## Source
//!
//! Wang et al., IMC 2017; HoneyBadger; SYN/ACK races in the QUANTUM INSERT captures.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;

pub const RULE: Rule = Rule {
    id: "second-synack",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpHandshake],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let syns = case.of(case.client).filter(|(_, e)| e.is_syn()).count();
    let syn_acks: Vec<_> = case.of(case.server()).filter(|(_, e)| e.is_syn_ack()).map(|(_, e)| e).collect();
    let mut numbers: Vec<u32> = syn_acks.iter().map(|e| e.seq).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let (_, odd) = packets(view).next()?;
    if numbers.len() < 2 || numbers.len() <= syns {
        return None;
    }
    let other = syn_acks.iter().find(|e| e.seq != odd.seq)?;
    Some(Claim::new("second-synack", Class::B, [odd.frame, other.frame], "a second SYN/ACK with another initial sequence number"))
}
