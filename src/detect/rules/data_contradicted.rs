//! # `data-contradicted`: the server goes on as if it had never sent this
//!
//! ## What it looks for
//!
//! After the packet in question the server acknowledges less than it did, or sends from a sequence number that the packet
//! had already used up, by a FIN or by data. A keep-alive, numbered by the last octet sent, is none.
//!
//! ## Why it speaks for interference
//!
//! A host knows what it has sent and received.
//!
//! ## Innocent explanations
//!
//! Reordering (the later packet must come more than three times the largest reordering later), a mirror port.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`: `tcp.ack` or `tcp.seq` of the server moves back.
//!
//! ## Source
//!
//! ICLab (S&P 2020) looks for packets that contradict one another; RFC 9293.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "data-contradicted",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpData, Mechanism::TcpFin],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let patience = 3 * case.reordering.max(view.around.reordering);
    for (i, e) in packets(view) {
        let later = case.of(view.suspect.sender).filter(|(j, p)| *j > i && !view.suspect.packets.contains(j) && !p.is_rst() && p.time.since(e.time) > patience);
        for (j, p) in later {
            let acks_less = p.has(tcp::ACK) && e.has(tcp::ACK) && ahead(e.ack, p.ack) > 0;
            // Bytes that were sent and acknowledged are not sent again with a number before them; a FIN used its own number. A keep-alive
            // is numbered by the last octet sent (RFC 1122 section 4.2.3.6).
            let sent = case.next_seq(view.suspect.sender, j).unwrap_or(p.seq);
            let keeps_alive = ahead(sent, p.seq) == 1 && !e.has(tcp::FIN);
            let seq_back = ahead(e.seq_end(), p.seq) > 0 && ahead(p.seq, e.seq) >= 0 && p.payload_len == 0 && !p.has(tcp::FIN) && !keeps_alive;
            let resent = p.payload_len > 0 && p.seq == e.seq && p.payload_len != e.payload_len && p.peek().first() != e.peek().first();
            // Behind a FIN there is nothing; one octet in its place keeps the connection alive.
            let goes_on = e.has(tcp::FIN) && p.payload_len > 1 && ahead(e.seq_end(), p.seq) == 1;
            if acks_less || seq_back || resent || goes_on {
                let what = if acks_less { "acknowledges less than this packet did" } else { "goes on from before this packet" };
                return Some(Claim::new("data-contradicted", Class::A, [e.frame, p.frame], format!("a later packet of the server {what}")));
            }
        }
    }
    None
}
