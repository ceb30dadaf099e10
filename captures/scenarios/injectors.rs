//! Known injectors, each by the packets it is known for.

use crate::scene::{Scene, client, resolver, rtt, server};
use interloper::packet::tcp::{ACK, FIN, PSH};
use interloper::script::Rtt;
use interloper::script::Side::{Client, Server};
use interloper::script::dns::{self, Query};

const NAME: &str = "blocked.example.org";

pub fn scenes() -> Vec<Scene> {
    vec![
        type_3(),
        reflect(),
        turkmen(),
        packetlogic(),
        packetlogic_redirect(),
        surf_safely(),
        middlebox(),
        warning(),
        iran_page(),
        old_pool(),
        turkmen_dns(),
    ]
}

fn type_3() -> Scene {
    let mut s = Scene::guilty("injector-gfw-type-3", "A lone RST/ACK with TTL 248")
        .happens("One RST/ACK without DF, its identification in a narrow range, outruns the server.")
        .look("ip.id between 39190 and 39219 and ip.ttl 248 on the reset.");
    let mut t = s.script.tcp(&client(), 41_010, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(248).ip_id(39_201).window(1100).after_ms(4.0);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn reflect() -> Scene {
    let mut s = Scene::guilty("injector-reflect", "A bare reset made from the ClientHello's own header")
        .happens("The identification is the hello's plus one, the window and the acknowledgement field are the hello's, the TTL what was left of it.")
        .look("ip.id, tcp.window_size_value and tcp.ack_raw of the reset against those of the hello.");
    let mut t = s.script.tcp(&client(), 41_020, &server(), 443, rtt());
    t.handshake().hello(NAME);
    let id = t.last_ip_id().wrapping_add(1);
    let window = 502;
    t.inject(Server).rst().ttl(56).ip_id(id).window(window).ack(0x1234_5678).after_ms(6.0);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn turkmen() -> Scene {
    let mut s = Scene::guilty("injector-turkmen", "A bare reset with identification 30000")
        .happens("One RST with window and acknowledgement 0 comes 5 ms after the hello; the server's own answer comes a round trip later.")
        .look("ip.id == 30000");
    let mut t = s.script.tcp(&client(), 41_030, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).rst().ttl(121).ip_id(30_000).window(0).after_ms(5.0);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn packetlogic() -> Scene {
    let mut s = Scene::guilty("injector-packetlogic", "An RST/ACK with identification 0x3412")
        .happens("The reset comes after 7 ms; the server goes on.")
        .look("ip.id == 0x3412");
    let mut t = s.script.tcp(&client(), 41_040, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(58).ip_id(0x3412).window(0).after_ms(7.0);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

/// How a forged answer is made.
struct Made {
    flags: u16,
    ttl: u8,
    id: u16,
    window: u16,
    tos: u8,
}

/// A GET that a forged answer overtakes.
fn overtaken(mut s: Scene, port: u16, payload: &[u8], made: Made) -> Scene {
    let Made { flags, ttl, id, window, tos } = made;
    let mut t = s.script.tcp(&client(), port, &server(), 80, rtt());
    t.handshake().get(NAME, "/");
    t.inject(Server).data(payload).flags(flags).ttl(ttl).ip_id(id).window(window).with(|d| d.tos = tos).after_ms(4.0);
    t.ack(Server).respond("200 OK", 900);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "confirmed");
    s
}

fn response(status: &str, more: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn packetlogic_redirect() -> Scene {
    let s = Scene::guilty("injector-packetlogic-redirect", "A 307 with identification 0x3412 and window 32120")
        .happens("A download is sent elsewhere by a redirect without PSH that outruns the server.")
        .look("http.response.code == 307; ip.id and tcp.window_size_value of it.");
    let payload = response("307 Temporary Redirect", "Location: http://downloads.example.com/setup.exe\r\n", "");
    overtaken(s, 41_050, &payload, Made { flags: FIN | ACK, ttl: 58, id: 13_330, window: 32_120, tos: 0 })
}

fn surf_safely() -> Scene {
    let s = Scene::guilty("injector-surf-safely", "A page without a head, marked type of service 40")
        .happens("The page comes without status line, with FIN, from an initial TTL of 100.")
        .look("ip.dsfield == 0x28 and the payload.");
    overtaken(
        s,
        41_060,
        b"<html><head><title>Surf Safely!</title></head></html>",
        Made { flags: FIN | ACK, ttl: 91, id: 0x5151, window: 16_384, tos: 40 },
    )
}

fn middlebox() -> Scene {
    let s = Scene::guilty("injector-middlebox", "A page that names itself, with FIN")
        .happens("The box says what it is.")
        .look("The payload of the packet with FIN.");
    let payload = response("404 Not Found", "", "<html>Middlebox v 1.0</html>");
    overtaken(s, 41_070, &payload, Made { flags: FIN | PSH | ACK, ttl: 60, id: 0x2301, window: 5840, tos: 0 })
}

fn warning() -> Scene {
    let s = Scene::guilty("injector-warning", "A redirect to a national warning page")
        .happens("A 302 outruns the server.")
        .look("http.location");
    overtaken(
        s,
        41_080,
        &response("302 Found", "Location: http://www.warning.or.kr\r\n", ""),
        Made { flags: FIN | PSH | ACK, ttl: 61, id: 0x0700, window: 8192, tos: 0 },
    )
}

fn iran_page() -> Scene {
    let s = Scene::guilty("injector-iran-page", "A 403 whose page is a frame to an address inside")
        .happens("The page outruns the server.")
        .look("The iframe in the payload.");
    let body = "<html><body><iframe src=\"http://10.10.34.36:80\" style=\"width: 100%\"></iframe></body></html>";
    overtaken(s, 41_090, &response("403 Forbidden", "", body), Made { flags: PSH | ACK, ttl: 188, id: 0x0999, window: 1000, tos: 0 })
}

fn old_pool() -> Scene {
    let mut s = Scene::guilty("injector-old-pool", "An answer from a pool of addresses used for years")
        .happens("The forged answer comes after 3 ms, the resolver's after 38 ms.")
        .look("dns.a == 46.82.174.68 and the answer after it.");
    let q = Query::a(NAME);
    let mut d = s.script.udp(&client(), 52_010, &resolver(), 53, Rtt::ms(38.0));
    d.ask(&q);
    d.forge(&q.answer().flags(dns::RESOLVED).without_edns().ttl(300).address("46.82.174.68")).ttl(91).ip_id(0x0a12).after_ms(3.0);
    d.answer(&q.answer().address("45.60.70.80"));
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}

fn turkmen_dns() -> Scene {
    let mut s = Scene::guilty("injector-turkmen-dns", "The loopback address with identification 30000")
        .happens("The forged answer comes after 4 ms, the resolver's after 38 ms.")
        .look("dns.a == 127.0.0.1 and ip.id == 30000");
    let q = Query::a(NAME);
    let mut d = s.script.udp(&client(), 52_020, &resolver(), 53, Rtt::ms(38.0));
    d.ask(&q);
    d.forge(&q.answer().flags(dns::RESOLVED).without_edns().ttl(300).address("127.0.0.1")).ttl(121).ip_id(30_000).after_ms(4.0);
    d.answer(&q.answer().address("45.60.70.80"));
    let talk = d.talk();
    s.expect(talk, "dns-answer", "confirmed");
    s
}
