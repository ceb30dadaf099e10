//! The packets of one flow as its ladder shows them: the head, what findings name with its neighbours, and the tail.

use super::escape;
use crate::capture::Timestamp;
use crate::detect::finding::{Confidence, Mechanism};
use crate::flow::key::{Direction, FlowKey};
use crate::limits::{LADDER_HEAD, LADDER_TAIL};
use crate::packet::{Transport, icmp::IcmpError, tcp};
use crate::reread::Wanted;
use crate::survey::{Ends, Finding};
use std::collections::{BTreeMap, VecDeque};

/// A packet of the flow.
pub struct Rung {
    pub frame: u64,
    pub time: Timestamp,
    pub from_client: bool,
    pub ttl: u8,
    pub id: Option<u16>,
    pub len: u32,
    pub tcp: Option<tcp::TcpFacts>,
    /// An ICMP error: who sent it, and what it says.
    pub icmp: Option<String>,
}

impl Rung {
    fn end(&self) -> u32 {
        let flags = self.tcp.map_or(0, |t| t.flags);
        let extra = u32::from(flags & tcp::SYN != 0) + u32::from(flags & tcp::FIN != 0);
        self.tcp.map_or(0, |t| t.seq).wrapping_add(self.len).wrapping_add(extra)
    }

    fn has(&self, flags: u16) -> bool {
        self.tcp.is_some_and(|t| t.flags & flags == flags)
    }

    /// A letter for each TCP flag; a dot is an acknowledgement.
    pub fn flags(&self) -> Option<String> {
        let letters = [(tcp::FIN, "F"), (tcp::SYN, "S"), (tcp::RST, "R"), (tcp::PSH, "P"), (tcp::URG, "U"), (tcp::ACK, ".")];
        let t = self.tcp?;
        Some(letters.iter().filter(|(bit, _)| t.flags & bit != 0).map(|(_, l)| *l).collect())
    }
}

/// The packets of a flow as they come.
pub struct Rungs {
    list: Vec<Rung>,
    tail: VecDeque<Rung>,
    /// Packets left out before the tail's first; before a rung by its place.
    left_out: BTreeMap<usize, u64>,
    roles: BTreeMap<u64, &'static str>,
    /// What DNS messages say.
    said: BTreeMap<u64, String>,
    ends: Ends,
    starts: [Option<u32>; 2],
    packets: u64,
    most: usize,
}

