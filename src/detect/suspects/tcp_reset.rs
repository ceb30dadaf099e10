//! Resets that a side is said to have sent.
//!
//! Every reset of a side makes one suspect; resets that are plainly a kernel's answers to packets for a dead socket are left out of
//! it as long as others remain, so that the forged ones are named and not the echoes they caused.

mod drawn;

pub use drawn::{grain, undrawn};

use crate::detect::case::Case;
use crate::detect::finding::{Class, Mechanism, Stage, Suspect};
use crate::detect::rules::{self, View, hop_distance};
use crate::flow::entry::Entry;
use crate::flow::key::Direction;
use crate::flow::stream::ahead;
use crate::packet::tcp;

/// Answers to one packet arrive no sooner than this share of the shortest round trip.
pub const HONEST_SHARE: f64 = 0.8;

/// Further from a reset's number than any window that matters here: another connection on the same ports, its SYN unseen.
pub const SAME_STREAM: i64 = 1 << 20;

/// At most one suspect per sending side.
pub fn find(case: &Case<'_>) -> Vec<Suspect> {
    if case.flow.key.protocol != 6 {
        return Vec::new();
    }
    [case.server(), case.client].into_iter().filter_map(|side| suspect(case, side)).collect()
}

fn suspect(case: &Case<'_>, sender: Direction) -> Option<Suspect> {
    // The sums first: most flows have none, and every flow is asked.
    if case.flow.sides[sender.index()].resets == 0 {
        return None;
    }
    let resets: Vec<usize> = case.of(sender).filter(|(_, e)| e.is_rst() && !case.decoys.contains(&e.frame)).map(|(i, _)| i).collect();
    let first = *resets.first()?;
    let stage = stage(case, first)?;
    let odd: Vec<usize> = resets.iter().copied().filter(|i| !is_kernel_reply(case, sender, *i)).collect();
    let packets = if odd.is_empty() { resets } else { odd };
    let trigger = match stage {
        Stage::PostSyn => super::address_trigger(case),
        _ => case.request_before(*packets.first()?).map(super::trigger),
    };
    Some(Suspect { mechanism: Mechanism::TcpReset, stage, trigger, sender, packets, answers: Vec::new() })
}

/// How far the connection had come when entry `i` arrived.
fn stage(case: &Case<'_>, i: usize) -> Option<Stage> {
    let before = |side: Direction| case.ordinary_before(side, i);
    let syn_ack = before(case.server()).any(|(_, e)| e.is_syn_ack());
    let syn = before(case.client).any(|(_, e)| e.is_syn());
    let client_acked = before(case.client).any(|(_, e)| e.has(tcp::ACK) && !e.is_syn());
    let data = |side: Direction| before(side).any(|(_, e)| e.payload_len > 0);
    let established = syn_ack && client_acked;
    let silent = !data(case.server()) && !data(case.client);
    if syn && !established && silent {
        return Some(if is_beyond_syn(case, i) { Stage::Later } else { Stage::PostSyn });
    }
    if !syn && !syn_ack && !data(case.client) && !data(case.server()) {
        // A reset out of nowhere: backscatter, a scan, the tail of a connection begun before the capture.
        return None;
    }
    if !data(case.client) && !data(case.server()) {
        return Some(Stage::PostAck);
    }
    let request = case.request_before(i);
    let answered = request.is_some_and(|r| before(case.server()).any(|(_, e)| e.payload_len > 0 && e.time > r.time));
    Some(if request.is_some() && !answered { Stage::PostRequest } else { Stage::Later })
}

/// Whether a reset stands behind more of the client's stream than its SYN, of which no more was captured: that was said, and the capture
/// missed it.
fn is_beyond_syn(case: &Case<'_>, i: usize) -> bool {
    /// As much as a first message and what is sent behind it.
    const REACH: i64 = 1 << 16;
    let reached = |r: &Entry| if r.direction() == case.client { Some(r.seq) } else { Some(r.ack).filter(|_| r.has(tcp::ACK)) };
    let reached = case.entries.get(i).and_then(reached);
    case.starts[case.client.index()].zip(reached).is_some_and(|(start, at)| (1..REACH).contains(&ahead(at, start)))
}

