//! Suspects: packets, or a silence, that need explaining. One file per mechanism.

pub mod dns_answer;
pub mod drop;
pub mod icmp_error;
pub mod stall;
pub mod tcp_data;
pub mod tcp_reset;
pub mod throttle;
pub mod tls_intercept;

use super::case::Case;
use super::finding::{Suspect, Trigger, TriggerKind};
use super::messages::Request;

/// Every suspect of a case.
pub fn find(case: &Case<'_>) -> Vec<Suspect> {
    if case.flow.hidden || case.flow.evicted {
        return Vec::new();
    }
    let mut found = tcp_reset::find(case);
    found.extend(tcp_data::find(case));
    found.extend(dns_answer::find(case));
    found.extend(icmp_error::find(case));
    found.extend(tls_intercept::find(case));
    // A connection that the server's side reset is not silent as well; a client that gives up often resets.
    if found.iter().all(|s| s.sender == case.client) {
        let stalled = stall::find(case);
        // What was throttled to death has stalled, and a stall is a silence: one finding says it.
        let silent = stalled.or_else(|| drop::find(case));
        if silent.is_none() {
            found.extend(throttle::find(case));
        }
        found.extend(silent);
    }
    found
}

/// The trigger a request makes.
pub fn trigger(request: &Request) -> Trigger {
    Trigger {
        kind: request.kind,
        value: request.value.clone(),
        frame: request.frame,
        complete_at_frame: request.complete_at_frame,
        seq_end: request.seq_end,
    }
}

/// Before anything was said, only the address can have set interference off.
pub fn address_trigger(case: &Case<'_>) -> Option<Trigger> {
    let (_, first) = case.of(case.client).next()?;
    let value = case.server_end().ip.to_string().into_bytes();
    Some(Trigger { kind: TriggerKind::Ip, value, frame: first.frame, complete_at_frame: first.frame, seq_end: first.seq_end() })
}
