//! What the captures are made of.
//!
//! Connections last for a minute or so, four requests with seconds between them, as they do where twenty thousand are open at a time:
//! a gigabyte of `mix` spans a minute and a half. Told without pauses they would last for a third of a second, and sixty thousand
//! would begin in each.

use crate::template::{Repeat, Template};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::quic::Quic;
use interloper::script::tls::{Hello, server_flight_of_chain};
use interloper::script::{Fate, Host, Rtt, Script, Tcp, Udp};

/// Conversations, how often each is had, and how many are under way at a time.
pub struct Profile {
    pub templates: Vec<Template>,
    shares: Vec<u32>,
    pub concurrent: usize,
    /// First starts are spread over this time: short enough against what a connection lasts that a few hundred megabytes hold all of
    /// them at once.
    pub spread_ns: u64,
    /// Hosts that connect, and of each kind of conversation those they connect to.
    pub clients: u64,
    pub servers: u64,
}

impl Profile {
    fn new(concurrent: usize, spread_ms: u64) -> Profile {
        Profile {
            templates: Vec::new(),
            shares: Vec::new(),
            concurrent,
            spread_ns: spread_ms * 1_000_000,
            clients: 65_000,
            servers: 16_384,
        }
    }

    /// One network, with the servers its people use.
    fn of_one_network(self) -> Profile {
        Profile { clients: 4_000, servers: 256, ..self }
    }

    fn with(mut self, share: u32, template: Template) -> Profile {
        self.templates.push(template);
        self.shares.push(share);
        self
    }

    pub fn weights(&self) -> u32 {
        self.shares.iter().sum()
    }

    /// The template a number below [`weights`](Self::weights) falls on.
    pub fn pick(&self, mut number: u32) -> u16 {
        for (n, share) in self.shares.iter().enumerate() {
            if number < *share {
                return n as u16;
            }
            number -= share;
        }
        0
    }
}

/// A profile by its name.
pub fn find(name: &str) -> Option<Profile> {
    Some(match name {
        "mix" => mix(),
        "small" => chatter(Profile::new(100_000, 10_000)),
        "flows" => chatter(Profile::new(1_000_000, 2_000)),
        "scan" => scan(),
        "one" => Profile::new(1, 1).with(1, endless()),
        "hello" => Profile::new(20_000, 150).with(3, big_hello("www.example.org", false)).with(1, big_hello("late.example.net", true)),
        "older" => older(),
        _ => return None,
    })
}

/// What archives hold and `mix` does not: TLS 1.2 with certificates in the clear, and protocols that carry no name.
fn older() -> Profile {
    Profile::new(20_000, 150)
        .of_one_network()
        .with(
            3,
            tcp(4, 35.0, |t| {
                let flight = server_flight_of_chain(t.random(), "www.example.org");
                t.handshake().hello("www.example.org").ack(Server).send(Server, &flight).ack(Client).exchange(400, 6000).close();
            }),
        )
        .with(
            1,
            tcp_to(4, 22, 35.0, |t| {
                t.handshake().send(Server, b"SSH-2.0-OpenSSH_9.6\r\n").send(Client, b"SSH-2.0-OpenSSH_9.7\r\n");
                for n in 0..8 {
                    let (up, down) = (t.random().bytes(200 + 30 * n), t.random().bytes(300 + 50 * n));
                    t.send(Client, &up).send(Server, &down);
                }
                t.close();
            }),
        )
        .with(
            1,
            tcp_to(4, 25, 35.0, |t| {
                t.handshake().send(Server, b"220 mx.example.org ESMTP\r\n").send(Client, b"EHLO mail.example.net\r\n");
                t.send(Server, b"250-mx.example.org\r\n250 PIPELINING\r\n").send(Client, b"MAIL FROM:<a@example.net>\r\n");
                t.send(Server, b"250 2.1.0 Ok\r\n").close();
            }),
        )
}