/// A kernel's answer to a packet for a connection it no longer has: bare RST, numbered by the acknowledgement it answers, no options,
/// identification 0 with DF or in the sender's series, the sender's usual TTL.
pub fn is_kernel_reply(case: &Case<'_>, sender: Direction, i: usize) -> bool {
    let Some(r) = case.entries.get(i) else { return false };
    // The kernel answers before a program with a TCP of its own does, with an initial TTL of its own: then neither tells anything.
    let refused = refuses_syn_ack(case, sender, i);
    let rtt = case.rtt[sender.index()].filter(|_| !refused).unwrap_or(0);
    let plain = !r.has(tcp::ACK) && r.payload_len == 0 && r.window == 0;
    let near = |e: &Entry| e.ttl.abs_diff(r.ttl) <= 2 || (refused && hop_distance(e.ttl, r.ttl) <= 2);
    // Among them may be forged ones.
    let (all, usual) = case.ordinary_before(sender, i).fold((0, 0), |(all, usual), (_, e)| (all + 1, usual + u32::from(near(e))));
    let same_ttl = usual > 0 && usual * 2 >= all;
    let answers = case
        .ordinary_before(sender.other(), i)
        .any(|(_, e)| e.has(tcp::ACK) && e.ack == r.seq && r.time.since(e.time) as f64 >= rtt as f64 * HONEST_SHARE);
    let id = match r.ip_id() {
        None => true,
        Some(0) => r.is(crate::flow::entry::fact::DONT_FRAGMENT),
        // What a program past the kernel counts with is its own.
        Some(id) => refused || near_series(case, sender, i, id),
    };
    plain && same_ttl && answers && id
}

/// Whether a reset is what a client's kernel says to a SYN/ACK for a SYN that it has not sent itself: a program did, past it.
pub fn refuses_syn_ack(case: &Case<'_>, sender: Direction, i: usize) -> bool {
    let Some(r) = case.entries.get(i).filter(|r| sender == case.client && !r.has(tcp::ACK) && r.window == 0) else { return false };
    let mut answered = case.ordinary_before(sender.other(), i);
    case.ordinary_before(sender, i).all(|(_, e)| e.is_syn()) && answered.any(|(_, e)| e.is_syn_ack() && e.ack == r.seq)
}

/// Whether a client's reset may be that: it is numbered behind the SYN, and nothing of the server's was captured.
fn refuses_unseen(case: &Case<'_>, sender: Direction, i: usize, r: &Entry) -> bool {
    let behind = case.next_seq(sender, i) == Some(r.seq) && !r.has(tcp::ACK) && r.window == 0;
    sender == case.client && behind && case.of(sender.other()).next().is_none() && case.of(sender).all(|(_, e)| e.is_syn() || e.is_rst())
}

/// Whether a reset is a host's word on an acknowledgement of what it never sent, as of a connection before this one on the same ports:
/// it concerns that one (RFC 9293 section 3.10.7.3), and the host goes on with its own.
fn disowns(case: &Case<'_>, sender: Direction, i: usize, r: &Entry) -> bool {
    let Some(next) = case.next_seq(sender, i).filter(|_| !r.has(tcp::ACK)) else { return false };
    let mut acks = case.ordinary_before(sender.other(), i).filter(|(_, e)| e.has(tcp::ACK));
    r.seq != next && case.ordinary_before(sender, i).all(|(_, e)| e.is_syn()) && acks.any(|(_, e)| e.ack == r.seq)
}

