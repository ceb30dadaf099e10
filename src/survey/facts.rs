//! What is remembered of hosts, requests and resolvers: sums and bounded lists that merge.

use super::answers::Answers;
use super::attempts::Attempts;
use super::conclude::Hands;
use super::examples::{First, Least, Sighted, Tally};
use super::gathered::{Gathered, Joins};
use super::heard::Heard;
use super::refused::Refusals;
use super::resolver::Resolver;
use super::transfers::Transfers;
use crate::capture::Timestamp;
use crate::limits::{SILENCES, SURVEY_PORTS, SURVEY_SERVERS};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Kind of request, as far as one is a control for another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    Tls,
    Http,
    Quic,
    Dns,
    /// Anything else over TCP.
    Other,
    /// What a client says to a server that spoke first. It is measured by its like and no measure for others: whoever refuses these on
    /// one port has nothing to do with the next.
    Greeted,
}

/// An address, from the flows that gave no cause for suspicion.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The shortest, with the flow that shows it.
    pub rtt: Least,
    pub ttls: Tally<u8>,
    pub flows: u64,
}

/// Who issued a certificate: issuer and server, with the first frame that asked for it and the first frame of that one's flow.
pub type Issuers = BTreeMap<(String, IpAddr), (u64, u64)>;

/// A silence under judgement, or one that ended late.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Silent {
    pub from: Timestamp,
    pub until: Timestamp,
    /// First frame of the flow.
    pub flow: u64,
    pub client: IpAddr,
    pub server: IpAddr,
    /// Port of the server, of a connection whose SYN nobody answered, or not the first one.
    pub unopened: Option<u16>,
    /// It ended: the server acknowledged what had been said.
    pub ended: bool,
    /// Packets that show it, wherever in their flow; 0 where there are fewer.
    pub frames: [u64; SHOWN],
}

/// What was heard last, what was said then, and three repetitions.
pub const SHOWN: usize = 5;

/// Addresses that flows had for ends.
type Hosts = Gathered<IpAddr, Host, SURVEY_SERVERS>;

/// Addresses that answered questions.
type Resolvers = Gathered<IpAddr, Box<Resolver>, SURVEY_SERVERS>;

/// Everything the survey knows of a capture.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub hosts: Hosts,
    pub attempts: Attempts,
    /// Boxed: a tree's nodes have room for more than they hold. Those that were asked over TCP beside those that were asked over UDP.
    pub resolvers: Resolvers,
    pub resolvers_tcp: Resolvers,
    pub answers: Answers,
    /// Second of arrival of packets from servers: the flows heard last in it, two of a client.
    pub heard: BTreeMap<i64, Vec<Heard>>,
    /// What is not among those yet, by second.
    pub lately: Vec<(i64, Heard)>,
    /// Connections whose SYNs nobody answered, and ports that answered, by server and port.
    pub unanswered_syns: Gathered<(IpAddr, u16), Sighted, SURVEY_PORTS>,
    pub answering_ports: Gathered<(IpAddr, u16), First, SURVEY_PORTS>,
    /// Port unreachables of hosts that were asked as resolvers.
    pub refusals: Gathered<IpAddr, Refusals, SURVEY_SERVERS>,
    pub silences: Vec<Silent>,
    /// Issuers seen in the clear for a name.
    pub issuers: BTreeMap<Vec<u8>, Issuers>,
    pub transfers: Transfers,
    /// Hosts that connectivity checks were redirected to, and addresses that did it: the first check, with its frame and the first of
    /// its flow.
    pub portals: BTreeMap<Vec<u8>, (Vec<u8>, u64, u64)>,
    /// When the last packet came, and which it was.
    pub end: (Timestamp, u64),
    /// Facts left out because a bound was reached.
    pub dropped: u64,
}

impl Joins for Host {
    fn join(&mut self, other: &mut Host) {
        self.rtt.merge(other.rtt);
        self.flows += other.flows;
        self.ttls.merge(&other.ttls);
    }
}

/// The first, with what the others know.
fn folded<T: Default>(all: &mut Vec<T>, merge: fn(&mut T, T)) -> T {
    let mut all = all.drain(..);
    let mut first = all.next().unwrap_or_default();
    all.for_each(|other| merge(&mut first, other));
    first
}

impl Facts {
    /// Remembers where a connectivity check was sent.
    pub fn portal(&mut self, host: Vec<u8>, check: (Vec<u8>, u64, u64)) {
        /// A network has one sign-in page; a long capture may have met a few networks.
        const PORTALS: usize = 256;
        if self.portals.len() >= PORTALS && !self.portals.contains_key(&host) {
            self.dropped += 1;
            return;
        }
        let known = self.portals.entry(host).or_insert_with(|| check.clone());
        if check.1 < known.1 {
            *known = check;
        }
    }

    /// What is known of a resolver, by transport.
    pub fn resolver(&self, ip: IpAddr, tcp: bool) -> Option<&Resolver> {
        let known = if tcp { &self.resolvers_tcp } else { &self.resolvers };
        known.get(&ip).map(|r| &**r)
    }

    /// Gives away all that another part can know as well. Of the transfers a shard keeps every so many-th of its own.
    pub fn give(&mut self) -> Facts {
        let transfers = std::mem::take(&mut self.transfers);
        std::mem::replace(self, Facts { transfers, ..Facts::default() })
    }