fn mix() -> Profile {
    Profile::new(20_000, 16_000)
        .of_one_network()
        .with(18, tls("www.example.org", 4, 24.0, 9))
        .with(14, tls("static.example.net", 4, 60.0, 16))
        .with(10, tls("video.example.com", 6, 14.0, 30))
        .with(8, tls("news.example.edu", 6, 140.0, 8))
        .with(10, http("plain.example.org", 35.0, 11))
        .with(45, dns("www.example.org", 4))
        .with(15, dns("static.example.net", 6))
        .with(8, quic("video.example.com", 4, 22))
        .with(5, quic("chat.example.net", 6, 12))
        .with(4, retransmitting("lossy.example.org"))
        .with(2, aborted("gone.example.net"))
        .with(1, refused())
}

/// Small packets: lookups, keep-alives, short requests, with pauses between them.
fn chatter(profile: Profile) -> Profile {
    profile
        .with(30, small_talk(4, 40.0, 9_000.0))
        .with(25, small_talk(6, 90.0, 15_000.0))
        .with(20, small_talk(4, 150.0, 12_000.0))
        .with(20, dns("chat.example.org", 4))
        .with(8, datagrams())
        .with(2, refused())
        .with(2, aborted("gone.example.net"))
        .with(2, tls("www.example.org", 4, 24.0, 1))
}

fn scan() -> Profile {
    let silent = tcp(4, 50.0, |t| {
        t.syn();
    });
    Profile::new(5_000, 100).with(5, silent).with(3, refused()).with(2, refused())
}

fn hosts(version: u8) -> (Host, Host) {
    match version {
        4 => (Host::linux("10.0.0.1"), Host::linux("45.0.0.1").hops(12)),
        _ => (Host::linux("fd00:1234::1"), Host::linux("2a0b:7080::1").hops(9)),
    }
}

