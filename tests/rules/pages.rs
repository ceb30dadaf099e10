//! Rules about answers in the server's name: pages, alerts, handshakes, certificates, and routers' refusals.

use super::Row;
use super::given::{Given, NAME, RTT_MS, client, server};
use interloper::detect::finding::Mechanism::{IcmpError, TcpData, TcpHandshake, TlsIntercept};
use interloper::packet::tcp::{ACK, FIN, SYN};
use interloper::script::Side::{Client, Server};
use interloper::script::{Host, IpId, Rtt, http, tls};

pub static ROWS: &[Row] = &[
    ("blockpage-known", TcpData, known_page, bare_page),
    ("captive-portal", TcpData, sign_in_page, raced_page),
    ("dark-after-answer", TcpData, dark, bare_page),
    ("data-contradicted", TcpData, acks_too_much, bare_page),
    ("data-disowned", TcpData, slipped_in, bare_page),
    ("ipid-uncounted", TcpData, slipped_in, numbered_by_another),
    ("ipid-reused", TcpData, template, segments_of_one_burst),
    ("icmp-from-server", IcmpError, server_refuses, router_refuses),
    ("icmp-nearby", IcmpError, nearby_refusal, router_refuses),
    ("icmp-prohibited", IcmpError, router_refuses, server_refuses),
    ("issuer-differs", TlsIntercept, two_issuers, interception),
    ("issuer-known", TlsIntercept, interception, ordinary),
    ("issuer-refused", TlsIntercept, refuses, closes),
    ("not-tls", TcpData, page_for_a_hello, alert_for_a_hello),
    ("overlap-differs", TcpData, raced_page, bare_page),
    ("page-bare", TcpData, bare_page, full_page),
    ("second-synack", TcpHandshake, two_servers, two_attempts),
    ("server-alert", TcpData, honest_alert, alert_for_a_hello),
    ("synack-mirrors-syn", TcpHandshake, mirrored_synack, two_servers_alike),
];

const BARE: &str = "<html><body>No.</body></html>";

/// A page in the server's name right after the request.
fn injected(g: &mut Given, page: &[u8]) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/");
    t.inject(Server).data(page).ttl(90).after_ms(3.0);
}

fn bare_page(g: &mut Given) {
    injected(g, format!("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n{BARE}").as_bytes());
}

fn known_page(g: &mut Given) {
    injected(g, &http::page("403 Forbidden", "<iframe src=\"http://10.10.34.35:80\"></iframe>"));
}

fn full_page(g: &mut Given) {
    injected(g, &http::response("200 OK", 300));
}

fn dark(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/");
    t.inject(Server).data(&http::page("403 Forbidden", BARE)).ttl(90).after_ms(3.0);
    let number = t.cut(Client).end(Client).next;
    for _ in 0..5 {
        t.wait_ms(Client, 400.0).put(Client, FIN | ACK, number, &[]);
    }
}

/// A redirect and an acknowledgement after it, numbered alike, in the name of a server that counts its packets.
fn twins(g: &mut Given, ttl: u8, df: bool) {
    let server = server().ip_id(IpId::Global).no_df().no_timestamps();
    let mut t = g.script.tcp(&client(), 40_000, &server, 80, Rtt::ms(RTT_MS));
    t.handshake().get(NAME, "/").ack(Server);
    let page = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://example.net/a\r\nConnection: close\r\n\r\n";
    t.inject(Server).data(page).ttl(ttl).ip_id(0x7a7a).after_ms(120.0).with(|d| d.df = df);
    let end = page.len() as u32;
    t.inject(Server).flags(ACK).seq_plus(end).ttl(ttl).ip_id(0x7a7a).after_ms(125.0).with(|d| d.df = df);
}

fn template(g: &mut Given) {
    twins(g, server().seen_ttl(), false);
}

/// Hardware may number the segments of a burst alike, and says that they are not to be fragmented.
fn segments_of_one_burst(g: &mut Given) {
    twins(g, 90, true);
}

/// The phone's own check was sent to the same host.
fn sign_in_page(g: &mut Given) {
    let page = b"HTTP/1.1 302 Found\r\nLocation: http://10.5.0.1/login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    injected(g, page);
    g.around.portal = Some((b"captive.apple.com".to_vec(), 3));
}

fn acks_too_much(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/");
    t.inject(Server).data(&http::page("403 Forbidden", BARE)).ack_plus(900).ttl(90).after_ms(3.0);
    t.ack(Server);
}

