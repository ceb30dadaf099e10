//! Whose packets a finding's look like: facts for the matcher, the distance they point to, the words for their pattern.

use super::verdict::{Injector, PacketRef};
use crate::attribute::observed::{Answer, Cause, Observed, Packet, initial_ttl};
use crate::attribute::resemblance::resemble;
use crate::attribute::{blockpages, issuers};
use crate::detect::case::Case;
use crate::detect::finding::{Claim, Stage, Suspect};
use crate::detect::suspects::dns_answer;
use crate::flow::entry::{Entry, fact};
use crate::flow::stream::ahead;

/// Hops that one injector's packets may differ by, as paths change; more is a TTL written at random.
const HOPS_APART: u8 = 3;
/// Longer paths are not seen: the packet did not start at an initial TTL that hosts use.
const FARTHEST: u8 = 32;

/// The remark on a finding with forged packets; `None` without any.
pub fn of(case: &Case<'_>, suspect: &Suspect, forged: &[PacketRef], claims: &[Claim]) -> Option<Injector> {
    let ttls = forged.iter().map(|p| p.entry.ttl);
    let (ttl_min, ttl_max) = (ttls.clone().min()?, ttls.clone().max()?);
    let cause = cause(case, suspect);
    let mirrored_ttl = claims.iter().any(|c| c.rule == "ttl-mirror" && c.void.is_none())
        || forged.iter().any(|p| !p.from_client && cause.is_some_and(|t| mirrors(t, &p.entry)));
    let hops = || ttls.clone().map(|t| initial_ttl(t) - t);
    let hops = hops().min().zip(hops().max()).filter(|(least, most)| !mirrored_ttl && most - least <= HOPS_APART && *most <= FARTHEST);
    Some(Injector {
        pattern: pattern(forged),
        ttl_min,
        ttl_max,
        hops_min: hops.map(|h| h.0),
        hops_max: hops.map(|h| h.1),
        mirrored_ttl,
        resembled: resemble(&observed(case, suspect, forged, cause)),
    })
}

/// The packet that set it off: the one that completed the request.
fn cause<'c>(case: &'c Case<'_>, suspect: &Suspect) -> Option<&'c Entry> {
    let trigger = suspect.trigger.as_ref().filter(|_| suspect.sender != case.client)?;
    case.entries.get(case.index_of(trigger.complete_at_frame)?)
}

/// Whether a packet's TTL is what was left of the trigger's, sent back: its header is then the trigger's in other fields as well.
fn mirrors(trigger: &Entry, e: &Entry) -> bool {
    let even = trigger.ttl >= e.ttl && (trigger.ttl - e.ttl).is_multiple_of(2);
    let id = e.ip_id().zip(trigger.ip_id()).is_some_and(|(a, b)| a != 0 && (a == b || a == b.wrapping_add(1)));
    let window = e.is_tcp() && e.window != 0 && e.window == trigger.window;
    even && (id || window)
}

fn observed(case: &Case<'_>, suspect: &Suspect, forged: &[PacketRef], cause: Option<&Entry>) -> Observed {
    let (status, pages) = pages(case, forged);
    let certificates = case.messages.server.iter().flat_map(|s| &s.certificates);
    let intercepted = suspect.mechanism == crate::detect::finding::Mechanism::TlsIntercept;
    Observed {
        packets: forged.iter().filter(|p| !p.entry.is(fact::ICMP)).map(|p| packet(case, suspect, p)).collect(),
        cause: cause.map(|e| Cause { ip_id: e.ip_id(), window: e.window }),
        in_handshake: suspect.stage == Stage::PostSyn,
        status,
        pages,
        issuer: certificates.filter(|_| intercepted).find_map(issuers::lookup).map(|row| row.id.clone()),
    }
}

/// Status of the first forged payload, and the known pages it matches.
fn pages(case: &Case<'_>, forged: &[PacketRef]) -> (Option<u16>, Vec<String>) {
    let Some(p) = forged.iter().find(|p| p.entry.is_tcp() && p.entry.payload_len > 0) else { return (None, Vec::new()) };
    let Some(head) = case.flow.heads.get(p.entry.direction().index()) else { return (None, Vec::new()) };
    let Some(segment) = head.segments.iter().find(|s| s.frame == p.entry.frame) else { return (None, Vec::new()) };
    let bytes = head.slice(segment);
    let pages = blockpages::of_payload(bytes).into_iter().map(|p| p.id.to_owned()).collect();
    (crate::app::http::response(bytes).map(|r| r.status), pages)
}

