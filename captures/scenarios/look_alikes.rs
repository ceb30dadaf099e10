//! What servers, gateways and proxies do by themselves, and what it looks like.

use crate::scene::{Scene, client, rtt, server};
use interloper::packet::tcp::{ACK, FIN, PSH};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::{Host, IpId, Rtt, http, tls};

const NAME: &str = "www.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![
        portal(),
        portal_in_between(),
        endpoint_protection(),
        application_firewall(),
        legal_block_by_the_site(),
        handshake_proxy(),
        mobile_proxy(),
        stripped_for_all(),
        reset_after_goodbye(),
        scanner(),
        fin_with_old_number(),
        router_host(),
        turned_around(),
    ]
}

fn portal() -> Scene {
    let mut s = Scene::innocent("portal", "A hotel's network shows its own page to everybody first")
        .at_most("unexplained")
        .happens("Three names resolve to the gateway, every HTTP request is redirected to its sign-in page, TLS is reset at once; after a minute all of it works.")
        .look("The first answers name one private address; the redirects come in a millisecond.");
    let gateway = Host::linux("10.5.0.1");
    let near = Rtt::ms(1.2);
    for (n, name) in ["captive.apple.com", NAME, OTHER].into_iter().enumerate() {
        let n = n as u16;
        let q = Query::a(name);
        s.script.later_ms(300.0).udp(&client(), 50_000 + n, &gateway, 53, near).ask(&q).answer(&q.answer().ttl(0).address("10.5.0.1"));
        let mut t = s.script.later_ms(10.0).tcp(&client(), 50_010 + n, &gateway, 80, near);
        let page = b"HTTP/1.1 302 Found\r\nLocation: http://10.5.0.1/login?from=1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        t.handshake().get(name, "/").ack(Server).segment(Server, FIN | PSH | ACK, page).fin(Client).ack(Server);
        let mut t = s.script.later_ms(200.0).tcp(&client(), 50_020 + n, &gateway, 443, near);
        t.handshake().hello(name).abort(Server);
        // Those who ask an address outside are answered by the gateway in its name, sooner than the address could.
        let mut t = s.script.later_ms(200.0).tcp(&client(), 50_030 + n, &server(), 80, near);
        t.handshake().get(name, "/").ack(Server).segment(Server, FIN | PSH | ACK, page).fin(Client).ack(Server);
    }
    s.script.later_ms(60_000.0);
    for (n, name) in [NAME, OTHER].into_iter().enumerate() {
        let n = n as u16;
        let q = Query::a(name);
        s.script.later_ms(300.0).udp(&client(), 50_040 + n, &gateway, 53, near).ask(&q).answer(&q.answer().address("45.60.70.80"));
        s.script.later_ms(100.0).tcp(&client(), 50_050 + n, &server(), 443, rtt()).visit(name);
        s.script.later_ms(100.0).tcp(&client(), 50_060 + n, &server(), 80, rtt()).visit_http(name);
    }
    s
}

fn portal_in_between() -> Scene {
    let mut s = Scene::innocent("portal-in-between", "A sign-in page comes between real handshakes and real servers")
        .at_most("unexplained")
        .happens("Handshakes pass; every first request, the telephone's own check among them, is answered by the gateway with a redirect to its sign-in page.")
        .look("http.location names one host for every http.host; ip.ttl of the redirects is the gateway's.");
    for (n, name) in ["captive.apple.com", NAME, OTHER].into_iter().enumerate() {
        let host = Host::linux(&format!("45.60.70.{}", 80 + n)).hops(13);
        let mut t = s.script.later_ms(700.0).tcp(&client(), 50_070 + n as u16, &host, 80, rtt());
        t.handshake().cut(Client).get(name, "/");
        let page = b"HTTP/1.1 302 Found\r\nLocation: http://10.5.0.1/login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        t.inject(Server).data(page).flags(FIN | PSH | ACK).ttl(64).after_ms(1.0);
    }
    s
}

fn endpoint_protection() -> Scene {
    let mut s = Scene::innocent("tls-endpoint-protection", "A machine's own protection opens every TLS connection")
        .at_most("unexplained")
        .happens("Three sites show certificates of one issuer, the protection software on the client; a resolver of the company issued none of it.")
        .look("tls.handshake.certificate: the same issuer everywhere.");
    for (n, name) in [NAME, OTHER, "bank.example.com"].into_iter().enumerate() {
        let host = Host::linux(&format!("45.60.72.{}", 20 + n)).hops(9);
        let mut t = s.script.later_ms(400.0).tcp(&client(), 50_100 + n as u16, &host, 443, rtt());
        let flight = tls::server_flight_by(t.random(), "Kaspersky Anti-Virus Personal Root Certificate", name);
        t.handshake().hello(name).ack(Server).send(Server, &flight).ack(Client).exchange(200, 900).close();
    }
    s
}

