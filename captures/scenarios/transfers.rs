//! Transfers that stop or crawl: because of a limit somebody set, and for ordinary reasons.

use crate::scene::{Scene, client, rtt, server};
use interloper::packet::tcp;
use interloper::script::Side::{Client, Server};
use interloper::script::{Host, Pace};

const NAME: &str = "blocked.example.org";
const OTHER: &str = "fine.example.net";

pub fn scenes() -> Vec<Scene> {
    vec![
        frozen(),
        frozen_alone(),
        frozen_for_the_impatient(),
        policed(),
        policed_alone(),
        server_dies(),
        dies_over_equal_objects(),
        given_up(),
        kept_alive(),
        slow_line(),
        paced(),
    ]
}

/// A download that is cut in both directions after so many segments; the client gives up after a while.
fn freeze(s: &mut Scene, port: u16, host: &Host, name: &str, segments: usize) -> usize {
    freeze_for(s, (port, host), name, segments, (15_000.0, 3))
}

/// The same, with how long the client waits in ms, and how often it repeats its FIN.
fn freeze_for(s: &mut Scene, (port, host): (u16, &Host), name: &str, segments: usize, (ms, times): (f64, u32)) -> usize {
    let mut t = s.script.later_ms(300.0).tcp(&client(), port, host, 443, rtt());
    t.handshake().hello(name).ack(Server).server_hello().sealed(Client, 300).ack(Server);
    t.bulk(Server, Pace { segments, gap_ms: 2.0, lost: 0 }).cut(Client);
    t.wait_ms(Client, ms).fin(Client).retry(Client, times);
    t.talk()
}

fn frozen() -> Scene {
    let mut s = Scene::guilty("stall-after-bytes", "Connections to one hosting network freeze after about 16 kB")
        .happens("Handshakes and the first dozen segments pass, then nothing in either direction, under four names on three servers. A large download from another network goes through in between.")
        .look("Statistics, Conversations: octets from the servers are alike. The client's FIN repeats unanswered.");
    let hosts = ["45.60.70.80", "45.60.70.90", "45.60.71.20"].map(|ip| Host::linux(ip).hops(13));
    for (n, (name, segments)) in
        [(NAME, 10), ("shop.example.com", 11), ("a.example.edu", 10), ("b.example.edu", 12)].into_iter().enumerate()
    {
        let talk = freeze(&mut s, 46_000 + n as u16, &hosts[n % 3], name, segments);
        s.expect_for(talk, "stall", "ip", "likely");
    }
    download(&mut s, 46_010, &Host::linux("91.198.20.30").hops(8), OTHER, Pace { segments: 40, gap_ms: 1.0, lost: 0 });
    s
}

fn frozen_alone() -> Scene {
    let mut s = Scene::guilty("stall-alone", "One connection freezes in the middle, and nothing shows why")
        .happens("The same as one of the frozen connections, with nothing to compare it to.")
        .look("Full segments, then silence; the client's FIN repeats.");
    let talk = freeze(&mut s, 46_020, &server(), NAME, 11);
    s.expect(talk, "stall", "unexplained");
    s
}

fn frozen_for_the_impatient() -> Scene {
    let mut s = Scene::guilty("stall-given-up-at-once", "Frozen connections of a client that waits for a second only")
        .happens("Three downloads under one name stop after the same amount; the client closes each after a second without data, and its FIN is repeated unanswered. Downloads under another name from the same server come through.")
        .look("The time from the last full segment to the FIN, and the FIN's repetitions.");
    for n in 0..3u16 {
        let talk = freeze_for(&mut s, (46_090 + n, &server()), NAME, 11, (1000.0, 6));
        s.expect(talk, "stall", "likely");
        download(&mut s, 46_095 + n, &server(), OTHER, FAST);
    }
    s
}

/// A whole download; the client closes.
fn download(s: &mut Scene, port: u16, host: &Host, name: &str, pace: Pace) -> usize {
    let mut t = s.script.later_ms(200.0).tcp(&client(), port, host, 443, rtt());
    t.handshake().hello(name).ack(Server).server_hello().sealed(Client, 300).ack(Server).bulk(Server, pace).close();
    t.talk()
}

/// A policer that lets little through: many losses, one rate.
const POLICED: Pace = Pace { segments: 24, gap_ms: 600.0, lost: 6 };
const FAST: Pace = Pace { segments: 60, gap_ms: 1.0, lost: 0 };

fn policed() -> Scene {
    let mut s = Scene::guilty("throttle-policed", "Transfers under one name crawl at 2 kB a second and lose every sixth segment")
        .happens("Three downloads under one name from a server meet a policer; downloads under another name from the same server take fractions of a second.")
        .look("Statistics, TCP Stream Graphs, Time Sequence: straight lines with losses against steep ones.");
    for n in 0..3u16 {
        download(&mut s, 46_030 + n * 2, &server(), OTHER, FAST);
        let talk = download(&mut s, 46_031 + n * 2, &server(), NAME, POLICED);
        s.expect(talk, "throttle", "likely");
    }
    s
}

fn policed_alone() -> Scene {
    let mut s = Scene::guilty("throttle-alone", "A transfer crawls and loses segments, and nothing shows why")
        .happens("A single policed download: a policer and a bad line look the same.")
        .look("Losses at an even rate.");
    let talk = download(&mut s, 46_040, &server(), NAME, POLICED);
    s.expect(talk, "throttle", "unexplained");
    s
}

