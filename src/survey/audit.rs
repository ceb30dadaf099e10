//! The vantage audit: what this capture, as it was taken, cannot show. It comes before verdicts.

use super::clock_steps::{self, ClockStep};
use super::examples::{Few, Sighted};
use super::flags;
use super::losses::OnTheWay;
use super::offload;
use crate::detect::case::{Case, Role};
use crate::flow::entry::fact;
use crate::limits::CLOCK_STEPS;
use crate::packet::tcp;

/// Fewer packets missing from a capture are a mishap, and tell no share. So many flows can be shown to whoever judges again.
const MISSED: usize = 12;
/// A flow with a hole may have been tampered with.
const LOSSY: u64 = 2;

/// Sums over all flows that tell how the capture was taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    pub flows: u64,
    pub two_sided: u64,
    /// A flow of each kind, by its first frame: two-sided ones, and those answered faster than their path allows.
    pub two_sided_flows: Few<1>,
    pub fast_flows: Few<1>,
    pub one_sided: u64,
    /// Entries looked at (resets apart) and copies among them.
    pub entries: u64,
    pub copies: u64,
    /// Largest reordering, ns.
    pub reordering: i64,
    /// First frame of the flow that shows it.
    pub reordered: u64,
    pub acked_unseen: u64,
    /// Data packets that such acknowledgements tell of, those that are there, and flows that show it.
    pub missed: u64,
    pub data: u64,
    pub missed_flows: Few<MISSED>,
    /// Flows that begin with a SYN, and those of them whose client acknowledges a SYN/ACK that was not captured before it.
    pub begun: u64,
    pub unopened: Sighted,
    /// A TCP flow with a packet that has none of the flags SYN, FIN and RST, and one where those that have them tell of such packets.
    pub plain_flows: Few<1>,
    pub bare_flows: Few<1>,
    /// What gets lost beyond the capture point.
    pub on_the_way: OnTheWay,
    /// Flows with segments larger than their receiver takes, and with wrong checksums on what arrived.
    pub glued: u64,
    pub glued_flows: Few<1>,
    pub unsummed: u64,
    /// TCP flows that began before the capture did.
    pub mid_stream: u64,
    /// Steps of the clock, until [`Audit::settle`] as each flow saw them; no more than the bound a shard.
    pub steps: Vec<ClockStep>,
    /// Those beyond it.
    pub steps_dropped: u64,
    /// TCP flows whose data was acknowledged, and those where that was far faster than the handshake.
    pub timed: u64,
    pub implausibly_fast: u64,
    /// Packets that arrived with the TTL nearly all others have, per distinct TTL.
    pub inbound_ttls: std::collections::BTreeMap<u8, Sighted>,
    pub handshakes: [u64; 2],
}

impl Audit {
    /// Takes a flow into account.
    pub fn add(&mut self, case: &Case<'_>) {
        self.flows += 1;
        let first = case.entries.first().map_or(0, |e| e.frame);
        let [low, high] = &case.flow.sides;
        if case.flow.key.protocol == 6 && case.flow.packets() >= 3 {
            if low.packets > 0 && high.packets > 0 {
                self.two_sided += 1;
                self.two_sided_flows.add(first);
            } else if case.entries.iter().any(|e| e.has(tcp::ACK) && !e.is_rst()) {
                self.one_sided += 1;
            }
        }
        let odd = low.resets + high.resets > 0 || case.has(fact::ICMP);
        let left_out = if odd { case.entries.iter().filter(|e| e.is_rst() || e.is(fact::ICMP)).count() } else { 0 };
        self.entries += (case.entries.len() - left_out) as u64;
        self.copies += case.copies as u64;
        let mut inbound = |ttl, n| self.inbound_ttls.entry(ttl).or_default().add_many(first, n);
        if case.copies == 0 && !case.has(fact::ICMP) {
            case.ttls(case.server()).for_each(|(ttl, n)| inbound(ttl, n));
        } else {
            let all = case.entries.iter().filter(|e| e.direction() == case.server() && !e.is_rst());
            all.for_each(|e| inbound(e.ttl, 1));
        }
        self.reorder(case.reordering, first);
        let missed = crate::detect::rules::missed(case);
        if missed > 0 {
            self.acked_unseen += 1;
            self.missed += missed;
            self.missed_flows.add(first);
        }
        if case.flow.key.protocol == 6 {
            self.data += low.data_packets + high.data_packets;
            self.begun += u64::from(case.role == Role::Syn);
            if is_unopened(case) {
                self.unopened.add(first);
            }
            if flags::has_plain(case) {
                self.plain_flows.add(first);
            } else if flags::tells_of_more(case) {
                self.bare_flows.add(first);
            }
        }
        if offload::glued(case).is_some() {
            self.glued += 1;
            self.glued_flows.add(first);
        }
        self.unsummed += u64::from(offload::unsummed(case).is_some());
        self.mid_stream += u64::from(case.flow.key.protocol == 6 && case.role != Role::Syn && !case.flow.evicted);
        for step in clock_steps::find(case) {
            if self.steps.len() < CLOCK_STEPS {
                self.steps.push(step);
            } else {
                self.steps_dropped += 1;
            }
        }
        let server = case.server().index();
        if let (Some(handshake), Some(best)) = (case.handshake_rtt[server], case.rtt[server]) {
            self.timed += 1;
            // A NAT of a hypervisor ends TCP itself: it acknowledges data at once, the handshake took the real path.
            if handshake >= 8_000_000 && best * 10 < handshake {
                self.implausibly_fast += 1;
                self.fast_flows.add(first);
            }
        }
        if let Some(client) = case.handshake_rtt[case.client.index()] {
            let near_client = case.handshake_rtt[server].is_none_or(|s| client < s);
            if let Some(count) = self.handshakes.get_mut(usize::from(!near_client)) {
                *count += 1;
            }
        }
    }

