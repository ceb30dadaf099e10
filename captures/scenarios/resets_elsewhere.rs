//! Resets that concern another connection on the same ports, or come from another machine or another TCP with the same address.

use crate::scene::{Scene, client, rtt, server};
use interloper::packet::tcp::{ACK, FIN, PSH, RST, SYN};
use interloper::script::Side::{Client, Server};
use interloper::script::{Host, IpId, Rtt, http};

const NAME: &str = "www.example.org";
const NAMES: [&str; 3] = [NAME, "news.example.com", "a.example.de"];
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![half_open(), scanner(), scanned(), decoy_resets(), other_site(), proxied(), kept_alive(), old_fin(), two_taps(), translated()]
}

fn half_open() -> Scene {
    let mut s = Scene::innocent("reset-half-open", "A server still has the connection that a restarted client had on this port")
        .happens("Three SYNs are answered with an ACK of old numbers. The client resets what it does not know, as RFC 9293 says, and repeats its SYN with the same number a second later; all goes well then.")
        .look("tcp.seq of each reset is tcp.ack of the packet before it; ip.id runs on.");
    for (n, behind) in [1_640_000_000u32, 40_000, 3_000_000_000].into_iter().enumerate() {
        let mut t = s.script.later_ms(400.0).tcp(&Host::windows("192.168.1.20"), 42_400 + n as u16, &server(), 443, rtt());
        t.syn();
        let (old, isn) = (t.end(Client).isn.wrapping_add(behind), t.end(Client).isn);
        t.change(move |d| d.set_ack(old)).put(Server, ACK, 0x1000_0000, b"");
        t.change(move |d| d.set_ack(0)).put(Client, RST, old, b"");
        t.pause_ms(950.0).put(Client, SYN, isn, b"");
        t.syn_ack().ack(Client).hello(NAME).ack(Server).server_hello().exchange(400, 2400).close();
    }
    s
}

/// What a program sends past its kernel, which knows nothing of the connection and resets it.
fn past_the_kernel(s: &mut Scene, (tool, port): (&Host, u16), (server, path): (&Host, Rtt), slow_ms: f64) {
    let mut t = s.script.later_ms(300.0).tcp(tool, port, server, 80, path);
    let hops = tool.hops;
    t.syn().syn_ack();
    let number = t.end(Client).next;
    t.change(move |d| {
        (d.ttl, d.ip_id, d.df) = (64 - hops, 0, true);
        d.set_window(0);
    });
    t.put(Client, RST, number, b"");
    t.wait_ms(Client, slow_ms).ack(Client).wait_ms(Client, 0.2).segment(Client, PSH | ACK, &http::get(NAME, "/"));
    t.dead_reset(Server).dead_reset(Server);
}

fn scanner() -> Scene {
    let mut s = Scene::innocent("reset-by-own-kernel", "A program with a TCP of its own, whose kernel knows nothing of its connections")
        .happens("Banner grabs from a raw socket, with a TTL of 255: the kernel resets each SYN/ACK at once, and the program goes on regardless.")
        .look("ip.ttl 64 and ip.id 0 of the resets, 255 of all else from the client.");
    let tool = client().ttl(255).ip_id(IpId::Random).no_timestamps();
    for n in 0..4 {
        past_the_kernel(&mut s, (&tool, 42_420 + n), (&server(), rtt()), 0.3);
    }
    s
}

