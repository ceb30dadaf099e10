//! Forged resets seen from the client.

use crate::scene::{Scene, client, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::tls::Hello;
use interloper::script::{Fate, Format};

const NAME: &str = "blocked.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![
        burst(),
        unseen_request(),
        mixed(),
        ack_regress(),
        payload(),
        padded(),
        sequence_ladder(),
        mid_flow(),
        mirrored(),
        from_afar(),
        perfect(),
        lifted(),
    ]
}

fn burst() -> Scene {
    let mut s = Scene::guilty("reset-burst-race", "Three equal RST/ACKs outrun the server")
        .happens("A ClientHello is answered after 3 ms by three identical RST/ACKs; the server's own ACK and ServerHello come a round trip later.")
        .look("The resets share ip.id and arrive within 100 us; ip.ttl is 90, the server's is 51; tcp.time_delta against tcp.analysis.initial_rtt.");
    s.script.tcp(&client(), 40_010, &server(), 443, rtt()).visit(OTHER);
    let mut t = s.script.later_ms(900.0).tcp(&client(), 40_011, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(90).ip_id(0x3a5c).df().window(4022).after_ms(3.1).copies(3);
    t.ack(Server).dead_reset(Client);
    t.wait_ms(Server, 0.4).sealed(Server, 900).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

/// What a reset acknowledges tells how far its connection had got, whatever the capture missed of it.
fn unseen_request() -> Scene {
    let mut s = Scene::guilty("reset-request-not-captured", "A hello is answered by resets, and the capture missed the hello")
        .happens(
            "Neither the SYN/ACK nor the hello is in the file; two RST/ACKs acknowledge the hello, and the server's ACK comes behind them.",
        )
        .look("tcp.ack of the resets: it lies behind the hello, not behind the SYN.");
    s.script.tcp(&client(), 40_110, &server(), 443, rtt()).visit(OTHER);
    let mut t = s.script.later_ms(900.0).tcp(&client(), 40_111, &server(), 443, rtt());
    t.syn().fate(Fate::Missed).syn_ack().ack(Client).fate(Fate::Missed).hello(NAME);
    t.inject(Server).rst_ack().ttl(99).ip_id(0x2b11).window(1234).after_ms(3.1).copies(2);
    t.ack(Server).dead_reset(Client);
    t.wait_ms(Server, 0.4).sealed(Server, 900).dead_reset(Client);
    let talk = t.talk();
    s.expect_for(talk, "tcp-reset", "none-seen", "likely");
    s
}

fn mixed() -> Scene {
    let mut s = Scene::guilty("reset-bare-and-ack", "A bare RST and three RST/ACKs, by two devices")
        .format(Format::Pcapng)
        .happens("One bare RST without DF, then three RST/ACKs with DF, race the server's acknowledgement.")
        .look("tcp.flags.reset == 1: flags, DF, window and ip.id differ between the first and the others.");
    let mut t = s.script.tcp(&client(), 40_020, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).rst().ttl(101).ip_id(0x9d01).window(23_871).after_ms(2.4);
    t.inject(Server).rst_ack().ttl(83).ip_id(0x71b2).df().window(2814).after_ms(6.0).copies(3).gap_us(45);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn ack_regress() -> Scene {
    let mut s = Scene::guilty("reset-ack-regress", "The reset acknowledges more than the server ever received")
        .happens("A hello of two segments draws one RST/ACK for all of it; the second segment never reaches the server, whose ACK covers the first only.")
        .look("tcp.ack of the reset against that of the packet after it.");
    let mut t = s.script.tcp(&client(), 40_030, &server(), 443, rtt());
    t.handshake().fate(Fate::Delivered).fate(Fate::LostAfter).hello_of(&Hello::new(NAME).big());
    t.inject(Server).rst_ack().ttl(54).ip_id(0x6c11).after_ms(3.4);
    t.ack(Server);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn payload() -> Scene {
    let mut s = Scene::guilty("reset-with-payload", "A reset carries ten counting bytes")
        .happens("One RST/ACK with the payload 01 02 .. 09 00, sent by a box at the province's edge; nothing else is forged.")
        .look("tcp.flags.reset == 1 && tcp.len > 0");
    let host = server().no_timestamps();
    let mut t = s.script.tcp(&client(), 40_040, &host, 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(58).ip_id(1).payload(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]).after_ms(9.0);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn padded() -> Scene {
    let mut s = Scene::guilty("reset-padded", "Ethernet padding inside the IP length of a reset, then darkness")
        .happens("One RST/ACK whose IP length counts six bytes of padding. From then on the client's packets are dropped: its FIN is never acknowledged on a second connection.")
        .look("ip.len == 46 on the resets; the FINs of the second stream repeat.");
    let mut t = s.script.tcp(&client(), 40_050, &server(), 443, rtt());
    t.handshake().hello(NAME);
    t.inject(Server).rst_ack().ttl(188).ip_id(0x2b17).payload(&[0; 6]).after_ms(3.3);
    let first = t.talk();
    let mut t = s.script.later_ms(600.0).tcp(&client(), 40_051, &server(), 443, rtt());
    t.handshake().hello("also.blocked.example.org");
    t.inject(Server).rst_ack().ttl(187).ip_id(0xd9e0).payload(&[0; 6]).after_ms(3.6);
    let second = t.talk();
    s.expect(first, "tcp-reset", "confirmed");
    s.expect(second, "tcp-reset", "confirmed");
    s
}

fn sequence_ladder() -> Scene {
    let mut s = Scene::guilty("reset-sequence-ladder", "Resets at X, X+1460 and X+4380 guess where the server will be")
        .happens("An HTTP request draws RST/ACKs at three sequence numbers, so that one fits even after the answer has begun. The answer comes all the same.")
        .look("tcp.seq of the resets; the answer after them.");
    let mut t = s.script.tcp(&client(), 40_060, &server(), 80, rtt());
    t.handshake().get(NAME, "/forbidden?q=1");
    t.inject(Server).rst_ack().ttl(72).ip_id(0x0040).window(1210).after_ms(5.0);
    t.inject(Server).rst_ack().seq_plus(1460).ttl(73).ip_id(0x0040).window(1211).after_ms(5.1);
    t.inject(Server).rst_ack().seq_plus(4380).ttl(74).ip_id(0x0040).window(1212).after_ms(5.2);
    t.ack(Server).dead_reset(Client);
    t.send(Server, &interloper::script::http::response("200 OK", 1200)).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn mid_flow() -> Scene {
    let mut s = Scene::guilty("reset-mid-flow", "The second request of a connection is reset")
        .happens("A kept-alive HTTP connection is fine until its second request names a blocked host.")
        .look("The first request's answer, then http.host of the second, then the resets.");
    let mut t = s.script.tcp(&client(), 40_070, &server(), 80, rtt());
    t.handshake().get(OTHER, "/").ack(Server).respond("200 OK", 2600);
    t.pause_ms(700.0).get(NAME, "/news");
    t.inject(Server).rst_ack().ttl(90).ip_id(0x5501).df().window(3310).after_ms(2.8).copies(3);
    t.ack(Server).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn mirrored() -> Scene {
    let mut s = Scene::guilty("reset-mirrored-header", "A reset made from the packet that set it off")
        .happens("A provider's box answers a request with a bare RST: identification one more than the request's, its remaining TTL, its window. The server goes on regardless.")
        .look("ip.id, ip.ttl and tcp.window_size_value of the request and the reset.");
    let mut t = s.script.tcp(&client(), 40_080, &server(), 80, rtt());
    t.handshake();
    t.change(|d| d.ip_id = 0x4a00).get(NAME, "/");
    t.inject(Server).rst().ttl(26).ip_id(0x4a01).window(502).after_ms(11.0);
    t.ack(Server).dead_reset(Client);
    t.send(Server, &interloper::script::http::response("200 OK", 900)).dead_reset(Client);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "confirmed");
    s
}

fn from_afar() -> Scene {
    let mut s = Scene::guilty("reset-answers-syn", "A SYN is refused from another distance than the server's")
        .happens("Every SYN to one address draws a RST/ACK after 4 ms; the server's SYN/ACK comes a round trip later.")
        .look("ip.ttl of the RST/ACK and of the SYN/ACK after it.");
    for n in 0..2 {
        let mut t = s.script.later_ms(f64::from(n) * 1500.0).tcp(&client(), 40_090 + n, &server(), 443, rtt());
        t.syn();
        t.inject(Server).rst_ack().ttl(118).ip_id(0x8e21 + n).seq_plus(1).window(1460 + n).after_ms(4.0);
        t.syn_ack().dead_reset(Client);
        let talk = t.talk();
        s.expect_for(talk, "tcp-reset", "ip", "confirmed");
    }
    s
}

fn perfect() -> Scene {
    let mut s = Scene::guilty("reset-perfect-forgery", "A forgery that leaves no trace")
        .happens("An in-path device eats the answer and sends one RST/ACK with the server's TTL, timestamps and timing. No other flow shows that the name was the reason.")
        .look("Nothing: this could be the server's own reset. Saying more than \"unexplained\" would be a guess.");
    let mut t = s.script.tcp(&client(), 40_100, &server(), 443, rtt());
    t.handshake().hello(NAME).rewrite(Server).ack(Server);
    let talk = t.talk();
    s.expect(talk, "tcp-reset", "unexplained");
    s
}

/// Eight attempts blocked, eight fine, eight blocked, half an hour apart.
fn lifted() -> Scene {
    let mut s = Scene::guilty("reset-lifted", "A filter is lifted for four hours and comes back")
        .happens("Every half hour the same name is asked for. The first eight and the last eight are reset from nearby, the eight between are answered.")
        .look("tcp.flags.reset == 1 && ip.ttl == 90 over time: none from 16:00 to 20:00.");
    for n in 0..24_u16 {
        let mut t = s.script.at_ms(f64::from(n) * 1_800_000.0).tcp(&client(), 40_100 + n, &server(), 443, rtt());
        t.handshake().hello(NAME);
        if (8..16).contains(&n) {
            t.sealed(Server, 900).sealed(Client, 200).close();
            continue;
        }
        t.inject(Server).rst_ack().ttl(90).ip_id(0x3a5c).df().window(4022).after_ms(3.1);
        t.ack(Server).dead_reset(Client);
        let talk = t.talk();
        s.expect(talk, "tcp-reset", "confirmed");
    }
    s
}
