//! # `reset-behind`: the reset is numbered behind what was long acknowledged
//!
//! ## What it looks for
//!
//! A reset whose sequence number lies before bytes of the same side that the other side had acknowledged at least a round trip
//! earlier, and which no acknowledgement within that time named.
//!
//! ## Why it speaks for interference
//!
//! A host numbers a reset by what it sends next, or by the acknowledgement it answers. A device that read its numbers from an
//! earlier packet, and lost time over it, comes too late.
//!
//! ## Innocent explanations
//!
//! A firewall or NAT that resets an idle connection from what it remembers; a duplicate of an old packet, answered by a host that
//! is gone. It supports, no more.
//!
//! ## How to check in Wireshark
//!
//! `tcp.seq` of the reset against the highest `tcp.ack` of the other side before it.
//!
//! ## Source
//!
//! Weaver, Sommer and Paxson, NDSS 2009 (DATA_SEQ_RST).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "reset-behind",
    stance: Stance::For,
    class: Class::C,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let (sender, other) = (view.suspect.sender, view.suspect.sender.other());
    let rtt = case.rtt.iter().flatten().copied().sum::<i64>();
    let start = case.starts[sender.index()]?;
    packets(view).find_map(|(i, r)| {
        let acks = || case.ordinary_before(other, i).filter(|(_, e)| e.has(tcp::ACK));
        let long_ago = acks().filter(|(_, e)| r.time.since(e.time) > rtt).map(|(_, e)| e.ack);
        let acknowledged = long_ago.reduce(|a, b| if ahead(b, a) > 0 { b } else { a })?;
        let named = acks().any(|(_, e)| r.time.since(e.time) <= rtt && e.ack == r.seq);
        let behind = ahead(acknowledged, r.seq);
        // A number from before the stream is a refusal or a scrap, which other rules weigh.
        (behind > 0 && ahead(r.seq, start) > 0 && !named).then(|| {
            let text = format!("the reset is numbered {behind} octets behind what was acknowledged more than a round trip before");
            Claim::new("reset-behind", Class::C, [r.frame], text).measured(behind as f64, 0.0, "octets")
        })
    })
}
