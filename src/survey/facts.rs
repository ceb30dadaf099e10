//! What is remembered of hosts, requests and resolvers: sums and bounded lists that merge.

use super::answers::Answers;
use super::attempts::Attempts;
use super::examples::{Few, First, Sighted, Tally, least};
use super::gathered::{Gathered, Joins};
use super::transfers::Transfers;
use crate::capture::Timestamp;
use crate::limits::{SURVEY_PORTS, SURVEY_SERVERS};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Kind of request, as far as one is a control for another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Tls,
    Http,
    Quic,
    Dns,
    /// Anything else over TCP.
    Other,
}

/// An address, from the flows that gave no cause for suspicion.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The shortest, with the flow that shows it.
    pub rtt: Option<(i64, u64)>,
    pub ttls: Tally<u8>,
    pub flows: u64,
}

/// A resolver's habits.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    pub ttls: Tally<u8>,
    pub rtt: Option<(i64, u64)>,
    pub edns_kept: u64,
    pub edns_asked: u64,
    pub flags: Tally<u16>,
    pub df: [u64; 2],
    pub answered: u64,
    /// Names answered with special addresses only, each with a flow.
    pub bogon_names: BTreeMap<Vec<u8>, u64>,
    pub global_answers: u64,
    /// Flows with answers that nothing speaks against; of them such as keep the OPT record.
    pub flows: Few<8>,
    pub keeping_edns: Few<2>,
}

/// Who issued a certificate: issuer, server, frame, first frame of the flow.
pub type Issuer = (String, IpAddr, u64, u64);

/// A flow that something was heard of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// First frame.
    pub flow: u64,
    /// Last frame from its server in this second.
    pub frame: u64,
    pub client: IpAddr,
    /// It asked for something by name: no tunnel that everything else may have gone into.
    pub named: bool,
}

/// A silence under judgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Silent {
    pub from: Timestamp,
    pub until: Timestamp,
    /// First frame of the flow.
    pub flow: u64,
    pub client: IpAddr,
    pub server: IpAddr,
}

/// Flows kept of a second, over all clients. A list this long says that the line was up, whoever is asked about.
pub const HEARD: usize = 8;

/// Everything the survey knows of a capture.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub hosts: Gathered<IpAddr, Host, SURVEY_SERVERS>,
    pub attempts: Attempts,
    /// Boxed: a tree's nodes have room for more than they hold.
    pub resolvers: Gathered<IpAddr, Box<Resolver>, SURVEY_SERVERS>,
    pub answers: Answers,
    /// Second of arrival of packets from servers: the flows heard last in it, two of a client.
    pub heard: BTreeMap<i64, Vec<Heard>>,
    /// Connections whose SYNs nobody answered, and ports that answered, by server and port.
    pub unanswered_syns: Gathered<(IpAddr, u16), Sighted, SURVEY_PORTS>,
    pub answering_ports: Gathered<(IpAddr, u16), First, SURVEY_PORTS>,
    pub silences: Vec<Silent>,
    /// Issuers seen in the clear for a name.
    pub issuers: BTreeMap<Vec<u8>, BTreeSet<Issuer>>,
    pub transfers: Transfers,
    /// Hosts that connectivity checks were redirected to: the first check, with its frame and the first of its flow.
    pub portals: BTreeMap<Vec<u8>, (Vec<u8>, u64, u64)>,
    /// When the last packet came, and which it was.
    pub end: (Timestamp, u64),
    /// Facts left out because a bound was reached.
    pub dropped: u64,
}

impl Joins for Host {
    fn join(&mut self, other: &mut Host) {
        self.rtt = least(self.rtt, other.rtt);
        self.flows += other.flows;
        self.ttls.merge(&other.ttls);
    }
}

impl Joins for Resolver {
    fn join(&mut self, other: &mut Resolver) {
        self.ttls.merge(&other.ttls);
        self.flags.merge(&other.flags);
        self.rtt = least(self.rtt, other.rtt);
        self.edns_kept += other.edns_kept;
        self.edns_asked += other.edns_asked;
        self.df = [self.df[0] + other.df[0], self.df[1] + other.df[1]];
        self.answered += other.answered;
        self.global_answers += other.global_answers;
        for (name, flow) in std::mem::take(&mut other.bogon_names) {
            self.bogon_names.entry(name).and_modify(|f| *f = flow.min(*f)).or_insert(flow);
        }
        self.flows.merge(&other.flows);
        self.keeping_edns.merge(&other.keeping_edns);
    }
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