/// Whether an identification continues the sender's counter, or the sender is seen to draw its own at random.
fn near_series(case: &Case<'_>, sender: Direction, i: usize, id: u16) -> bool {
    /// A busy host's global counter moves this much between two packets of one connection.
    const STEP: u16 = 1000;
    let mut ids = case.ordinary_before(sender, i).filter_map(|(_, e)| e.ip_id()).filter(|id| *id != 0);
    let Some(first) = ids.next() else { return false };
    let (last, counts) = ids.fold((first, true), |(last, counts), id| (id, counts && id.wrapping_sub(last) < STEP));
    !counts || id.wrapping_sub(last) < STEP
}

/// Whether a suspect's resets differ from their sender's other packets in what a host keeps the same.
pub fn is_foreign(view: &View<'_>) -> bool {
    ["ttl-jump", "ipid-jump", "options-missing"].iter().filter_map(|id| rules::find(id)).any(|r| (r.check)(view).is_some())
}

/// The suspect's packets as entries.
pub fn packets<'a>(view: &'a View<'_>) -> impl DoubleEndedIterator<Item = (usize, &'a Entry)> {
    view.suspect.packets.iter().filter_map(|i| view.case.entries.get(*i).map(|e| (*i, e)))
}

/// Shortest round trip to the suspect's sender, from this flow and from others.
pub fn sender_rtt(view: &View<'_>) -> Option<i64> {
    let side = view.suspect.sender.index();
    // What is forged in answer to data would make the path look short: then only the handshake counts.
    let own = if view.suspect.mechanism == Mechanism::TcpReset { view.case.rtt[side] } else { view.case.handshake_rtt[side] };
    match (own, view.around.sender.rtt) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A later packet of the same side that a reset contradicts, and how well that is shown.
pub struct Contradiction {
    pub reset: usize,
    pub packet: usize,
    /// Proved to have been sent after the reset would have been.
    pub proved: bool,
    pub lag: i64,
}

impl Contradiction {
    /// Nothing is proved where another machine may have sent the reset.
    pub fn class(&self, view: &View<'_>) -> Class {
        let alone = || rules::find("another-machine").is_none_or(|r| (r.check)(view).is_none());
        if self.proved && alone() { Class::A } else { Class::B }
    }
}

/// Looks for a later packet of the sender, of the wanted kind, that it cannot have sent after resetting the connection.
pub fn contradiction(view: &View<'_>, wanted: impl Fn(&Entry, &Entry) -> bool) -> Option<Contradiction> {
    /// Without any round trip known, a packet this much later was not merely overtaken.
    const UNKNOWN_RTT_NS: i64 = 1_000_000_000;
    let case = view.case;
    let rtt = sender_rtt(view);
    let reordering = case.reordering.max(view.around.reordering);
    let mut weak = None;
    for (i, r) in packets(view) {
        // A kernel that knows nothing of the connection resets it while a program with a TCP of its own (a scanner, a test tool) goes on.
        let sender = view.suspect.sender;
        let behind = !is_acceptable(view, i, r);
        if (behind && !is_behind(case, sender, i, r))
            || is_kernel_reply(case, sender, i)
            || disowns(case, sender, i, r)
            || refuses_unseen(case, sender, i, r)
        {
            continue;
        }
        // Windows repeats a refused SYN with the same number: what comes after belongs to the new attempt.
        let again = case.of(view.suspect.sender.other()).find(|(j, e)| *j > i && e.is_syn()).map_or(usize::MAX, |(j, _)| j);
        let known = case.next_seq(view.suspect.sender, i).unwrap_or(r.seq);
        let later = case.of(view.suspect.sender).filter(|(j, p)| *j > i && *j < again && !p.is_rst() && wanted(r, p));
        for (j, p) in later.filter(|(_, p)| p.is_syn_ack() || ahead(p.seq, known).abs() < SAME_STREAM) {
            let lag = p.time.since(r.time);
            let found = |proved| Contradiction { reset: i, packet: j, proved, lag };
            if rtt.is_some_and(|rtt| rtt > 0 && case.sent_after(j, i, rtt)) && lag > 3 * reordering {
                // Of one that is too old for the receiver it shows no more than that it is not the host's.
                if behind {
                    weak.get_or_insert(found(false));
                    break;
                }
                return Some(found(true));
            }
            // A retransmission of what was sent before may have been under way.
            let fresh = p.payload_len == 0 || ahead(p.seq_end(), known) > 0 || is_sent_anew(case, sender, (i, j));
            let patience = rtt.unwrap_or(UNKNOWN_RTT_NS).max(3 * reordering).max(1_000_000);
            if fresh && !behind && lag > patience && weak.is_none() {
                weak = Some(found(false));
            }
        }
    }
    weak
}

/// Whether a reset is numbered inside what its sender has sent, and answers nothing: a host that resets numbers it by what it sends next.
fn is_behind(case: &Case<'_>, sender: Direction, i: usize, r: &Entry) -> bool {
    let (Some(start), Some(next)) = (case.starts[sender.index()], case.next_seq(sender, i)) else { return false };
    let inside = ahead(r.seq, start) >= 0 && (1..SAME_STREAM).contains(&ahead(next, r.seq));
    let mut acks = case.ordinary_before(sender.other(), i).filter(|(_, e)| e.has(tcp::ACK));
    // What it answers may be among the packets that were not kept.
    let whole = || case.left_out.iter().take(i + 1).all(|n| *n == 0);
    inside && (r.has(tcp::ACK) || (whole() && !acks.any(|(_, e)| e.ack == r.seq)))
}

/// Whether entry `j`, which repeats what was sent before the reset at `i`, has the next number of its sender's count: then it is no late
/// arrival, for that has the number it was sent with.
pub fn is_sent_anew(case: &Case<'_>, sender: Direction, (i, j): (usize, usize)) -> bool {
    let ids: Vec<u16> = case.ordinary_before(sender, i).filter_map(|(_, e)| e.ip_id()).collect();
    let counts = ids.len() >= 3 && ids.windows(2).all(|w| matches!(w, [a, b] if (1..=COUNTED).contains(&b.wrapping_sub(*a))));
    let between = |id: u16| ids.last().is_some_and(|last| (1..=COUNTED).contains(&id.wrapping_sub(*last)));
    counts && case.entries.get(j).and_then(Entry::ip_id).is_some_and(between)
}

/// Packets that a client sends to others between two of one connection.
const COUNTED: u16 = 64;

/// Whether the receiver would take this reset: in window, or for a SYN acknowledging it. A server in SYN-RECEIVED answers a stray
/// segment with a reset numbered as that segment asked, and goes on.
pub fn is_acceptable(view: &View<'_>, i: usize, r: &Entry) -> bool {
    /// No receive window that matters here is larger.
    const WINDOW: i64 = 1 << 20;
    let case = view.case;
    match case.next_seq(view.suspect.sender, i) {
        Some(next) => {
            let beyond = ahead(r.seq, next);
            // An acknowledgement of what lies far away is of another connection.
            let asked = || case.highest_ack(view.suspect.sender.other(), i).is_some_and(|a| a == r.seq && beyond.abs() < SAME_STREAM);
            (-1..WINDOW).contains(&beyond) || asked()
        }
        None => r.has(tcp::ACK),
    }
}

/// Packets of the receiver that could each have drawn one of the acknowledging resets from entry `first` to entry `i`: what was sent from
/// one and a half round trips before the first.
pub fn eliciting(view: &View<'_>, first: usize, i: usize) -> usize {
    let case = view.case;
    let Some(r) = case.entries.get(first) else { return 0 };
    let reach = sender_rtt(view).unwrap_or(200_000_000) * 3 / 2 + 2_000_000;
    case.ordinary_before(view.suspect.sender.other(), i).filter(|(_, e)| r.time.since(e.time) <= reach).count()
}
