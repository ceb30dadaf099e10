//! Answers in the server's name that the server did not give: pages, redirects, alerts, FINs, handshakes, certificates, refusals.

use crate::scene::{Scene, client, rtt, server};
use interloper::packet::tcp::{ACK, FIN, PSH, SYN};
use interloper::script::Side::{Client, Server};
use interloper::script::{Format, Host, IpId, tls};

const NAME: &str = "blocked.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![
        page_raced(),
        page_stripped(),
        page_in_path(),
        redirect(),
        redirect_from_template(),
        page_for_hello(),
        page_on_a_timer(),
        alert(),
        fin(),
        fin_outlived(),
        taken_back(),
        slipped_in(),
        second_handshake(),
        prohibited(),
        hostile_issuer(),
    ]
}

const NOTICE: &str = "<html><head><title>Access denied</title></head><body>This site may not be seen.</body></html>";

fn page(status: &str, more: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn page_raced() -> Scene {
    let mut s = Scene::guilty("page-raced", "A page outruns the server's own answer")
        .happens("A GET is answered after 3 ms by a 403 with FIN; the server's 200 with the same sequence number comes a round trip later.")
        .look("Two different payloads with one tcp.seq; the first has another ip.ttl and no timestamps.");
    let mut t = s.script.tcp(&client(), 47_000, &server(), 80, rtt());
    t.handshake().get(NAME, "/");
    t.inject(Server).data(&page("403 Forbidden", "", NOTICE)).flags(FIN | PSH | ACK).ttl(120).ip_id(0x1a2b).after_ms(3.0);
    t.ack(Server).respond("200 OK", 700);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "confirmed");
    s
}

fn redirect_from_template() -> Scene {
    let mut s = Scene::guilty("redirect-from-template", "A redirect whose every packet has the template's identification")
        .happens("The server acknowledges the GET; 80 ms later a redirect with FIN comes with its TTL, and after the client's FIN an acknowledgement. Both have one identification, where the server's packets count, and may be fragmented.")
        .look("ip.id and ip.flags.df of the server's packets: two of them are numbered alike.");
    let host = server().ip_id(IpId::Global).no_df().no_timestamps();
    let mut t = s.script.tcp(&client(), 47_015, &host, 80, rtt());
    t.handshake().get(NAME, "/get").ack(Server);
    let payload = page("302 Found", "Location: http://downloads.example.net/setup\r\n", "");
    let number = 0x51c2;
    t.inject(Server).data(&payload).flags(FIN | ACK).ttl(host.seen_ttl()).ip_id(number).window(30_016).after_ms(160.0);
    let end = payload.len() as u32 + 1;
    t.inject(Server).flags(ACK).seq_plus(end).ack_plus(1).ttl(host.seen_ttl()).ip_id(number).window(30_016).after_ms(240.0);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "likely");
    s
}

fn page_stripped() -> Scene {
    let mut s = Scene::guilty("page-without-options", "A page from the right distance, but not from that TCP")
        .format(Format::Pcapng)
        .happens("The box copies the server's TTL; its page comes in 2 ms, on a path of 80, and lacks the timestamps both ends agreed on. The server's answer never comes.")
        .look("tcp.options.timestamp is in every packet of the server's but this one; tcp.time_delta.");
    let mut t = s.script.tcp(&client(), 47_010, &server(), 80, rtt());
    t.handshake().cut(Client).get(NAME, "/news");
    t.inject(Server).data(&page("200 OK", "", NOTICE)).flags(FIN | PSH | ACK).ttl(51).ip_id(0).window(501).df().after_ms(2.0);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "confirmed");
    s
}

fn page_in_path() -> Scene {
    let mut s = Scene::guilty("page-in-path", "A transparent box answers instead of the server")
        .happens("The request is taken out and a page with FIN comes in its place, sooner than the path allows and from half the distance; the client's FIN is not answered either.")
        .look("ip.ttl 57 against 51 of the SYN/ACK; 9 ms after the request where the handshake took 80.");
    s.script.tcp(&client(), 47_020, &server(), 80, rtt()).visit_http(OTHER);
    let mut t = s.script.later_ms(700.0).tcp(&client(), 47_021, &server(), 80, rtt());
    t.handshake().cut(Client).get(NAME, "/");
    t.inject(Server)
        .data(&page("451 Unavailable For Legal Reasons", "", NOTICE))
        .flags(FIN | PSH | ACK)
        .ttl(57)
        .ip_id(0x7717)
        .after_ms(9.0);
    t.wait_ms(Client, 40.0).fin(Client).retry(Client, 3);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "confirmed");
    s
}

