//! # `too-early`: the answer comes sooner than the path allows
//!
//! ## What it looks for
//!
//! For a reset: the time from the packet whose bytes it acknowledges to its arrival, against the shortest round trip to
//! that server in the whole capture. For a DNS answer: the time since the query against the fastest answer of that
//! resolver. Below a quarter it is class B, below a half class C. Paths shorter than 8 ms are left alone.
//!
//! A bare reset acknowledges nothing, and is a host's answer to a packet that acknowledges up to its number: the time runs from the first
//! packet that did, and which of several it answers does not matter. It counts behind a
//! request, below a quarter, where it has no window, as a kernel's answer, and where other connections show how long the path is. A host
//! may also end a connection unasked, and a second site of the address that is not so near answers honestly (`another-machine`). Where
//! packets are missing, none is timed so.
//!
//! Forged answers may be the resolver's fastest themselves. So an answer is also held against those to names of other domains with other
//! addresses: where they were asked again while their records were good, all that go with the answer are early, and in less than one of
//! a hundred ways chance would have dealt it so. That is class B only together with a TTL that none of the others has. So it is where who
//! answers goes by name (see `dns-ttl-outlier`).
//!
//! ## Why it speaks for interference
//!
//! Nothing can acknowledge a packet before it has received it. What answers after a hundredth of the round trip sits
//! close by.
//!
//! ## Innocent explanations
//!
//! A handshake sample inflated by radio wake-up (the shortest over all flows is used), a local proxy or hypervisor (the
//! vantage audit voids the rule, and across a step of the capturing clock), a caching forwarder for DNS (it would have
//! answered repeated questions as soon), a server that was slow to accept the connection (an answer that goes on counting
//! its packets is not asked, nor one behind which the server goes on being as quick, nor the rest of an answer whose
//! beginning was overtaken or missed).
//!
//! ## How to check in Wireshark
//!
//! Compare the time between trigger and reset with `tcp.analysis.initial_rtt`.
//!
//! ## Source
//!
//! Calibration on published captures: 28 forged flows at 0.020-0.111 of the round trip, 864 of 868 genuine
//! acknowledgements at 0.94 or more, the rest at 0.32.