fn application_firewall() -> Scene {
    let mut s = Scene::innocent("page-application-firewall", "A site's own firewall refuses a visitor")
        .happens("Two requests are answered; the third with 403 and the fourth with 429, by the same machine on the same clock.")
        .look("ip.ttl, timestamps and timing of the refusals are those of the pages before.");
    let mut t = s.script.tcp(&client(), 50_110, &server(), 80, rtt());
    t.handshake().get(NAME, "/").ack(Server).respond("200 OK", 800).get(NAME, "/a").ack(Server).respond("200 OK", 900).close();
    for (n, status) in ["403 Forbidden", "429 Too Many Requests"].into_iter().enumerate() {
        let mut t = s.script.later_ms(500.0).tcp(&client(), 50_111 + n as u16, &server(), 80, rtt());
        let page = http::page(status, "<html><head><title>Access Denied</title></head><body>Access Denied</body></html>");
        t.handshake().get(NAME, "/admin").ack(Server).send(Server, &page).ack(Client).fin(Server).fin(Client).ack(Server);
    }
    s
}

fn legal_block_by_the_site() -> Scene {
    let mut s = Scene::innocent("page-by-the-site", "A site answers 451 itself and closes")
        .happens(
            "A newspaper does not serve some countries: 451 with FIN in the same segment, from the server, a round trip after the request.",
        )
        .look("The page carries the server's timestamps; nothing else answers.");
    let mut t = s.script.tcp(&client(), 50_120, &server(), 80, rtt());
    let page = http::page("451 Unavailable For Legal Reasons", "<html><body>Not available in your region.</body></html>");
    t.handshake().get(NAME, "/").ack(Server).segment(Server, FIN | PSH | ACK, &page).fin(Client).ack(Server);
    s
}

fn handshake_proxy() -> Scene {
    let mut s = Scene::innocent("handshake-proxy", "A scrubbing centre answers SYNs for the servers behind it")
        .happens("SYN/ACKs come from a device 20 ms away without timestamps; everything after comes from the servers, 80 ms and six hops further.")
        .look("ip.ttl and round trip of the SYN/ACK against all that follows, in every connection.");
    let scrubber = server().hops(7).no_timestamps();
    for n in 0..3u16 {
        let mut t = s.script.later_ms(400.0).tcp(&client(), 50_130 + n, &scrubber, 443, rtt());
        t.handshake();
        t.end(Server).host.hops = 13;
        t.hello(["a.example.org", NAME, OTHER][usize::from(n)])
            .wait_ms(Server, 60.0)
            .ack(Server)
            .server_hello()
            .exchange(300, 4000)
            .close();
    }
    s
}

fn mobile_proxy() -> Scene {
    let mut s = Scene::innocent("mobile-proxy", "A mobile network's proxy splits every TCP connection")
        .happens("Handshakes take 3 ms, first answers 90: the proxy accepts for everybody and asks the server then. One connection is reset by the proxy when the server does not want it.")
        .at_most("unexplained")
        .look("tcp.analysis.initial_rtt against the time to the first data.");
    let near = Rtt::ms(3.0);
    for n in 0..3u16 {
        let host = Host::linux(&format!("45.60.73.{}", 40 + n)).hops(3);
        let mut t = s.script.later_ms(300.0).tcp(&client(), 50_140 + n, &host, 443, near);
        t.handshake()
            .hello(["a.example.org", NAME, OTHER][usize::from(n)])
            .ack(Server)
            .wait_ms(Server, 90.0)
            .server_hello()
            .exchange(200, 3000)
            .close();
    }
    let host = Host::linux("45.60.73.49").hops(3);
    let mut t = s.script.later_ms(300.0).tcp(&client(), 50_149, &host, 443, near);
    t.handshake().hello("gone.example.com").ack(Server).wait_ms(Server, 120.0).abort(Server);
    s
}

fn stripped_for_all() -> Scene {
    let mut s = Scene::innocent("options-stripped", "A balancer takes the timestamps out of everything after the handshake")
        .happens("SYN and SYN/ACK agree on timestamps; no data packet of the server's carries them, in any connection. One site also sends a 403.")
        .look("tcp.options.timestamp in SYN/ACKs only; ip.ttl and ip.id are the same throughout.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(300.0).tcp(&client(), 50_150 + n, &server(), 80, rtt());
        t.handshake();
        t.end(Server).stamping = false;
        t.get([NAME, OTHER, "a.example.com"][usize::from(n)], "/").ack(Server);
        t.respond(["200 OK", "403 Forbidden", "200 OK"][usize::from(n)], 700).close();
    }
    s
}

