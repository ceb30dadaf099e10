//! Resets in captures that hold less, or more, than was sent.

use crate::scene::{Scene, client, rtt, server};
use interloper::script::Side::{Client, Server};

const NAME: &str = "www.example.org";
const BLOCKED: &str = "blocked.example.org";

pub fn scenes() -> Vec<Scene> {
    vec![filtered(), filtered_forgery(), tapped_hops_apart()]
}

/// Downloads that the client breaks off, of which only the beginnings and the ends were captured.
fn filtered() -> Scene {
    let mut s = Scene::innocent("reset-capture-filtered", "Only packets with SYN, FIN or RST were captured")
        .happens("A client breaks off downloads. Its kernel answers what was still on its way with bare resets; of the data nothing is in the file.")
        .look("tcp.seq of the resets is far behind the SYN's, and no packet carries what is between.");
    s.script.flagged();
    for n in 0..2u16 {
        let mut t = s.script.later_ms(400.0).tcp(&client(), 42_610 + n, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().exchange(400, 9000).pause_ms(1500.0).close();
    }
    for n in 0..6u16 {
        let mut t = s.script.later_ms(400.0).tcp(&client(), 42_600 + n, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().exchange(400, 9000);
        t.sealed(Server, 4000).abort(Client);
        let number = t.end(Client).next;
        let late = t.inject(Client).rst().ttl(64).df().after_ms(3.0).copies(2).with(move |d| d.set_seq(number));
        late.genuine();
    }
    s
}

/// In such a capture three acknowledging resets at once are still three, and come from elsewhere.
fn filtered_forgery() -> Scene {
    let mut s = Scene::guilty("reset-capture-filtered", "Forged resets in a capture of packets with SYN, FIN or RST")
        .happens("A box answers ClientHellos for one name with three RST/ACKs of its own; others go through. Of the hellos nothing is in the file.")
        .look("ip.ttl and ip.id of the three resets.");
    s.script.flagged();
    for n in 0..3u16 {
        s.script.later_ms(400.0).tcp(&client(), 42_620 + n, &server(), 443, rtt()).visit(NAME);
    }
    for n in 0..2u16 {
        let mut t = s.script.later_ms(400.0).tcp(&client(), 42_630 + n, &server(), 443, rtt());
        t.handshake().hello(BLOCKED);
        t.inject(Server).rst_ack().ttl(90).ip_id(0x2b17 + 777 * n).window(1400).after_ms(3.0).copies(3);
        t.ack(Server);
        let talk = t.talk();
        s.expect_for(talk, "tcp-reset", "none-seen", "confirmed");
    }
    s
}

/// Both sides of a router in one file: what a server resets is there twice.
fn tapped_hops_apart() -> Scene {
    let mut s = Scene::innocent("reset-tapped-hops-apart", "Two taps, five hops apart, in one file")
        .vantage("middle")
        .at_most("unexplained")
        .happens("A server resets a name that it does not have, and serves another. Every packet is there twice, 4 ms apart, with a TTL lower by five.")
        .look("ip.id, tcp.seq and tcp.options.timestamp.tsval of each pair, and ip.ttl.");
    s.script.second_tap(4000, 5);
    for n in 0..3u16 {
        s.script.later_ms(500.0).tcp(&client(), 42_640 + n, &server(), 443, rtt()).visit(NAME);
        let mut t = s.script.later_ms(500.0).tcp(&client(), 42_650 + n, &server(), 443, rtt());
        t.handshake().hello(BLOCKED).wait_ms(Server, 12.0).abort(Server);
    }
    s
}
