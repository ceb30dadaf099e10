//! # `capture-loss`: the capture itself lost packets
//!
//! ## What it looks for
//!
//! In this flow data was acknowledged that the capture does not hold, from either side: not before the acknowledgement and not
//! behind it, as in a file that is out of order.
//!
//! Or, of a datagram that nobody answered and its sender did not repeat: the capture misses so many packets, as holes of this kind in
//! all its TCP flows tell, that it may have missed every answer. With a share q of packets missing, the answers to n lookups of a name
//! are all missed once in 1/q^n; once in a thousand is too often. Who repeats a question has not had the answer.
//!
//! ## Why it speaks against it
//!
//! What the capture missed cannot be held against anyone: the answer may have come and not been recorded.
//!
//! ## What could still be wrong
//!
//! A box that drops packets beyond the capture point leaves no acknowledged holes. Packets are not missed one by one: a burst may take
//! several answers at once where few packets are missing in all.
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

/// How often the capture may miss everything that there was of an answer: a long capture asks thousands of times.
const CHANCE: f64 = 1e-3;

fn check(view: &View<'_>) -> Option<Claim> {
    if let Some((frame, _)) = holes(view.case).next() {
        return Some(Claim::new("capture-loss", Class::B, [frame], "data was acknowledged that this capture does not hold"));
    }
    let repeated = view.case.flow.key.protocol == 6 || view.suspect.packets.len() > 1;
    if view.suspect.mechanism != Mechanism::Drop || repeated {
        return None;
    }
    let (missing, tries) = (view.around.missing, view.around.unanswered_queries.max(1));
    if missing.powi(i32::try_from(tries).unwrap_or(i32::MAX)) < CHANCE {
        return None;
    }
    let text = format!("about {:.0} % of the packets are missing from the capture: it may have missed every answer", missing * 100.0);
    Some(Claim::new("capture-loss", Class::B, [], text).measured(missing, CHANCE.powf(1.0 / tries as f64), "share"))
}

/// How many packets there must have been in what was acknowledged and never seen.
pub fn missed(case: &Case<'_>) -> u64 {
    /// Of a larger hole: there the capture paused, or somebody acknowledged what was never sent, and neither tells what share it misses.
    const MOST: u32 = 4;
    holes(case).map(|(_, octets)| u64::from(octets.div_ceil(case.largest.max(1)).min(MOST))).sum()
}

/// Frames that acknowledge bytes never seen, and how many bytes, while the transcript is whole.
fn holes(case: &Case<'_>) -> impl Iterator<Item = (u64, u32)> {
    let seen = [Direction::FromLow, Direction::FromHigh].iter().all(|side| case.course(*side).acks_seen);
    let looked_at = if case.flow.key.protocol != 6 || (seen && case.copies == 0) { 0 } else { case.entries.len() };
    let whole = case.entries.iter().zip(&case.left_out).take(looked_at).take_while(|(_, left_out)| **left_out == 0);
    let (mut low, mut high): (Option<u32>, Option<u32>) = (None, None);
    whole.enumerate().filter(|(_, (e, _))| e.is_tcp() && !e.is_rst()).filter_map(move |(i, (e, _))| {
        let (own, other) = if e.direction() == Direction::FromLow { (&mut low, &mut high) } else { (&mut high, &mut low) };
        let mut hole = None;
        // A capture that starts in mid-connection learns the numbers from the first packets.
        if let Some(highest) = *other
            && let octets @ 1..0x100_0000 = ahead(e.ack, highest)
            && e.has(tcp::ACK)
            && !e.has(tcp::SYN)
            && i > 3
            && !comes_later(case, i, e.direction().other(), (highest, e.ack))
        {
            hole = Some((e.frame, octets as u32));
            // What it hid is known now.
            *other = Some(e.ack);
        }
        let end = e.seq_end();
        if own.is_none_or(|seen| ahead(end, seen) > 0) {
            *own = Some(end);
        }
        hole
    })
}

/// Whether octets between two numbers stand further behind: the file is out of order, or they were acknowledged before they were sent.
fn comes_later(case: &Case<'_>, i: usize, side: Direction, (from, to): (u32, u32)) -> bool {
    let later = case.entries.iter().skip(i).filter(|e| e.direction() == side && e.is_tcp() && !e.is_rst());
    let mut filling = later.filter(|e| e.seq_end() != e.seq && ahead(to, e.seq) > 0 && ahead(e.seq_end(), from) > 0);
    filling.next().is_some()
}