fn redirect() -> Scene {
    let mut s = Scene::guilty("page-redirect", "A redirect to an address inside outruns the server")
        .happens("A 302 to a private address, then the server's own page for the same place in the stream.")
        .look("http.location is an RFC 1918 address; two payloads share tcp.seq.");
    let mut t = s.script.tcp(&client(), 47_030, &server(), 80, rtt());
    t.handshake().get(NAME, "/");
    let forged = page("302 Found", "Location: http://10.44.0.9/notice.html\r\n", "");
    t.inject(Server).data(&forged).flags(FIN | PSH | ACK).ttl(61).ip_id(0x0101).df().after_ms(4.0);
    t.ack(Server).respond("200 OK", 900);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "confirmed");
    s
}

fn page_for_hello() -> Scene {
    let mut s = Scene::guilty("page-for-hello", "A ClientHello is answered with an HTTP page")
        .happens("A box that knows one answer only sends its page to TLS clients as well. The ServerHello comes after it.")
        .look("tcp.port == 443 && http.response, or \"Ignored Unknown Record\".");
    let mut t = s.script.tcp(&client(), 47_040, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).data(&page("403 Forbidden", "", NOTICE)).flags(FIN | PSH | ACK).ttl(120).ip_id(0x2b2b).after_ms(3.0);
    t.ack(Server).sealed(Server, 900);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "confirmed");
    s
}

fn page_on_a_timer() -> Scene {
    let mut s = Scene::guilty("page-on-a-timer", "A page is sent four times, a second apart, and the client is not heard any more")
        .happens("A box takes the client's packets from its hello on and answers in the server's name, over and over at the same pace. TCP waits twice as long each time, and stops once it is acknowledged.")
        .look("tcp.analysis.retransmission of the page: even steps, each acknowledged.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(500.0).tcp(&client().no_timestamps(), 47_080 + n, &server(), 443, rtt());
        t.handshake().cut(Client).hello(NAME);
        let said = page("403 Forbidden", "", NOTICE);
        for copy in 0..4u16 {
            let id = 0x495b_u16.wrapping_mul(7 * copy + 3 * n + 1);
            let at = if copy == 0 { 45.0 } else { 1000.0 };
            t.inject(Server).data(&said).flags(FIN | PSH | ACK).ttl(60).ip_id(id).window(1000).after_ms(at);
            let taken = t.end(Server).next.wrapping_add(said.len() as u32 + 1);
            t.end(Client).now += if copy == 0 { 46_000_000 } else { 1_000_000_000 };
            t.change(move |d| d.set_ack(taken)).ack(Client);
        }
        let talk = t.talk();
        s.expect(talk, "tcp-data", "confirmed");
    }
    s
}

fn alert() -> Scene {
    let mut s = Scene::guilty("alert-forged", "A TLS alert that the server did not send")
        .happens("handshake_failure in the server's name after 4 ms, then the server's own hello for the same sequence number.")
        .look("tls.alert_message, then a ServerHello with the same tcp.seq.");
    let mut t = s.script.tcp(&client(), 47_050, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).data(&tls::fatal_alert(40)).ttl(93).ip_id(0x4141).after_ms(4.0);
    let flight = tls::server_flight(t.random(), 900);
    t.ack(Server).send(Server, &flight);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "confirmed");
    s
}

fn fin() -> Scene {
    let mut s = Scene::guilty("fin-forged", "A bare FIN in the server's name closes the connection")
        .happens("FIN/ACK without timestamps 3 ms after the hello, from another distance; the server's hello follows at the number the FIN took.")
        .look("tcp.flags.fin == 1 right after the hello; the server goes on at the same tcp.seq.");
    let mut t = s.script.tcp(&client(), 47_060, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).fin_ack().ttl(99).ip_id(0x0909).window(4000).after_ms(3.0);
    let flight = tls::server_flight(t.random(), 900);
    t.ack(Server).send(Server, &flight);
    let talk = t.talk();
    s.expect(talk, "tcp-fin", "confirmed");
    s
}

fn fin_outlived() -> Scene {
    let mut s = Scene::guilty("fin-outlived", "A FIN that looks in all like the server's, whose number the server's data takes")
        .happens("Behind the hello comes a FIN with the server's TTL, the next identification and a full round trip; the server's own answer, late, begins with the number that the FIN used.")
        .look("tcp.seq of the FIN and of the data behind it.");
    for n in 0..2u16 {
        let mut t = s.script.later_ms(500.0).tcp(&client().no_timestamps(), 47_100 + n, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server);
        let id = t.last_ip_id().wrapping_add(1);
        t.inject(Server).fin_ack().ttl(51).ip_id(id).df().window(502).after_ms(82.0);
        let flight = tls::server_flight(t.random(), 900);
        t.wait_ms(Server, 60.0).send(Server, &flight).dead_reset(Client);
        let talk = t.talk();
        s.expect(talk, "tcp-fin", "confirmed");
    }
    s
}