fn tcp_to(version: u8, port: u16, rtt: f64, tell: impl FnOnce(&mut Tcp<'_>)) -> Template {
    let (client, server) = hosts(version);
    let mut s = Script::new();
    tell(&mut s.tcp(&client, 40_000, &server, port, Rtt::ms(rtt)));
    Template::of(&s)
}

fn tcp(version: u8, rtt: f64, tell: impl FnOnce(&mut Tcp<'_>)) -> Template {
    tcp_to(version, 443, rtt, tell)
}

fn udp(version: u8, port: u16, rtt: f64, tell: impl FnOnce(&mut Udp<'_>)) -> Template {
    let (client, server) = hosts(version);
    let mut s = Script::new();
    tell(&mut s.udp(&client, 40_000, &server, port, Rtt::ms(rtt)));
    Template::of(&s)
}

/// Requests of a connection, and what passes between them.
const REQUESTS: usize = 4;
const THINK_MS: f64 = 16_000.0;

/// A visit with downloads, two segments for each acknowledgement.
fn tls(name: &str, version: u8, rtt: f64, rounds: usize) -> Template {
    tcp(version, rtt, |t| {
        t.handshake().hello(name).ack(Server).server_hello();
        for round in 0..rounds {
            if round % rounds.div_ceil(REQUESTS) == 0 {
                t.pause_ms(if round == 0 { 1.0 } else { THINK_MS }).sealed(Client, 380).ack(Server);
            }
            t.pause_ms(2.0).sealed(Server, 2880).ack(Client);
        }
        t.pause_ms(THINK_MS).close();
    })
}

fn http(name: &str, rtt: f64, rounds: usize) -> Template {
    tcp_to(4, 80, rtt, |t| {
        t.handshake().get(name, "/a").ack(Server).respond("200 OK", 2600);
        for _ in 0..rounds / 3 {
            t.pause_ms(THINK_MS).get(name, "/b").ack(Server).respond("200 OK", 8400);
        }
        t.close();
    })
}

fn dns(name: &str, version: u8) -> Template {
    udp(version, 53, 22.0, |d| {
        let q = Query::a(name);
        d.ask(&q).answer(&q.answer().addresses(&["45.60.70.80", "45.60.70.81"]));
    })
}

fn quic(name: &str, version: u8, rounds: usize) -> Template {
    udp(version, 443, 30.0, |u| {
        let mut q = Quic::new(&Hello::new(name), u.random());
        let initials = q.client_initials();
        for datagram in &initials {
            u.send(Client, datagram);
        }
        let (first, rest, done) = (q.server_initial(u.random()), q.handshake(false, 1180, u.random()), q.handshake(true, 90, u.random()));
        u.send(Server, &first).send(Server, &rest).send(Client, &done);
        for round in 0..rounds {
            if round > 0 && round % rounds.div_ceil(REQUESTS) == 0 {
                u.pause_ms(THINK_MS);
            }
            let (down, up) = (q.one_rtt(false, 1242, u.random()), q.one_rtt(true, 44, u.random()));
            u.pause_ms(4.0).send(Server, &down).send(Server, &down).send(Client, &up);
        }
    })
}

fn retransmitting(name: &str) -> Template {
    tcp(4, 70.0, |t| {
        t.handshake().fate(Fate::LostAfter).hello(name).retry(Client, 1).ack(Server).server_hello().exchange(300, 4000);
        t.fate(Fate::LostBefore).sealed(Server, 1300).retry(Server, 1).ack(Client).exchange(200, 5000).close();
    })
}

fn aborted(name: &str) -> Template {
    tcp(4, 45.0, |t| {
        t.handshake().hello(name).ack(Server).server_hello().exchange(300, 3000).abort(Client);
        t.wait_ms(Server, -20.0).sealed(Server, 1300).dead_reset(Client);
    })
}

fn refused() -> Template {
    tcp_to(4, 8443, 40.0, |t| {
        t.syn().refuse();
    })
}

fn small_talk(version: u8, rtt: f64, pause: f64) -> Template {
    tcp_to(version, 5222, rtt, |t| {
        t.handshake();
        for n in 0..4 {
            t.pause_ms(pause).sealed(Client, 40 + 30 * n).ack(Server).sealed(Server, 90 + 60 * n).ack(Client);
        }
        t.close();
    })
}

fn datagrams() -> Template {
    udp(4, 3478, 35.0, |u| {
        for n in 0..6usize {
            let (up, down) = (u.random().bytes(20 + 10 * n), u.random().bytes(80 + 10 * n));
            u.pause_ms(10_000.0).send(Client, &up).send(Server, &down);
        }
    })
}

fn big_hello(name: &str, name_last: bool) -> Template {
    tcp(4, 50.0, |t| {
        let hello = Hello::new(name).big();
        t.handshake().hello_of(&if name_last { hello.name_last() } else { hello });
        t.ack(Server).server_hello().close();
    })
}

/// One download that never ends. Without timestamps, which would stand still in a loop.
fn endless() -> Template {
    let tell = |script: &mut Script, rounds: usize| -> (u32, u32) {
        let (client, server) = hosts(4);
        let mut t = script.tcp(&client, 40_000, &server.no_timestamps(), 443, Rtt::ms(8.0));
        t.handshake().hello("mirror.example.org").ack(Server).server_hello().ack(Server);
        let before = (t.end(Client).next, t.end(Server).next);
        for _ in 0..rounds {
            for _ in 0..16 {
                t.sealed(Server, 2 * 1460 - 5).ack(Client);
            }
            t.sealed(Client, 60).ack(Server);
        }
        (t.end(Client).next.wrapping_sub(before.0), t.end(Server).next.wrapping_sub(before.1))
    };
    let mut head = Script::new();
    tell(&mut head, 0);
    let mut whole = Script::new();
    let (client_bytes, server_bytes) = tell(&mut whole, 64);
    let repeat = Some(Repeat { from: head.frames().len(), client_bytes, server_bytes });
    Template { repeat, ..Template::of(&whole) }
}
