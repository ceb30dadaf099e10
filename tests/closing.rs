//! Connections and transactions that are over are let go of, and what comes after them is still told rightly, however the capture is cut up.

use interloper::packet::tcp::{ACK, FIN, PSH, SYN};
use interloper::script::Side::{Client, Server};
use interloper::script::dns::Query;
use interloper::script::{Format, Host, Rtt, Script, Udp};
use serde_json::Value;
use std::process::{Command, Stdio};

const PORT: u16 = 40_000;

fn hosts() -> (Host, Host) {
    (Host::linux("192.168.1.20"), Host::linux("45.60.70.80").hops(13))
}

/// Other connections of the same hosts, so that clocks and windows move on.
fn others(script: &mut Script, ms: f64, from: u16) {
    let (client, server) = hosts();
    for n in 0..40 {
        script.later_ms(ms / 40.0).tcp(&client, from + n, &server, 80, Rtt::ms(40.0)).visit_http("fine.example.net").close();
    }
}

/// The capture's record, and flows in order: the same for every way to cut the file.
fn told(script: &Script) -> (Value, Vec<Value>) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.pcap");
    std::fs::write(&path, script.bytes(Format::Pcap)).unwrap();
    let run = |cut: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interloper"));
        let output = command.args(["--json", "--flows"]).args(cut).arg(&path).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let whole = run(&[]);
    assert!(whole == run(&["--window", "128K", "--chunk", "4K"]), "small windows");
    assert!(whole == run(&["--window", "16K", "--chunk", "4K", "-j", "1"]), "smaller ones");
    let records: Vec<Value> = whole.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect();
    let flows = records.iter().filter(|r| r["type"] == "flow").cloned().collect();
    (records[0].clone(), flows)
}

/// Packets of both sides and stream number of the flows on the port in question.
fn on_port(flows: &[Value]) -> Vec<(u64, u64, u64)> {
    let number = |f: &Value, key: &str| f[key].as_u64().unwrap();
    let ours = flows.iter().filter(|f| f["client_port"] == PORT || f["server_port"] == PORT);
    ours.map(|f| (number(f, "orig_pkts"), number(f, "resp_pkts"), number(f, "stream"))).collect()
}

/// Numbers of streams leave no gap.
fn streams_are_ranks(flows: &[Value]) {
    let mut all: Vec<u64> = flows.iter().map(|f| f["stream"].as_u64().unwrap()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, (0..all.len() as u64).collect::<Vec<_>>());
}

#[test]
fn late_packets_are_counted_and_are_no_flow_of_their_own() {
    let mut script = Script::new();
    let (client, server) = hosts();
    let mut t = script.tcp(&client, PORT, &server, 80, Rtt::ms(40.0));
    t.visit_http("fine.example.net").close();
    let (first, fin) = (t.end(Client).isn, t.end(Server).next.wrapping_sub(1));
    // Over after 200 ms: then the FIN again, its answer, and an old copy of the SYN.
    t.pause_ms(900.0);
    t.put(Server, FIN | ACK, fin, b"");
    t.ack(Client);
    t.put(Client, SYN, first, b"");
    others(&mut script, 20_000.0, 41_000);
    let (capture, flows) = told(&script);
    assert_eq!((capture["late_packets"].as_u64(), on_port(&flows).len(), flows.len()), (Some(3), 1, 41));
    streams_are_ranks(&flows);
}

#[test]
fn a_syn_with_a_new_number_begins_the_next_flow_and_stream() {
    let mut script = Script::new();
    let (client, server) = hosts();
    for _ in 0..3 {
        script.later_ms(1_000.0).tcp(&client, PORT, &server, 80, Rtt::ms(40.0)).visit_http("fine.example.net").close();
        others(&mut script, 4_000.0, 41_000);
    }
    let (capture, flows) = told(&script);
    assert_eq!(capture["late_packets"], 0);
    assert_eq!(on_port(&flows).iter().map(|f| f.2).collect::<Vec<_>>(), [0, 41, 82]);
    assert_eq!(flows.len(), 123);
    streams_are_ranks(&flows);
}

#[test]
fn both_may_close_at_once_or_one_long_before_the_other() {
    let mut script = Script::new();
    let (client, server) = hosts();
    let mut t = script.tcp(&client, PORT, &server, 80, Rtt::ms(40.0));
    t.visit_http("fine.example.net");
    // The FINs cross.
    let (ours, theirs) = (t.end(Client).next, t.end(Server).next);
    t.fin(Client).fin(Server).ack(Client).ack(Server);
    assert_eq!((t.end(Client).next, t.end(Server).next), (ours.wrapping_add(1), theirs.wrapping_add(1)));
    // A server that goes on for a while after the client has closed: all of it is one flow.
    let mut t = script.later_ms(300.0).tcp(&client, PORT + 1, &server, 80, Rtt::ms(40.0));
    t.handshake().get("fine.example.net", "/").fin(Client).ack(Server);
    for _ in 0..5 {
        t.wait_ms(Server, 2_000.0).segment(Server, PSH | ACK, &[b'x'; 900]).ack(Client);
    }
    t.fin(Server).ack(Client);
    others(&mut script, 20_000.0, 41_000);
    let (capture, flows) = told(&script);
    assert_eq!((capture["late_packets"].as_u64(), flows.len()), (Some(0), 42));
    let half = flows.iter().find(|f| f["client_port"] == PORT + 1).unwrap();
    assert_eq!(half["resp_bytes"], 4500);
    streams_are_ranks(&flows);
}

