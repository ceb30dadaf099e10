//! Servers, lines, resolvers and clients that go away, and machines that refuse in their own name.

use crate::scene::{Scene, client, resolver, rtt, server};
use interloper::packet::tcp::{ACK, SYN};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::{Host, IpId, Rtt, http};

const NAME: &str = "www.example.org";
const OTHER: &str = "fine.example.net";
const THIRD: &str = "shop.example.com";

pub fn scenes() -> Vec<Scene> {
    vec![
        server_goes_down(),
        resolver_goes_down(),
        client_moves(),
        tunnel_opens(),
        own_firewall(),
        server_thinks(),
        peer_unseen(),
        dies_far_away(),
        forgotten_by_the_router(),
        balancer_refuses(),
        address_lists(),
        cut_answers(),
    ]
}

fn elsewhere(n: u8) -> Host {
    Host::linux(&format!("45.60.73.{n}")).hops(8 + n)
}

fn server_goes_down() -> Scene {
    let mut s = Scene::innocent("silence-server-goes-down", "A server that served one name dies while two others are asked for")
        .at_most("unexplained")
        .happens("A visit goes well. Then two hellos with other names are never acknowledged, and nothing more is heard of the server: SYNs stay unanswered. Other servers answer all the time.")
        .look("ip.src == 45.60.70.80: nothing after the handshakes of the second and third stream.");
    s.script.tcp(&client(), 45_200, &server(), 443, rtt()).visit(OTHER);
    for (n, name) in [NAME, THIRD].into_iter().enumerate() {
        let mut t = s.script.at_ms(3000.0 + n as f64 * 200.0).tcp(&client(), 45_201 + n as u16, &server(), 443, rtt());
        t.handshake().cut(Client).hello(name).retry(Client, 6);
    }
    for n in 0..4u16 {
        s.script.at_ms(4000.0 + f64::from(n) * 3000.0).tcp(&client(), 45_210 + n, &elsewhere(1), 443, rtt()).visit("other.example.edu");
    }
    s.script.at_ms(9000.0).tcp(&client(), 45_220, &server(), 443, rtt()).cut(Client).syn().retry(Client, 3);
    s
}

fn resolver_goes_down() -> Scene {
    let mut s = Scene::innocent("silence-resolver-goes-down", "A resolver answers nobody for six seconds")
        .at_most("unexplained")
        .happens("Before and after, names resolve. In between four names are asked for four times each, in turns, and none is answered; connections that are open go on.")
        .look("dns.flags.response == 1: a gap for all names alike.");
    let ask = |s: &mut Scene, n: u16, name: &str, answered: bool| {
        let q = Query::a(name);
        let mut u = s.script.udp(&client(), 51_000 + n, &resolver(), 53, rtt());
        u.ask(&q);
        if answered {
            u.answer(&q.answer().address("45.60.70.80"));
        }
    };
    ask(&mut s, 0, OTHER, true);
    for round in 0..4u16 {
        for (n, name) in [NAME, THIRD, "mail.example.edu", "news.example.net"].into_iter().enumerate() {
            s.script.at_ms(1000.0 + f64::from(round) * 1500.0 + n as f64 * 100.0);
            ask(&mut s, 10 + round * 4 + n as u16, name, false);
        }
        s.script.at_ms(1700.0 + f64::from(round) * 1500.0).tcp(&client(), 45_230 + round, &server(), 443, rtt()).visit(OTHER);
    }
    s.script.at_ms(12_000.0);
    ask(&mut s, 40, "late.example.com", true);
    s
}

fn client_moves() -> Scene {
    let mut s = Scene::innocent("silence-client-moves", "A telephone changes from one network to the other")
        .at_most("unexplained")
        .happens("Two hellos to two servers are under way when the address goes away; they are repeated from the old address in vain. From the new address everything works, on the same servers too.")
        .look("ip.addr: after the change nothing is addressed to 192.168.1.20.");
    s.script.tcp(&client(), 45_240, &server(), 443, rtt()).visit(OTHER);
    s.script.later_ms(10.0).tcp(&client(), 45_241, &elsewhere(2), 443, rtt()).visit(OTHER);
    s.script.at_ms(3000.0).tcp(&client(), 45_242, &server(), 443, rtt()).handshake().cut(Client).hello(NAME).retry(Client, 6);
    s.script.at_ms(3010.0).tcp(&client(), 45_243, &elsewhere(2), 443, rtt()).handshake().cut(Client).hello(THIRD).retry(Client, 6);
    let moved = Host::linux("10.64.7.9");
    for n in 0..3u16 {
        let name = [OTHER, "new.example.net", OTHER][usize::from(n)];
        s.script.at_ms(4500.0 + f64::from(n) * 900.0).tcp(&moved, 46_000 + n, &server(), 443, rtt()).visit(name);
        s.script.at_ms(4600.0 + f64::from(n) * 900.0).tcp(&moved, 46_010 + n, &elsewhere(2), 443, rtt()).visit(name);
    }
    s
}

