//! Why a flow cannot be judged.
//!
//! A finding is a verdict, whatever else could not be seen. Resets and silences are told by headers; of a flow without them that it is
//! clean can only be said if what was asked, and what came for an answer, could be read.

use crate::detect::case::{Case, Role};
use crate::detect::finding::TriggerKind;
use crate::detect::messages::Request;
use crate::flow::entry::{Entry, PEEK, fact};
use crate::flow::key::Direction;

/// Octets of an answer that are enough to know a forged one by, though there was more: those of injectors are small, and of large
/// frames, as network cards glue them together, a snap length of 1,500 leaves more.
const ENOUGH: u32 = 1_000;
/// TLS 1.3, whose certificates nobody sees.
const TLS13: u16 = 0x0304;

/// Why a flow cannot be judged, if so and nothing is found in it.
pub(super) fn unjudged(case: &Case<'_>) -> Option<&'static str> {
    let [low, high] = &case.flow.sides;
    if case.flow.evicted {
        return Some("evicted");
    }
    if low.packets == 0 || high.packets == 0 {
        return Some("one-sided");
    }
    if case.flow.key.protocol == 6 && case.role != Role::Syn {
        return Some("mid-stream");
    }
    let cut = low.cut + high.cut > 0 && low.data_packets + high.data_packets > 0;
    (cut && (is_request_cut(case) || is_answer_cut(case))).then_some("cut")
}

/// Whether the snap length cut the name off a request, if it has one.
pub(super) fn is_name_cut(case: &Case<'_>, request: &Request) -> bool {
    request.value.is_empty() && !request.complete && case.flow.sides[case.client.index()].cut > 0
}

fn is_request_cut(case: &Case<'_>) -> bool {
    let Some(request) = case.messages.requests.first() else { return true };
    // Of a protocol that has no names the first octets must be there, to know that it is none of the others.
    let unknown = |first: &&Entry| request.kind == TriggerKind::Protocol && first.is(fact::CUT) && first.peek().len() < PEEK;
    is_name_cut(case, request) || first_data(case, case.client).filter(unknown).is_some()
}

fn is_answer_cut(case: &Case<'_>) -> bool {
    let m = &case.messages;
    if m.dns.iter().any(|d| d.cut && d.message.answers.len() < d.message.counts[1].into()) {
        return true;
    }
    let Some(first) = first_data(case, case.server()).filter(|e| e.is(fact::CUT)) else { return false };
    let kept = case.flow.heads[case.server().index()].segments.iter().find(|s| s.frame == first.frame);
    if kept.is_some_and(|s| s.len >= ENOUGH) {
        return false;
    }
    match m.requests.first().map(|r| r.kind) {
        Some(TriggerKind::HttpHost | TriggerKind::HttpUri) => true,
        Some(TriggerKind::TlsSni | TriggerKind::TlsEch) => m.server.as_ref().is_none_or(|s| {
            let shown = s.hello.as_ref().is_some_and(|h| h.version >= TLS13 || !s.certificates.is_empty());
            !shown && s.alerts.is_empty() && !s.first_bytes_not_tls
        }),
        _ => false,
    }
}

fn first_data<'c>(case: &'c Case<'_>, side: Direction) -> Option<&'c Entry> {
    case.of(side).map(|(_, e)| e).find(|e| e.payload_len > 0 && !e.is_rst())
}