    /// Adds another shard's sums.
    pub fn merge(&mut self, o: &Audit) {
        self.flows += o.flows;
        self.two_sided += o.two_sided;
        self.one_sided += o.one_sided;
        self.entries += o.entries;
        self.copies += o.copies;
        self.reorder(o.reordering, o.reordered);
        self.two_sided_flows.merge(&o.two_sided_flows);
        self.fast_flows.merge(&o.fast_flows);
        self.acked_unseen += o.acked_unseen;
        self.missed += o.missed;
        self.data += o.data;
        self.missed_flows.merge(&o.missed_flows);
        self.begun += o.begun;
        self.unopened.merge(&o.unopened);
        self.plain_flows.merge(&o.plain_flows);
        self.bare_flows.merge(&o.bare_flows);
        self.on_the_way.merge(&o.on_the_way);
        self.glued += o.glued;
        self.glued_flows.merge(&o.glued_flows);
        self.unsummed += o.unsummed;
        self.mid_stream += o.mid_stream;
        self.steps.extend(&o.steps);
        self.steps_dropped += o.steps_dropped;
        self.timed += o.timed;
        self.implausibly_fast += o.implausibly_fast;
        for (ttl, n) in &o.inbound_ttls {
            self.inbound_ttls.entry(*ttl).or_default().merge(n);
        }
        for (a, b) in self.handshakes.iter_mut().zip(o.handshakes) {
            *a += b;
        }
    }

    fn reorder(&mut self, lag: i64, flow: u64) {
        if lag > self.reordering || (lag == self.reordering && lag > 0 && flow < self.reordered) {
            (self.reordering, self.reordered) = (lag, flow);
        }
    }

    /// Share of packets captured twice.
    pub fn duplicates(&self) -> f64 {
        if self.entries == 0 { 0.0 } else { self.copies as f64 / self.entries as f64 }
    }

    /// Share of TCP's data packets that the capture missed.
    pub fn missing(&self) -> f64 {
        if self.missed < MISSED as u64 { 0.0 } else { self.missed as f64 / (self.missed + self.data) as f64 }
    }

    /// Several flows show holes, or captures of the two directions put together out of step: the number of packets before another tells
    /// nothing.
    pub fn is_lossy(&self) -> bool {
        /// Of a thousand; fewer are a few bad moments in a long capture, and not where resets are counted.
        const SHARE: u64 = 2;
        let holes = self.acked_unseen >= LOSSY && self.missed * 1000 >= (self.missed + self.data) * SHARE;
        let unopened = self.unopened.count >= LOSSY && self.unopened.count * 1000 >= self.begun * SHARE;
        holes || unopened
    }

    /// Of TCP only packets with certain flags were captured: what resets answer is not among them.
    pub fn is_filtered(&self) -> bool {
        self.plain_flows.iter().next().is_none() && self.bare_flows.iter().next().is_some()
    }

    /// Once all is added: what several flows saw of one step of the clock becomes one.
    pub fn settle(&mut self) {
        let (steps, more) = clock_steps::distinct(&self.steps);
        self.steps = steps;
        self.steps_dropped += more;
    }

    /// Only one direction of TCP was captured.
    pub fn is_one_sided(&self) -> bool {
        self.two_sided == 0 && self.one_sided > 0
    }

    /// A NAT or proxy on the capturing host ends TCP: TTL, identification and timing are its own, not the path's.
    pub fn nat_suspected(&self) -> bool {
        let initial = self.inbound_ttls.keys().all(|t| matches!(t, 64 | 128 | 255)) && !self.inbound_ttls.is_empty();
        let constant = self.inbound_ttls.len() == 1;
        let fast = self.timed > 0 && self.implausibly_fast * 2 > self.timed;
        (initial && constant && self.implausibly_fast > 0) || (fast && constant)
    }

    /// Where on the path the capture was taken.
    pub fn vantage(&self) -> &'static str {
        match self.handshakes {
            [0, 0] => "unknown",
            [a, b] if a >= b * 4 => "client",
            [a, b] if b >= a * 4 => "server",
            _ => "middle",
        }
    }

    /// Rules that this capture cannot support, with the claim's mark.
    pub fn void_rules(&self) -> Vec<&'static str> {
        let mut void = Vec::new();
        if self.nat_suspected() {
            void.extend(["ttl-jump", "ttl-mirror", "ipid-jump", "ipid-mirror", "ipid-reused", "too-early", "dns-ttl-outlier"]);
        }
        if self.duplicates() > 0.05 {
            void.extend(["reset-burst-equal", "reset-mixed-flags"]);
        }
        if self.is_filtered() {
            void.extend(flags::UNSUPPORTED.iter().filter(|rule| !self.nat_suspected() || **rule != "too-early"));
        }
        if self.is_one_sided() {
            void.extend(["trigger-then-silence", "tail-then-silence", "answer-then-silence"]);
        }
        void
    }
}

/// Whether a flow has a SYN, no SYN/ACK to it, and what a client says once it has one.
fn is_unopened(case: &Case<'_>) -> bool {
    let unanswered = case.role == Role::Syn && case.handshake_rtt[case.server().index()].is_none();
    let silent = || !case.of(case.server()).any(|(_, e)| e.is_syn_ack());
    unanswered
        && silent()
        && case.of(case.server()).next().is_some()
        && case.ordinary_before(case.client, case.entries.len()).any(|(_, e)| !e.is_syn() && e.ack != 0)
}
