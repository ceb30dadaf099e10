//! # `nat-timeout`: a NAT or firewall had forgotten the connection
//!
//! ## What it looks for
//!
//! A reset after an idle time of 30 s or more, or as the answer to the first packet seen of an older connection, whose
//! TTL is an initial value (64, 128 or 255) or one less: it comes from
//! the first or second device on the way.
//!
//! ## Why it speaks against it
//!
//! Address translators answer packets of connections they no longer know, often by turning the packet round.
//!
//! ## What could still be wrong
//!
//! An injector in the same device.
//!
//! ## How to check in Wireshark
//!
//! Time since the previous packet; `ip.traceroute`-like TTL of 63, 64, 254 or 255.
//!
//! ## Source
//!
//! RFC 5382 (established connections 2 h 4 min), RFC 4787 for UDP; noahdavids.org firewall-reset trace.

use super::idle_timeout::is_remembered;
use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;

pub const RULE: Rule = Rule {
    id: "nat-timeout",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["reset-behind", "ttl-jump", "ttl-mirror", "ipid-mirror", "ipid-jump", "too-early", "control-name-ok", "name-repeats", "window-odd"],
    cap: None,
    check,
    source: "",
};

const IDLE_NS: i64 = 30_000_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let (i, r) = packets(view).next()?;
    let entries = &view.case.entries;
    let longest = entries.iter().take(i + 1).zip(entries.iter().take(i + 1).skip(1)).map(|(a, b)| b.time.since(a.time)).max()?;
    let near = matches!(r.ttl, 63 | 64 | 127 | 128 | 254 | 255);
    if near && is_remembered(view, i) {
        let text = format!("TTL {} puts the sender next door, and nothing of the connection was seen before", r.ttl);
        return Some(Claim::new("nat-timeout", Class::B, [r.frame], text).measured(f64::from(r.ttl), 64.0, "TTL"));
    }
    (longest >= IDLE_NS && near).then(|| {
        let text = format!("TTL {} puts the sender next door, after {:.0} s without a packet", r.ttl, longest as f64 / 1e9);
        Claim::new("nat-timeout", Class::B, [r.frame], text).measured(f64::from(r.ttl), 64.0, "TTL")
    })
}