fn scanned() -> Scene {
    let mut s = Scene::innocent("reset-by-scanners-kernel", "A server that is scanned: programs send SYNs, kernels refuse the answers")
        .vantage("server")
        .happens("A SYN scan with invented TTLs, each SYN/ACK reset by the scanner's kernel; banner grabs that go on 40 ms after their kernel's reset; and a visitor on another port.")
        .look("ip.ttl of the SYNs against that of the resets.");
    let (far, here, path) = (Host::linux("91.198.20.99").hops(11), Host::linux("45.60.70.80"), rtt().at_server());
    s.script.tcp(&Host::linux("84.17.40.9").hops(14), 42_430, &here, 443, path).visit(OTHER);
    for n in 0..6u16 {
        let tool = Host::linux("91.198.20.99").hops(11).ttl(37 + 4 * n as u8).ip_id(IpId::Random).no_timestamps();
        let mut t = s.script.later_ms(200.0).tcp(&tool, 42_440 + n, &here, 8000 + n, path);
        t.syn().syn_ack();
        let number = t.end(Client).next;
        t.change(|d| {
            (d.ttl, d.ip_id, d.df) = (53, 0, true);
            d.set_window(0);
        });
        t.put(Client, RST, number, b"");
    }
    let tool = far.ip_id(IpId::Fixed(1)).no_timestamps();
    for n in 0..4 {
        past_the_kernel(&mut s, (&tool, 42_450 + n), (&here, path), 40.0);
    }
    s
}

fn decoy_resets() -> Scene {
    let mut s = Scene::innocent("reset-decoys", "A circumvention tool resets its own connections for the filter's eyes")
        .happens(
            "Behind each handshake the client sends a RST and a RST/ACK with a TTL that lets them die on the way; the connection goes on.",
        )
        .look("ip.ttl 4 of the resets, 64 of all else from the client.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(300.0).tcp(&client(), 42_460 + n, &server(), 443, rtt());
        t.handshake();
        for flags in [RST, RST | ACK] {
            t.inject(Client).flags(flags).ttl(4).window(502).ip_id(0x5738 + n).df().after_ms(0.1).genuine();
        }
        t.hello(NAME).ack(Server).server_hello().exchange(400, 2400).close();
    }
    s
}

fn other_site() -> Scene {
    let mut s = Scene::innocent("reset-other-site", "An anycast address whose packets reach another site once they carry ECN bits")
        .at_most("unexplained")
        .happens("The handshake is one site's. Each hello, whatever its name, reaches another, farther one, which says that it knows no such connection; ten seconds later the first one gives up waiting.")
        .look("Each reset: no window, ip.id 0 with DF, tcp.seq as tcp.ack of the hello; the FIN behind it has the handshake's TTL.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(500.0).tcp(&client(), 42_470 + n, &server(), 443, rtt());
        t.handshake().cut(Client).change(|d| d.tos = 2).hello(NAMES[usize::from(n)]);
        let number = t.end(Server).next;
        let site = t.inject(Server).rst().ttl(46).df().after_ms(71.0);
        site.genuine();
        t.end(Client).now += 72_000_000;
        t.wait_ms(Server, 10_000.0).segment(Server, FIN | ACK, b"");
        t.put(Client, RST, number, b"");
    }
    s
}

fn proxied() -> Scene {
    let mut s = Scene::innocent("reset-behind-proxy", "Machines that complete handshakes stand six hops in front of servers that refuse a name")
        .at_most("unexplained")
        .happens("The scrubbers answer every SYN; what the servers say comes from farther away, a whole round trip after the hello. Both reset a name that they do not have, twice, and another is served elsewhere.")
        .look("ip.ttl of SYN/ACK and reset; the reset's distance in time from the hello.");
    let elsewhere = Host::linux("91.198.20.40").hops(9);
    for n in 0..4u16 {
        s.script.later_ms(400.0).tcp(&client(), 42_500 + n, &elsewhere, 443, rtt()).visit(OTHER);
        let front = Host::linux(&format!("45.60.{}.80", 70 + n % 2)).hops(13).no_timestamps().ip_id(IpId::Random);
        let mut t = s.script.later_ms(400.0).tcp(&client().no_timestamps(), 42_510 + n, &front, 443, Rtt::ms(52.0));
        t.handshake().hello(NAME);
        t.end(Server).host.hops = 19;
        t.wait_ms(Server, 8.0).change(|d| d.set_window(0)).abort(Server);
    }
    s
}

