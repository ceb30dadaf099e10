//! When a packet was sent, by the timestamps that its sender puts into its segments (RFC 7323 section 5.4: a clock of 1 ms to 1 s).

use super::Case;
use crate::flow::stream::ahead;

/// Shorter stretches of a side's packets do not tell how fast its clock runs.
const SPAN_NS: i64 = 20_000_000;
/// What comes so soon behind a reset may have been under way beside it.
const CLEAR_NS: f64 = 100_000_000.0;

/// Whether the client's clock shows that a packet of its was sent well after its packets that came before a reset in its name, and after
/// the reset: by as much as it came later, and not less. Not a server's: of those behind one address one may reset what another goes on
/// with.
pub(super) fn is_later(case: &Case<'_>, later: usize, reset: usize) -> bool {
    let (Some(p), Some(r)) = (case.entries.get(later), case.entries.get(reset)) else { return false };
    if p.direction() != case.client {
        return false;
    }
    let mut clocked = case.ordinary_before(p.direction(), reset).filter_map(|(_, e)| e.timestamps().map(|(value, _)| (e.time, value)));
    let (Some((value, _)), Some(first)) = (p.timestamps(), clocked.next()) else { return false };
    let Some(last) = clocked.next_back() else { return false };
    let (span, ticks) = (last.0.since(first.0), ahead(last.1, first.1));
    if span < SPAN_NS || ticks <= 0 {
        return false;
    }
    let sent = ahead(value, last.1) as f64 * span as f64 / ticks as f64;
    let (came, passed) = (p.time.since(last.0) as f64, r.time.since(last.0) as f64);
    // A coarse clock is read a tick early or late.
    let tick = span as f64 / ticks as f64;
    sent - tick - passed > CLEAR_NS && (0.5..2.0).contains(&(sent / came))
}
