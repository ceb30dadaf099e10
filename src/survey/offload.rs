//! What the capturing host's network card did to packets before or after they were captured.

use crate::detect::case::Case;
use crate::flow::entry::{Entry, fact};
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

/// The first frame that holds more than the receiver takes in one segment (RFC 9293 section 3.7.1): it was cut behind the capture
/// (TSO, GSO) or glued before it (GRO, LRO).
///
/// On the way the offered size is only ever lowered, so that what was captured of it is the most that any sender may use.
pub fn glued(case: &Case<'_>) -> Option<u64> {
    let taken = case.flow.mss.map(|offered| if offered == 0 { u32::MAX } else { u32::from(offered) });
    if taken.iter().all(|most| case.largest <= *most) {
        return None;
    }
    // A whole datagram put together from fragments was not one frame.
    let too_large = |e: &&Entry| {
        let receiver = e.direction().other().index();
        e.payload_len > taken[receiver] && e.is_tcp() && !e.is(fact::REASSEMBLED)
    };
    case.entries.iter().find(too_large).map(|e| e.frame)
}

/// The first data packet whose checksum is wrong in the capture and that arrived all the same: the card fills it in later.
///
/// Decoys of evasion tools have wrong checksums too; the octets in their place are sent again, and those are acknowledged.
pub fn unsummed(case: &Case<'_>) -> Option<u64> {
    if !case.has(fact::CHECKSUM_BAD) {
        return None;
    }
    let spoiled = case.entries.iter().enumerate().filter(|(_, e)| e.is(fact::CHECKSUM_BAD) && e.is_tcp() && e.payload_len > 0);
    let mut arrived = spoiled.filter(|(i, e)| acknowledged(case, *i, e) && is_only(case, *i, e));
    arrived.next().map(|(_, e)| e.frame)
}

fn acknowledged(case: &Case<'_>, i: usize, e: &Entry) -> bool {
    let acks = |side: Direction| case.entries.iter().skip(i).filter(move |a| a.direction() == side && a.has(tcp::ACK) && !a.is_rst());
    acks(e.direction().other()).any(|a| ahead(a.ack, e.seq_end()) >= 0)
}

/// Whether no other packet carries any of these octets.
fn is_only(case: &Case<'_>, i: usize, e: &Entry) -> bool {
    let others =
        case.entries.iter().enumerate().filter(|(j, o)| *j != i && o.direction() == e.direction() && o.is_tcp() && o.payload_len > 0);
    let mut overlapping = others.filter(|(_, o)| ahead(o.seq_end(), e.seq) > 0 && ahead(e.seq_end(), o.seq) > 0);
    overlapping.next().is_none()
}