fn taken_back() -> Scene {
    let mut s = Scene::guilty("page-taken-back", "A page that looks in all like the server's, and that the server does not know of")
        .happens("A redirect with the server's TTL, the next identification and a full round trip ends the connection. The client acknowledges it and closes; the server acknowledges that, numbered as if it had said nothing.")
        .look("tcp.seq of the server's ACK and FIN against tcp.nxtseq of the page.");
    for n in 0..2u16 {
        let mut t = s.script.later_ms(500.0).tcp(&client().no_timestamps(), 47_110 + n, &server(), 80, rtt());
        t.handshake().get(NAME, "/").ack(Server);
        let id = t.last_ip_id().wrapping_add(1);
        let said = page("302 Found", "Location: http://www.example.edu/\r\n", "");
        t.inject(Server).data(&said).flags(FIN | PSH | ACK).ttl(51).ip_id(id).df().window(502).after_ms(82.0);
        let taken = t.end(Server).next.wrapping_add(said.len() as u32 + 1);
        t.end(Client).now += 3_000_000;
        t.change(move |d| d.set_ack(taken)).ack(Client).change(move |d| d.set_ack(taken)).fin(Client);
        t.ack(Server).fin(Server);
        let talk = t.talk();
        s.expect(talk, "tcp-data", "confirmed");
    }
    s
}

fn slipped_in() -> Scene {
    let mut s = Scene::guilty("data-slipped-in", "An answer slipped into the stream of a server that never gives one")
        .happens(
            "The server acknowledges six requests one by one and says nothing. After the sixth an answer comes with its TTL, window and the \
             identification of its last packet; when the server closes, its FIN, four times over, is numbered as if it had sent nothing.",
        )
        .look("tcp.seq of the FINs against tcp.nxtseq of the answer; ip.id of the server's packets counts by one, without the answer.");
    let host = server().ip_id(IpId::PerConnection).no_timestamps();
    let mut t = s.script.tcp(&client(), 47_065, &host, 80, rtt());
    t.handshake();
    for n in 1..=6 {
        t.get(NAME, &format!("/part/{n}")).ack(Server);
    }
    let number = t.last_ip_id();
    t.inject(Server).data(&page("200 OK", "", NOTICE)).ttl(host.seen_ttl()).ip_id(number).window(502).df().after_ms(120.0);
    t.wait_ms(Server, 900.0).fin(Server).retry(Server, 3);
    let talk = t.talk();
    s.expect(talk, "tcp-data", "confirmed");
    s
}

fn second_handshake() -> Scene {
    let mut s = Scene::guilty("synack-forged", "A SYN/ACK with a number of its own opens the wrong connection")
        .happens(
            "The forged SYN/ACK comes first; the server's has another sequence number, and what the client sends answers the forged one.",
        )
        .look("Two SYN/ACKs with different raw sequence numbers; tcp.analysis flags on everything after.");
    let mut t = s.script.tcp(&client(), 47_070, &server(), 443, rtt());
    t.syn();
    t.inject(Server).flags(SYN | ACK).seq_plus(0x2222_1111).ttl(84).ip_id(0x3c3c).window(1460).after_ms(3.0);
    t.syn_ack().ack(Client).hello(NAME).ack(Server).server_hello();
    let talk = t.talk();
    s.expect_for(talk, "tcp-handshake", "ip", "confirmed");
    s
}

fn prohibited() -> Scene {
    let mut s = Scene::guilty("icmp-prohibited", "A router says that a host may not be spoken to")
        .happens(
            "Two connection attempts to one address draw administrative prohibition from a router five hops away; another host answers.",
        )
        .look("icmp.type == 3 && icmp.code == 13, from an address that is no end of the conversation.");
    let router = Host::linux("203.0.113.7").ttl(255).hops(5);
    s.script.tcp(&client(), 47_080, &Host::linux("91.198.20.30").hops(8), 443, rtt()).visit(OTHER);
    for n in 0..2u16 {
        let mut t = s.script.later_ms(800.0).tcp(&client(), 47_081 + n, &server(), 443, rtt());
        t.cut(Client).syn().icmp_error(&router, 3, 13, 0, 18.0);
        let talk = t.talk();
        s.expect_for(talk, "icmp-error", "ip", "likely");
    }
    s
}

fn hostile_issuer() -> Scene {
    let mut s = Scene::guilty("tls-hostile-issuer", "A state's certificate stands between client and server")
        .happens("TLS 1.2 with a leaf issued by an authority known from interception; another server of the same name shows a public one.")
        .look("tls.handshake.certificate, issuer common name.");
    let shown = |s: &mut Scene, port: u16, host: &Host, issuer: &str| {
        let mut t = s.script.later_ms(500.0).tcp(&client(), port, host, 443, rtt());
        let flight = tls::server_flight_by(t.random(), issuer, NAME);
        t.handshake().hello(NAME).ack(Server).send(Server, &flight).ack(Client).exchange(300, 1200).close();
        t.talk()
    };
    shown(&mut s, 47_090, &Host::linux("91.198.20.30").hops(8), "Let's Encrypt R11");
    let talk = shown(&mut s, 47_091, &server(), "Qaznet Trust Network");
    s.expect(talk, "tls-intercept", "confirmed");
    s
}
