//! Connections that have lasted a while when they, their line or their client go away; and one that goes on while a name is blocked.

use crate::scene::{Scene, client, resolver, rtt, server};
use interloper::script::Host;
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;

const NAME: &str = "www.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![router_forgets(), balancer_forgets(), line_away(), client_moves(), download_goes_on()]
}

fn elsewhere(n: u8) -> Host {
    Host::linux(&format!("45.60.75.{n}")).hops(8 + n)
}

fn visits(s: &mut Scene, port: u16, seconds: impl IntoIterator<Item = u32>) {
    for (n, second) in (0..).zip(seconds) {
        s.script.at_ms(f64::from(second) * 1000.0).tcp(&client(), port + n, &server(), 443, rtt()).visit(OTHER);
    }
}

fn router_forgets() -> Scene {
    let mut s = Scene::innocent("silence-after-a-pause", "A router has forgotten a connection that said nothing for two minutes")
        .at_most("unexplained")
        .happens("A request is answered. After a pause of two minutes the client asks again on the same connection; the router drops that and every repetition without a word. New connections to the same server, for another name, work all the time.")
        .look("tcp.time_delta of the second request: 120 s.");
    visits(&mut s, 45_400, (0..14).map(|n| n * 10));
    let mut t = s.script.at_ms(1000.0).tcp(&client(), 45_420, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(300, 3000).pause_ms(120_000.0);
    t.cut(Client).sealed(Client, 250).retry(Client, 7);
    s
}

fn balancer_forgets() -> Scene {
    let mut s = Scene::innocent("silence-of-an-old-connection", "A balancer hands its connections over, and loses one")
        .at_most("unexplained")
        .happens("A connection has exchanged requests and answers for twenty seconds when nothing of it is heard any more. Others to the same server, for another name, are opened and answered before, meanwhile and after.")
        .look("How many packets of the stream lie before the first that is repeated in vain.");
    visits(&mut s, 45_430, (0..14).map(|n| n * 3));
    let mut t = s.script.at_ms(500.0).tcp(&client(), 45_450, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello();
    for _ in 0..20 {
        t.exchange(200, 900).pause_ms(800.0);
    }
    t.cut(Client).sealed(Client, 250).retry(Client, 7);
    s
}

fn line_away() -> Scene {
    let mut s = Scene::innocent("silence-between-long-connections", "A line is away for eight seconds; two connections outlive it")
        .at_most("unexplained")
        .happens("Two connections that exchange something every second repeat what they say until the line is back, and go on. While it is away a name is asked for four times in vain; the resolver answers other names before and after.")
        .look("Nothing arrives between 20 and 28 s; the retransmissions in the two streams.");
    let ask = |s: &mut Scene, n: u16, name: &str, answered: bool| {
        let q = Query::a(name).id(0x4100 + n);
        let mut u = s.script.udp(&client(), 51_200 + n, &resolver(), 53, rtt());
        u.ask(&q);
        if answered {
            u.answer(&q.answer().address("45.60.70.80"));
        } else {
            u.wait_ms(Client, 1000.0).ask(&q).wait_ms(Client, 2000.0).ask(&q).wait_ms(Client, 3000.0).ask(&q);
        }
    };
    for n in 0..2u8 {
        let mut t = s.script.at_ms(f64::from(n) * 100.0).tcp(&client(), 45_460 + u16::from(n), &elsewhere(n), 443, rtt());
        t.handshake().hello(OTHER).ack(Server).server_hello();
        for _ in 0..20 {
            t.exchange(200, 500).pause_ms(800.0);
        }
        t.cut(Client).sealed(Client, 200).retry(Client, 5).heal(Client).pause_ms(1000.0).resend(Client).ack(Server);
        for _ in 0..20 {
            t.exchange(200, 500).pause_ms(800.0);
        }
        t.close();
    }
    for n in 0..6u16 {
        s.script.at_ms(1000.0 + f64::from(n) * 2500.0);
        ask(&mut s, n, &format!("{n}.example.edu"), true);
        s.script.at_ms(40_000.0 + f64::from(n) * 2000.0);
        ask(&mut s, 10 + n, &format!("{n}.example.edu"), true);
    }
    s.script.at_ms(20_500.0);
    ask(&mut s, 20, NAME, false);
    s
}

fn client_moves() -> Scene {
    let mut s = Scene::innocent("stall-client-moves", "A telephone uploads four pictures when it changes its network")
        .at_most("unexplained")
        .happens("Four connections to one server have fetched pages for a while. Then each sends a picture, of which nothing gets through: it is repeated from the old address in vain. From the new address the same server serves pages larger than those.")
        .look("ip.addr == 192.168.1.20: nothing arrives once the pictures are on their way.");
    for n in 0..4u16 {
        let mut t = s.script.at_ms(f64::from(n) * 640.0).tcp(&client(), 45_470 + n, &server(), 443, rtt());
        t.handshake()
            .hello(["a.example.org", "b.example.org", "c.example.org", "d.example.org"][usize::from(n)])
            .ack(Server)
            .server_hello();
        for _ in 0..9 - 2 * n {
            t.exchange(200, 9000).pause_ms(150.0);
        }
        t.cut(Client).sealed(Client, 6000).retry(Client, 11);
    }
    let moved = Host::linux("100.64.7.9");
    s.script.at_ms(6000.0).tcp(&moved, 46_100, &server(), 443, rtt()).visit(OTHER);
    let mut t = s.script.at_ms(6800.0).tcp(&moved, 46_101, &server(), 443, rtt());
    t.handshake().hello(OTHER).ack(Server).server_hello().exchange(300, 45_000).close();
    s
}

fn download_goes_on() -> Scene {
    let mut s = Scene::guilty("drop-during-a-download", "Two connections for a blocked name while a long one goes on")
        .happens("A connection to another server exchanges something all the time. Two hellos for one name, sent at once to a server that answers another name before and after, are never acknowledged.")
        .look("The packets that arrive in the long stream while the hellos are repeated.");
    visits(&mut s, 45_480, [0, 1, 30, 31]);
    let mut t = s.script.at_ms(2000.0).tcp(&client(), 45_490, &elsewhere(1), 443, rtt());
    t.handshake().hello("video.example.net").ack(Server).server_hello();
    for _ in 0..100 {
        t.exchange(200, 400).pause_ms(150.0);
    }
    t.close();
    for n in 0..2u16 {
        let mut t = s.script.at_ms(9000.0 + f64::from(n) * 20.0).tcp(&client(), 45_500 + n, &server(), 443, rtt());
        t.handshake().cut(Client).hello("blocked.example.org").retry(Client, 6);
        let talk = t.talk();
        s.expect(talk, "drop", "likely");
    }
    s
}