fn tunnel_opens() -> Scene {
    let mut s = Scene::innocent("silence-tunnel-opens", "A tunnel takes over all traffic")
        .at_most("unexplained")
        .happens("Three connections stall at once because their packets go another way from now on; all that still goes in and out is one UDP conversation with the tunnel's server.")
        .look("Statistics, conversations: one UDP stream carries everything after the third second.");
    for n in 0..3u8 {
        let at = f64::from(n) * 20.0;
        s.script.at_ms(at).tcp(&client(), 45_250 + u16::from(n), &elsewhere(n), 443, rtt()).visit(OTHER);
        let mut t = s.script.at_ms(3000.0 + at).tcp(&client(), 45_260 + u16::from(n), &elsewhere(n), 443, rtt());
        t.handshake().pause_ms(800.0).cut(Client).hello([NAME, THIRD, "mail.example.edu"][usize::from(n)]).retry(Client, 6);
    }
    let mut u = s.script.at_ms(3900.0).udp(&client(), 51_820, &Host::linux("91.240.7.9").hops(11), 51_820, rtt());
    for _ in 0..120 {
        let (up, down) = (u.random().bytes(120), u.random().bytes(900));
        u.send(Client, &up).send(Server, &down).wait_ms(Client, 200.0);
    }
    s
}

fn own_firewall() -> Scene {
    let mut s = Scene::innocent("silence-own-firewall", "A host drops what it does not serve")
        .at_most("unexplained")
        .happens("Three connections to port 8443 of one host get no answer at all, while its port 443 works. Nothing says whether its own firewall or somebody else's drops them.")
        .look("tcp.port == 8443: SYNs only; one host.");
    for n in 0..3u16 {
        s.script.at_ms(f64::from(n) * 9000.0).tcp(&client(), 45_270 + n, &server(), 8443, rtt()).cut(Client).syn().retry(Client, 3);
        s.script.at_ms(500.0 + f64::from(n) * 9000.0).tcp(&client(), 45_280 + n, &server(), 443, rtt()).visit(OTHER);
    }
    s
}

fn server_thinks() -> Scene {
    let mut s = Scene::innocent("silence-server-thinks", "What stands behind a front end hangs for one name")
        .happens("The hello for one name is acknowledged and then never answered; after 30 s the client gives up with a reset, so that nothing shows whether the line still worked. Other names on the same server are answered before and after.")
        .look("The acknowledgement of the hello: it was heard.");
    s.script.tcp(&client(), 45_290, &server(), 443, rtt()).visit(OTHER);
    let mut t = s.script.at_ms(2000.0).tcp(&client(), 45_291, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).pause_ms(30_000.0).abort(Client);
    for n in 0..3u16 {
        s.script.at_ms(3000.0 + f64::from(n) * 9000.0).tcp(&client(), 45_292 + n, &server(), 443, rtt()).visit(OTHER);
    }
    s
}

fn peer_unseen() -> Scene {
    let mut s = Scene::innocent("reset-peer-unseen", "A program has given up; its kernel refuses SYN/ACKs that the capture does not hold")
        .happens("What one server sends comes another way, past the capture point. It repeats its SYN/ACK on its timer, and the client's kernel answers each with a reset: resets after 1, 2, 4 and 8 s, with nothing before them.")
        .look("ip.src == 91.240.7.9: no packet at all.");
    let host = Host::linux("91.240.7.9").hops(11);
    s.script.tcp(&client(), 45_299, &server(), 443, rtt()).visit(NAME);
    let mut t = s.script.later_ms(100.0).tcp(&client(), 45_300, &host, 443, rtt());
    t.syn().unseen(Server).syn_ack().dead_reset(Client);
    for n in 0..4 {
        t.wait_ms(Server, f64::from(1000 << n) - 80.0).segment(Server, SYN | ACK, &[]).dead_reset(Client);
    }
    s
}

