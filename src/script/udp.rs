//! Datagrams between two ports: DNS, QUIC or anything else.

use super::dns::{Answer, Query};
use super::link::Hop;
use super::path::{Fate, Rtt, Side, ns};
use super::random::Random;
use super::{Body, Draft, Host, IpId, Role, Script};
use std::collections::VecDeque;
use std::net::SocketAddr;

const STEP_NS: i64 = 12_000;

type Change = Box<dyn FnOnce(&mut Draft)>;

/// A conversation of datagrams.
pub struct Udp<'s> {
    script: &'s mut Script,
    talk: usize,
    rtt: Rtt,
    random: Random,
    hosts: [Host; 2],
    at: [SocketAddr; 2],
    now: [i64; 2],
    passed: [i64; 2],
    id: [u16; 2],
    vlan: [Option<u16>; 2],
    cut: [bool; 2],
    fates: VecDeque<Fate>,
    change: Option<Change>,
    role: Role,
    last: Option<Draft>,
}

impl<'s> Udp<'s> {
    pub(super) fn new(script: &'s mut Script, client: &Host, client_port: u16, server: &Host, server_port: u16, rtt: Rtt) -> Udp<'s> {
        let at = [SocketAddr::new(client.ip, client_port), SocketAddr::new(server.ip, server_port)];
        let (talk, now, mut random) = script.begin_talk(at[0], at[1]);
        let id = [random.word(), random.word()];
        let hosts = [client.clone(), server.clone()];
        Udp {
            script,
            talk,
            rtt,
            random,
            hosts,
            at,
            now: [now; 2],
            passed: [now - STEP_NS; 2],
            id,
            vlan: [None; 2],
            cut: [false; 2],
            fates: VecDeque::new(),
            change: None,
            role: Role::Ordinary,
            last: None,
        }
    }

    /// Number of the conversation, for [`Script::truth`].
    pub fn talk(&self) -> usize {
        self.talk
    }

    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    pub fn host(&mut self, side: Side) -> &mut Host {
        &mut self.hosts[side.index()]
    }

    pub fn wait_ms(&mut self, side: Side, ms: f64) -> &mut Self {
        self.now[side.index()] += ns(ms);
        self
    }

    /// Both sides do nothing for a while.
    pub fn pause_ms(&mut self, ms: f64) -> &mut Self {
        self.now = [self.now[0].max(self.now[1]) + ns(ms); 2];
        self
    }

    /// From here on nothing of a side arrives.
    pub fn cut(&mut self, side: Side) -> &mut Self {
        self.cut[side.index()] = true;
        self
    }

    /// What becomes of the next datagram.
    pub fn fate(&mut self, fate: Fate) -> &mut Self {
        self.fates.push_back(fate);
        self
    }

    /// VLAN tag of a side's packets.
    pub fn vlan(&mut self, side: Side, tag: u16) -> &mut Self {
        self.vlan[side.index()] = Some(tag);
        self
    }

    /// Changes the next packet.
    pub fn change(&mut self, change: impl FnOnce(&mut Draft) + 'static) -> &mut Self {
        self.change = Some(Box::new(change));
        self
    }

    /// Marks the next datagram as a request for a name.
    pub fn naming(&mut self, kind: &'static str, name: &str) -> &mut Self {
        self.script.set_name(self.talk, kind, name);
        self.role = Role::Request;
        self
    }

    /// A datagram.
    pub fn send(&mut self, side: Side, payload: &[u8]) -> &mut Self {
        let i = side.index();
        self.now[i] += STEP_NS;
        let mut draft = self.draft(side, payload);
        if let Some(change) = self.change.take() {
            change(&mut draft);
        }
        let (before, after) = self.rtt.legs(side);
        let jitter = self.random.below(before as u64 / 100 + 1) as i64;
        let passing = (self.now[i] + before + jitter).max(self.passed[i] + STEP_NS);
        self.passed[i] = passing;
        let fate = self.fates.pop_front().unwrap_or(if self.cut[i] { Fate::LostAfter } else { Fate::Delivered });
        let role = std::mem::replace(&mut self.role, Role::Ordinary);
        if matches!(fate, Fate::Delivered | Fate::LostAfter) {
            let hop = self.hop(side);
            self.script.record(passing, &draft, hop, self.talk, role);
        }
        if matches!(fate, Fate::Delivered | Fate::Missed) {
            let other = side.other().index();
            self.now[other] = self.now[other].max(passing + after);
        }
        self.last = Some(draft);
        self
    }

    /// The same datagram again, in the sender's name, so much later.
    pub fn again_ms(&mut self, side: Side, ms: f64, payload: &[u8]) -> &mut Self {
        self.wait_ms(side, ms);
        self.send(side, payload)
    }

    /// The client asks.
    pub fn ask(&mut self, query: &Query) -> &mut Self {
        self.naming("dns.qname", query.name()).send(Side::Client, &query.bytes())
    }

    /// The server answers.
    pub fn answer(&mut self, answer: &Answer) -> &mut Self {
        self.send(Side::Server, &answer.bytes())
    }

    /// Someone else answers in the server's name.
    pub fn forge(&mut self, answer: &Answer) -> Forgery<'_, 's> {
        self.inject(Side::Server, &answer.bytes())
    }

    /// Forges a datagram in the name of a side.
    pub fn inject(&mut self, side: Side, payload: &[u8]) -> Forgery<'_, 's> {
        let mut draft = self.draft(side, payload);
        draft.ttl = 64;
        draft.df = false;
        Forgery { udp: self, side, draft, after: ns(1.0), copies: 1 }
    }

    /// An ICMP error of a host about the last datagram, `ms` after it.
    pub fn icmp_error(&mut self, router: &Host, kind: u8, code: u8, ms: f64) -> &mut Self {
        self.icmp_quoting(548, router, kind, code, ms)
    }

    /// One that quotes no more than so many octets of it.
    pub fn icmp_quoting(&mut self, octets: usize, router: &Host, kind: u8, code: u8, ms: f64) -> &mut Self {
        let Some(last) = self.last.clone() else { return self };
        let mut quoted = last.encode();
        quoted.truncate(octets);
        let side = if last.src == self.at[0] { Side::Client } else { Side::Server };
        let draft = Draft {
            src: (router.ip, 0).into(),
            dst: (last.src.ip(), 0).into(),
            ttl: router.seen_ttl(),
            ip_id: router.next_global(),
            tos: 0xc0,
            df: false,
            body: Body::Icmp { kind, code, rest: 0 },
            payload: quoted,
            bad_checksum: false,
        };
        let hop = self.hop(side.other());
        self.script.record(self.passed[side.index()] + ns(ms), &draft, hop, self.talk, Role::Ordinary);
        self
    }

    fn draft(&mut self, side: Side, payload: &[u8]) -> Draft {
        let i = side.index();
        let host = &self.hosts[i];
        self.id[i] = self.id[i].wrapping_add(1);
        let ip_id = match host.ip_id {
            IpId::Fixed(id) => id,
            IpId::Global => host.next_global(),
            IpId::PerConnection => self.id[i],
            IpId::Random => self.id[i].wrapping_mul(25_173).wrapping_add(13_849),
        };
        Draft {
            src: self.at[i],
            dst: self.at[side.other().index()],
            ttl: host.seen_ttl(),
            ip_id,
            df: host.df,
            tos: 0,
            body: Body::Udp,
            payload: payload.to_vec(),
            bad_checksum: false,
        }
    }

    fn hop(&self, side: Side) -> Hop {
        let (i, o) = (side.index(), side.other().index());
        Hop { src: self.at[i].ip(), dst: self.at[o].ip(), vlan: self.vlan[i], received: self.rtt.received(side) }
    }
}

/// A forged datagram, put into the capture when the statement ends.
pub struct Forgery<'u, 's> {
    udp: &'u mut Udp<'s>,
    side: Side,
    draft: Draft,
    after: i64,
    copies: usize,
}

impl Forgery<'_, '_> {
    /// Changes whatever has no method of its own.
    pub fn with(mut self, change: impl FnOnce(&mut Draft)) -> Self {
        change(&mut self.draft);
        self
    }

    pub fn ttl(mut self, ttl: u8) -> Self {
        self.draft.ttl = ttl;
        self
    }

    pub fn ip_id(mut self, id: u16) -> Self {
        self.draft.ip_id = id;
        self
    }

    pub fn df(mut self) -> Self {
        self.draft.df = true;
        self
    }

    /// When it passes the capture point, after the other side's latest datagram.
    pub fn after_ms(mut self, ms: f64) -> Self {
        self.after = ns(ms);
        self
    }

    pub fn copies(mut self, copies: usize) -> Self {
        self.copies = copies;
        self
    }
}

impl Drop for Forgery<'_, '_> {
    fn drop(&mut self) {
        let start = self.udp.passed[self.side.other().index()] + self.after;
        let hop = self.udp.hop(self.side);
        for copy in 0..self.copies {
            self.udp.script.record(start + ns(0.03) * copy as i64, &self.draft, hop, self.udp.talk, Role::Forged);
        }
    }
}