    /// Octets that facts are reckoned to take, tree nodes and heap included, but for what was heard in each second.
    pub fn reckoned(&self) -> usize {
        /// An attempt, an address with its TTLs, a resolver with its looks, a name with its answers, a port, a silence.
        const EACH: [usize; 6] = [96, 256, 960, 128, 64, size_of::<Silent>()];
        let ports = self.unanswered_syns.len() + self.answering_ports.len();
        let many = [
            self.attempts.len(),
            self.hosts.len(),
            self.resolvers.len() + self.resolvers_tcp.len(),
            self.answers.len(),
            ports,
            self.silences.len(),
        ];
        EACH.iter().zip(many).map(|(each, n)| each * n).sum()
    }

    /// All that several know: so far, or `in_order` once there is no more to come. Requests, hosts, and all else are joined beside each
    /// other; none of them knows of the others. What grows with a capture rather than with its hosts is cut to its bounds each time, and
    /// what is left does not depend on when that is done.
    pub fn together(mut all: Vec<Facts>, hands: &dyn Hands, in_order: bool) -> Facts {
        let mut asked: Vec<Attempts> = all.iter_mut().map(|facts| std::mem::take(&mut facts.attempts)).collect();
        let mut met: Vec<Hosts> = all.iter_mut().map(|facts| std::mem::take(&mut facts.hosts)).collect();
        let (mut attempts, mut hosts, mut facts) = (Attempts::default(), Hosts::default(), Facts::default());
        let mut requests = || {
            attempts = folded(&mut asked, Attempts::merge);
            attempts.settle();
        };
        let mut addresses = || {
            hosts = folded(&mut met, Hosts::merge);
            if in_order {
                hosts.order();
            }
        };
        let heard = all.iter().map(|facts| facts.lately.len()).sum();
        if let Some(first) = all.first_mut() {
            first.lately.reserve_exact(heard);
        }
        let mut rest = || {
            facts = folded(&mut all, Facts::merge);
            facts.settle_heard();
            if in_order {
                facts.order();
            }
        };
        // Hosts first: where there are many of them they take longest.
        hands.both(&mut addresses, &mut || hands.both(&mut requests, &mut rest));
        if in_order {
            facts.dropped += attempts.dropped + hosts.dropped;
        }
        Facts { attempts, hosts, ..facts }
    }

    /// Puts all but requests and hosts in order once all has been added.
    fn order(&mut self) {
        self.answers.settle();
        self.resolvers.order();
        self.resolvers_tcp.order();
        self.unanswered_syns.order();
        self.answering_ports.order();
        self.refusals.order();
        self.transfers.order();
        self.order_silences();
        self.dropped += self.answers.dropped + self.transfers.dropped + self.resolvers.dropped + self.resolvers_tcp.dropped;
        self.dropped += self.unanswered_syns.dropped + self.answering_ports.dropped + self.refusals.dropped;
    }

    /// Stable: of a flow they stay as it told them, whoever knew them meanwhile.
    fn order_silences(&mut self) {
        self.silences.sort_by_key(|s| (s.flow, s.from));
        self.dropped += self.silences.len().saturating_sub(SILENCES) as u64;
        self.silences.truncate(SILENCES);
    }

    /// Observations of which nothing is kept, since samples stand for them; after all is in order.
    pub fn sampled(&self) -> u64 {
        let resolvers = self.resolvers.iter().chain(self.resolvers_tcp.iter());
        self.transfers.left_out() + resolvers.map(|(_, r)| r.kindred.left_out()).sum::<u64>()
    }

    /// Puts an issuer to a name.
    fn issued(&mut self, name: Vec<u8>, issuers: Issuers) {
        let known = self.issuers.entry(name).or_default();
        for (issuer, first) in issuers {
            known.entry(issuer).and_modify(|f| *f = first.min(*f)).or_insert(first);
        }
        // The last names go, because which shard comes first says nothing.
        if self.issuers.len() > SURVEY_SERVERS {
            self.dropped += self.issuers.pop_last().map_or(0, |(_, issuers)| issuers.len() as u64);
        }
    }

    /// Adds what another shard knows.
    pub fn merge(&mut self, mut other: Facts) {
        self.take_heard(&mut other);
        self.hosts.merge(other.hosts);
        self.attempts.merge(other.attempts);
        self.answers.merge(other.answers);
        self.resolvers.merge(other.resolvers);
        self.resolvers_tcp.merge(other.resolvers_tcp);
        for (name, issuers) in other.issuers {
            self.issued(name, issuers);
        }
        self.unanswered_syns.merge(other.unanswered_syns);
        self.answering_ports.merge(other.answering_ports);
        self.refusals.merge(other.refusals);
        self.silences.extend(other.silences);
        if self.silences.len() > SILENCES {
            self.order_silences();
        }
        self.transfers.merge(other.transfers);
        for (host, check) in other.portals {
            self.portal(host, check);
        }
        self.end = self.end.max(other.end);
        self.dropped += other.dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_first_silences_are_remembered() {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let silent = |flow: u64| Silent {
            from: Timestamp(0),
            until: Timestamp(1),
            flow,
            client: ip,
            server: ip,
            unopened: None,
            ended: false,
            frames: [0; SHOWN],
        };
        let part = |n: u64| Facts { silences: (0..SILENCES as u64 / 2 + 5).map(|i| silent(i * 3 + n)).collect(), ..Facts::default() };
        let mut all = (0..3).map(part).reduce(|mut all, part| {
            all.merge(part);
            all
        });
        let all = all.as_mut().unwrap();
        all.order();
        assert_eq!((all.silences.len(), all.dropped), (SILENCES, SILENCES as u64 / 2 + 15));
        assert!(all.silences.iter().map(|s| s.flow).eq(0..SILENCES as u64));
    }
}