fn reset_after_goodbye() -> Scene {
    let mut s = Scene::innocent("reset-after-goodbye", "A server says goodbye in TLS and resets")
        .happens("After the answer a close_notify, then RST/ACK with the server's clock, because unread bytes were waiting.")
        .look("A short record from the server right before the reset.");
    let mut t = s.script.tcp(&client(), 50_160, &server(), 443, rtt());
    t.handshake()
        .hello(NAME)
        .ack(Server)
        .server_hello()
        .exchange(400, 2500)
        .sealed(Client, 60)
        .ack(Server)
        .sealed(Server, 19)
        .abort(Server);
    s
}

fn scanner() -> Scene {
    let mut s = Scene::innocent("reset-by-scanner", "A scanner asks for ports and hangs up")
        .vantage("server")
        .happens("SYNs with IP identification 54321 to twelve ports; the kernel of the scanner, which knows nothing of them, resets every SYN/ACK. Closed ports answer RST/ACK.")
        .look("ip.id == 54321; resets come from the side that asked.");
    let scanner = Host::linux("198.18.7.9").hops(14).no_timestamps().ip_id(IpId::Fixed(54_321));
    for n in 0..12u16 {
        let mut t = s.script.later_ms(20.0).tcp(&scanner, 61_000 + n, &Host::linux("45.60.70.80"), 20 + n, rtt().at_server());
        if n % 3 == 0 {
            t.syn().syn_ack().dead_reset(Client);
        } else {
            t.syn().refuse();
        }
    }
    s
}

fn router_host() -> Scene {
    let mut s = Scene::innocent("reset-by-router", "A router serves its own pages and refuses a port")
        .happens("A device with TTL 255 and window 4128 answers HTTP on port 80 and refuses 443, always from the same distance.")
        .look("ip.ttl == 253 everywhere.");
    let mut device = Host::linux("45.60.74.1").ttl(255).hops(2).no_timestamps().ip_id(IpId::Global).mss(536);
    (device.syn_window, device.window) = (4128, 4128);
    s.script.tcp(&client(), 50_170, &device, 80, Rtt::ms(9.0)).visit_http(NAME);
    s.script.later_ms(100.0).tcp(&client(), 50_171, &device, 443, Rtt::ms(9.0)).syn().refuse();
    s
}

fn turned_around() -> Scene {
    let mut s = Scene::innocent("reset-turned-around", "A firewall that forgot a connection turns the keep-alive around")
        .happens("After two hours of silence the client's keep-alive is answered by a reset made of its own packet: same identification and window, TTL 30 above the server's.")
        .look("ip.id and window of the reset are those of the packet before it; tcp.time_delta of 7200 s.");
    let mut t = s.script.tcp(&client(), 50_180, &server(), 22, rtt());
    t.handshake().send(Server, b"SSH-2.0-OpenSSH_10.0\r\n").ack(Client).send(Client, b"SSH-2.0-OpenSSH_10.0\r\n").ack(Server);
    t.sealed(Server, 200).ack(Client).pause_ms(280_000.0);
    t.ack(Client);
    let id = t.last_ip_id();
    t.inject(Server).rst().ip_id(id).window(502).ttl(81).df().after_ms(9.0).genuine();
    s
}

fn fin_with_old_number() -> Scene {
    let mut s = Scene::innocent("fin-with-old-number", "A balancer closes with a number it remembers")
        .happens(
            "After an answer of 3,000 octets, acknowledged, the balancer in front of the server closes twice with the number the server had \
             after its first segment. The answer was the server's: its packets are counted, the FINs are not.",
        )
        .look("tcp.seq of the FINs lies inside the data; ip.id counts through the data.");
    let host = server().ip_id(IpId::PerConnection).no_timestamps();
    let mut t = s.script.tcp(&client(), 49_300, &host, 80, rtt());
    t.handshake();
    for _ in 0..6 {
        t.get("www.example.org", "/").ack(Server);
    }
    t.respond("200 OK", 2800).ack(Client).pause_ms(400.0);
    for ms in [1.0, 300.0] {
        t.inject(Server).fin_ack().genuine().seq_plus(1400_u32.wrapping_neg()).ttl(host.seen_ttl() + 1).ip_id(0).df().after_ms(ms);
    }
    s
}
