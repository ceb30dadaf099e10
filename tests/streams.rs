//! Wireshark's stream numbers inside every tunnel that is looked into.

#[path = "packets/wrapped.rs"]
#[allow(dead_code)]
mod wrapped;

use interloper::pipeline::{ScanOptions, Watch, Workers, scan};
use interloper::script::{Body, Draft};
use std::path::Path;
use std::process::Command;
use wrapped::{ipv4_around, wraps};

const MACS: [u8; 12] = [2; 12];

fn draft(port: u16, v6: bool, tcp: bool) -> Draft {
    let [src, dst] = if v6 { ["[fd00::20]", "[2001:db8::80]:8443"] } else { ["192.168.1.20", "45.60.70.80:8443"] };
    let body = if tcp { Body::Tcp { seq: 1000, ack: 0, flags: 2, window: 502, options: Vec::new() } } else { Body::Udp };
    let (src, dst) = (format!("{src}:{port}").parse().unwrap(), dst.parse().unwrap());
    let payload = if tcp { Vec::new() } else { b"twenty-four octets here!".to_vec() };
    Draft { src, dst, ttl: 57, ip_id: 1, df: false, tos: 0, body, payload, bad_checksum: false }
}

/// The body of a datagram from a port to VXLAN's.
fn vxlan(port: u16, inside: &[u8]) -> Vec<u8> {
    let length = (16 + inside.len() as u16).to_be_bytes();
    [&port.to_be_bytes()[..], &[0x12, 0xb5], &length, &[0, 0, 8, 0, 0, 0, 0, 0, 42, 0], inside].concat()
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    [&MACS[..], &[8, 0], packet].concat()
}

fn write(path: &Path, frames: &[Vec<u8>]) {
    let mut file = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1].map(u32::to_le_bytes).concat();
    for (second, frame) in (0_u32..).zip(frames) {
        let length = frame.len() as u32;
        file.extend([second, 0, length, length].map(u32::to_le_bytes).concat());
        file.extend(frame);
    }
    std::fs::write(path, file).unwrap();
}

/// First frame, protocol and stream number of every flow.
fn ours(path: &Path) -> Vec<(u64, u8, u64)> {
    let report = scan(path, &ScanOptions { lines: true, ..ScanOptions::default() }, &Watch::default(), &Workers::new(2)).unwrap();
    let number = |protocol, first| report.streams.number(protocol, first).unwrap();
    let lines = &report.conclusion.lines;
    let mut all: Vec<_> =
        lines.iter().map(|l| (l.first_frame, l.ends.protocol, number(l.ends.protocol, l.ends.stream_first.unwrap()))).collect();
    all.sort_unstable();
    all
}

/// What tshark says of the innermost packet of those frames; `None` without tshark.
fn theirs(path: &Path, flows: &[(u64, u8, u64)]) -> Option<Vec<(u64, u8, u64)>> {
    let fields = ["-e", "frame.number", "-e", "tcp.stream", "-e", "udp.stream"];
    let shown = Command::new("tshark").arg("-r").arg(path).args(["-T", "fields"]).args(fields).output().ok()?;
    let lines: Vec<String> = String::from_utf8_lossy(&shown.stdout).lines().map(str::to_owned).collect();
    let innermost = |frame: u64, protocol: u8| {
        let fields: Vec<&str> = lines[frame as usize - 1].split('\t').collect();
        fields[if protocol == 6 { 1 } else { 2 }].rsplit(',').next()?.parse().ok()
    };
    Some(flows.iter().map(|(frame, protocol, _)| (*frame, *protocol, innermost(*frame, *protocol).unwrap_or(u64::MAX))).collect())
}

#[test]
fn datagrams_of_tunnels_are_conversations() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let inner = |port| ethernet(&draft(port, false, false).encode());
    let around = |port, inside: &[u8]| ethernet(&ipv4_around(17, &vxlan(port, inside)));
    let arp = [&[0xff; 6][..], &[2; 6], &[8, 6], &[0; 28]].concat();
    let echo = ethernet(&Draft { body: Body::Icmp { kind: 8, code: 0, rest: 7 }, ..draft(1, false, false) }.encode());
    let frames = [
        // 0 around 1, and 2 in the same.
        around(7001, &inner(1001)),
        around(7001, &inner(1002)),
        // 3 around what is none, then 4 alone.
        around(7002, &echo),
        inner(1003),
        // 5 around 6 around 7.
        around(7003, &around(7004, &inner(1004))),
        // An inner one that came before without its tunnel, 8 around it.
        around(7005, &inner(1003)),
        // Not looked into: the datagram of 0 itself, and 9.
        around(7001, &arp),
        around(7006, &arp),
    ];
    write(file.path(), &frames);
    let flows = ours(file.path());
    assert_eq!(flows, [(1, 17, 1), (2, 17, 2), (4, 17, 4), (5, 17, 7), (7, 17, 0), (8, 17, 9)]);
    assert_eq!(theirs(file.path(), &flows).unwrap_or(flows.clone()), flows);
}

#[test]
fn numbers_are_those_of_wireshark_in_every_tunnel() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (mut frames, mut names, mut port) = (Vec::new(), Vec::new(), 1000);
    for (v6, tcp) in [(false, false), (false, true), (true, false), (true, true)] {
        for n in 0..wraps(&draft(1, v6, tcp).encode(), v6).len() {
            port += 1;
            let wrapped = wraps(&draft(port, v6, tcp).encode(), v6).swap_remove(n);
            if wrapped.tunnel.is_some() {
                frames.push(wrapped.bytes);
                names.push(wrapped.name);
            }
        }
    }
    write(file.path(), &frames);
    let flows = ours(file.path());
    assert_eq!(flows.len(), frames.len());
    let Some(theirs) = theirs(file.path(), &flows) else {
        println!("skipped: no tshark");
        return;
    };
    for (our, their) in flows.iter().zip(theirs) {
        assert_eq!(*our, their, "{}", names[our.0 as usize - 1]);
    }
}
