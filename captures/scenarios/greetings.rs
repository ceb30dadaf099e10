//! Conversations that the server opens: SSH, mail.

use crate::scene::{Scene, client, rtt, server};
use interloper::script::Side::{Client, Server};
use interloper::script::{Host, Tcp};

const OTHER: &str = "fine.example.net";
const SERVER: &[u8] = b"SSH-2.0-OpenSSH_10.0\r\n";
const CLIENT: &[u8] = b"SSH-2.0-OpenSSH_9.9\r\n";

pub fn scenes() -> Vec<Scene> {
    vec![ssh(), mail(), ban(), one_of_them()]
}

/// The server has greeted; from then on nothing of the client arrives, and the server repeats its greeting.
fn unheard(t: &mut Tcp<'_>) {
    t.handshake().send(Server, SERVER).cut(Client).send(Client, CLIENT).retry(Client, 3);
    t.retry(Server, 3);
    t.wait_ms(Client, 9000.0).resend(Client).wait_ms(Server, 7000.0).resend(Server).wait_ms(Client, 9000.0).resend(Client);
    t.wait_ms(Server, 12_000.0).resend(Server);
}

fn goes_through(t: &mut Tcp<'_>) {
    t.handshake().send(Server, SERVER).send(Client, CLIENT).ack(Server);
    t.sealed(Server, 900).ack(Client).sealed(Client, 900).sealed(Server, 300).ack(Client).close();
}

fn ssh() -> Scene {
    let mut s = Scene::guilty("drop-greeted", "SSH is dead once the client has said its name")
        .happens("Three conversations on two servers: the server greets, and nothing of the client arrives from its banner on. The server says its greeting again and again, with an acknowledgement that stands still. HTTPS on both works meanwhile.")
        .look("tcp.ack == 1 on every copy of the server's greeting; the client's banner is repeated.");
    let hosts = [server(), Host::linux("91.198.20.30").hops(8)];
    for n in 0..3u16 {
        let host = &hosts[usize::from(n % 2)];
        s.script.later_ms(2500.0).tcp(&client(), 48_200 + n, host, 443, rtt()).visit(OTHER);
        let mut t = s.script.later_ms(300.0).tcp(&client(), 48_210 + n, host, 22, rtt());
        unheard(&mut t);
        let talk = t.talk();
        s.expect_for(talk, "drop", "protocol", "likely");
    }
    s.script.at_ms(40_000.0).tcp(&client(), 48_220, &hosts[0], 443, rtt()).visit(OTHER);
    s
}

fn mail() -> Scene {
    let mut s = Scene::guilty("drop-greeted-both", "A mail client's first words vanish, and all that would follow")
        .happens("Two conversations with a mail server: it greets, and from the client's EHLO on nothing passes in either direction. HTTPS on the same host works meanwhile.")
        .look("EHLO repeated, never acknowledged; nothing more of the server.");
    for n in 0..2u16 {
        s.script.at_ms(f64::from(n) * 9000.0).tcp(&client(), 48_230 + n, &server(), 443, rtt()).visit(OTHER);
        let mut t = s.script.at_ms(700.0 + f64::from(n) * 9000.0).tcp(&client(), 48_240 + n, &server(), 25, rtt());
        t.handshake().send(Server, b"220 mail.example.org ESMTP\r\n").cut(Client).send(Client, b"EHLO me.example.com\r\n").retry(Client, 6);
        let talk = t.talk();
        s.expect_for(talk, "drop", "protocol", "likely");
    }
    s.script.at_ms(40_000.0).tcp(&client(), 48_250, &server(), 443, rtt()).visit(OTHER);
    s
}

fn ban() -> Scene {
    let mut s = Scene::innocent("silence-ban", "A server bans a client from one port in the middle of a greeting")
        .at_most("unexplained")
        .happens("Four conversations go through; then the server's own filter drops all that the client sends to port 22, two conversations and new SYNs alike. Port 443 works.")
        .look("tcp.port == 22: all well, and then two dead conversations and SYNs without an answer.");
    for n in 0..4u16 {
        goes_through(&mut s.script.later_ms(1500.0).tcp(&client(), 48_260 + n, &server(), 22, rtt()));
    }
    for n in 0..2u16 {
        unheard(&mut s.script.later_ms(1200.0).tcp(&client(), 48_270 + n, &server(), 22, rtt()));
    }
    s.script.later_ms(2000.0).tcp(&client(), 48_280, &server(), 22, rtt()).cut(Client).syn().retry(Client, 4);
    s.script.later_ms(2000.0).tcp(&client(), 48_281, &server(), 443, rtt()).visit(OTHER);
    s.script.at_ms(40_000.0).tcp(&client(), 48_282, &server(), 443, rtt()).visit(OTHER);
    s
}

fn one_of_them() -> Scene {
    let mut s = Scene::innocent("silence-greeted-once", "One conversation is lost after the greeting")
        .at_most("unexplained")
        .happens("A path fails for one conversation right after the server's greeting. There is no other of its kind; HTTPS works.")
        .look("One conversation with a greeting that is repeated.");
    s.script.tcp(&client(), 48_290, &server(), 443, rtt()).visit(OTHER);
    unheard(&mut s.script.later_ms(2000.0).tcp(&client(), 48_291, &server(), 22, rtt()));
    s.script.at_ms(40_000.0).tcp(&client(), 48_292, &server(), 443, rtt()).visit(OTHER);
    s
}
