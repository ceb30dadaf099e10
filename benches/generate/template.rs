//! A conversation told once, and what must be changed in its packets to make it another.

use interloper::script::Script;

/// One packet of a template: where its fields are and how long after it the next one follows.
pub struct Step {
    pub frame: Vec<u8>,
    pub gap_ns: u64,
    pub from_client: bool,
    /// Last 32 bits of the source and destination address; IPv4 has no others.
    src_at: usize,
    dst_at: usize,
    l4_at: usize,
    l4_checksum: Option<usize>,
    has_ip_checksum: bool,
    moves_id: bool,
    moves_seq: bool,
    moves_ack: bool,
    moves_dns_id: bool,
}

/// A conversation.
pub struct Template {
    pub steps: Vec<Step>,
    /// The steps from here on repeat for ever, each side's stream growing by so much each time.
    pub repeat: Option<Repeat>,
}

#[derive(Clone, Copy)]
pub struct Repeat {
    pub from: usize,
    pub client_bytes: u32,
    pub server_bytes: u32,
}

/// What makes a flow differ from its template.
#[derive(Clone, Copy, Default)]
pub struct Identity {
    pub client: u32,
    pub server: u32,
    pub client_port: u16,
    /// Added to identifications and DNS transactions.
    pub id: u16,
    /// Added to each side's sequence numbers.
    pub client_seq: u32,
    pub server_seq: u32,
}

const IP_AT: usize = 14;
const TCP: u8 = 6;
const UDP: u8 = 17;

impl Template {
    /// From a script with one conversation on Ethernet.
    pub fn of(script: &Script) -> Template {
        assert_eq!(script.talks(), 1, "one conversation a template");
        let client = script.truth(0).talk.client.port();
        let frames = script.frames();
        let gaps = frames.windows(2).map(|pair| (pair[1].time - pair[0].time) as u64).chain([0]);
        let steps = frames.iter().zip(gaps).map(|(frame, gap)| Step::of(&frame.bytes, gap, client)).collect();
        Template { steps, repeat: None }
    }
}

impl Step {
    fn of(frame: &[u8], gap_ns: u64, client_port: u16) -> Step {
        let v6 = frame[12] == 0x86;
        let (src_at, dst_at, l4_at, protocol) = match v6 {
            true => (IP_AT + 20, IP_AT + 36, IP_AT + 40, frame[IP_AT + 6]),
            false => (IP_AT + 12, IP_AT + 16, IP_AT + 20, frame[IP_AT + 9]),
        };
        let half = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let word = |at: usize| u32::from(half(at)) << 16 | u32::from(half(at + 2));
        let tcp = protocol == TCP;
        Step {
            gap_ns,
            from_client: half(l4_at) == client_port,
            src_at,
            dst_at,
            l4_at,
            l4_checksum: match protocol {
                TCP => Some(l4_at + 16),
                UDP => Some(l4_at + 6),
                _ => None,
            },
            has_ip_checksum: !v6,
            moves_id: !v6 && half(IP_AT + 4) != 0,
            moves_seq: tcp && word(l4_at + 4) != 0,
            moves_ack: tcp && word(l4_at + 8) != 0,
            moves_dns_id: protocol == UDP && (half(l4_at) == 53 || half(l4_at + 2) == 53),
            frame: frame.to_vec(),
        }
    }

    /// Turns a copy of this step's frame into the flow's packet; checksums follow by RFC 1624.
    pub fn patch(&self, frame: &mut [u8], flow: &Identity) {
        let (src, dst) = if self.from_client { (flow.client, flow.server) } else { (flow.server, flow.client) };
        let mut ip = 0;
        ip += set_word(frame, self.src_at, src);
        ip += set_word(frame, self.dst_at, dst);
        let mut l4 = ip;
        if self.moves_id {
            ip += add_half(frame, IP_AT + 4, flow.id);
        }
        if self.has_ip_checksum {
            adjust(frame, IP_AT + 10, ip);
        }
        l4 += set_half(frame, self.l4_at + if self.from_client { 0 } else { 2 }, flow.client_port);
        let (seq, ack) = if self.from_client { (flow.client_seq, flow.server_seq) } else { (flow.server_seq, flow.client_seq) };
        if self.moves_seq {
            l4 += add_word(frame, self.l4_at + 4, seq);
        }
        if self.moves_ack {
            l4 += add_word(frame, self.l4_at + 8, ack);
        }
        if self.moves_dns_id {
            l4 += add_half(frame, self.l4_at + 8, flow.id);
        }
        if let Some(at) = self.l4_checksum {
            adjust(frame, at, l4);
        }
    }
}

/// Writes a field and returns by how much the one's complement sum of the packet grew.
fn set_half(frame: &mut [u8], at: usize, new: u16) -> u32 {
    let old = get_half(frame, at);
    frame[at..at + 2].copy_from_slice(&new.to_be_bytes());
    u32::from(!old) + u32::from(new)
}

fn get_half(frame: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([frame[at], frame[at + 1]])
}

fn add_half(frame: &mut [u8], at: usize, more: u16) -> u32 {
    let new = get_half(frame, at).wrapping_add(more);
    set_half(frame, at, new)
}

fn set_word(frame: &mut [u8], at: usize, new: u32) -> u32 {
    set_half(frame, at, (new >> 16) as u16) + set_half(frame, at + 2, new as u16)
}

fn add_word(frame: &mut [u8], at: usize, more: u32) -> u32 {
    let old = u32::from(get_half(frame, at)) << 16 | u32::from(get_half(frame, at + 2));
    set_word(frame, at, old.wrapping_add(more))
}

fn adjust(frame: &mut [u8], at: usize, grown: u32) {
    let mut sum = u32::from(!get_half(frame, at)) + grown;
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    frame[at..at + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
