//! # `another-machine`: the resets are those of a kernel that has no such connection
//!
//! ## What it looks for
//!
//! Bare resets in the server's name with another TTL than its packets, each numbered by an acknowledgement of the client's and no
//! more of them than packets that it answers, without window, options or payload, with identification 0 and DF: what Linux sends for
//! a packet of a connection it does not know. A later packet of the server then proves no more than that two machines have the
//! address.
//!
//! ## Why it speaks against it
//!
//! An anycast address, or one behind a router that spreads load, leads to another site when the route changes or the router takes the
//! ECN bits or the TTL for part of the connection. The site that is reached then says honestly that it knows nothing of it, and
//! the first one waits on. Two hosts of a network that have one address by mistake do the same.
//!
//! ## What could still be wrong
//!
//! A filter that has its resets made by a Linux firewall sends the same ones. It shows by what it resets: one name again and again
//! (`name-repeats`), while others on the server go through.
//!
//! ## How to check in Wireshark
//!
//! `tcp.flags.reset == 1 && tcp.window_size == 0 && ip.id == 0`; whether other names on the address meet the same.
//!
//! ## Source
//!
//! RFC 7094 section 2; Linux tcp_v4_send_reset; T. Høiland-Jørgensen on NANOG, November 2019 (ECN as part of the hash).

use super::{Rule, View, hop_distance};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stage, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::entry::{Entry, fact};
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "another-machine",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["control-name-ok", "ttl-jump"],
    cap: Some(Confidence::Confirmed),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    if view.suspect.sender == view.case.client || view.suspect.stage == Stage::PostSyn {
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

/// What Linux answers a packet that belongs to no connection.
fn is_dead_socket(view: &View<'_>, i: usize, r: &Entry) -> bool {
    let plain = !r.has(tcp::ACK) && r.payload_len == 0 && r.window == 0 && r.header_len == 20;
    let marked = r.ip_id().is_none_or(|id| id == 0 && r.is(fact::DONT_FRAGMENT));
    let asked = view.case.ordinary_before(view.suspect.sender.other(), i).filter(|(_, e)| e.has(tcp::ACK) && e.ack == r.seq).count();
    // Further away or nearer than the machine that has the connection: at the same distance stands the one that is said to have reset.
    let mut own = view.case.ordinary_before(view.suspect.sender, i);
    let apart = own.all(|(_, e)| hop_distance(e.ttl, r.ttl) > 0);
    let alike = packets(view).filter(|(j, e)| *j <= i && e.seq == r.seq).count();
    // What they answer may be among the packets that were not kept.
    let whole = view.case.left_out.iter().take(i + 1).all(|n| *n == 0);
    plain && marked && apart && (alike <= asked || !whole)
}
