//! Forged resets by devices that sit in the path, and captures taken elsewhere than at the client.

use crate::scene::{Scene, client, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::{Format, Host, Link, Rtt};

const NAME: &str = "blocked.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![
        rewritten_request(),
        rewritten_syn(),
        at_server(),
        sent_anew(),
        too_late(),
        like_a_kernel(),
        many_clients(),
        gateways(),
        in_middle(),
        version_6(),
    ]
}

fn rewritten_request() -> Scene {
    let mut s = Scene::guilty("reset-ladder-request", "Everything the server says after a hello becomes a reset")
        .format(Format::PcapNanos)
        .happens("A device in the path turns the server's packets after a blocked name into RST/ACKs. The server knows nothing of it and repeats its answer on its timer: a ladder of resets. Another name on the same server is fine.")
        .look("Times of the resets double; their TTL is the server's; nothing is sent between them.");
    s.script.tcp(&client(), 41_000, &server(), 443, rtt()).visit(OTHER);
    let mut t = s.script.later_ms(1000.0).tcp(&client(), 41_001, &server(), 443, rtt());
    t.handshake().hello(NAME).cut(Client).rewrite(Server);
    t.ack(Server).sealed(Server, 900).retry(Server, 5);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn rewritten_syn() -> Scene {
    let mut s = Scene::guilty("reset-ladder-syn", "The server's SYN/ACKs arrive as resets")
        .happens("A device in the path turns SYN/ACKs of one address into RST/ACKs; the server repeats them on its timer although the client sends nothing more.")
        .look("The resets repeat after 1, 2 and 4 seconds with one SYN before them.");
    let host = Host::linux("91.240.7.9").hops(11);
    let mut t = s.script.tcp(&client(), 41_010, &host, 443, rtt());
    t.syn().cut(Client).rewrite(Server).syn_ack().retry(Server, 3);
    let talk = t.talk();
    s.expect_for(talk, "tcp-reset", "ip", "confirmed");
    s
}

fn at_server() -> Scene {
    let mut s = Scene::guilty("reset-at-server", "The client did not send the resets the server gets")
        .vantage("server")
        .happens("Captured on the server. Two RSTs arrive in the client's name from another distance right after its request; the client goes on sending, with timestamps and TTL as before.")
        .look("ip.ttl and options of the resets against the client's other packets; data of the client after them.");
    let here = Host::linux("45.60.70.80");
    let client = Host::linux("185.120.33.7").hops(14);
    s.script.tcp(&client, 41_020, &here, 80, rtt().at_server()).visit_http(OTHER);
    let mut t = s.script.later_ms(400.0).tcp(&client, 41_021, &here, 80, rtt().at_server());
    t.handshake().get(NAME, "/");
    t.ack(Server);
    t.inject(Client).rst().ttl(71).ip_id(0x1111).window(900).after_ms(0.3);
    t.inject(Client).rst_ack().ttl(96).ip_id(0x7c40).df().window(3311).after_ms(0.6).copies(2);
    t.wait_ms(Client, 4.0).send(Client, b"cookie=1&more=2").dead_reset(Server);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn sent_anew() -> Scene {
    let mut s = Scene::guilty("reset-resent-after", "A client without timestamps sends again what it had sent before its reset")
        .vantage("server")
        .happens("Captured on the server. A reset in the client's name follows its hello, with a TTL of its own; the client, which hears nothing more, repeats the hello on its timer, with the next number of its count.")
        .look("ip.id of the repeated hello against the first one's; a late arrival would have the same.");
    let here = Host::linux("45.60.70.80");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(400.0).tcp(&Host::windows("185.120.33.8").hops(14), 41_080 + n, &here, 443, rtt().at_server());
        t.handshake().hello(NAME);
        t.inject(Client).rst().ttl(71).ip_id(0x0021).after_ms(81.5);
        t.retry(Client, 1).dead_reset(Server);
        let talk = t.talk();
        s.expect(talk, "tcp-reset", "confirmed");
    }
    s
}

fn too_late() -> Scene {
    let mut s = Scene::guilty("reset-too-late", "Resets in the middle of transfers, numbered behind what has arrived")
        .happens("A box on the path resets downloads with numbers that it read some packets earlier, and everything else as the server has it. The client takes no notice; the server goes on and acknowledges what the client says afterwards.")
        .look("tcp.seq of the reset against the packets before it; ip.id.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(400.0).tcp(&client().no_timestamps(), 41_090 + n, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().exchange(400, 12_000);
        t.inject(Server).rst_ack().seq_plus(0u32.wrapping_sub(4380)).ttl(51).ip_id(0x0063).df().window(300).after_ms(2.0);
        t.exchange(300, 9000).exchange(300, 4000).close();
        let talk = t.talk();
        s.expect(talk, "tcp-reset", "likely");
    }
    s
}

fn like_a_kernel() -> Scene {
    let mut s = Scene::guilty("reset-like-a-kernel", "Resets as a kernel makes them, for one name of many on a server")
        .happens("A filter has a firewall answer each hello with a name on its list: bare resets without window or identification, numbered by what they answer. The server's answer follows, as it does for the other names.")
        .look("Which names are reset: one, each time, and no other.");
    for n in 0..8u16 {
        let name = if n % 2 == 0 { NAME } else { OTHER };
        let mut t = s.script.later_ms(500.0).tcp(&client(), 41_100 + n, &server(), 443, rtt());
        if n % 2 == 1 {
            t.visit(name);
            continue;
        }
        t.handshake().hello(name);
        t.inject(Server).rst().ttl(58).df().after_ms(31.0);
        t.ack(Server).server_hello().dead_reset(Client);
        let talk = t.talk();
        s.expect(talk, "tcp-reset", "confirmed");
    }
    s
}

/// A visit seen at the server; or one that somebody ends in the client's name behind the hello.
fn seen_at_server(s: &mut Scene, n: u16, name: &str, reset: Option<u8>) -> usize {
    let here = Host::linux("45.60.70.80");
    let client = Host::linux(&format!("185.120.{}.7", 40 + n)).hops(13);
    let mut t = s.script.at_ms(f64::from(n) * 700.0).tcp(&client, 41_030 + n, &here, 443, rtt().at_server());
    if let Some(ttl) = reset {
        t.handshake().hello(name);
        t.inject(Client).rst_ack().ttl(ttl).ip_id(0xb060 ^ (n * 77)).after_ms(81.0);
    } else {
        t.visit(name);
    }
    t.talk()
}

fn many_clients() -> Scene {
    let mut s = Scene::guilty("reset-many-clients", "At a server: whoever asks for one name resets at once, in a stranger's hand")
        .vantage("server")
        .happens("Captured on the server. Six clients ask for a name, and each is said to reset the connection right behind its hello, with a TTL, identification and options that are none of its own. Six others ask for another name and are served. Nothing more is heard of the first six.")
        .look("ip.ttl, ip.id and options of the resets against the same clients' SYNs.");
    for n in 0..12u16 {
        let talk = seen_at_server(&mut s, n, if n % 2 == 0 { NAME } else { OTHER }, (n % 2 == 0).then_some(111));
        if n % 2 == 0 {
            s.expect(talk, "tcp-reset", "likely");
        }
    }
    s
}

fn gateways() -> Scene {
    let mut s = Scene::innocent("reset-by-gateways", "At a server: the clients' gateways reset now and then, whatever they ask for")
        .vantage("server")
        .at_most("unexplained")
        .happens("Captured on the server. The address translator in front of all clients ends every other connection at random. It has come down on one name three times of three, on the other three times of nine.")
        .look("Which names the reset connections asked for.");
    for n in 0..12u16 {
        let reset = (n % 4 < 2).then_some(52);
        let _ = seen_at_server(&mut s, n + 20, if n % 4 == 0 { NAME } else { OTHER }, reset);
    }
    s
}

fn in_middle() -> Scene {
    let mut s = Scene::guilty("reset-in-middle", "Both sides are reset in each other's name")
        .vantage("middle")
        .format(Format::PcapngNanos)
        .happens("Captured at an exchange point behind the injector. It resets the server in the client's name and the client in the server's; the server's acknowledgement passes later.")
        .look("Resets in both directions within a millisecond, TTLs unlike either side's.");
    s.script.link(Link::Raw);
    let client = Host::linux("185.120.33.7").hops(6);
    let mut t = s.script.tcp(&client, 41_030, &server(), 443, Rtt::in_middle(24.0, 90.0));
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(88).ip_id(0x2266).df().window(2101).after_ms(0.7).copies(3);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn version_6() -> Scene {
    let mut s = Scene::guilty("reset-version-6", "The same race over IPv6, on tagged links")
        .happens("Three equal RST/ACKs race the server over IPv6. Each direction has a VLAN tag of its own.")
        .look("ipv6.hlim of the resets; vlan.id of either direction.");
    let client = Host::linux("fd12:3456::20");
    let server = Host::linux("2a0b:7080::443").hops(10);
    let mut t = s.script.tcp(&client, 41_040, &server, 443, rtt());
    t.vlan(Client, 100).vlan(Server, 200).handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(97).window(3500).after_ms(4.4).copies(3);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}
