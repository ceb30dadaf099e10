//! # `options-missing`: the packet lacks the timestamps the connection uses
//!
//! ## What it looks for
//!
//! A packet with ACK but without TCP timestamps from a side all of whose earlier packets carry them. For a reset this is class
//! C, for any other packet class B. A reset with that side's TTL does not count where its identification is that side's next one, or
//! where the capture was taken on that side's own host.
//!
//! ## Why it speaks for interference
//!
//! RFC 7323 section 3.2 asks for timestamps in every segment but resets, and kernels that abort a live connection put
//! them into the reset too. Injectors rarely bother.
//!
//! ## Innocent explanations
//!
//! Kernels that reset from a closed socket send no options; firewalls that answer for a server do not either. So this
//! only supports.
//!
//! ## How to check in Wireshark
//!
//! `tcp.options.timestamp.tsval` is present in the side's other packets and absent in the reset.
//!
//! ## Source
//!
//! RFC 7323; Linux tcp_send_active_reset.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::entry::Entry;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "options-missing",
    stance: Stance::For,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset, Mechanism::TcpFin, Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (_, r) = packets(view).find(|(i, r)| {
        let before: Vec<bool> = view.case.ordinary_before(view.suspect.sender, *i).map(|(_, e)| e.timestamps().is_some()).collect();
        r.has(tcp::ACK) && r.timestamps().is_none() && !before.is_empty() && before.iter().all(|b| *b) && !(r.is_rst() && is_own(view, *i, r))
    })?;
    let class = if r.is_rst() { Class::C } else { Class::B };
    Some(Claim::new("options-missing", class, [r.frame], "no TCP timestamps, though the connection uses them"))
}

/// Whether a reset goes on as its sender's packets before it did, in what a forger cannot know.
fn is_own(view: &View<'_>, i: usize, r: &Entry) -> bool {
    /// Packets that a host sends to others between two of one connection.
    const COUNTED: u16 = 64;
    /// Answers on the capturing host pass no network.
    const HERE_NS: i64 = 500_000;
    let (case, sender) = (view.case, view.suspect.sender);
    let Some((_, last)) = case.ordinary_before(sender, i).next_back() else { return false };
    let next = last.ip_id().zip(r.ip_id()).is_some_and(|(last, id)| last != 0 && (1..=COUNTED).contains(&id.wrapping_sub(last)));
    let here = matches!(r.ttl, 64 | 128 | 255) && case.handshake_rtt[sender.index()].is_some_and(|rtt| rtt < HERE_NS);
    last.ttl == r.ttl && (next || here)
}
