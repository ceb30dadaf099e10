//! Writes big captures for benches: `cargo run --release --example generate -- <PROFILE> <SIZE> <OUT.pcap|OUT.pcapng>`.
//!
//! Profiles: `mix` (TLS, HTTP, DNS, QUIC, both IP versions, some resets and retransmissions; 800 bytes a packet, 20 thousand
//! flows at a time), `small` (150 bytes, 100 thousand), `flows` (a million at a time), `scan` (one or two packets a flow),
//! `one` (a single flow), `hello` (every flow a hello of two segments), `older` (TLS 1.2 with certificates, SSH, SMTP). Sizes take `K`,
//! `M` and `G`.
//!
//! Conversations are told once with the script builder and then replayed by the thousand with other addresses, ports,
//! sequence numbers and identifications, checksums kept right. Payload bytes repeat from flow to flow: these captures
//! compress far better than real ones. Output depends on the arguments only; memory does not depend on the size.

#[path = "generate/profiles.rs"]
mod profiles;
#[path = "generate/replay.rs"]
mod replay;
#[path = "generate/template.rs"]
mod template;
#[path = "generate/writer.rs"]
mod writer;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, size, path] = arguments.as_slice() else {
        eprintln!("usage: generate <mix|small|flows|scan|one|hello|older> <SIZE, as 200M or 1G> <OUT.pcap|OUT.pcapng>");
        return ExitCode::from(2);
    };
    let (Some(profile), Some(size)) = (profiles::find(profile), parse_size(size)) else {
        eprintln!("generate: unknown profile or size");
        return ExitCode::from(2);
    };
    let started = std::time::Instant::now();
    let written = writer::Writer::create(path.as_ref(), size).and_then(|writer| replay::run(&profile, writer));
    match written {
        Ok(summary) => {
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "{} packets, {} flows, {} bytes ({:.0} a packet), {:.1} s of capture; {:.0} MB/s",
                summary.packets,
                summary.flows,
                summary.bytes,
                summary.bytes as f64 / summary.packets as f64,
                summary.capture_ns as f64 / 1e9,
                summary.bytes as f64 / 1e6 / seconds
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("generate: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let unit = match unit {
        "" => 1,
        "K" | "k" => 1_000,
        "M" | "m" => 1_000_000,
        "G" | "g" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
