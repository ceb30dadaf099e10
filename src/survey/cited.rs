//! The packets that a finding shows: those called forged, and the genuine ones beside them.

use super::verdict::PacketRef;
use crate::capture::Timestamp;
use crate::detect::finding::{Claim, Mechanism};
use crate::detect::rules::View;
use crate::detect::suspects::dns_answer;
use crate::flow::entry::Entry;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub(super) fn packets(view: &View<'_>, claims: &[Claim], origin: Timestamp) -> (Vec<PacketRef>, Vec<PacketRef>) {
    /// Genuine packets shown beside forged ones: enough to see the contradiction.
    const GENUINE: usize = 6;
    let case = view.case;
    let show = |e: &Entry| packet(view, e, origin);
    match view.suspect.mechanism {
        Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle => (Vec::new(), Vec::new()),
        Mechanism::IcmpError => (view.suspect.packets.iter().filter_map(|i| case.entries.get(*i)).map(show).collect(), Vec::new()),
        Mechanism::TcpReset | Mechanism::TcpFin | Mechanism::TcpData | Mechanism::TcpHandshake | Mechanism::TlsIntercept => {
            let forged: Vec<PacketRef> = view.suspect.packets.iter().filter_map(|i| case.entries.get(*i)).map(show).collect();
            let first = view.suspect.packets.first().copied().unwrap_or(0);
            let cited = |e: &Entry| claims.iter().any(|c| c.void.is_none() && c.frames.contains(&e.frame));
            let baseline = case.ordinary_before(view.suspect.sender, first).next().map(|(_, e)| e);
            let after = case
                .of(view.suspect.sender)
                .filter(|(i, e)| *i > first && !e.is_rst() && !view.suspect.packets.contains(i) && cited(e))
                .map(|(_, e)| e);
            (forged, baseline.into_iter().chain(after).take(GENUINE).map(show).collect())
        }
        Mechanism::DnsAnswer => {
            let odd = dns_answer::odd(view);
            let split = |wanted: bool| {
                let chosen = dns_answer::answers(case).filter(|(i, _)| odd.contains(i) == wanted);
                chosen.filter_map(|(_, d)| case.entries.get(d.entry)).take(GENUINE * 4).map(show).collect()
            };
            (split(true), split(false))
        }
    }
}

/// What the sender of a forged answer sent right behind it to end the connection: numbered from where the answer ends, with its TTL, which
/// none of the server's own packets has, and with its identification or the next ones.
pub(super) fn endings(view: &View<'_>, origin: Timestamp) -> Vec<PacketRef> {
    /// Identifications that a busy box may use for others in between.
    const BETWEEN: u16 = 16;
    let (case, suspect) = (view.case, view.suspect);
    let answer = suspect.packets.last().filter(|_| suspect.mechanism == Mechanism::TcpData);
    let Some((last, mut before)) = answer.and_then(|last| Some((*last, case.entries.get(*last)?))) else { return Vec::new() };
    let ends = |e: &Entry| e.has(tcp::FIN) || e.is_rst();
    let mut own = case.of(suspect.sender).filter(|(i, e)| !suspect.packets.contains(i) && !ends(e)).peekable();
    if own.peek().is_none() || own.any(|(_, e)| e.ttl == before.ttl) {
        return Vec::new();
    }
    let mut endings = Vec::new();
    for (_, e) in case.after(suspect.sender, last).filter(|(_, e)| ends(e)) {
        let next = e.ip_id().zip(before.ip_id()).is_none_or(|(id, known)| id.wrapping_sub(known) <= BETWEEN);
        if e.ttl == before.ttl && e.seq == before.seq_end() && next {
            endings.push(packet(view, e, origin));
            before = e;
        }
    }
    endings
}

fn packet(view: &View<'_>, e: &Entry, origin: Timestamp) -> PacketRef {
    let case = view.case;
    let start = |d: crate::flow::key::Direction| case.starts[d.index()].filter(|_| e.is_tcp());
    let dns = case.messages.dns.iter().find(|d| case.entries.get(d.entry).is_some_and(|x| x.frame == e.frame));
    PacketRef {
        entry: *e,
        from_client: e.direction() == case.client,
        since: e.time.since(origin),
        // Wireshark counts the SYN as 0, so the first data byte is 1.
        seq_rel: start(e.direction()).map(|s| ahead(e.seq, s) + 1),
        ack_rel: start(e.direction().other()).filter(|_| e.has(tcp::ACK)).map(|s| ahead(e.ack, s) + 1),
        dns: dns.map(|d| describe(&d.message)),
    }
}

/// A DNS message in a few words.
fn describe(m: &crate::app::dns::Message) -> String {
    use crate::app::dns::{Data, qtype_name};
    let mut parts: Vec<String> = Vec::new();
    if let Some(q) = &m.question {
        parts.push(format!("{} {}", qtype_name(q.qtype), q.name.as_lower_text()));
    }
    if m.is_response {
        match m.rcode {
            0 => {}
            2 => parts.push("SERVFAIL".into()),
            3 => parts.push("NXDOMAIN".into()),
            5 => parts.push("REFUSED".into()),
            n => parts.push(format!("rcode {n}")),
        }
        for record in m.answers.iter().take(4) {
            parts.push(match &record.data {
                Data::A(a) => format!("A {a}"),
                Data::Aaaa(a) => format!("AAAA {a}"),
                Data::Name(n) => format!("{} {}", qtype_name(record.rtype), n.as_lower_text()),
                _ => qtype_name(record.rtype).into_owned(),
            });
        }
    }
    parts.join(", ")
}