impl Rungs {
    /// No packets yet, of a flow that these findings are about; at most so many are kept, and the rest is counted.
    pub fn new<'f>(ends: &Ends, findings: impl Iterator<Item = &'f Finding> + Clone, most: usize) -> Rungs {
        let mut roles = BTreeMap::new();
        for f in findings.clone() {
            let forged = match (f.mechanism, f.confidence) {
                (Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle, _) | (_, Confidence::Unexplained) => "suspect",
                _ => "FORGED",
            };
            roles.extend(f.trigger.iter().flat_map(|t| [(t.complete_at_frame, "trigger"), (t.frame, "trigger")]));
            for p in &f.genuine {
                roles.entry(p.entry.frame).or_insert("genuine");
            }
            roles.extend(f.forged.iter().map(|p| (p.entry.frame, forged)));
        }
        let packets = findings.flat_map(|f| f.forged.iter().chain(&f.genuine));
        let said = packets.filter_map(|p| Some((p.entry.frame, escape::sentence(p.dns.as_deref()?)))).collect();
        Rungs {
            list: Vec::new(),
            tail: VecDeque::new(),
            left_out: BTreeMap::new(),
            roles,
            said,
            ends: ends.clone(),
            starts: [None; 2],
            packets: 0,
            most,
        }
    }

    /// The next packet.
    pub fn push(&mut self, wanted: &Wanted<'_>) {
        let (Some(packet), Some((key, direction))) = (wanted.packet, wanted.key) else { return };
        let from_client = is_client(&key, direction, &self.ends);
        let (tcp, icmp) = match &packet.transport {
            Transport::Tcp(t) => (Some(*t), None),
            Transport::Udp => (None, None),
            Transport::IcmpError(e) => (None, Some(format!("{} from {}", IcmpError::name(e.version, e.kind, e.code), packet.src.ip))),
        };
        if let Some(t) = tcp
            && let Some(start) = self.starts.get_mut(usize::from(!from_client))
            && (start.is_none() || (t.flags & tcp::SYN != 0 && self.packets < 4))
        {
            // A handshake that was not captured has been: data then starts at 1, as Wireshark shows it.
            *start = Some(if t.flags & tcp::SYN != 0 { t.seq } else { t.seq.wrapping_sub(1) });
        }
        let len = if icmp.is_some() { 0 } else { packet.payload_len };
        let rung =
            Rung { frame: wanted.number, time: wanted.frame.time, from_client, ttl: packet.ip.ttl, id: packet.ip.id, len, tcp, icmp };
        self.packets += 1;
        if self.packets <= LADDER_HEAD as u64 {
            self.list.push(rung);
            return;
        }
        let named = self.roles.contains_key(&wanted.number) && self.list.len() + self.tail.len() < self.most;
        self.tail.push_back(rung);
        if named {
            self.list.extend(self.tail.drain(..));
        } else if self.tail.len() > LADDER_TAIL {
            self.tail.pop_front();
            *self.left_out.entry(self.list.len()).or_default() += 1;
        }
    }

    /// No more packets come.
    pub fn finish(&mut self) {
        self.list.extend(std::mem::take(&mut self.tail));
    }

    pub fn list(&self) -> &[Rung] {
        &self.list
    }

    /// How many packets the flow has, left out ones among them.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    pub fn ends(&self) -> &Ends {
        &self.ends
    }

    /// Packets left out before the rung at a place.
    pub fn left_out(&self, place: usize) -> Option<u64> {
        self.left_out.get(&place).copied()
    }

    /// What a packet of a datagram says: an ICMP error, or a DNS message that a finding names.
    pub fn said<'s>(&'s self, r: &'s Rung) -> Option<&'s str> {
        r.icmp.as_deref().or_else(|| self.said.get(&r.frame).map(String::as_str))
    }

    /// A sequence number of one side counted from its start. Injectors also write numbers that have nothing to do with the stream;
    /// those come out as the distance they are. `None` where that side has no start.
    pub fn relative(&self, value: u32, client: bool) -> Option<i32> {
        self.starts.get(usize::from(!client)).copied().flatten().map(|start| value.wrapping_sub(start) as i32)
    }

    /// What the packet is, and whether the client took notice of it.
    pub fn role(&self, place: usize, r: &Rung) -> String {
        let role = self.roles.get(&r.frame).copied().unwrap_or_default();
        if r.from_client || r.tcp.is_none() {
            return role.to_owned();
        }
        let mut replies = self.list.iter().skip(place + 1).filter(|c| c.from_client && c.tcp.is_some());
        let ignored = if r.has(tcp::RST) {
            // A host that took a reset says nothing more on the connection, or resets what still comes.
            replies.any(|c| !c.has(tcp::RST) && !c.has(tcp::SYN))
        } else if r.len > 0 {
            let mut any = false;
            let taken = replies.any(|c| {
                any = true;
                c.has(tcp::ACK) && !c.has(tcp::RST) && c.tcp.is_some_and(|t| t.ack.wrapping_sub(r.end()) < 1 << 31)
            });
            any && !taken
        } else {
            false
        };
        match (role.is_empty(), ignored) {
            (_, false) => role.to_owned(),
            (true, true) => "ignored".into(),
            (false, true) => format!("{role}, ignored"),
        }
    }
}

/// Whether a packet claims to come from the client; an ICMP error travels against what it quotes.
fn is_client(key: &FlowKey, direction: Direction, ends: &Ends) -> bool {
    key.sender(direction) == ends.client
}