fn dies_far_away() -> Scene {
    let mut s = Scene::innocent("reset-satellite-abort", "A server's process dies at the far end of two satellites")
        .happens("The server aborts a download. The acknowledgements that were under way for the two seconds of the round trip arrive after that, and its kernel answers each with a reset numbered by it.")
        .look("tcp.seq of the resets: each is an acknowledgement of the client's.");
    let mut t = s.script.tcp(&client(), 45_310, &server().ip_id(IpId::Fixed(0)), 80, Rtt::ms(2200.0));
    t.handshake().get(NAME, "/").ack(Server);
    let page = http::response("200 OK", 1448 * 8);
    t.send(Server, &page);
    for n in 0..4u32 {
        t.wait_ms(Client, f64::from([0, 160, 320, 640][n as usize])).ack_upto(Client, 1448 * (n + 1));
    }
    for n in 0..4u32 {
        let back = page.len() as u32 - 1448 * (n + 1);
        t.inject(Server)
            .rst()
            .seq_plus(0u32.wrapping_sub(back))
            .ttl(51)
            .ip_id(0)
            .df()
            .window(0)
            .after_ms([1080.0, 1240.0, 1560.0, 2200.0][n as usize])
            .genuine();
    }
    s
}

fn forgotten_by_the_router() -> Scene {
    let mut s = Scene::innocent("reset-forgotten-connection", "A router has forgotten a connection that was idle for two hours")
        .happens("The client's next packet is turned round by its own router: a reset within a millisecond, with the router's TTL and the packet's own identification and window.")
        .look("ip.ttl 64 and the time since the previous packet.");
    let mut t = s.script.tcp(&client(), 45_320, &server(), 443, rtt());
    t.handshake().hello(NAME).ack(Server).server_hello().exchange(300, 900).pause_ms(7_200_000.0);
    t.cut(Client).change(|d| d.ip_id = 0x2b17).sealed(Client, 80);
    t.inject(Server).rst_ack().ttl(64).ip_id(0x2b17).window(502).after_ms(0.8).genuine();
    s.script.later_ms(900.0).tcp(&client(), 45_321, &server(), 443, rtt()).visit(NAME);
    s
}

fn balancer_refuses() -> Scene {
    let mut s = Scene::innocent("reset-balancer-refuses-name", "A balancer with identifications drawn at random refuses a name")
        .at_most("unexplained")
        .happens("The balancer completes handshakes itself (TTL 245), the servers behind it answer directly (TTL 51). For a name it does not know it sends a reset without timestamps, a round trip after the hello.")
        .look("ip.ttl of the resets and of the SYN/ACKs: the same.");
    for (n, name) in [OTHER, THIRD, OTHER, NAME, NAME].into_iter().enumerate() {
        let mut t = s.script.later_ms(400.0).tcp(&client(), 45_330 + n as u16, &server(), 443, rtt());
        let id = 0x3a51u16.wrapping_mul(n as u16 * 2 + 3);
        t.syn().change(move |d| (d.ttl, d.ip_id) = (245, id)).syn_ack().ack(Client).hello(name);
        if name == NAME {
            let id = id.wrapping_mul(31);
            t.inject(Server).rst_ack().ttl(245).ip_id(id).df().window(0).after_ms(80.3).genuine();
        } else {
            t.ack(Server).server_hello().exchange(300, 2000).close();
        }
    }
    s
}

fn address_lists() -> Scene {
    let mut s = Scene::innocent("dns-address-lists", "A mail server looks clients up in a list")
        .happens("Names made of reversed addresses are asked for; those that are listed have addresses in 127.0.0.0/8. One answer comes from another instance of the resolver, four hops further.")
        .look("dns.qry.name begins with four numbers.");
    for n in 0..10u16 {
        let listed = n % 2 == 1;
        let q = Query::a(&format!("{}.51.100.{}.list.example.net", n + 7, n + 40));
        let mut u = s.script.later_ms(200.0).udp(&client(), 52_000 + n, &resolver(), 53, rtt());
        u.ask(&q);
        if n == 7 {
            u.change(|d| d.ttl -= 4);
        }
        u.answer(&if listed { q.answer().address("127.0.0.4") } else { q.answer().nxdomain() });
    }
    s
}

fn cut_answers() -> Scene {
    let mut s = Scene::innocent("dns-cut-by-the-capture", "Two answers of a balanced resolver, of which the capture holds the beginning")
        .at_most("unexplained")
        .happens("A capture of 100 bytes a packet. A name with three addresses is answered twice, in another order each time, once by another instance; of each answer only the first record was captured.")
        .look("frame.cap_len < frame.len; dns.count.answers says three.");
    s.script.snap(100);
    for n in 0..6u16 {
        let q = Query::a(if n == 3 { NAME } else { OTHER });
        let mut u = s.script.later_ms(300.0).udp(&client(), 52_100 + n, &resolver(), 53, rtt());
        u.ask(&q).answer(&q.answer().addresses(&["45.60.70.80", "45.60.70.81", "45.60.70.82"]));
        if n == 3 {
            u.change(|d| d.ttl += 3).answer(&q.answer().addresses(&["45.60.70.82", "45.60.70.80", "45.60.70.81"]));
        }
    }
    s
}