fn kept_alive() -> Scene {
    let mut s = Scene::innocent("data-kept-alive", "A server that probes whether its client is still there")
        .at_most("unexplained")
        .happens("The page comes over a path three hops longer than the handshake's; fifteen seconds later an empty segment asks, numbered by the last octet sent.")
        .look("tcp.analysis.keep_alive.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(400.0).tcp(&client().no_timestamps(), 42_520 + n, &server().no_timestamps(), 80, rtt());
        t.handshake().get(NAME, "/");
        t.end(Server).host.hops = 16;
        t.send(Server, &http::response("200 OK", 600)).ack(Client);
        let last = t.end(Server).next.wrapping_sub(1);
        t.pause_ms(15_000.0).put(Server, ACK, last, b"");
        t.ack(Client).close();
    }
    s
}

fn old_fin() -> Scene {
    let mut s = Scene::innocent("fin-of-before", "A FIN of an earlier connection on the same ports arrives late")
        .at_most("unexplained")
        .happens("In the middle of an answer comes a FIN with the server's TTL, numbered and acknowledging as in a connection that is over. The server goes on.")
        .look("tcp.seq and tcp.ack of the FIN against all other packets.");
    for (n, behind) in [395_668u32, 1_200_000, 90_000].into_iter().enumerate() {
        let mut t = s.script.later_ms(400.0).tcp(&client().no_timestamps(), 42_530 + n as u16, &server().no_timestamps(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().exchange(400, 2400);
        let (seq, id) = (t.end(Server).next.wrapping_sub(behind), t.last_ip_id().wrapping_add(1));
        let ack = t.end(Client).next.wrapping_add(1_000_000_000);
        t.wait_ms(Server, 20.0).change(move |d| {
            d.set_ack(ack);
            d.ip_id = id;
        });
        t.put(Server, FIN | ACK, seq, b"");
        t.exchange(300, 2000).close();
    }
    s
}

fn two_taps() -> Scene {
    let mut s = Scene::innocent("reset-tapped-twice", "Both ends of a slow line are captured into one file")
        .vantage("middle")
        .at_most("unexplained")
        .happens("Every packet is there twice, 4.7 ms apart, with the same identification; the server resets a name that it does not have, and serves another.")
        .look("ip.id of each pair.");
    s.script.mirror(4700, None);
    for n in 0..3u16 {
        s.script.later_ms(500.0).tcp(&client(), 42_540 + n, &server().ip_id(IpId::Random), 443, rtt()).visit(OTHER);
        let mut t = s.script.later_ms(500.0).tcp(&client(), 42_550 + n, &server().ip_id(IpId::Random).no_timestamps(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).wait_ms(Server, 12.0).change(|d| d.set_window(0)).abort(Server);
    }
    s
}

fn translated() -> Scene {
    let mut s = Scene::innocent("reset-by-translator", "A carrier's address translator resets what it takes to be invalid, in its client's name")
        .vantage("server")
        .at_most("unexplained")
        .happens("Captured on the server. Four hops from the client the translator answers a packet of the server with a bare reset; the client, which knows nothing of it, repeats what it had said, with the next number of its count.")
        .look("ip.ttl and ip.id of the reset against the client's; tcp.seq is tcp.ack of the packet before it.");
    for n in 0..3u16 {
        let here = Host::linux("45.60.70.80");
        let mut t = s.script.later_ms(400.0).tcp(&Host::windows("185.120.33.9").hops(14), 42_560 + n, &here, 443, rtt().at_server());
        t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).sealed(Server, 900);
        let number = t.end(Client).next;
        let packet = t.inject(Client).rst().ttl(54).df().after_ms(78.0).with(move |d| d.set_seq(number));
        packet.genuine();
        t.retry(Client, 1).ack(Server).ack(Client).close();
    }
    s
}
