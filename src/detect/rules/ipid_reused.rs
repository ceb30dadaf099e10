//! # `ipid-reused`: one identification for two different packets
//!
//! ## What it looks for
//!
//! The packet may be fragmented (DF clear) and has the same IP identification, other than 0, as another, different packet of its
//! side, far from the numbers that side's packets before it counted with.
//!
//! ## Why it speaks for interference
//!
//! A sender must not give two packets that may be fragmented the same identification (RFC 6864 section 4.2): their fragments would
//! be mixed up. Boxes that fill in a template write the template's number into everything they forge.
//!
//! ## Innocent explanations
//!
//! A retransmission may repeat its number, and offloading hardware may give one number to the segments of one burst, with DF set:
//! both are let off. A capture that begins in the middle may hold a wrapped counter.
//!
//! ## How to check in Wireshark
//!
//! Add `ip.id` and `ip.flags.df` as columns and look at the packets of that side.
//!
//! ## Source
//!
//! RFC 6864; redirects injected in Egypt and Turkey (Citizen Lab, Bad Traffic, 2018): 0x3412 on the redirect and on the
//! acknowledgement after it.

use super::{Rule, View};
use crate::detect::case::Case;
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::entry::{Entry, fact};
use crate::flow::key::Direction;

pub const RULE: Rule = Rule {
    id: "ipid-reused",
    stance: Stance::For,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpData, Mechanism::TcpFin],
    rebuts: &[],
    cap: None,
    check,
    source: "RFC 6864",
};

/// Packets a host sends to others between two of one conversation, on one counter.
const MAX_STEP: u16 = 64;
/// As far from the counter as traffic in between does not carry it.
const FAR: u16 = 1000;

fn check(view: &View<'_>) -> Option<Claim> {
    let sender = view.suspect.sender;
    let (e, twin, last) = packets(view).find_map(|(i, e)| reused(view.case, sender, i, e).map(|(twin, last)| (e, twin, last)))?;
    let text = format!("IP identification {} stands on two different packets that may be fragmented, where this side's packets had counted up to {last}", e.ip_id);
    Some(Claim::new("ipid-reused", Class::B, [e.frame, twin], text).measured(f64::from(e.ip_id), f64::from(last), "IP ID"))
}

/// The frame of another packet of the side with the identification of entry `i`, and the number the side's own count had reached.
pub fn reused(case: &Case<'_>, side: Direction, i: usize, e: &Entry) -> Option<(u64, u16)> {
    let may_be_fragmented = |e: &Entry| !e.is(fact::DONT_FRAGMENT);
    let id = e.ip_id().filter(|id| *id != 0 && may_be_fragmented(e))?;
    // Every answer of every flow is asked, and nearly all are numbered near the one before them.
    let last = case.ordinary_before(side, i).filter_map(|(_, b)| b.ip_id()).rfind(|id| *id != 0)?;
    if !(FAR..=u16::MAX - FAR).contains(&id.wrapping_sub(last)) {
        return None;
    }
    let another = |o: &Entry| o.ip_id() == Some(id) && may_be_fragmented(o) && (o.seq, o.flags, o.payload_len) != (e.seq, e.flags, e.payload_len);
    let twin = case.of(side).find(|(j, o)| *j != i && another(o))?.1.frame;
    let counted: Vec<u16> = case.ordinary_before(side, i).filter_map(|(_, b)| b.ip_id()).filter(|id| *id != 0).collect();
    let counts = counted.len() >= 2 && counted.windows(2).all(|w| matches!(w, [a, b] if (1..=MAX_STEP).contains(&b.wrapping_sub(*a))));
    counts.then_some((twin, last))
}