fn packet(case: &Case<'_>, suspect: &Suspect, p: &PacketRef) -> Packet {
    let e = &p.entry;
    let at = case.index_of(e.frame).unwrap_or(usize::MAX);
    let trigger_end = suspect.trigger.as_ref().filter(|t| t.seq_end != 0 && !p.from_client).map(|t| t.seq_end);
    Packet {
        from_server: !p.from_client,
        is_tcp: e.is_tcp(),
        flags: e.flags,
        ttl: e.ttl,
        ip_id: e.ip_id(),
        dont_fragment: (!e.is(fact::IPV6)).then(|| e.is(fact::DONT_FRAGMENT)),
        tos: e.tos,
        window: e.window,
        seq: e.seq,
        ack: e.ack,
        options: e.header_len.saturating_sub(20),
        payload_len: e.payload_len,
        payload: e.peek().to_vec(),
        time: e.time.0,
        is_next: e.is_tcp().then(|| case.next_seq(e.direction(), at)).flatten().map(|next| ahead(e.seq, next) == 0),
        ends_trigger: e.is_tcp().then_some(trigger_end).flatten().map(|end| ahead(e.ack, end) == 0),
        dns: answer(case, e),
    }
}

fn answer(case: &Case<'_>, e: &Entry) -> Option<Answer> {
    let seen = case.messages.dns.iter().find(|d| case.entries.get(d.entry).is_some_and(|x| x.frame == e.frame))?;
    let m = &seen.message;
    let [_, answers, authorities, additionals] = m.counts;
    Some(Answer {
        flags: m.flags,
        counts: [answers, authorities, additionals],
        name: m.question.as_ref().map(|q| q.name.as_lower_text().to_string()).unwrap_or_default(),
        addresses: dns_answer::addresses(m),
        aliases: dns_answer::aliases(m),
        ttls: m.answers.iter().map(|r| r.ttl).collect(),
    })
}

/// What one forged packet of many has in common with the others: `3×R. ttl 47 id 0x3a5c DF win 4022`.
fn pattern(forged: &[PacketRef]) -> String {
    let mut kinds: Vec<(String, Vec<&Entry>)> = Vec::new();
    for p in forged {
        let e = &p.entry;
        let kind = if e.is(fact::ICMP) {
            "ICMP".to_owned()
        } else if e.is_tcp() {
            e.flag_letters().replace('.', "A")
        } else {
            "UDP".to_owned()
        };
        let kind = if p.from_client { format!("{kind} as client") } else { kind };
        match kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, list)) => list.push(e),
            None => kinds.push((kind, vec![e])),
        }
    }
    kinds.iter().map(|(kind, list)| format!("{}×{kind} {}", list.len(), common(list))).collect::<Vec<_>>().join("; ")
}

fn common(list: &[&Entry]) -> String {
    let span = |of: &dyn Fn(&Entry) -> u16| {
        let values = list.iter().map(|e| of(e));
        (values.clone().min().unwrap_or(0), values.max().unwrap_or(0))
    };
    let range = |(low, high): (u16, u16)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    let mut parts = vec![format!("ttl {}", range(span(&|e| u16::from(e.ttl))))];
    if list.iter().all(|e| e.is(fact::HAS_ID)) {
        let (low, high) = span(&|e| e.ip_id);
        parts.push(match (list.len(), low == high) {
            (1, _) => format!("ipid 0x{low:04x}"),
            (_, true) => format!("ipid const 0x{low:04x}"),
            _ => "ipid varies".into(),
        });
        let df = list.iter().filter(|e| e.is(fact::DONT_FRAGMENT)).count();
        parts.push(
            if df == list.len() {
                "df"
            } else if df == 0 {
                "no df"
            } else {
                "df varies"
            }
            .into(),
        );
    }
    if list.iter().all(|e| e.is_tcp()) {
        parts.push(format!("win {}", range(span(&|e| e.window))));
    }
    parts.join(" ")
}
