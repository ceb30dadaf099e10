//! Capture filters: libpcap compiles the expression, `bpf` runs it.

use super::bpf::{Instruction, accepts};
use super::{Frame, LinkType};
use crate::error::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// libpcap's compiler kept its state in globals before version 1.8.
static COMPILER: Mutex<()> = Mutex::new(());

/// A BPF expression, compiled for each link type when the first frame of that type comes.
///
/// Cheap to clone: give every thread its own.
#[derive(Clone, Debug)]
pub struct Filter {
    expression: Arc<str>,
    /// `None` where the expression makes no sense for the link type; nothing matches there.
    programs: Vec<(LinkType, Option<Arc<[Instruction]>>)>,
}

impl Filter {
    /// Compiles for the link types a capture is known to have (Ethernet if none is). Fails, with libpcap's words, if it makes
    /// sense for none of them.
    pub fn compile(expression: &str, links: &[LinkType]) -> Result<Filter> {
        let links = if links.is_empty() { &[LinkType(1)] } else { links };
        let mut filter = Filter { expression: expression.into(), programs: Vec::new() };
        let mut refused = None;
        for &link in links {
            match program(expression, link) {
                Ok(program) => filter.programs.push((link, Some(program))),
                Err(error) => {
                    refused = Some(error);
                    filter.programs.push((link, None));
                }
            }
        }
        match refused {
            Some(error) if filter.programs.iter().all(|(_, program)| program.is_none()) => Err(error),
            _ => Ok(filter),
        }
    }

    /// Does the expression select this frame?
    pub fn matches(&mut self, frame: &Frame<'_>) -> bool {
        let known = self.programs.iter().find(|(link, _)| *link == frame.link);
        match known {
            Some((_, Some(program))) => accepts(program, frame.bytes, frame.wire_len),
            Some((_, None)) => false,
            None => {
                let compiled = program(&self.expression, frame.link).ok();
                let matches = compiled.as_ref().is_some_and(|program| accepts(program, frame.bytes, frame.wire_len));
                self.programs.push((frame.link, compiled));
                matches
            }
        }
    }
}

fn program(expression: &str, link: LinkType) -> Result<Arc<[Instruction]>> {
    let refused = |reason: String| Error::Filter { expression: expression.into(), reason };
    let words = |error| match error {
        pcap::Error::PcapError(text) => refused(text),
        other => refused(other.to_string()),
    };
    let _one_at_a_time = COMPILER.lock().unwrap_or_else(PoisonError::into_inner);
    let dead = pcap::Capture::dead(pcap::Linktype(dlt(link))).map_err(words)?;
    let compiled = dead.compile(expression, true).map_err(words)?;
    let instructions = compiled.get_instructions().iter().map(|instruction| Instruction::parse(&instruction.to_string()));
    instructions.collect::<Option<_>>().ok_or_else(|| refused("libpcap's program cannot be read".into()))
}

/// Link types in files are the same everywhere; what libpcap calls them in its interface differs for a few, by system.
fn dlt(link: LinkType) -> i32 {
    match link.0 {
        100 => 11,
        101 => pcap::Linktype::from_name("RAW").map_or(12, |raw| raw.0),
        102 => 15,
        103 => 16,
        106 => 19,
        246 => 18,
        other => i32::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn frame(link: u16, bytes: &[u8], wire_len: u32) -> Frame<'_> {
        Frame { time: Timestamp(0), link: LinkType(link), interface: 0, wire_len, bytes }
    }

    /// TCP from port 40000 to 80 with SYN set, behind an IPv4 header with options.
    fn ip() -> Vec<u8> {
        let mut ip = vec![0x46, 0, 0, 44, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 1, 1, 1, 1];
        ip.extend_from_slice(&[0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
        ip
    }

    fn ethernet() -> Vec<u8> {
        [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..], &ip()].concat()
    }

    #[test]
    fn agrees_with_libpcap() {
        let (bytes, raw) = (ethernet(), ip());
        for expression in [
            "",
            "tcp",
            "udp",
            "port 80",
            "src port 80",
            "dst port 80 and host 192.0.2.1",
            "net 198.51.100.0/24",
            "ip6",
            "tcp[tcpflags] & tcp-syn != 0",
            "tcp[tcpflags] & tcp-rst != 0",
            "not tcp",
            "vlan",
            "mpls",
            "portrange 70-90",
            "len > 50",
            "less 20",
            "greater 58",
            "ip[8] = 64",
            "(ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2) = 0",
            "ip[6:2] & 0x1fff = 0 and ip[9] % 4 = 2",
            "icmp or arp",
            "ip proto 6",
            "ip multicast",
        ] {
            for (link, bytes) in [(1, &bytes), (101, &raw)] {
                let dead = pcap::Capture::dead(pcap::Linktype(dlt(LinkType(link)))).unwrap();
                let Ok(theirs) = dead.compile(expression, true) else {
                    assert!(Filter::compile(expression, &[LinkType(link)]).is_err());
                    continue;
                };
                for cut in 0..=bytes.len() {
                    let bytes = &bytes[..cut];
                    let mut ours = Filter::compile(expression, &[LinkType(link)]).unwrap();
                    assert_eq!(ours.matches(&frame(link, bytes, cut as u32)), theirs.filter(bytes), "{expression} {link} {cut}");
                }
            }
        }
    }

    #[test]
    fn length_on_the_wire_counts() {
        let mut filter = Filter::compile("greater 1000", &[]).unwrap();
        assert!(filter.matches(&frame(1, &ethernet(), 1500)));
        assert!(!filter.matches(&frame(1, &ethernet(), 900)));
    }

    #[test]
    fn compiles_for_new_link_types_on_the_way_and_reports_nonsense() {
        let mut filter = Filter::compile("tcp port 80", &[LinkType(1)]).unwrap();
        assert!(filter.matches(&frame(101, &ip(), 44)));
        assert_eq!(filter.programs.len(), 2);
        let error = Filter::compile("tcp prot 80", &[LinkType(1)]).unwrap_err().to_string();
        assert!(error.contains("syntax error"), "{error}");
        fn shareable<T: Send + Sync>() {}
        shareable::<Filter>();
    }

    #[test]
    fn odd_programs_reject_and_end() {
        let jump = |k| Instruction { code: 0x05, jump_true: 0, jump_false: 0, k };
        assert!(!accepts(&[], &[], 0));
        assert!(!accepts(&[jump(u32::MAX)], &[], 0));
        assert!(!accepts(&[Instruction { code: 0x34, jump_true: 0, jump_false: 0, k: 0 }], &[], 0));
        assert_eq!(Instruction::parse("21 0 5 2048"), Some(Instruction { code: 21, jump_true: 0, jump_false: 5, k: 2048 }));
        assert_eq!(Instruction::parse("21 0 5"), None);
    }
}
