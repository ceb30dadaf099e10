//! ICMP errors that say a box on the way forbids the conversation.

use crate::detect::case::{Case, Role};
use crate::detect::finding::{Mechanism, Stage, Suspect};
use crate::flow::entry::{Entry, fact};
use std::net::IpAddr;

/// At most one suspect: the administrative refusals of a flow that never got data.
pub fn find(case: &Case<'_>) -> Option<Suspect> {
    if !case.has(fact::ICMP) {
        return None;
    }
    // What a gateway has forgotten, or a capture begins in the middle of, may be refused because it is no beginning.
    if case.flow.key.protocol == 6 && case.role != Role::Syn {
        return None;
    }
    let packets: Vec<usize> = case.entries.iter().enumerate().filter(|(_, e)| is_refusal(e)).map(|(i, _)| i).collect();
    packets.first()?;
    // The client's own packets were refused, and the server said nothing (its SYN/ACK may have come after the refusal: on-path).
    let refused = packets.iter().filter_map(|i| case.entries.get(*i)).all(|e| e.direction() == case.server());
    if !refused || case.of(case.server()).any(|(_, e)| e.payload_len > 0) {
        return None;
    }
    let trigger = super::address_trigger(case);
    trigger.as_ref()?;
    Some(Suspect { mechanism: Mechanism::IcmpError, stage: Stage::PostSyn, trigger, sender: case.server(), packets, answers: Vec::new() })
}

/// "Administratively prohibited" in its variants. ICMPv6's code 5 is not one of them: it is about the client's own address.
fn is_refusal(e: &Entry) -> bool {
    matches!(e.icmp(), Some((4, 3, 9 | 10 | 13) | (6, 1, 1 | 6)))
}

/// The address an ICMP error came from.
pub fn source(e: &Entry) -> Option<IpAddr> {
    match e.peek() {
        [a, b, c, d] => Some(IpAddr::from([*a, *b, *c, *d])),
        bytes => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}