    /// Takes over what another shard has heard so far.
    pub fn take_heard(&mut self, other: &mut Facts) {
        for (second, flows) in std::mem::take(&mut other.heard) {
            for heard in flows {
                self.heard_at(second, heard);
            }
        }
    }

    /// A second in which flows from servers were heard.
    pub fn heard_at(&mut self, second: i64, heard: Heard) {
        /// A week of seconds; beyond that silences are judged without it.
        const SECONDS: usize = 7 * 86_400;
        /// The latest two: one may be the suspect's own.
        const OF_A_CLIENT: usize = 2;
        if self.heard.len() >= SECONDS && !self.heard.contains_key(&second) {
            self.dropped += 1;
            return;
        }
        let list = self.heard.entry(second).or_default();
        // Behind all there is room for: nothing would be left of it.
        if list.len() >= HEARD && list.last().is_some_and(|last| last.frame > heard.frame) {
            return;
        }
        let known = list.iter().position(|h| h.flow == heard.flow).map(|at| list.remove(at));
        let heard = Heard { frame: known.map_or(0, |k| k.frame).max(heard.frame), ..known.unwrap_or(heard) };
        // The latest, because which shard comes first says nothing.
        list.insert(list.partition_point(|h| h.frame > heard.frame), heard);
        let of_client = |h: &&Heard| h.client == heard.client;
        if let Some(spare) = list.iter().filter(of_client).nth(OF_A_CLIENT).map(|h| h.flow) {
            list.retain(|h| h.flow != spare);
        }
        list.truncate(HEARD);
    }

    /// Puts the long lists in order: joining ordered ones is cheap.
    pub fn order(&mut self) {
        self.attempts.settle();
        self.answers.settle();
        self.hosts.order();
        self.resolvers.order();
        self.unanswered_syns.order();
        self.answering_ports.order();
        self.transfers.order();
    }

    /// What is left to do once all shards have been added and put in order.
    pub fn settle(&mut self) {
        self.silences.sort_unstable_by_key(|s| (s.flow, s.from));
        self.dropped += self.attempts.dropped + self.answers.dropped + self.transfers.dropped;
        self.dropped += self.hosts.dropped + self.resolvers.dropped + self.unanswered_syns.dropped + self.answering_ports.dropped;
    }

    /// Makes room for what other shards know.
    pub fn expect<'f>(&mut self, others: impl Iterator<Item = &'f Facts> + Clone) {
        self.hosts.expect(others.clone().map(|f| &f.hosts));
        self.resolvers.expect(others.clone().map(|f| &f.resolvers));
        self.unanswered_syns.expect(others.clone().map(|f| &f.unanswered_syns));
        self.answering_ports.expect(others.map(|f| &f.answering_ports));
    }

    /// Adds what another shard knows.
    pub fn merge(&mut self, mut other: Facts) {
        self.take_heard(&mut other);
        self.hosts.merge(other.hosts);
        self.attempts.merge(other.attempts);
        self.answers.merge(other.answers);
        self.resolvers.merge(other.resolvers);
        for (name, issuers) in other.issuers {
            self.issuers.entry(name).or_default().extend(issuers);
        }
        self.unanswered_syns.merge(other.unanswered_syns);
        self.answering_ports.merge(other.answering_ports);
        self.silences.extend(other.silences);
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
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    proptest! {
        /// Whoever takes over what others have heard, and when: together they know the same.
        #[test]
        fn what_was_heard_may_be_taken_over(
            heard in prop::collection::vec((0..4usize, 0..3i64, 0..12u64), 0..120),
            when in 0..120usize,
        ) {
            let (mut apart, mut gathered) = (vec![Facts::default(); 4], vec![Facts::default(); 4]);
            for (n, ((shard, second, flow), frame)) in heard.into_iter().zip(100..).enumerate() {
                // A flow is in one shard, and has one client.
                let flow = flow * 4 + shard as u64;
                let heard = Heard { flow, frame, client: IpAddr::V4(Ipv4Addr::from_bits(flow as u32 % 5)), named: true };
                apart[shard].heard_at(second, heard);
                gathered[shard].heard_at(second, heard);
                if n == when {
                    let (first, others) = gathered.split_first_mut().unwrap();
                    others.iter_mut().for_each(|other| first.take_heard(other));
                }
            }
            let joined = |parts: Vec<Facts>| parts.into_iter().reduce(|mut all, part| { all.merge(part); all }).unwrap().heard;
            prop_assert_eq!(joined(gathered), joined(apart));
        }
    }
}