#[test]
fn data_after_a_forged_fin_opens_again() {
    for late in [false, true] {
        let mut script = Script::new();
        let (client, server) = hosts();
        let mut t = script.tcp(&client, PORT, &server, 80, Rtt::ms(40.0));
        t.handshake().get("fine.example.net", "/");
        // A device closes the connection towards either end, and acknowledges for both.
        let (ours, theirs) = (t.end(Client).next, t.end(Server).next);
        t.inject(Server).fin_ack().after_ms(3.0);
        t.inject(Client).fin_ack().ack(theirs.wrapping_add(1)).after_ms(10.0);
        t.inject(Server).flags(ACK).seq_plus(1).ack(ours.wrapping_add(1)).after_ms(20.0);
        // The server knows nothing of it, and answers: at once, or when the connection was taken for over.
        t.wait_ms(Server, if late { 3_000.0 } else { 50.0 });
        for _ in 0..3 {
            t.wait_ms(Server, 4.0).segment(Server, PSH | ACK, &[b'x'; 900]);
        }
        others(&mut script, 20_000.0, 41_000);
        let (capture, flows) = told(&script);
        let seen: u64 = flows.iter().filter(|f| f["client_port"] == PORT || f["server_port"] == PORT).map(octets).sum();
        assert_eq!((capture["late_packets"].as_u64(), on_port(&flows).len()), (Some(0), 1 + usize::from(late)), "{late}");
        assert!(seen > 2700, "{seen}");
        assert!(on_port(&flows).iter().all(|f| f.2 == 0), "one stream all the same");
        streams_are_ranks(&flows);
    }
}

fn octets(flow: &Value) -> u64 {
    flow["orig_bytes"].as_u64().unwrap() + flow["resp_bytes"].as_u64().unwrap()
}

#[test]
fn a_stream_goes_on_whatever_was_swept_meanwhile() {
    // Long after TIME-WAIT somebody asks whether the connection is alive, or begins it again with the number it had.
    for flags in [ACK, SYN] {
        let mut script = Script::new();
        let (client, server) = hosts();
        let mut t = script.tcp(&client, PORT, &server, 80, Rtt::ms(40.0));
        t.visit_http("fine.example.net").close();
        t.pause_ms(190_000.0);
        let number = if flags == SYN { t.end(Client).isn } else { t.end(Client).next };
        t.put(Client, flags, number, b"");
        others(&mut script, 400_000.0, 41_000);
        let (_, flows) = told(&script);
        assert_eq!(on_port(&flows).iter().map(|f| f.2).collect::<Vec<_>>(), [0, 0]);
    }
}

#[test]
fn packets_out_of_order_in_the_file_do_not_end_what_is_open() {
    // Two recordings, the later one first in the file: its clock says that all of the earlier one is long over.
    let (client, server) = hosts();
    let (mut late, mut early) = (Script::new(), Script::new());
    others(late.later_ms(3_600_000.0), 4_000.0, 41_000);
    let mut t = early.tcp(&client, PORT, &server, 80, Rtt::ms(40.0));
    t.visit_http("fine.example.net").close();
    let fin = t.end(Server).next.wrapping_sub(1);
    t.put(Server, FIN | ACK, fin, b"");
    others(&mut early, 4_000.0, 42_000);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.pcap");
    let bytes = [late.bytes(Format::Pcap).as_slice(), &early.bytes(Format::Pcap)[24..]].concat();
    std::fs::write(&path, bytes).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_interloper")).args(["--json", "--flows"]).arg(&path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let records: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(records[0]["late_packets"], 0);
    assert_eq!(records.iter().filter(|r| r["type"] == "flow").count(), 81);
}

/// Three packets of one identification: a question, its answer, and `last` after a while.
fn transaction(ports: (u16, u16), pause_ms: f64, last: fn(&mut Udp<'_>, &Query)) -> Vec<(u64, u64, u64)> {
    let mut script = Script::new();
    let (client, server) = hosts();
    let query = Query::a("fine.example.net").id(0x4242);
    let mut t = script.udp(&client, ports.0, &server, ports.1, Rtt::ms(40.0));
    t.ask(&query).answer(&query.answer().address("93.184.216.34")).pause_ms(pause_ms);
    last(&mut t, &query);
    // The table sweeps by and by, so this also has to be right between two sweeps.
    others(&mut script, 120_000.0, 41_000);
    let (_, flows) = told(&script);
    streams_are_ranks(&flows);
    let number = |f: &Value, key: &str| f[key].as_u64().unwrap();
    let ours = flows.iter().filter(|f| f["client_port"] == ports.0 || f["server_port"] == ports.0);
    ours.map(|f| (number(f, "orig_pkts"), number(f, "resp_pkts"), number(f, "stream"))).collect()
}

#[test]
fn an_answer_on_the_heels_of_another_is_in_its_flow() {
    let second = |t: &mut Udp<'_>, query: &Query| {
        t.answer(&query.answer().address("93.184.216.35"));
    };
    assert_eq!(transaction((PORT, 53), 4_000.0, second), [(1, 2, 0)]);
}

#[test]
fn an_identification_used_again_is_another_transaction() {
    let again = |t: &mut Udp<'_>, query: &Query| {
        t.ask(query).answer(&query.answer().address("93.184.216.34"));
    };
    assert_eq!(transaction((PORT, 53), 4_000.0, again), [(2, 2, 0)], "sent once more");
    assert_eq!(transaction((PORT, 53), 9_000.0, again), [(1, 1, 0), (1, 1, 0)], "asked anew");
    assert_eq!(transaction((PORT, 53), 90_000.0, again), [(1, 1, 0), (1, 1, 0)], "long after");
}

#[test]
fn hosts_that_speak_from_one_port_use_one_identification_for_all() {
    let again = |t: &mut Udp<'_>, query: &Query| {
        t.ask(query).answer(&query.answer().address("93.184.216.34"));
    };
    assert_eq!(transaction((5353, 5353), 9_000.0, again), [(2, 2, 0)]);
}
