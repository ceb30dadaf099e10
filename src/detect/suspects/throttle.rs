//! A transfer that was held back: even, slow, and with more to send all the time.

use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Stage, Suspect};
use crate::detect::transfer::Transfer;

/// Faster than this (2 Mbit/s) is not told from an ordinary access line. Throttles on record leave 600 octets to 150 kbit a second.
pub const CEILING: f64 = 250_000.0;
/// Enough octets to leave slow start behind, or enough time at the slowest throttles on record.
const BYTES: u64 = 200_000;
const DURATION_NS: i64 = 10_000_000_000;
const SLOW_BYTES: u64 = 4_000;

/// At most one suspect: the busier direction of the connection.
pub fn find(case: &Case<'_>) -> Option<Suspect> {
    // The sums first: most flows are too small or too short, and every flow is asked.
    let long = case.flow.last.since(case.flow.first) >= DURATION_NS;
    let least = if long { SLOW_BYTES } else { BYTES };
    if case.flow.sides.iter().all(|s| s.payload_bytes < least) {
        return None;
    }
    let transfer = case.transfer()?;
    if !is_slow(transfer) || !case.established() {
        return None;
    }
    let trigger = case.messages.requests.first().map(super::trigger).or_else(|| super::address_trigger(case));
    let packets = case.of(transfer.sender).filter(|(_, e)| e.payload_len > 0).map(|(i, _)| i).collect();
    Some(Suspect { mechanism: Mechanism::Throttle, stage: Stage::Later, trigger, sender: transfer.sender, packets, answers: Vec::new() })
}

/// Slow and even enough to have met a ceiling.
fn is_slow(t: &Transfer) -> bool {
    let long = t.bytes >= BYTES || (t.duration >= DURATION_NS && t.bytes >= SLOW_BYTES);
    long && t.steady && t.full && t.rate > 0.0 && t.rate <= CEILING
}
