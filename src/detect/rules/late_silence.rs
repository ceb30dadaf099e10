//! # `late-silence`: the connection had served its purpose for a while
//!
//! ## What it looks for
//!
//! A silence that begins after an answer, and late: 32 packets or more had passed before what got no answer, or nothing had for
//! four seconds. Or a later request of a connection, after 30 seconds in which nothing was said.
//!
//! ## Why it speaks against it
//!
//! Filters that cut a connection for a name do so at once or a few packets later. What goes dark after that went dark for what
//! happened since: a router or a balancer has forgotten the connection, the client has changed its network, the server has stopped.
//! New connections work all the same, so that other names on the server are no control.
//!
//! ## What could still be wrong
//!
//! A filter that takes its time, or one that lets the client wait until its next request to show that the connection was cut long ago.
//!
//! ## How to check in Wireshark
//!
//! `tcp.time_delta` of the first packet that is repeated in vain, and how many packets of the stream lie before it.
//!
//! ## Source
//!
//! Xue et al., IMC 2022 (SNI-II lets five to eight more packets pass); RFC 5382 and RFC 4787 on what NATs forget.

use super::{Rule, View};
use crate::detect::case::Case;
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::suspects::drop::{is_answered, later_silence};
use crate::limits::HEAD;

pub const RULE: Rule = Rule {
    id: "late-silence",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

/// Longer than any retransmission pause of a live path.
const IDLE_NS: i64 = 4_000_000_000;
/// What forgets connections sooner is broken (RFC 4787, section 4.3, asks for two minutes; half a minute is found).
const FORGOTTEN_NS: i64 = 30_000_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let first = *view.suspect.packets.first()?;
    let e = case.entries.get(first)?;
    if case.flow.key.protocol != 6 || !case.messages.requests.first().is_some_and(|r| is_answered(case, r)) {
        return None;
    }
    let later = later_silence(case).is_some_and(|s| s.copies == view.suspect.packets);
    let passed = first as u64 + case.left_out.iter().take(first + 1).sum::<u64>();
    if later && passed >= HEAD as u64 {
        let text = format!("{passed} packets had passed before the one that got no answer");
        return Some(Claim::new("late-silence", Class::B, [e.frame], text).measured(passed as f64, HEAD as f64, "packets"));
    }
    let idle = idle_before(case, first);
    (idle >= if later { IDLE_NS } else { FORGOTTEN_NS }).then(|| {
        let seconds = idle as f64 / 1e9;
        let text = format!("the connection had been idle for {seconds:.1} s before the packet that got no answer");
        Claim::new("late-silence", Class::B, [e.frame], text).measured(seconds, 0.0, "s")
    })
}

/// How long nothing was said before an entry.
fn idle_before(case: &Case<'_>, i: usize) -> i64 {
    let known = case.left_out.get(i).is_some_and(|n| *n == 0);
    let before = i.checked_sub(1).and_then(|before| case.entries.get(before)).filter(|_| known);
    before.zip(case.entries.get(i)).map_or(0, |(before, e)| e.time.since(before.time))
}
