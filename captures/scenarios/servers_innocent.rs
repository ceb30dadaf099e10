//! Servers and firewalls that reset, refuse or complain on their own account.

use crate::scene::{Scene, client, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::tls::{self, Hello};
use interloper::script::{Format, Host, IpId, Rtt, Script};

const NAME: &str = "www.example.org";

pub fn scenes() -> Vec<Scene> {
    vec![
        aborts(),
        closed_port(),
        rejects_every_name(),
        unknown_name(),
        windows(),
        keep_alive(),
        big_ip(),
        alert(),
        ordinary_evening(),
        big_hellos(),
        slow_to_accept(),
    ]
}

fn aborts() -> Scene {
    let mut s = Scene::innocent("reset-by-server-process", "A Linux server process aborts after a request")
        .at_most("unexplained")
        .happens("A process dies with the request unread: RST/ACK with timestamps and the usual window, one round trip after the request. It happens for two names alike.")
        .look("Timestamps, window and TTL of the reset continue the server's.");
    for (n, name) in [(0u16, NAME), (1, "shop.example.com")] {
        let mut t = s.script.later_ms(f64::from(n) * 800.0).tcp(&client(), 43_000 + n, &server(), 80, rtt());
        t.handshake().get(name, "/cart").wait_ms(Server, 6.0).abort(Server);
    }
    s
}

fn slow_to_accept() -> Scene {
    let mut s = Scene::innocent("early-answer-slow-accept", "A server takes its time to accept a connection, and none to answer")
        .happens("The SYN/ACK of a server comes after 130 ms, its answers after 20: the handshake is no measure of the path.")
        .look("ip.id of the answer goes on from the SYN/ACK's.");
    let server = || Host::windows("45.60.70.80").hops(13);
    for n in 0..2u16 {
        let mut t = s.script.later_ms(800.0).tcp(&client(), 43_180 + n, &server(), 443, Rtt::ms(20.0));
        t.syn().wait_ms(Server, 110.0).syn_ack().ack(Client).hello(NAME).ack(Server).server_hello().exchange(300, 2000).close();
    }
    s
}

fn closed_port() -> Scene {
    let mut s = Scene::innocent("reset-closed-port", "Nobody listens")
        .happens("Three SYNs to port 8443 are refused by the server's kernel, a round trip each; port 443 works.")
        .look("RST/ACK with seq 0, window 0, ip.id 0 and DF; the TTL of the server's other packets.");
    s.script.tcp(&client(), 43_010, &server(), 443, rtt()).visit(NAME);
    for n in 0..3u16 {
        s.script.later_ms(500.0).tcp(&client(), 43_011 + n, &server(), 8443, rtt()).syn().refuse();
    }
    s
}

fn rejects_every_name() -> Scene {
    let mut s = Scene::innocent("reset-by-firewall", "A firewall before the server rejects every name")
        .at_most("unexplained")
        .happens("A firewall next to the server lets handshakes pass and resets whatever follows, with its own TTL and identifications, for every name and after a full round trip.")
        .look("Four names, four equal ends.");
    for (n, name) in ["a.example.org", "b.example.net", "c.example.com", "www.example.edu"].into_iter().enumerate() {
        let mut t = s.script.later_ms(700.0).tcp(&client(), 43_020 + n as u16, &server(), 443, rtt());
        t.handshake().hello(name).cut(Client);
        t.inject(Server).rst().ttl(239).ip_id(0x1d00 + 977 * n as u16).window(8192).after_ms(79.5).genuine();
    }
    s
}

fn unknown_name() -> Scene {
    let mut s = Scene::innocent("reset-unknown-name", "A server resets a name it does not serve")
        .at_most("unexplained")
        .happens("An IIS-like server without a binding for one name resets after its hello, a round trip later, header and counter continuous; another name is fine.")
        .look("ip.id of the reset is the next of the server's counter; ip.ttl equal; time since the hello at least the round trip.");
    let host = Host::windows("45.60.70.90").hops(12);
    s.script.tcp(&client(), 43_030, &host, 443, rtt()).visit(NAME);
    let mut t = s.script.later_ms(900.0).tcp(&client(), 43_031, &host, 443, rtt());
    t.handshake().hello("unknown.example.org").ack(Server).abort(Server);
    s
}

fn windows() -> Scene {
    let mut s = Scene::innocent("reset-by-windows", "Windows ends connections its own way")
        .format(Format::PcapBig)
        .happens("A Windows server answers late packets of a closed connection with bare RSTs whose ack field equals their seq, and aborts another after its answer.")
        .look("ack == seq on bare resets; ip.id continues one counter over all streams.");
    let host = Host::windows("45.60.70.90").hops(12);
    let mut t = s.script.tcp(&client(), 43_040, &host, 80, rtt());
    t.handshake().get(NAME, "/").ack(Server).respond("200 OK", 2000).fin(Server).ack(Client);
    t.send(Client, b"late bytes").dead_reset(Server);
    let mut t = s.script.later_ms(400.0).tcp(&client(), 43_041, &host, 80, rtt());
    t.handshake().get(NAME, "/more").ack(Server).respond("200 OK", 2000).abort(Server);
    s
}

fn keep_alive() -> Scene {
    let mut s = Scene::innocent("reset-keep-alive", "A server gives up idle connections")
        .happens("A request 75 s after the last one meets a server that has just closed: its reset answers the request. Another idle connection is reset after 60 s without any packet before it.")
        .look("The gaps before the resets: 75 and 60 seconds.");
    let mut t = s.script.tcp(&client(), 43_050, &server(), 80, rtt());
    t.handshake().get(NAME, "/").ack(Server).respond("200 OK", 1500);
    t.pause_ms(75_003.0).get(NAME, "/again").dead_reset(Server);
    let mut t = s.script.later_ms(20.0).tcp(&client(), 43_051, &server(), 80, rtt());
    t.handshake().get(NAME, "/").ack(Server).respond("200 OK", 1500).pause_ms(60_000.0).abort(Server);
    s
}

fn big_ip() -> Scene {
    let mut s = Scene::innocent("reset-by-balancer", "A load balancer with a TTL of 255 resets after its redirect")
        .happens("An F5 sends SYN/ACK, redirect and RST/ACK itself: TTL 255 less the path, window 0 on the reset, one counter.")
        .look("ip.ttl is the same on SYN/ACK, data and reset.");
    let host = Host::big_ip("45.60.71.1").hops(12);
    for n in 0..2u16 {
        let mut t = s.script.later_ms(f64::from(n) * 600.0).tcp(&client(), 43_060 + n, &host, 80, rtt());
        t.handshake().get(NAME, "/").ack(Server);
        t.send(
            Server,
            b"HTTP/1.0 302 Found\r\nLocation: https://www.example.org/\r\nServer: BigIP\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        );
        t.fin(Server).ack(Client).fin(Client).change(|d| d.set_window(0)).abort(Server);
    }
    s
}

fn alert() -> Scene {
    let mut s = Scene::innocent("alert-unknown-name", "A server says that it does not know the name")
        .happens("A TLS alert unrecognized_name, then FIN; the client closes. Another name on the same server works.")
        .look("tls.alert_message.desc == 112, a round trip after the hello.");
    s.script.tcp(&client(), 43_070, &server(), 443, rtt()).visit(NAME);
    let mut t = s.script.later_ms(300.0).tcp(&client(), 43_071, &server(), 443, rtt());
    t.handshake().hello("unknown.example.org").ack(Server).send(Server, &tls::fatal_alert(112)).fin(Server);
    t.ack(Client).fin(Client).ack(Server);
    s
}

fn ordinary_evening() -> Scene {
    let mut s = Scene::innocent("clean-mix", "An ordinary evening")
        .format(Format::Pcapng)
        .happens("TLS 1.3 and 1.2, HTTP, both IP versions, a few losses with retransmissions; everything ends well.")
        .look("Nothing in particular.");
    visits(&mut s.script, &client(), &server(), 43_100);
    visits(&mut s.script, &Host::linux("fd12:3456::20"), &Host::linux("2a0b:7080::443").hops(8), 43_200);
    let mut t = s.script.later_ms(50.0).tcp(&client(), 43_300, &Host::linux("45.60.70.91").hops(7).ip_id(IpId::Random), 443, Rtt::ms(24.0));
    t.handshake().hello("old.example.org").ack(Server).server_hello_12().sealed(Client, 120).ack(Server);
    t.exchange(300, 6000).close();
    s
}

fn visits(script: &mut Script, client: &Host, server: &Host, port: u16) {
    for (n, name) in ["www.example.org", "static.example.net", "api.example.com"].into_iter().enumerate() {
        let n = n as u16;
        script.later_ms(120.0).tcp(client, port + n, server, 443, Rtt::ms(RTTS[usize::from(n)])).visit(name);
        script.later_ms(70.0).tcp(client, port + 50 + n, server, 80, Rtt::ms(RTTS[usize::from(n)])).visit_http(name);
    }
}

const RTTS: [f64; 3] = [31.0, 80.0, 182.0];

fn big_hellos() -> Scene {
    let mut s = Scene::innocent("clean-big-hellos", "Two-segment hellos, one of them retransmitted in part")
        .happens("Post-quantum hellos of two segments. Once the second segment is lost on the way and repeated; then all goes on.")
        .look("The server's ACK of the first segment, the retransmission, the ServerHello.");
    let mut t = s.script.tcp(&client(), 43_400, &server(), 443, rtt());
    t.handshake().hello_of(&Hello::new(NAME).big()).ack(Server).server_hello().exchange(500, 8000).close();
    let mut t = s.script.later_ms(1500.0).tcp(&client(), 43_401, &server(), 443, rtt());
    t.handshake().fate(interloper::script::Fate::Delivered).fate(interloper::script::Fate::LostAfter);
    t.hello_of(&Hello::new("other.example.net").big().name_last()).ack(Server).retry(Client, 1).ack(Server);
    t.server_hello().exchange(500, 4000).close();
    s
}
