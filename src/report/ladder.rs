//! `interloper show`: one flow as a ladder between its two ends, then the argument. Fits 80 columns.

use super::clock::TimeFormat;
use super::paint::{WIDTH, fill};
use super::passage::{self, Style};
use super::{Shown, escape, filters, wireshark, words};
use crate::capture::Timestamp;
use crate::detect::finding::{Confidence, Mechanism};
use crate::flow::key::{Direction, FlowKey};
use crate::limits::{LADDER_HEAD, LADDER_TAIL};
use crate::packet::{Transport, icmp::IcmpError, tcp};
use crate::reread::Wanted;
use crate::survey::{Ends, Finding};
use std::collections::{BTreeMap, VecDeque};

/// A packet of the flow.
struct Rung {
    frame: u64,
    time: Timestamp,
    from_client: bool,
    ttl: u8,
    id: Option<u16>,
    len: u32,
    tcp: Option<tcp::TcpFacts>,
    /// An ICMP error: who sent it, and what it says.
    icmp: Option<String>,
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
}

/// The packets of a flow as they come: its head, what findings name with its neighbours, and its tail.
pub struct Ladder {
    rungs: Vec<Rung>,
    tail: VecDeque<Rung>,
    /// Packets left out before the tail's first; before a rung by its place.
    left_out: BTreeMap<usize, u64>,
    roles: BTreeMap<u64, &'static str>,
    /// What DNS messages say.
    said: BTreeMap<u64, String>,
    ends: Ends,
    starts: [Option<u32>; 2],
    packets: u64,
}