use super::{Rule, View};
use crate::capture::Timestamp;
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stage, Stance};
use crate::detect::surroundings::Others;
use crate::detect::suspects::dns_answer::{answers, queries};
use crate::detect::suspects::tcp_reset::{grain, packets, sender_rtt};
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "too-early",
    stance: Stance::For,
    class: Class::B,
    family: Family::Timing,
    mechanisms: &[Mechanism::TcpReset, Mechanism::TcpFin, Mechanism::TcpData, Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Below this the jitter of the capturing host is as large as the path.
const SHORTEST_NS: i64 = 8_000_000;
const STRONG: f64 = 0.25;
const WEAK: f64 = 0.5;
/// Ways in which chance could have dealt looks to answers, of which one would have been this.
pub const IMPROBABLE: f64 = 100.0;

fn check(view: &View<'_>) -> Option<Claim> {
    match view.suspect.mechanism {
        Mechanism::DnsAnswer => dns(view),
        _ => reset(view),
    }
}

fn reset(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let rtt = sender_rtt(view).filter(|r| *r >= SHORTEST_NS)?;
    let mut best: Option<(f64, u64, i64)> = None;
    for (i, r) in packets(view).filter(|(_, r)| r.has(tcp::ACK)) {
        let start = case.starts[view.suspect.sender.other().index()]?;
        let acks_something = ahead(r.ack, start) >= 0;
        let sent = case.ordinary_before(view.suspect.sender.other(), i).filter(|(_, e)| e.seq_end() != e.seq && ahead(r.ack, e.seq_end()) >= 0);
        // The newest byte it acknowledges, at its first transmission.
        let newest = sent.map(|(_, e)| (e.seq_end(), e.time)).reduce(|a, b| if ahead(b.0, a.0) > 0 { b } else { a });
        let Some((_, at)) = newest.filter(|_| acks_something) else { continue };
        let Some(delay) = elapsed(at, r.time).map(|delay| delay + grain(case)) else { continue };
        let ratio = delay as f64 / rtt as f64;
        if best.is_none_or(|b| ratio < b.0) {
            best = Some((ratio, r.frame, delay));
        }
    }
    best.map_or_else(|| bare(view, rtt), |best| claim("packet", best, rtt))
}

/// Bare resets: each answers no packet before the first that acknowledged up to its number.
fn bare(view: &View<'_>, rtt: i64) -> Option<Claim> {
    let (case, sender) = (view.case, view.suspect.sender);
    // What drew it may be among those.
    if view.suspect.mechanism != Mechanism::TcpReset || view.around.lossy {
        return None;
    }
    let timed = packets(view).filter(|(i, r)| r.is_rst() && !r.has(tcp::ACK) && case.left_out.iter().take(i + 1).all(|n| *n == 0));
    let early = timed.filter_map(|(i, r)| {
        let (_, first) = case.ordinary_before(sender.other(), i).find(|(_, e)| e.has(tcp::ACK) && e.ack == r.seq)?;
        let delay = elapsed(first.time, r.time)? + grain(case);
        Some((delay as f64 / rtt as f64, r, delay))
    });
    let (ratio, r, delay) = early.reduce(|a, b| if b.0 < a.0 { b } else { a })?;
    // One handshake may have waited for a radio to wake, and another site of the address may be half as far.
    let server = view.suspect.stage == Stage::PostRequest && sender == case.server();
    let told = server && r.window == 0 && view.around.sender.rtt.is_some() && ratio < STRONG;
    claim("packet", (ratio, r.frame, delay), rtt).filter(|_| told)
}

fn dns(view: &View<'_>) -> Option<Claim> {
    let resolver = view.around.resolver.as_ref()?;
    let fastest = resolver.rtt?;
    let query = queries(view.case).next().and_then(|q| view.case.entries.get(q.entry))?;
    let (_, first) = answers(view.case).next()?;
    let answer = view.case.entries.get(first.entry)?;
    // A repeated query starts a clock of its own: take the latest before the answer.
    let before = queries(view.case).filter_map(|q| view.case.entries.get(q.entry)).filter(|q| q.frame < answer.frame);
    let asked = before.last().unwrap_or(query);
    let delay = elapsed(asked.time, answer.time)?;
    let against = |shortest: i64| (delay as f64 / shortest as f64, answer.frame, delay);
    if let Some(claim) = claim("answer", against(fastest), fastest).filter(|_| fastest >= SHORTEST_NS) {
        return Some(claim);
    }
    let by_name = resolver.machine.filter(|m| m.tells_names(IMPROBABLE) && m.others_fastest >= SHORTEST_NS);
    if let Some(machine) = by_name.filter(|m| (m.slowest as f64) < m.others_fastest as f64 * WEAK) {
        return claim("answer", against(machine.others_fastest), machine.others_fastest);
    }
    // Forged answers that look like the resolver's have become its fastest.
    let (others, shortest) = (&resolver.others, others_rtt(&resolver.others)?);
    let claim = claim("answer", against(shortest), shortest)?;
    let foreign = others.ttls.iter().all(|(ttl, _)| *ttl != answer.ttl);
    Some(Claim { class: if foreign { claim.class } else { Class::C }, ..claim })
}

/// The shortest round trip of answers that have nothing to do with the one in question, where neither a nearby cache nor a second site
/// can have made it the shorter one: all that go with it are early, and the others were not though they were asked for again.
fn others_rtt(others: &Others) -> Option<i64> {
    const REPEATED: u64 = 4;
    let shortest = others.rtt.filter(|r| *r >= SHORTEST_NS)?;
    let early = (others.slowest as f64) < shortest as f64 * WEAK;
    (early && others.repeated >= REPEATED && others.tell_names(IMPROBABLE)).then_some(shortest)
}

/// Time between two packets; `None` where the clock was set in between. Several capture threads stamp a little out of order.
pub fn elapsed(from: Timestamp, to: Timestamp) -> Option<i64> {
    const JITTER_NS: i64 = 1_000_000;
    Some(to.since(from)).filter(|d| *d >= -JITTER_NS).map(|d| d.max(0))
}

fn claim(what: &str, (ratio, frame, delay): (f64, u64, i64), rtt: i64) -> Option<Claim> {
    let class = if ratio < STRONG {
        Class::B
    } else if ratio < WEAK {
        Class::C
    } else {
        return None;
    };
    let (delay, rtt) = (delay as f64 / 1e6, rtt as f64 / 1e6);
    let text = format!("the {what} arrives {delay:.1} ms after what it answers; the shortest round trip is {rtt:.1} ms");
    Some(Claim::new("too-early", class, [frame], text).measured(delay, rtt, "ms"))
}