/// A server that counts its packets is silent after its acknowledgements and closes; before it does, data comes in its name.
fn slipped_in(g: &mut Given) {
    let server = server().ip_id(IpId::PerConnection).no_timestamps();
    let mut t = g.script.tcp(&client(), 40_000, &server, 80, Rtt::ms(RTT_MS));
    t.handshake();
    for _ in 0..6 {
        t.get(NAME, "/more").ack(Server);
    }
    let number = t.last_ip_id();
    t.inject(Server).data(BARE.as_bytes()).ttl(server.seen_ttl()).ip_id(number).df().after_ms(120.0);
    t.wait_ms(Server, 900.0).fin(Server).retry(Server, 3);
}

/// The data comes from elsewhere, but the server has not sent enough to be seen counting.
fn numbered_by_another(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/").ack(Server);
    t.inject(Server).data(BARE.as_bytes()).ttl(90).after_ms(120.0);
    t.wait_ms(Server, 900.0).fin(Server).retry(Server, 3);
}

fn raced_page(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().get(NAME, "/");
    t.inject(Server).data(&http::page("403 Forbidden", BARE)).ttl(90).after_ms(3.0);
    t.ack(Server).respond("200 OK", 400);
}

fn page_for_a_hello(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).data(&http::page("403 Forbidden", BARE)).ttl(90).after_ms(3.0);
}

fn alert_for_a_hello(g: &mut Given) {
    let mut t = g.tcp();
    t.handshake().hello(NAME);
    t.inject(Server).data(&tls::fatal_alert(112)).ttl(90).after_ms(3.0);
}

/// The server was slow to accept, so that its alert, on its own clock, seems to come too early.
fn honest_alert(g: &mut Given) {
    let mut t = g.tcp();
    t.syn().wait_ms(Server, 400.0).syn_ack().ack(Client).hello(NAME);
    t.send(Server, &tls::fatal_alert(112));
}

fn refused(g: &mut Given, by: &Host) {
    g.tcp().cut(Client).syn().icmp_error(by, 3, 13, 0, 20.0);
}

fn router() -> Host {
    Host::linux("203.0.113.7").ttl(255).hops(5)
}

fn router_refuses(g: &mut Given) {
    refused(g, &router());
}

fn server_refuses(g: &mut Given) {
    refused(g, &server());
}

fn nearby_refusal(g: &mut Given) {
    router_refuses(g);
    g.around.sender.ttls = vec![(51, 9)];
}

/// A second SYN/ACK with numbers of its own, made as the closure says.
fn second(g: &mut Given, change: fn(&mut interloper::script::Draft)) {
    let mut t = g.tcp();
    t.syn();
    t.inject(Server).flags(SYN | ACK).with(change).seq_plus(77_777).ttl(90).after_ms(3.0);
    t.syn_ack().ack(Client).get(NAME, "/").ack(Server).respond("200 OK", 300);
}

fn two_servers(g: &mut Given) {
    second(g, |_| ());
}

fn mirrored_synack(g: &mut Given) {
    second(g, |d| d.df = true);
}

/// A second machine of the same make answers with a number of its own.
fn two_servers_alike(g: &mut Given) {
    g.tcp().syn().syn_ack().segment(Server, SYN | ACK, &[]);
}

/// The client asks twice; each time it is answered with another number.
fn two_attempts(g: &mut Given) {
    g.tcp().syn().retry(Client, 1).syn_ack().segment(Server, SYN | ACK, &[]);
}

/// A TLS 1.2 server shows a certificate of this issuer.
fn shows(g: &mut Given, issuer: &str) {
    let mut t = g.tcp();
    let flight = tls::server_flight_by(t.random(), issuer, NAME);
    t.handshake().hello(NAME).ack(Server).send(Server, &flight).ack(Client);
}

fn interception(g: &mut Given) {
    shows(g, "Qaznet Trust Network");
}

fn ordinary(g: &mut Given) {
    shows(g, "Let's Encrypt R11");
}

fn two_issuers(g: &mut Given) {
    interception(g);
    g.around.other_issuer = Some(("Let's Encrypt".to_owned(), 77));
}

/// The client says with an alert what it thinks of the certificate.
fn alerts(g: &mut Given, what: u8) {
    let mut t = g.tcp();
    let flight = tls::server_flight_by(t.random(), "Qaznet Trust Network", NAME);
    t.handshake().hello(NAME).ack(Server).send(Server, &flight).send(Client, &tls::fatal_alert(what));
}

/// It does not know the authority.
fn refuses(g: &mut Given) {
    alerts(g, 48);
}

/// Its user closes the page, or its clock is wrong.
fn closes(g: &mut Given) {
    alerts(g, 45);
}
