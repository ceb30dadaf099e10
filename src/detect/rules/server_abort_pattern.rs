//! # `server-abort-pattern`: the reset looks like the server's own
//!
//! ## What it looks for
//!
//! A RST/ACK that carries timestamps on the sender's own clock, or a bare reset numbered by the acknowledgement it
//! answers with the sender's own TTL and identification, or any reset whose TTL, identification and timing (a full round
//! trip after what it answers) continue the sender's packets; and no resets that repeat by themselves
//! or come in a burst (`reset-burst-equal`).
//!
//! ## Why it speaks against it
//!
//! This is how kernels end connections that the application aborted or no longer knows: unread data, a process that died,
//! a name that is not configured.
//!
//! ## What could still be wrong
//!
//! A box in the path that rewrites the server's packets into resets keeps exactly these fields. It shows by repetition
//! (`reset-ladder`), which this rule yields to.
//!
//! ## How to check in Wireshark
//!
//! Compare TTL, `ip.id` and TSval of the reset with the packets before it.
//!
//! ## Source
//!
//! Linux tcp_send_active_reset and tcp_v4_send_reset; RFC 9293 section 3.10.7.1.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stage, Stance};
use crate::detect::suspects::tcp_reset::{HONEST_SHARE, contradiction, is_kernel_reply, packets};
use super::reset_ladder::steps;
use super::ttl_jump::hop_distance;
use crate::detect::case::Case;
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "server-abort-pattern",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["control-name-ok", "name-repeats", "name-hit-elsewhere", "window-odd", "options-missing", "ipid-jump", "ipid-mirror", "reset-mixed-flags"],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    if view.suspect.stage == Stage::PostSyn || steps(view).len() >= 2 {
        return None;
    }
    // Nor does a host reset in bursts.
    if (super::reset_burst_equal::RULE.check)(view).is_some() && !view.case.is_duplicated(view.suspect.sender) && view.around.duplicates <= 0.05 {
        return None;
    }
    let mut frames = Vec::new();
    let mut why = "";
    for (i, r) in packets(view) {
        why = pattern(view, i, r)?;
        frames.push(r.frame);
    }
    Some(Claim::new("server-abort-pattern", Class::B, frames, why))
}

fn pattern(view: &View<'_>, i: usize, r: &crate::flow::entry::Entry) -> Option<&'static str> {
    let case = view.case;
    let sender = view.suspect.sender;
    let last = case.ordinary_before(sender, i).next_back()?.1;
    let same_ttl = case.ordinary_before(sender, i).any(|(_, e)| hop_distance(e.ttl, r.ttl) <= 2) || view.around.sender.ttls.iter().any(|(t, n)| *n >= 2 && *t == r.ttl);
    if let (Some((value, _)), Some((before, _))) = (r.timestamps(), last.timestamps()) {
        // Clocks tick at 10 Hz to 1 kHz; a forger would have to know the server's.
        let elapsed_ms = r.time.since(last.time) / 1_000_000;
        if (-10..=elapsed_ms * 2 + 2_000).contains(&ahead(value, before)) {
            return Some("the reset carries timestamps on this host's clock");
        }
        return None;
    }
    if is_kernel_reply(case, sender, i) {
        return Some("a kernel's answer to a packet for a connection it does not have");
    }
    if r.payload_len > 0 || !same_ttl {
        return None;
    }
    let rtt = case.rtt[sender.index()]?;
    let answered = case.ordinary_before(sender.other(), i).rfind(|(_, e)| !r.has(tcp::ACK) || ahead(r.ack, e.seq_end()) >= 0)?.1;
    let honest_time = r.time.since(answered.time) as f64 >= rtt as f64 * HONEST_SHARE;
    let untimed = case.ordinary_before(sender, i).all(|(_, e)| e.timestamps().is_none());
    let drawn = || contradiction(view, |_, _| true).is_none();
    let continues = match (r.ip_id(), last.ip_id()) {
        // Linux sends its SYN/ACK with identification 0 and counts from anywhere then.
        (Some(_), Some(0)) => true,
        (Some(id), Some(before)) if id.wrapping_sub(before) <= STEP || (id == 0 && r.is(crate::flow::entry::fact::DONT_FRAGMENT)) => true,
        // Balancers and BSDs draw theirs at random, and one packet shows no counter: then nothing may contradict the reset.
        (Some(_), Some(_)) => !counts(case, sender, i) && drawn(),
        (None, None) => true,
        _ => false,
    };
    (honest_time && continues && (untimed || !r.has(tcp::ACK) || r.payload_len == 0)).then_some("TTL, identification and timing of the reset are this host's own")
}

/// A busy host's global counter moves this much between two packets of one connection.
const STEP: u16 = 1000;

/// Whether the sender's identifications are seen to count.
fn counts(case: &Case<'_>, sender: Direction, i: usize) -> bool {
    let ids: Vec<u16> = case.ordinary_before(sender, i).filter_map(|(_, e)| e.ip_id()).filter(|id| *id != 0).collect();
    ids.len() >= 2 && ids.windows(2).all(|w| matches!(w, [a, b] if b.wrapping_sub(*a) <= STEP))
}