impl Ladder {
    /// An empty ladder of a flow that these findings are about.
    pub fn new(ends: &Ends, findings: &[(u64, &Finding)]) -> Ladder {
        let mut roles = BTreeMap::new();
        for (_, f) in findings {
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
        let packets = findings.iter().flat_map(|(_, f)| f.forged.iter().chain(&f.genuine));
        let said = packets.filter_map(|p| Some((p.entry.frame, escape::sentence(p.dns.as_deref()?)))).collect();
        Ladder {
            said,
            rungs: Vec::new(),
            tail: VecDeque::new(),
            left_out: BTreeMap::new(),
            roles,
            ends: ends.clone(),
            starts: [None; 2],
            packets: 0,
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
            self.rungs.push(rung);
            return;
        }
        let named = self.roles.contains_key(&wanted.number);
        self.tail.push_back(rung);
        if named {
            self.rungs.extend(self.tail.drain(..));
        } else if self.tail.len() > LADDER_TAIL {
            self.tail.pop_front();
            *self.left_out.entry(self.rungs.len()).or_default() += 1;
        }
    }

    /// Everything: heading, ladder, argument.
    pub fn write(mut self, shown: &Shown<'_>, findings: &[(u64, &Finding)], style: Style, unicode: bool) -> String {
        self.rungs.extend(std::mem::take(&mut self.tail));
        let stream = shown.stream(&self.ends);
        let proto = wireshark::protocol(self.ends.protocol);
        let mut out = fill("", &format!("{}: {proto} flow of {}", shown.file, words::count(self.packets, "packet")));
        for (n, f) in findings {
            out.push_str(&format!("F{n} {}\n", style.paint.state(f.confidence, &words::noun(f))));
            if let (Some(t), Some(said)) = (&f.trigger, passage::trigger(f)) {
                out.push_str(&fill("   ", &format!("set off by frame {} {said}", t.frame)));
            }
        }
        out.push_str(&format!("C  {}\nS  {}\n\n", passage::endpoint(self.ends.client), passage::endpoint(self.ends.server)));
        out.push_str(&self.rows(shown, style, unicode));
        for (n, f) in findings {
            out.push_str(&format!("\nF{n} {}\n", style.paint.state(f.confidence, f.confidence.name())));
            out.push_str(&passage::argued(shown, f, Style { verbose: true, ..style }));
            for (label, rule) in [("tcpdump", filters::tcpdump(f)), ("nftables", filters::nftables(f))] {
                if let Some(rule) = rule {
                    out.push_str(&fill(&format!("     {label:9}"), &rule));
                }
            }
        }
        if findings.is_empty() {
            out.push_str(&fill("\nfilter ", &wireshark::filter(&self.ends, stream)));
        }
        narrow(&out, unicode)
    }

    fn rows(&self, shown: &Shown<'_>, style: Style, unicode: bool) -> String {
        // The date would take half the line; it stands in the heading of the scan.
        let times = if style.times == TimeFormat::DateAndTime { TimeFormat::TimeOfDay } else { style.times };
        let time = |r: &Rung| times.show(r.time, shown.report.time_first);
        let (fw, tw) = self.rungs.iter().fold((5, 8), |(f, t), r| (f.max(r.frame.to_string().len()), t.max(time(r).len())));
        // Behind the arrow: TTL, identification, window and the role.
        const BEHIND: usize = 3 + 1 + 4 + 1 + 5 + 2 + 16;
        let arrow = WIDTH.saturating_sub(fw + 1 + tw + 1 + 1 + BEHIND).max(12);
        let mut out = format!(
            "{:>fw$} {:>tw$} {:arrow$} {:>3} {:>4} {:>5}\n",
            "frame",
            "time",
            format!("C{:>1$}", "S", arrow - 1),
            "ttl",
            "id",
            "win"
        );
        for (place, r) in self.rungs.iter().enumerate() {
            if let Some(n) = self.left_out.get(&place) {
                out.push_str(&format!("{:>fw$} {}\n", "...", words::count(*n, "packet")));
            }
            let id = r.id.map_or_else(|| "-".into(), |id| format!("{id:04x}"));
            let win = r.tcp.map_or_else(|| "-".into(), |t| t.window.to_string());
            let role = self.role(place, r);
            let painted = if role.starts_with("FORGED") { style.paint.state(Confidence::Confirmed, &role) } else { role };
            let (label, rest) = self.label(r, arrow);
            let drawn = draw(&label, arrow, r, unicode);
            let line = format!("{:>fw$} {:>tw$} {drawn} {:>3} {id:>4} {win:>5}  {painted}", r.frame, time(r), r.ttl);
            out.push_str(line.trim_end());
            out.push('\n');
            if !rest.is_empty() {
                out.push_str(&fill(&" ".repeat(fw + tw + 4), &rest));
            }
        }
        out
    }

    /// What stands on the arrow, and what does not fit there.
    fn label(&self, r: &Rung, arrow: usize) -> (String, String) {
        let Some(t) = r.tcp else {
            return match &r.icmp {
                Some(icmp) => ("ICMP".into(), icmp.clone()),
                None => (format!("len {}", r.len), self.said.get(&r.frame).cloned().unwrap_or_default()),
            };
        };
        let relative = |value: u32, client: bool| {
            let start = self.starts.get(usize::from(!client)).copied().flatten();
            // Injectors also write numbers that have nothing to do with the stream: those are told as they are.
            start.map_or_else(|| value.to_string(), |s| (value.wrapping_sub(s) as i32).to_string())
        };
        let letters = [(tcp::FIN, "F"), (tcp::SYN, "S"), (tcp::RST, "R"), (tcp::PSH, "P"), (tcp::URG, "U"), (tcp::ACK, ".")];
        let flags: String = letters.iter().filter(|(bit, _)| t.flags & bit != 0).map(|(_, l)| *l).collect();
        let mut label = format!("[{flags}] {}", relative(t.seq, r.from_client));
        if r.len > 0 {
            label.push_str(&format!("+{}", r.len));
        }
        if t.flags & tcp::ACK != 0 {
            let ack = format!("ack {}", relative(t.ack, !r.from_client));
            if label.len() + 1 + ack.len() + 3 > arrow {
                return (label, ack);
            }
            label = format!("{label} {ack}");
        }
        (label, String::new())
    }

    /// What the packet is, and whether the client took notice of it.
    fn role(&self, place: usize, r: &Rung) -> String {
        let role = self.roles.get(&r.frame).copied().unwrap_or_default();
        if r.from_client || r.tcp.is_none() {
            return role.to_owned();
        }
        let mut replies = self.rungs.iter().skip(place + 1).filter(|c| c.from_client && c.tcp.is_some());
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

fn draw(label: &str, width: usize, r: &Rung, unicode: bool) -> String {
    let (line, right, left) = if unicode { ('─', '▶', '◀') } else { ('-', '>', '<') };
    let shaft: String = std::iter::repeat_n(line, width.saturating_sub(label.chars().count() + 2)).collect();
    if r.from_client { format!("{label} {shaft}{right}") } else { format!("{left}{shaft} {label}") }
}

/// The last guard: what is longer than a line is broken, and without Unicode nothing but ASCII is left.
fn narrow(text: &str, unicode: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = if unicode { line.to_owned() } else { escape::ascii(line) };
        let plain: Vec<char> = line.chars().collect();
        if plain.len() <= WIDTH || line.contains('\x1b') {
            out.push_str(&line);
            out.push('\n');
            continue;
        }
        const INDENT: usize = 14;
        let (first, rest) = plain.split_at(WIDTH);
        out.extend(first);
        out.push('\n');
        for piece in rest.chunks(WIDTH - INDENT) {
            out.push_str(&" ".repeat(INDENT));
            out.extend(piece);
            out.push('\n');
        }
    }
    out
}
