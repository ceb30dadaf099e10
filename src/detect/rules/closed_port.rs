//! # `closed-port`: nothing listens on this port
//!
//! ## What it looks for
//!
//! Every SYN drew at most one RST/ACK with sequence number 0 (relative), window 0 and nothing else, no SYN/ACK ever came,
//! and the reset's TTL is the host's own where that is known. Where the port served this client before, and something was found there
//! since (`residual-window`), it has a listener.
//!
//! ## Why it speaks against it
//!
//! This is how every stack refuses a connection (RFC 9293 section 3.10.7.1).
//!
//! ## What could still be wrong
//!
//! A forged refusal with a perfect header from a device at the same distance looks the same.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`: SYN, RST/ACK and no more.
//!
//! ## Source
//!
//! RFC 9293 section 3.10.7.1.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stage, Stance};
use crate::detect::suspects::tcp_reset::packets;
use super::ttl_jump::hop_distance;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "closed-port",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["name-repeats", "control-name-ok", "options-missing", "ipid-jump"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    if view.suspect.stage != Stage::PostSyn {
        return None;
    }
    // A port that served this client a moment ago has a listener.
    if view.around.residual.is_some() && view.around.port_answered {
        return None;
    }
    let case = view.case;
    let other = view.suspect.sender.other();
    let syns = case.of(other).filter(|(_, e)| e.is_syn()).count();
    let resets: Vec<_> = packets(view).map(|(_, e)| e).collect();
    let refused = resets.iter().all(|e| e.has(tcp::ACK) && e.window == 0 && e.payload_len == 0) && resets.len() <= syns;
    let silent = case.of(view.suspect.sender).all(|(_, e)| e.is_rst());
    let ttls = &view.around.sender.ttls;
    let own = ttls.is_empty() || resets.iter().all(|e| ttls.iter().any(|(t, _)| hop_distance(e.ttl, *t) <= 2));
    if !refused || !silent || !own {
        return None;
    }
    let frames = resets.iter().map(|e| e.frame);
    Some(Claim::new("closed-port", Class::B, frames, "each SYN was refused once, as by a host with no listener on this port"))
}