fn server_dies() -> Scene {
    let mut s = Scene::innocent("stall-server-dies", "A server dies while three downloads are under way")
        .at_most("unexplained")
        .happens("Three downloads stop at one moment, after different amounts. Another server goes on answering.")
        .look("The last segments of all three come within a second.");
    for n in 0..3u16 {
        let mut t = s.script.at_ms(400.0 * f64::from(n)).tcp(&client(), 46_050 + n, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).ack(Server);
        t.bulk(Server, Pace { segments: 12 + 17 * usize::from(n), gap_ms: 20.0, lost: 0 }).cut(Client);
        t.wait_ms(Client, 20_000.0).fin(Client).retry(Client, 3);
    }
    download(&mut s, 46_055, &Host::linux("91.198.20.30").hops(8), OTHER, Pace { segments: 60, gap_ms: 300.0, lost: 0 });
    s
}

fn slow_line() -> Scene {
    let mut s = Scene::innocent("throttle-slow-line", "A bad line slows every download alike")
        .at_most("unexplained")
        .happens("Six downloads under two names and from two servers lose segments and crawl at one rate.")
        .look("Every conversation has the same slope.");
    let far = Host::linux("91.198.20.30").hops(8);
    for n in 0..3u16 {
        download(&mut s, 46_060 + n * 2, &server(), NAME, POLICED);
        download(&mut s, 46_061 + n * 2, &far, OTHER, POLICED);
    }
    s
}

fn paced() -> Scene {
    let mut s = Scene::innocent("throttle-paced-video", "A video server sends no faster than the film plays")
        .at_most("unexplained")
        .happens("Three streams under one name come evenly and slowly, without a loss; the same server gives pages under another name at full speed.")
        .look("No retransmission anywhere; even slopes for the film, steep ones for the pages.");
    for n in 0..3u16 {
        download(&mut s, 46_070 + n * 2, &server(), OTHER, FAST);
        download(&mut s, 46_071 + n * 2, &server(), "film.example.com", Pace { segments: 24, gap_ms: 600.0, lost: 0 });
    }
    s
}

fn dies_over_equal_objects() -> Scene {
    let mut s = Scene::innocent("stall-equal-objects", "A server dies while four copies of one object are under way")
        .at_most("unexplained")
        .happens("Four downloads from one server stop at one moment after the same amount; the server is not heard again. Two others go on answering.")
        .look("The last segments of all four come within a second.");
    for n in 0..4u16 {
        let mut t = s.script.at_ms(50.0 * f64::from(n)).tcp(&client(), 46_080 + n, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).ack(Server);
        t.bulk(Server, Pace { segments: 20, gap_ms: 20.0, lost: 0 }).cut(Client);
        t.wait_ms(Client, 20_000.0).fin(Client).retry(Client, 3);
    }
    for (n, ip) in ["91.198.20.30", "91.198.20.31"].into_iter().enumerate() {
        download(&mut s, 46_085 + n as u16, &Host::linux(ip).hops(8), OTHER, Pace { segments: 60, gap_ms: 300.0, lost: 0 });
    }
    s
}

fn given_up() -> Scene {
    let mut s = Scene::innocent("stall-given-up", "A program behind a server hangs, and the client lets go")
        .at_most("unexplained")
        .happens("Three downloads under one name stop after one buffer; the client resets each after a while and asks nothing before. Another name on the server is served in between.")
        .look("Everything was acknowledged; the client's reset is the only packet after it.");
    for n in 0..3u16 {
        let mut t = s.script.later_ms(7000.0).tcp(&client(), 46_090 + n * 2, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).ack(Server);
        t.bulk(Server, Pace { segments: 12, gap_ms: 2.0, lost: 0 });
        t.wait_ms(Client, 15_000.0).abort(Client);
        download(&mut s, 46_091 + n * 2, &server(), OTHER, Pace { segments: 60, gap_ms: 1.0, lost: 0 });
    }
    s
}

fn kept_alive() -> Scene {
    let mut s = Scene::innocent("stall-kept-alive", "Whole pages, then connections that a translator forgets")
        .happens("Four pages of equal size end with PSH on a full segment. A minute later the client closes; a translator has forgotten the connections.")
        .look("PSH on the last segment of each page.");
    for n in 0..4u16 {
        let mut t = s.script.at_ms(300.0 * f64::from(n)).tcp(&client(), 46_100 + n, &server(), 443, rtt());
        t.handshake().hello(NAME).ack(Server).server_hello().sealed(Client, 300).ack(Server);
        t.bulk(Server, Pace { segments: 11, gap_ms: 1.0, lost: 0 });
        t.change(|d| d.set_flags(d.flags() | tcp::PSH)).bulk(Server, Pace { segments: 1, gap_ms: 1.0, lost: 0 }).cut(Client);
        t.wait_ms(Client, 65_000.0).fin(Client).retry(Client, 3);
    }
    for n in 0..2u16 {
        s.script.at_ms(30_000.0 + 4000.0 * f64::from(n));
        download(&mut s, 46_110 + n, &Host::linux("91.198.20.30").hops(8), OTHER, Pace { segments: 60, gap_ms: 600.0, lost: 0 });
    }
    s
}
