//! # `dark-after-answer`: after this answer the server hears nothing more
//!
//! ## What it looks for
//!
//! What the client sent after the packet in question (data or a FIN) was repeated at least three times and never
//! acknowledged, although the packet itself acknowledged the request.
//!
//! ## Why it speaks for interference
//!
//! A box that answers in the server's place swallows what the client says from then on.
//!
//! ## Innocent explanations
//!
//! A server that crashed after its answer; loss. A server whose answer is genuine, and of whose client nothing arrives any more,
//! repeats the answer: such a one is not asked.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`: retransmissions of the client's FIN after the page.
//!
//! ## Source
//!
//! Captures from Iran in the ECH measurements of 2025 (client FIN repeated at 0.27 to 4.4 s).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "dark-after-answer",
    stance: Stance::For,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::TcpData, Mechanism::TcpFin],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

const REPEATS: usize = 3;

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let (i, e) = packets(view).next()?;
    let client = view.suspect.sender.other();
    let sent: Vec<_> = case.of(client).filter(|(j, c)| *j > i && c.seq_end() != c.seq && !c.is_rst()).map(|(_, c)| c).collect();
    let first = sent.first()?;
    let copies: Vec<u64> = sent.iter().filter(|c| c.seq_end() == first.seq_end()).map(|c| c.frame).collect();
    let heard = case.of(view.suspect.sender).any(|(j, s)| j > i && s.has(tcp::ACK) && !s.is_rst() && ahead(s.ack, first.seq_end()) >= 0);
    // Probes of one old byte are data that the answer had acknowledged already.
    let probes = case.of(client).filter(|(j, c)| *j > i && c.payload_len == 0 && c.has(tcp::ACK) && ahead(e.ack, c.seq) == 1).count();
    if heard || copies.len().max(probes) <= REPEATS {
        return None;
    }
    let n = copies.len().max(probes);
    Some(Claim::new("dark-after-answer", Class::B, [e.frame].into_iter().chain(copies), format!("the client's next packet was sent {n} times and never acknowledged")).measured(n as f64, 1.0, "times"))
}
