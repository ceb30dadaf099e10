//! # `synack-mirrors-syn`: the SYN/ACK is built from the SYN
//!
//! ## What it looks for
//!
//! A SYN/ACK whose IP identification is that of the SYN it answers and not zero, or whose DF bit or options differ from
//! the other SYN/ACK of the connection.
//!
//! ## Why it speaks for interference
//!
//! Two answers built by two programs come from two machines.
//!
//! ## Innocent explanations
//!
//! A load balancer in front of two kinds of server.
//!
//! ## How to check in Wireshark
//!
//! Compare `ip.id`, `ip.flags.df` and `tcp.options` of the SYN and both SYN/ACKs.
//!
//! ## Source
//!
//! HoneyBadger test captures; net4people/bbs issue 294 (TTL of the SYN/ACK mirrors the probe's).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::entry::fact;

pub const RULE: Rule = Rule {
    id: "synack-mirrors-syn",
    stance: Stance::For,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpHandshake],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let (_, odd) = packets(view).next()?;
    let (_, syn) = case.of(case.client).find(|(_, e)| e.is_syn())?;
    let (_, other) = case.of(case.server()).find(|(_, e)| e.is_syn_ack() && e.seq != odd.seq)?;
    let mirrored = odd.ip_id().is_some_and(|id| id != 0 && syn.ip_id() == Some(id));
    let differs = odd.header_len != other.header_len || odd.is(fact::DONT_FRAGMENT) != other.is(fact::DONT_FRAGMENT) || odd.timestamps().is_some() != other.timestamps().is_some();
    if !mirrored && !differs {
        return None;
    }
    let text = if mirrored { "its IP identification is the SYN's" } else { "its options or DF bit differ from the other SYN/ACK's" };
    Some(Claim::new("synack-mirrors-syn", Class::B, [syn.frame, odd.frame], text))
}
