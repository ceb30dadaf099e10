//! The steps connections are made of.

use super::{STEP_NS, Tcp};
use crate::packet::tcp::{ACK, FIN, PSH, RST, SYN};
use crate::script::path::Side::{Client, Server};
use crate::script::path::{Side, ns};
use crate::script::tls::{self, Hello};
use crate::script::{Body, Draft, Host, IpId, Role, http};

/// First retransmission of Linux after so much on top of a round trip.
const RTO_NS: i64 = 200_000_000;
/// First retransmission of a SYN.
const SYN_RTO_NS: i64 = 1_000_000_000;

impl Tcp<'_> {
    pub fn syn(&mut self) -> &mut Self {
        self.segment(Client, SYN, &[])
    }

    pub fn syn_ack(&mut self) -> &mut Self {
        let both = self.ends[0].host.timestamps && self.ends[1].host.timestamps;
        self.end(Server).stamping = both;
        self.segment(Server, SYN | ACK, &[]);
        self.end(Client).stamping = both;
        self
    }

    pub fn handshake(&mut self) -> &mut Self {
        self.syn().syn_ack().ack(Client)
    }

    /// A pure acknowledgement of all that arrived in order.
    pub fn ack(&mut self, side: Side) -> &mut Self {
        self.segment(side, ACK, &[])
    }

    /// A pure acknowledgement with a number of choice, counted from the other side's first byte.
    pub fn ack_upto(&mut self, side: Side, relative: u32) -> &mut Self {
        let number = self.end(side.other()).isn.wrapping_add(1 + relative);
        self.change(move |d| {
            if let Body::Tcp { ack, .. } = &mut d.body {
                *ack = number;
            }
        });
        self.ack(side)
    }

    /// Data, cut into segments as the negotiated size asks.
    pub fn send(&mut self, side: Side, bytes: &[u8]) -> &mut Self {
        let room = self.ends[side.index()].room(self.ends[side.other().index()].host.mss);
        let count = bytes.len().div_ceil(room);
        for (i, part) in bytes.chunks(room).enumerate() {
            let push = if i + 1 == count { PSH } else { 0 };
            self.segment(side, ACK | push, part);
        }
        self
    }

    /// Data cut where the story wants it.
    pub fn send_parts(&mut self, side: Side, parts: &[&[u8]]) -> &mut Self {
        for part in parts {
            self.segment(side, ACK | PSH, part);
        }
        self
    }

    /// A ClientHello with a name.
    pub fn hello(&mut self, name: &str) -> &mut Self {
        self.hello_of(&Hello::new(name))
    }

    /// Any ClientHello.
    pub fn hello_of(&mut self, hello: &Hello) -> &mut Self {
        let kind = if hello.has_ech() { "tls.ech" } else { "tls.sni" };
        self.script.set_name(self.talk, kind, hello.name().unwrap_or_default());
        let bytes = hello.record(&mut self.random);
        self.role = Role::Request;
        self.send(Client, &bytes)
    }

    /// The TLS 1.3 server's flight, acknowledged, and the client's Finished.
    pub fn server_hello(&mut self) -> &mut Self {
        let flight = tls::server_flight(&mut self.random, 2400);
        self.send(Server, &flight).ack(Client);
        let finished = tls::client_finished(&mut self.random);
        self.send(Client, &finished)
    }

    /// The TLS 1.2 server's flight with its certificate, acknowledged.
    pub fn server_hello_12(&mut self) -> &mut Self {
        let flight = tls::server_flight_12(&mut self.random);
        self.send(Server, &flight).ack(Client)
    }

    /// Sealed bytes both ways, acknowledged.
    pub fn exchange(&mut self, up: usize, down: usize) -> &mut Self {
        self.sealed(Client, up).ack(Server).sealed(Server, down).ack(Client)
    }

    /// Sealed bytes one way.
    pub fn sealed(&mut self, side: Side, bytes: usize) -> &mut Self {
        let data = tls::data(&mut self.random, bytes);
        self.send(side, &data)
    }

    /// An HTTP request.
    pub fn get(&mut self, host: &str, path: &str) -> &mut Self {
        self.script.set_name(self.talk, "http.host", host);
        self.role = Role::Request;
        self.send(Client, &http::get(host, path))
    }

    /// Its answer, acknowledged.
    pub fn respond(&mut self, status: &str, body: usize) -> &mut Self {
        self.send(Server, &http::response(status, body)).ack(Client)
    }

    /// A whole visit over TLS, from the SYN to the last FIN.
    pub fn visit(&mut self, name: &str) -> &mut Self {
        self.handshake().hello(name).ack(Server).server_hello().exchange(420, 3000).close()
    }

    /// A whole visit over HTTP.
    pub fn visit_http(&mut self, host: &str) -> &mut Self {
        self.handshake().get(host, "/").ack(Server).respond("200 OK", 1800).close()
    }

    pub fn fin(&mut self, side: Side) -> &mut Self {
        self.segment(side, FIN | ACK, &[])
    }

    /// The client closes first and the server follows.
    pub fn close(&mut self) -> &mut Self {
        self.fin(Client).fin(Server).ack(Client)
    }

    /// A side sends again what is not acknowledged: its oldest segment, `times` times, ever more slowly.
    pub fn retry(&mut self, side: Side, times: u32) -> &mut Self {
        for n in 0..times {
            let Some(segment) = self.end(side).flight.first().cloned() else { return self };
            let first = if segment.flags & SYN != 0 { SYN_RTO_NS } else { RTO_NS + self.rtt.round_trip() };
            self.end(side).now += (first << n) - STEP_NS;
            self.put(side, segment.flags, segment.seq, &segment.payload);
        }
        self
    }

    /// A side sends everything unacknowledged again, at once.
    pub fn resend(&mut self, side: Side) -> &mut Self {
        for segment in self.end(side).flight.clone() {
            self.put(side, segment.flags, segment.seq, &segment.payload);
        }
        self
    }

    /// A process gives up a live connection. Linux: RST/ACK with timestamps, window kept; Windows: no options, window 0.
    pub fn abort(&mut self, side: Side) -> &mut Self {
        if self.end(side).host.windows {
            self.change(|d| d.set_window(0));
        }
        self.segment(side, RST | ACK, &[])
    }

    /// The kernel's answer to a packet for a connection it no longer has: numbered by the acknowledgement it answers.
    pub fn dead_reset(&mut self, side: Side) -> &mut Self {
        let number = match &self.last {
            Some(Draft { body: Body::Tcp { ack, .. }, .. }) => *ack,
            _ => self.end(side).next,
        };
        let windows = self.end(side).host.windows;
        let global = self.end(side).host.ip_id == IpId::Global;
        self.change(move |d| {
            if let Body::Tcp { ack, window, options, .. } = &mut d.body {
                // Windows leaves the acknowledgement it answers in both fields.
                *ack = if windows { number } else { 0 };
                *window = 0;
                options.clear();
            }
            if !global {
                d.ip_id = 0;
            }
        });
        self.end(side).now += STEP_NS;
        self.put(side, RST, number, &[]);
        self
    }

    /// A host that does not listen answers the SYN.
    pub fn refuse(&mut self) -> &mut Self {
        self.change(|d| {
            if let Body::Tcp { seq, window, options, .. } = &mut d.body {
                *seq = 0;
                *window = 0;
                options.clear();
            }
            d.ip_id = 0;
        });
        self.segment(Server, RST | ACK, &[])
    }

    /// An ICMP error of a router about the last packet, `ms` after it.
    pub fn icmp_error(&mut self, router: &Host, kind: u8, code: u8, rest: u32, ms: f64) -> &mut Self {
        let Some(last) = &self.last else { return self };
        let mut quoted = last.encode();
        // Version 4 routers quote the header and 8 bytes at least; most quote more.
        quoted.truncate(if last.src.is_ipv6() { 1232 } else { 548 });
        let draft = Draft {
            src: (router.ip, 0).into(),
            dst: (last.src.ip(), 0).into(),
            ttl: router.seen_ttl(),
            ip_id: router.next_global(),
            df: false,
            tos: 0xc0,
            body: Body::Icmp { kind, code, rest },
            payload: quoted,
            bad_checksum: false,
        };
        let from_client = last.src == self.ends[0].at;
        let side = if from_client { Client } else { Server };
        let time = self.passed[side.index()] + ns(ms);
        let hop = self.hop(side.other());
        self.script.record(time, &draft, hop, self.talk, Role::Ordinary);
        self
    }
}
