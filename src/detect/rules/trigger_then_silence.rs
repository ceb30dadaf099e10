//! # `trigger-then-silence`: a request, and then nothing
//!
//! ## What it looks for
//!
//! The handshake went well, the client sent a message with a name, and no byte of an answer came: either the message was
//! acknowledged and whatever the client sent then (a FIN, a keep-alive) was not, three times, or it was never acknowledged
//! while the client repeated it at least three times, or once and waited at least five seconds and ten round trips; a client
//! that resets its connection has stopped waiting, whatever the server says later. For QUIC and DNS:
//! at least three datagrams without any answer. A server that acknowledged the message and was not tried again may only be
//! thinking about it: no claim.
//!
//! ## Why it speaks for interference
//!
//! Something between took the message out, or everything behind it. Alone this is only a fault; a control makes it a
//! finding.
//!
//! ## Innocent explanations
//!
//! A dead or overloaded server, loss, an MTU black hole, a server that ignores this name.
//!
//! A clock that was set ahead makes a wait look long: the vantage audit voids the rule across such a step.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`: the same `tcp.seq` again and again, or the ACK of the ClientHello as the last packet from the
//! server.
//!
//! ## Source
//!
//! Shapes S1 and S3; captures from Russia in the ECH measurements of 2025; Xue et al., IMC 2022 (SNI-II, SNI-IV).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance, TriggerKind};
use crate::flow::stream::ahead;
use crate::detect::case::Case;
use crate::detect::messages::Request;
use crate::detect::suspects::drop::{Acknowledged, SILENCE_NS, silence};
use crate::flow::entry::Entry;

pub const RULE: Rule = Rule {
    id: "trigger-then-silence",
    stance: Stance::For,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let trigger = view.suspect.trigger.as_ref()?;
    let case = view.case;
    let request = case.messages.requests.iter().find(|r| r.frame == trigger.frame)?;
    let silence = silence(case, request)?;
    // A host that acknowledges got the message: what its program does with it is its own, unless the line is shown to be dead since.
    if silence.acknowledged == Acknowledged::All && unheard(case, request) < TRIED {
        return None;
    }
    if silence.acknowledged == Acknowledged::Part || crate::detect::suspects::drop::is_answered(case, request) {
        return None;
    }
    // A client that gives up does not end the silence: the answer still had until the end of the capture.
    let until = if case.flow.key.protocol == 6 { silence.until } else { silence.until.max(view.around.capture_end) };
    let waited = until.since(silence.from) as f64 / 1e9;
    let tries = match trigger.kind {
        TriggerKind::DnsQname => view.around.unanswered_queries,
        _ if case.flow.key.protocol == 6 => silence.retransmissions + 1,
        _ => (silence.retransmissions + 1).max(view.around.unanswered_queries),
    };
    let what = match silence.acknowledged {
        Acknowledged::All => "acknowledged, but never answered".to_owned(),
        _ => format!("sent {tries} times, never answered"),
    };
    // One unanswered query is loss; a QUIC client that gives up after two datagrams shows no more than that.
    let enough = case.flow.key.protocol == 6 || tries >= 3;
    // A stub resolver that asks once and no more had its answer some other way.
    if !enough && (until.since(silence.from) < SILENCE_NS || trigger.kind == TriggerKind::DnsQname) {
        return None;
    }
    let class = if enough { Class::B } else { Class::C };
    let frames = silence.copies.iter().filter_map(|i| case.entries.get(*i)).map(|e| e.frame);
    Some(Claim::new("trigger-then-silence", class, frames, format!("the request was {what} in {waited:.1} s")).measured(waited, 0.0, "s"))
}

/// So often something sent after an acknowledged request must go unanswered: a FIN and two repetitions.
pub const TRIED: usize = 3;

/// Packets that ask for an acknowledgement and were sent after the last that was heard of the server.
pub fn unheard(case: &Case<'_>, request: &Request) -> usize {
    let heard = case.of(case.server()).filter(|(_, e)| !e.is_rst()).map(|(i, _)| i).next_back().unwrap_or(0);
    // A keep-alive is numbered one below what is acknowledged already.
    let asks = |e: &Entry| e.seq_end() != e.seq || ahead(request.seq_end, e.seq) == 1;
    case.of(case.client).filter(|(i, e)| *i > heard && !e.is_rst() && asks(e)).count()
}
