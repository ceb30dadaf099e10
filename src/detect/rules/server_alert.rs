//! # `server-alert`: the answer is the server's own
//!
//! ## What it looks for
//!
//! Every packet in question carries timestamps on the server's clock, or, on a connection without timestamps, has the TTL
//! of the server's handshake within two hops and arrives no sooner than four fifths of the handshake's round trip.
//!
//! ## Why it speaks against it
//!
//! This is how the server's own packets look, whatever they say: an alert for a name it does not know, an error page, a
//! redirect.
//!
//! ## What could still be wrong
//!
//! A box that rewrites the server's packet in passing keeps all of it.
//!
//! ## How to check in Wireshark
//!
//! Compare TTL and TSval with the SYN/ACK.
//!
//! ## Source
//!
//! RFC 7323; OONI counts TLS alerts as the server's own.

use super::{Rule, View, reused};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_data::is_uncounted;
use crate::detect::suspects::tcp_reset::{HONEST_SHARE, packets};
use super::ttl_jump::hop_distance;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "server-alert",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpData, Mechanism::TcpFin],
    rebuts: &["ttl-jump", "ipid-jump", "options-missing", "too-early", "not-tls", "page-bare", "name-hit-elsewhere", "blockpage-known"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let rtt = case.handshake_rtt[view.suspect.sender.index()];
    let mut frames = Vec::new();
    for (i, e) in packets(view) {
        let (_, base) = case.ordinary_before(view.suspect.sender, i).next()?;
        let clock = match (base.timestamps(), e.timestamps()) {
            (Some((before, _)), Some((after, _))) => Some((0..=e.time.since(base.time) / 1_000_000 * 2 + 2_000).contains(&ahead(after, before))),
            (None, None) => None,
            _ => Some(false),
        };
        let honest = || {
            let sent = case.sent_at(view.suspect.sender, e.ack).filter(|_| e.has(tcp::ACK));
            let timed = rtt.zip(sent).is_some_and(|(rtt, sent)| e.time.since(sent) as f64 >= rtt as f64 * HONEST_SHARE);
            timed && hop_distance(base.ttl, e.ttl) <= 2
        };
        if !clock.unwrap_or_else(honest) || reused(case, view.suspect.sender, i, e).is_some() || is_uncounted(case, view.suspect.sender, i) {
            return None;
        }
        frames.push(e.frame);
    }
    // Two versions of the same bytes are not explained by one of them being genuine.
    let raced = crate::detect::suspects::tcp_data::race(&case.of(view.suspect.sender).filter(|(_, e)| e.payload_len > 0 && !e.is_rst()).collect::<Vec<_>>());
    raced.is_none().then(|| Claim::new("server-alert", Class::B, frames, "clock, TTL and timing are the server's own"))
}
