//! Captures of which somebody kept only the packets of TCP with certain flags, `tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0`.

use crate::detect::case::Case;
use crate::flow::entry::Entry;
use crate::flow::stream::ahead;
use crate::packet::tcp;

/// Rules for TCP that rest on packets which are not among those.
pub const UNSUPPORTED: [&str; 3] = ["reset-ladder", "reset-train", "too-early"];

/// Whether some packet of a flow has none of those flags.
pub fn has_plain(case: &Case<'_>) -> bool {
    case.entries.iter().any(|e| e.is_tcp() && e.flags & (tcp::SYN | tcp::FIN | tcp::RST) == 0)
}

/// Whether the packets of a flow that has no plain ones tell that there were some: an end of the connection is numbered behind what was
/// captured, or the client ends what it never acknowledged the beginning of.
pub fn tells_of_more(case: &Case<'_>) -> bool {
    let ends = |e: &Entry| e.is_tcp() && e.flags & (tcp::FIN | tcp::RST) != 0;
    let closing = case.entries.iter().enumerate().filter(|(_, e)| ends(e));
    closing.into_iter().any(|(i, e)| {
        let (own, other) = (case.next_seq(e.direction(), i), case.next_seq(e.direction().other(), i));
        let behind = own.is_some_and(|next| ahead(e.seq, next) > 0);
        let acknowledges = |over: i64| e.has(tcp::ACK) && other.is_some_and(|next| ahead(e.ack, next) >= over);
        // Who has only sent a SYN resets without acknowledging.
        let established = e.direction() == case.client && acknowledges(0);
        behind || established || acknowledges(1)
    })
}
