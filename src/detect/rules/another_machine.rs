//! # `another-machine`: the resets are those of a kernel that has no such connection
//!
//! ## What it looks for
//!
//! Bare resets with another TTL than the other packets of their side, each numbered by an acknowledgement of the other side's and
//! no more of them than packets that it answers, without window, options or payload and no sooner than a fifth of a round trip: what
//! kernels send for a packet of a connection they do not know. A later packet of the side then proves no more than that two machines
//! have the address.
//!
//! ## Why it speaks against it
//!
//! An anycast address, or one behind a router that spreads load, leads to another site when the route changes or the router takes the
//! ECN bits or the TTL for part of the connection. The site that is reached then says honestly that it knows nothing of it, and
//! the first one waits on. Two hosts of a network that have one address by mistake do the same, and so does
//! an address translator in front of the clients for what it takes to be invalid.
//!
//! ## What could still be wrong
//!
//! A filter that has its resets made by a firewall's kernel sends the same ones. It shows by what it resets: one name again and again, while
//! others on the server go through; then this rule is silent, as it is about a reset that comes within a fifth of a round trip.
//!
//! ## How to check in Wireshark
//!
//! `tcp.flags.reset == 1 && tcp.flags.ack == 0 && tcp.window_size == 0`; whether other names on the address meet the same.
//!
//! ## Source
//!
//! RFC 7094 section 2; Linux tcp_v4_send_reset; T. Høiland-Jørgensen on NANOG, November 2019 (ECN as part of the hash).

use super::name_repeats::on_the_service;
use super::{Rule, View, hop_distance};
use crate::detect::fisher::fisher;
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stage, Stance};
use crate::detect::suspects::tcp_reset::{contradiction, packets, sender_rtt};
use crate::detect::surroundings::Outcome;
use crate::flow::entry::Entry;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "another-machine",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["control-name-ok", "too-early", "ttl-jump"],
    cap: Some(Confidence::Confirmed),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    // Of a client that does not go on, another machine explains nothing that needs explaining.
    let client = view.suspect.sender == view.case.client;
    if view.suspect.stage == Stage::PostSyn || (client && contradiction(view, |_, _| true).is_none()) {
        return None;
    }
    if is_about_the_name(view) {
        return None;
    }
    let mut frames = Vec::new();
    for (i, r) in packets(view) {
        if !is_dead_socket(view, i, r) {
            return None;
        }
        frames.push(r.frame);
    }
    let text = "the resets are a kernel's that has no such connection: another machine of the same address sends these as well";
    (!frames.is_empty()).then(|| Claim::new("another-machine", Class::B, frames, text))
}

/// Which connections reach another site has nothing to do with the names that are asked for on them.
fn is_about_the_name(view: &View<'_>) -> bool {
    /// As rare as this it is no coincidence that a name and no other was hit.
    const CHANCE: f64 = 0.05;
    let ((hit, tried), others) = on_the_service(view, |outcome| outcome != Outcome::Answered);
    hit > 0 && fisher((hit + 1, tried + 1), others) <= CHANCE
}

/// What a kernel answers a packet that belongs to no connection.
fn is_dead_socket(view: &View<'_>, i: usize, r: &Entry) -> bool {
    /// A site that is so much nearer than the one that has the connection would be the one that the address leads to.
    const NEARER: f64 = 0.2;
    let (case, sender) = (view.case, view.suspect.sender);
    let plain = !r.has(tcp::ACK) && r.payload_len == 0 && r.window == 0 && r.header_len == 20;
    let asked = || case.ordinary_before(sender.other(), i).filter(|(_, e)| e.has(tcp::ACK) && e.ack == r.seq).map(|(_, e)| e);
    let since = asked().next_back().map(|e| r.time.since(e.time) as f64);
    let soon = sender_rtt(view).zip(since).is_some_and(|(rtt, since)| since < rtt as f64 * NEARER);
    // Further away or nearer than the machine that has the connection: at the same distance stands the one that is said to have reset.
    let apart = case.ordinary_before(sender, i).all(|(_, e)| hop_distance(e.ttl, r.ttl) > 0);
    // A mirror port shows each of them twice, and one packet that they answer may have been missed.
    let alike = packets(view).filter(|(j, e)| *j <= i && e.seq == r.seq).count();
    let copied = (super::span_duplicate::RULE.check)(view).is_some();
    let alike = if copied { alike.div_ceil(2) } else { alike };
    // What they answer may be among the packets that were not kept.
    let whole = case.left_out.iter().take(i + 1).all(|n| *n == 0);
    let heard = || case.of(sender.other()).any(|(_, e)| !e.is_rst() && e.has(tcp::ACK) && ahead(e.ack, r.seq) >= 0);
    let answers = alike <= asked().count() || (alike == 1 && heard());
    plain && apart && !soon && (answers || !whole)
}
