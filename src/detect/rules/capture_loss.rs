//! # `capture-loss`: the capture itself lost packets
//!
//! ## What it looks for
//!
//! In this flow data was acknowledged that the capture does not hold, from either side: not before the acknowledgement and not
//! behind it, as in a file that is out of order.
//!
//! ## Why it speaks against it
//!
//! What the capture missed cannot be held against anyone: the answer may have come and not been recorded.
//!
//! ## What could still be wrong
//!
//! A box that drops packets beyond the capture point leaves no acknowledged holes.
//!
//! ## How to check in Wireshark
//!
//! `tcp.analysis.ack_lost_segment` or `tcp.analysis.lost_segment`.
//!
//! ## Source
//!
//! Wireshark's "ACKed unseen segment".

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::case::Case;
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "capture-loss",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset, Mechanism::Drop, Mechanism::Stall, Mechanism::Throttle],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let frame = acked_unseen(view.case)?;
    Some(Claim::new("capture-loss", Class::B, [frame], "data was acknowledged that this capture does not hold"))
}

/// First frame that acknowledges bytes never seen, while the transcript is whole.
pub fn acked_unseen(case: &Case<'_>) -> Option<u64> {
    let seen = [Direction::FromLow, Direction::FromHigh].iter().all(|side| case.course(*side).acks_seen);
    if case.flow.key.protocol != 6 || (seen && case.copies == 0) {
        return None;
    }
    let (mut low, mut high): (Option<u32>, Option<u32>) = (None, None);
    for (i, (e, left_out)) in case.entries.iter().zip(&case.left_out).enumerate() {
        if *left_out > 0 {
            return None;
        }
        if !e.is_tcp() || e.is_rst() {
            continue;
        }
        let (own, other) = if e.direction() == Direction::FromLow { (&mut low, high) } else { (&mut high, low) };
        // A capture that starts in mid-connection learns the numbers from the first packets.
        if let Some(highest) = other
            && (1..1 << 24).contains(&ahead(e.ack, highest))
            && e.has(tcp::ACK)
            && !e.has(tcp::SYN)
            && i > 3
            && !comes_later(case, i, e.direction().other(), (highest, e.ack))
        {
            return Some(e.frame);
        }
        let end = e.seq_end();
        if own.is_none_or(|seen| ahead(end, seen) > 0) {
            *own = Some(end);
        }
    }
    None
}

/// Whether octets between two numbers stand further behind: the file is out of order, or they were acknowledged before they were sent.
fn comes_later(case: &Case<'_>, i: usize, side: Direction, (from, to): (u32, u32)) -> bool {
    let later = case.entries.iter().skip(i).filter(|e| e.direction() == side && e.is_tcp() && !e.is_rst());
    let mut filling = later.filter(|e| e.seq_end() != e.seq && ahead(to, e.seq) > 0 && ahead(e.seq_end(), from) > 0);
    filling.next().is_some()
}
