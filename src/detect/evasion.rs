//! Circumvention traffic: what a client does on purpose so that a filter misreads it. Its own, and never injection.
//!
//! Fake packets that die on the way, messages cut inside the name, records no library writes, Host lines that only servers
//! understand: GoodbyeDPI, zapret, ByeDPI, Geneva and others do these. See Bock et al., CCS 2019; Niere et al., 2023 (TLS record
//! fragmentation); net4people/bbs.

use super::case::Case;
use crate::app::http::Oddity;
use crate::flow::entry::{Entry, fact};
use crate::flow::stream::ahead;

/// A way around a filter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Evasion {
    /// Packets that are not meant to arrive: TTL too small, checksum wrong, an MD5 option nobody agreed on.
    Decoy,
    /// A ClientHello or request cut after a few octets.
    SplitMessage,
    /// A ClientHello spread over several TLS records.
    SplitRecords,
    /// A request line or Host header at the edge of the grammar.
    OddRequest,
    /// Datagrams in front of the QUIC Initial that are no QUIC.
    DecoyDatagram,
}

impl Evasion {
    /// What never reaches the server: it can change nobody's mind but that of a box on the way.
    pub const DECOYS: u8 = Evasion::Decoy.bit() | Evasion::DecoyDatagram.bit();

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Those found in a flow, a bit each.
    pub fn bits(found: &[(Evasion, u64)]) -> u8 {
        found.iter().fold(0, |all, (kind, _)| all | kind.bit())
    }

    /// Their names, of a bit each.
    pub fn names(bits: u8) -> String {
        let all = [Evasion::Decoy, Evasion::SplitMessage, Evasion::SplitRecords, Evasion::OddRequest, Evasion::DecoyDatagram];
        all.iter().filter(|kind| bits & kind.bit() != 0).map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
    }

    pub fn name(self) -> &'static str {
        match self {
            Evasion::Decoy => "decoy",
            Evasion::SplitMessage => "split-message",
            Evasion::SplitRecords => "split-records",
            Evasion::OddRequest => "odd-request",
            Evasion::DecoyDatagram => "decoy-datagram",
        }
    }
}

/// Data packets and resets of the client that were never meant to reach the server: frames, ascending.
pub fn decoys(entries: &[Entry], client: crate::flow::key::Direction) -> Vec<u64> {
    /// Hops a decoy's TTL falls short of the client's own; a path does not change by that much within a message.
    const SHORT: u8 = 3;
    /// More hops than this are enough for most of the Internet: such a packet was sent with another TTL, but sent to arrive.
    const DIES: u8 = 20;
    /// Hops from a client to a capture in its own network.
    const BESIDE: u8 = 2;
    let mine = || entries.iter().filter(|e| e.is_tcp() && e.direction() == client && !e.is_rst());
    let Some(syn) = mine().find(|e| e.is_syn()) else { return Vec::new() };
    let data = || mine().filter(|e| e.payload_len > 0);
    // Nobody in front of a capture beside the client forges resets in its name; further on somebody may.
    let beside = [32, 64, 128, 255].into_iter().any(|initial: u8| initial.checked_sub(syn.ttl).is_some_and(|hops| hops <= BESIDE));
    let resets = || entries.iter().filter(|e| beside && e.is_rst() && e.direction() == client);
    let full = |e: &Entry| e.ttl.abs_diff(syn.ttl) < SHORT;
    // Offload leaves outgoing checksums unfinished; a decoy's is wrong where another packet with the same number has a right one.
    let summed = |e: &Entry| data().any(|other| other.seq == e.seq && other.is(fact::CHECKSUM_GOOD) && other.peek() != e.peek());
    let dies = |e: &Entry| e.ttl <= DIES && e.ttl.saturating_add(SHORT) <= syn.ttl;
    let is_decoy =
        |e: &Entry| (dies(e) && data().any(full)) || (e.is(fact::CHECKSUM_BAD) && summed(e)) || (e.is(fact::MD5) && !syn.is(fact::MD5));
    let mut frames: Vec<u64> = data().filter(|e| is_decoy(e)).chain(resets().filter(|e| dies(e))).map(|e| e.frame).collect();
    frames.sort_unstable();
    frames
}

/// Every way around a filter that a flow's client used, with the first frame of each.
pub fn find(case: &Case<'_>) -> Vec<(Evasion, u64)> {
    let mut found = Vec::new();
    let mut note = |kind: Evasion, frame: Option<u64>| found.extend(frame.map(|f| (kind, f)));
    note(Evasion::Decoy, case.decoys.first().copied());
    note(Evasion::SplitMessage, split(case));
    if let (Some(hello), Some(request)) = (&case.messages.hello, case.messages.requests.first()) {
        note(Evasion::SplitRecords, (hello.records > 1).then_some(request.frame));
    }
    if let (Some(host), Some(request)) = (&case.messages.host, case.messages.requests.first()) {
        let odd = |o: &Oddity| {
            use Oddity::{HostCase, HostNameSpace, HostSpacing, HostTab, MethodCase, StartLineSpacing};
            matches!(o, HostCase | HostSpacing | HostNameSpace | HostTab | MethodCase | StartLineSpacing)
        };
        note(Evasion::OddRequest, host.oddities.iter().any(odd).then_some(request.frame));
    }
    if let Some(first) = case.messages.quic.as_ref().and_then(|q| q.client_initials.first()) {
        note(Evasion::DecoyDatagram, case.of(case.client).find(|(i, _)| i < first).map(|(_, e)| e.frame));
    }
    found
}

/// The first segment that was cut far shorter than any stack cuts, with more of the message behind it.
fn split(case: &Case<'_>) -> Option<u64> {
    /// The smallest segment size a host must accept is 536 octets (RFC 9293); tools cut after 1 to 5.
    const SHORT: u32 = 100;
    let request = case.messages.requests.first().filter(|_| case.messages.hello.is_some() || case.messages.host.is_some())?;
    let inside = |e: &Entry| ahead(e.seq, request.seq) >= 0 && ahead(request.seq_end, e.seq_end()) > 0;
    let mut short = case.of(case.client).filter(|(_, e)| (1..SHORT).contains(&e.payload_len) && !e.is_rst());
    short.find(|(_, e)| inside(e) && !case.decoys.contains(&e.frame)).map(|(_, e)| e.frame)
}
