//! Our walkers against libpcap, frame by frame: time, link type, lengths and bytes.
//!
//! Over captures made here, and over every file of `../shared/captures` (or `$INTERLOPER_CAPTURES`) that libpcap opens. Where
//! libpcap gives up, ours may only read more.

#[path = "support/captures.rs"]
mod captures;

use captures::Order::{Big, Little};
use captures::{Pcap, Pcapng};
use interloper::capture::{Capture, OpenOptions};
use std::path::{Path, PathBuf};

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    time: i64,
    link: u32,
    wire_len: u32,
    bytes: Vec<u8>,
}

struct Theirs {
    frames: Vec<Seen>,
    error: Option<String>,
}

/// Link types whose number in files is not the one libpcap's interface uses.
fn linktype(dlt: i32) -> u32 {
    match dlt {
        11 => 100,
        12 | 14 => 101,
        15 => 102,
        16 => 103,
        19 => 106,
        18 => 246,
        other => other as u32,
    }
}

fn theirs(path: &Path) -> Result<Theirs, String> {
    let mut capture = pcap::Capture::from_file_with_precision(path, pcap::Precision::Nano).map_err(|error| error.to_string())?;
    let link = linktype(capture.get_datalink().0);
    let mut frames = Vec::new();
    let error = loop {
        match capture.next_packet() {
            Ok(packet) => frames.push(Seen {
                time: packet.header.ts.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(packet.header.ts.tv_usec),
                link,
                wire_len: packet.header.len,
                bytes: packet.data.to_vec(),
            }),
            Err(pcap::Error::NoMorePackets) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    Ok(Theirs { frames, error })
}

struct Ours {
    frames: Vec<Seen>,
    damage: Vec<String>,
    format: String,
    snaplen: u32,
}

fn ours(path: &Path) -> Result<Ours, String> {
    let mut capture = Capture::open(path, &OpenOptions::default()).map_err(|error| error.to_string())?;
    let mut frames = Vec::new();
    capture.for_each_frame(|_, _, frame| {
        frames.push(Seen {
            time: frame.time.0,
            // Some files say 12 for raw IP, which is no registered link type but what libpcap calls it.
            link: linktype(i32::from(frame.link.0)),
            wire_len: frame.wire_len,
            bytes: frame.bytes.to_vec(),
        });
    });
    let damage = capture.damage().iter().map(|damage| format!("{}: {}", damage.offset, damage.text)).collect();
    let description = capture.description();
    Ok(Ours { frames, damage, format: description.format, snaplen: description.snaplen })
}

/// What differs, if anything does. Known and wanted differences are allowed for one by one.
fn differ(ours: &Ours, theirs: &Theirs) -> Option<String> {
    if ours.frames.len() < theirs.frames.len() {
        return Some(format!("{} frames, libpcap has {} ({:?})", ours.frames.len(), theirs.frames.len(), ours.damage));
    }
    if ours.frames.len() > theirs.frames.len() && theirs.error.is_none() {
        return Some(format!("{} frames, libpcap has only {}", ours.frames.len(), theirs.frames.len()));
    }
    if theirs.error.is_some() && ours.frames.len() == theirs.frames.len() && ours.damage.is_empty() {
        return Some(format!("libpcap says {:?}, nothing is reported here", theirs.error));
    }
    for (number, (our, their)) in ours.frames.iter().zip(&theirs.frames).enumerate() {
        // libpcap takes the seconds and microseconds of a pcap as signed, Wireshark and this project do not.
        let wraps = [1_000_000_000, 1_000, 1, 1_000_001_000, 1_000_000_001].map(|unit| unit << 32);
        let wrapped = ours.format.starts_with("pcap") && wraps.contains(&(our.time - their.time));
        // A packet without a time gets 1970 from libpcap, and the time of the packet before it here.
        let untimed = ours.format == "pcapng" && their.time == 0;
        if our.time != their.time && !wrapped && !untimed {
            return Some(format!("frame {}: time {}, libpcap {}", number + 1, our.time, their.time));
        }
        // libpcap cuts a packet longer than the snap length, Wireshark and this project keep what is there.
        let cut = their.bytes.len() as u32 == ours.snaplen && our.bytes.starts_with(&their.bytes);
        if (our.link, our.wire_len) != (their.link, their.wire_len) || (our.bytes != their.bytes && !cut) {
            return Some(format!(
                "frame {}: link {} len {} caplen {}, libpcap {} {} {}",
                number + 1,
                our.link,
                our.wire_len,
                our.bytes.len(),
                their.link,
                their.wire_len,
                their.bytes.len()
            ));
        }
    }
    None
}

fn compare(bytes: &[u8], name: &str) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("written");
    let theirs = theirs(file.path()).unwrap_or_else(|error| panic!("{name}: libpcap: {error}"));
    let ours = ours(file.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(differ(&ours, &theirs), None, "{name}");
    assert!(!theirs.frames.is_empty(), "{name}: nothing compared");
}

#[test]
fn captures_made_here() {
    for order in [Little, Big] {
        for magic in [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34] {
            compare(&captures::pcap(order, magic, 3_000, 1_500), &format!("pcap {order:?} {magic:x}"));
        }
        for version in [(2, 1), (2, 3), (2, 4), (543, 0)] {
            let mut file = Pcap::version(order, 0xa1b2_c3d4, version, 100, 1);
            let swapped = version != (2, 4);
            for index in 0..20 {
                let (caplen, len) = (40 + index, 60 + index);
                if swapped {
                    file.header(5, index, len, caplen)
                } else {
                    file.header(5, index, caplen, len)
                };
                file.bytes.extend(std::iter::repeat_n(7, caplen as usize));
            }
            compare(&file.bytes, &format!("pcap {version:?}"));
        }
        compare(&captures::pcapng(order, 3_000, 1_500), &format!("pcapng {order:?}"));
        let mut mixed = Pcapng::new(order);
        mixed.interface(113, 96, &[(9, &[0x80 | 20]), (14, &order.u64(1_000))]);
        mixed.packet(0, 1 << 21, b"old").enhanced(0, 1 << 22, b"new").block(4, &[0; 4]);
        mixed.section(if order == Little { Big } else { Little }).interface(113, 96, &[(9, &[3])]);
        mixed.enhanced(0, 1_234, b"other order");
        compare(&mixed.bytes, "sections of both byte orders");
        let mut simple = Pcapng::new(order);
        simple.interface(1, 96, &[]).enhanced(0, 1_234, b"timed").simple(200, &[1; 96]).simple(5, b"hello");
        compare(&simple.bytes, "simple packets");
    }
    let mut odd = Pcap::new(Little, 0xa1b2_c3d4, 64, 101);
    odd.record(4_000_000_000, 1_500_000, &[1; 60]).record(5, 5, &[2; 200]).record(6, 6, &[]);
    compare(&odd.bytes, "late, long and empty packets");
}

#[test]
fn captures_of_the_collection() {
    let root = std::env::var_os("INTERLOPER_CAPTURES").map_or_else(|| PathBuf::from("../shared/captures"), PathBuf::from);
    if !root.is_dir() {
        println!("skipped: no folder {}", root.display());
        return;
    }
    let (mut files, mut compared, mut frames, mut refused, mut more) = (0, 0, 0, 0, 0);
    let mut wrong = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            // Whatever the file is, opening and reading it must come to an end.
            let ours = ours(&path);
            let Ok(theirs) = theirs(&path) else {
                refused += 1;
                continue;
            };
            match ours {
                Err(error) => wrong.push(error),
                Ok(ours) => {
                    compared += 1;
                    frames += theirs.frames.len();
                    more += ours.frames.len() - theirs.frames.len().min(ours.frames.len());
                    wrong.extend(differ(&ours, &theirs).map(|what| format!("{}: {what}", path.display())));
                }
            }
        }
    }
    println!("{files} files: {compared} compared, {frames} frames the same, {more} frames only read here, {refused} libpcap does not open");
    assert!(wrong.is_empty(), "{} of {compared} files differ:\n{}", wrong.len(), wrong.join("\n"));
}
