//! The second reading. A finding knows frame numbers; the bytes are gone. Given what is wanted and why, this reads the capture once
//! more and hands over the original frames, in order.
//!
//! Streaming: nothing is kept but the plan, the keys of the flows in it and fragments on their way to a datagram. It stops behind
//! the last frame that can be wanted.

mod pieces;

use crate::app::dns;
use crate::capture::{Capture, Frame, OpenOptions, Timestamp};
use crate::error::Result;
use crate::flow::key::{Direction, FlowKey};
use crate::flow::record::Flow;
use crate::packet::{Packet, Skip, Transport, dissect, ip, tcp};
use pieces::Pieces;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::Path;

/// A flow that is wanted whole, named by its first frame: the key is read from that frame, so that it is the same as in the scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// Later packets are not wanted: the scan did not see them as part of it.
    pub last: Timestamp,
    /// At most so many packets of it.
    pub most: usize,
    /// The caller's name for it.
    pub tag: u64,
}

/// Gives addresses other names.
pub type Rename<'p> = &'p dyn Fn(IpAddr) -> IpAddr;

/// What is wanted of a capture.
#[derive(Clone, Default)]
pub struct Plan<'p> {
    /// Single frames.
    pub frames: BTreeSet<u64>,
    /// Flows by their first frame; two findings may share one.
    pub flows: BTreeMap<u64, Vec<Stretch>>,
    /// Packets and keys are handed over with these addresses; the frames' bytes are as they were.
    pub rename: Option<Rename<'p>>,
}

/// A frame that was wanted.
pub struct Wanted<'a> {
    pub number: u64,
    pub frame: &'a Frame<'a>,
    /// What it is; of the last fragment of a datagram, the datagram.
    pub packet: Option<&'a Packet<'a>>,
    pub key: Option<(FlowKey, Direction)>,
    /// Flows of the plan it belongs to, with its rank (from 0) in each.
    pub flows: Vec<(u64, usize)>,
    /// Frames of the fragments that it completes, itself included, and the datagram from its IP header on.
    pub pieces: &'a [u64],
    pub datagram: &'a [u8],
}

/// A flow of the plan whose first frame has passed.
struct Open {
    stretch: Stretch,
    seen: usize,
}

/// The flows of a key that are wanted, and where its current flow ends: by the rule of [`Flow::is_ended_by`].
struct Current {
    last: Timestamp,
    syn: [Option<u32>; 2],
    open: Vec<Open>,
}

impl Current {
    fn new(time: Timestamp) -> Current {
        Current { last: time, syn: [None; 2], open: Vec::new() }
    }

    /// Takes the key's next packet; `false` if another flow begins with it.
    fn goes_on(&mut self, key: &FlowKey, direction: Direction, packet: &Packet<'_>, time: Timestamp) -> bool {
        let mut goes_on = time.since(self.last) <= Flow::idle(key);
        if let Transport::Tcp(t) = packet.transport
            && t.flags & (tcp::SYN | tcp::ACK) == tcp::SYN
            && let Some(syn) = self.syn.get_mut(direction.index())
        {
            goes_on &= *syn == Some(t.seq);
            *syn = Some(t.seq);
        }
        self.last = self.last.max(time);
        goes_on
    }
}

/// Key of a packet as the scan makes it.
pub fn key_of(packet: &Packet<'_>) -> (FlowKey, Direction) {
    let transaction = match packet.transport {
        Transport::Udp => dns::quick_txid(packet.payload),
        _ => None,
    };
    FlowKey::of(packet, transaction)
}

/// Reads `path` again and hands every wanted frame to `each`, in order, until `each` fails or nothing more can be wanted.
pub fn reread(
    path: &Path,
    open: &OpenOptions,
    plan: &Plan<'_>,
    mut each: impl FnMut(&Wanted<'_>) -> std::io::Result<()>,
) -> Result<Reading> {
    /// How often it is looked whether the flows that are wanted have all ended.
    const LOOK: u64 = 1 << 14;
    let mut capture = Capture::open(path, open)?;
    let mut reading = Reading { snaplen: capture.description().snaplen, met: 0, failed: None };
    let last_frame = plan.frames.iter().chain(plan.flows.keys()).max().copied().unwrap_or(0);
    let look_into = !plan.flows.is_empty();
    let mut flows: BTreeMap<FlowKey, Current> = BTreeMap::new();
    let mut fragments = Pieces::default();
    let failed = capture.frames_until(|number, _, frame| {
        let single = plan.frames.contains(&number);
        let dissected = if single || look_into { dissect(frame) } else { Err(Skip::Cut) };
        let whole = matches!(dissected, Err(Skip::Fragment)).then(|| fragments.push(number, frame)).flatten();
        let (bytes, pieces) = whole.unwrap_or_default();
        let packet = dissected.ok().or_else(|| ip::dissect(&bytes, 0, None).ok().filter(|_| !bytes.is_empty()));
        let packet = match plan.rename {
            Some(rename) => packet.map(|p| renamed(p, rename)),
            None => packet,
        };
        let key = packet.as_ref().map(key_of);
        let mut of = Vec::new();
        if let (Some((key, direction)), Some(packet)) = (key, &packet) {
            let begins = plan.flows.get(&number);
            if begins.is_some() || flows.contains_key(&key) {
                let current = flows.entry(key).or_insert_with(|| Current::new(frame.time));
                if !current.goes_on(&key, direction, packet, frame.time) {
                    current.open.clear();
                }
                current.open.extend(begins.into_iter().flatten().map(|s| Open { stretch: *s, seen: 0 }));
                current.open.retain(|open| frame.time <= open.stretch.last && open.seen < open.stretch.most);
                for open in &mut current.open {
                    of.push((open.stretch.tag, open.seen));
                    open.seen += 1;
                }
                if current.open.is_empty() {
                    flows.remove(&key);
                }
            }
        }
        if single || !of.is_empty() {
            reading.met += u64::from(single);
            let wanted = Wanted { number, frame, packet: packet.as_ref(), key, flows: of, pieces: &pieces, datagram: &bytes };
            if let Err(error) = each(&wanted) {
                return ControlFlow::Break(Some(error));
            }
        }
        if number >= last_frame && number.is_multiple_of(LOOK) {
            flows.retain(|key, current| frame.time.since(current.last) <= Flow::idle(key));
        }
        if number >= last_frame && flows.is_empty() { ControlFlow::Break(None) } else { ControlFlow::Continue(()) }
    });
    reading.failed = failed.flatten();
    Ok(reading)
}

fn renamed<'a>(mut packet: Packet<'a>, rename: Rename<'_>) -> Packet<'a> {
    let mut ends = vec![&mut packet.src, &mut packet.dst];
    if let Transport::IcmpError(e) = &mut packet.transport {
        ends.extend([&mut e.quoted_src, &mut e.quoted_dst]);
    }
    ends.into_iter().for_each(|end| end.ip = rename(end.ip));
    packet
}

/// How the second reading went.
pub struct Reading {
    /// The largest snap length of the interfaces at its start.
    pub snaplen: u32,
    /// Single frames of the plan that were there.
    pub met: u64,
    /// What `each` failed with.
    pub failed: Option<std::io::Error>,
}
