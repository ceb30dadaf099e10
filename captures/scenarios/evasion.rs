//! Clients that want to be misread by filters, where nobody filters.

use crate::scene::{Scene, client, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::http;
use interloper::script::tls::{self, Hello};

const NAME: &str = "www.example.org";

pub fn scenes() -> Vec<Scene> {
    vec![decoy(), split(), records(), host_line()]
}

fn decoy() -> Scene {
    let mut s = Scene::innocent("evasion-decoy", "A fake hello with a small TTL runs ahead of the real one")
        .happens("The client sends a hello for a harmless name that dies after four hops, then the real one with the same sequence number.")
        .look("ip.ttl == 4; two hellos with one tcp.seq and different names.");
    let mut t = s.script.tcp(&client(), 52_000, &server(), 443, rtt());
    t.handshake();
    let fake = Hello::new("harmless.example.com").record(t.random());
    let number = t.end(Client).next;
    t.change(|d| d.ttl = 4).fate(interloper::script::Fate::LostAfter).put(
        Client,
        interloper::packet::tcp::ACK | interloper::packet::tcp::PSH,
        number,
        &fake,
    );
    t.hello(NAME).ack(Server).server_hello().exchange(420, 3000).close();
    s
}

fn split() -> Scene {
    let mut s = Scene::innocent("evasion-split", "A hello is cut after two octets, and inside its name")
        .happens("Three small segments instead of one; the server puts them together.")
        .look("tcp.len of the first segments after the handshake.");
    let mut t = s.script.tcp(&client(), 52_010, &server(), 443, rtt());
    t.handshake();
    let hello = Hello::new(NAME).record(t.random());
    let (a, rest) = hello.split_at(2);
    let (b, c) = rest.split_at(120);
    t.send_parts(Client, &[a, b, c]).ack(Server).server_hello().exchange(420, 3000).close();
    s
}

fn records() -> Scene {
    let mut s = Scene::innocent("evasion-records", "A hello is spread over many TLS records")
        .happens("The handshake message is cut every 40 octets, each part in a record of its own.")
        .look("tls.record.content_type == 22 many times in one segment.");
    let mut t = s.script.tcp(&client(), 52_020, &server(), 443, rtt());
    t.handshake();
    let message = Hello::new(NAME).message(t.random());
    let hello: Vec<u8> = message.chunks(40).flat_map(|part| tls::record(22, 0x0301, part)).collect();
    t.send(Client, &hello).ack(Server).server_hello().exchange(420, 3000).close();
    s
}

fn host_line() -> Scene {
    let mut s = Scene::innocent("evasion-host-line", "A Host header that servers read and filters may not")
        .happens("hOSt: with two blanks; the server answers as ever.")
        .look("http.request.line.");
    let get = String::from_utf8(http::get(NAME, "/")).expect("text").replace("Host: ", "hOSt:  ");
    let mut t = s.script.tcp(&client(), 52_030, &server(), 80, rtt());
    t.handshake().send(Client, get.as_bytes()).ack(Server).respond("200 OK", 1800).close();
    s
}
