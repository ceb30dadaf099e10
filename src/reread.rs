//! The second reading. A finding knows frame numbers; the bytes are gone. Given what is wanted and why, this reads the capture once
//! more and hands over the original frames, in order.
//!
//! Streaming: nothing is kept but the plan and the keys of the flows in it. It stops behind the last frame that can be wanted.

use crate::app::dns;
use crate::capture::{Capture, Frame, OpenOptions, Timestamp};
use crate::error::Result;
use crate::flow::key::{Direction, FlowKey};
use crate::packet::{Packet, Transport, dissect};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

/// A flow that is wanted whole, named by its first frame: the key is read from that frame, so that it is the same as in the scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// Time of its last packet: later ones of the same key are another flow.
    pub last: Timestamp,
    /// At most so many packets of it.
    pub most: usize,
    /// The caller's name for it.
    pub tag: u64,
}

/// What is wanted of a capture.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Single frames.
    pub frames: BTreeSet<u64>,
    /// Flows by their first frame; two findings may share one.
    pub flows: BTreeMap<u64, Vec<Stretch>>,
    /// Flows by their key, from the start of the capture.
    pub keys: BTreeMap<FlowKey, Stretch>,
}

/// A frame that was wanted.
pub struct Wanted<'a> {
    pub number: u64,
    pub frame: &'a Frame<'a>,
    pub packet: Option<&'a Packet<'a>>,
    pub key: Option<(FlowKey, Direction)>,
    /// Flows of the plan it belongs to, with its rank (from 0) in each.
    pub flows: Vec<(u64, usize)>,
}

/// A flow of the plan whose first frame has passed.
struct Open {
    stretch: Stretch,
    seen: usize,
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
pub fn reread(path: &Path, open: &OpenOptions, plan: &Plan, mut each: impl FnMut(&Wanted<'_>) -> std::io::Result<()>) -> Result<Reading> {
    let mut capture = Capture::open(path, open)?;
    let mut reading = Reading { snaplen: capture.description().snaplen, met: 0, failed: None };
    let last_frame = plan.frames.iter().chain(plan.flows.keys()).max().copied().unwrap_or(0);
    let look_into = !(plan.flows.is_empty() && plan.keys.is_empty());
    let mut flows: BTreeMap<FlowKey, Vec<Open>> =
        plan.keys.iter().map(|(key, stretch)| (*key, vec![Open { stretch: *stretch, seen: 0 }])).collect();
    let failed = capture.frames_until(|number, _, frame| {
        let single = plan.frames.contains(&number);
        let dissected = (single || look_into).then(|| dissect(frame).ok()).flatten();
        let key = dissected.as_ref().map(key_of);
        if let (Some(stretches), Some((key, _))) = (plan.flows.get(&number), key) {
            flows.entry(key).or_default().extend(stretches.iter().map(|s| Open { stretch: *s, seen: 0 }));
        }
        let mut of = Vec::new();
        if let Some((key, _)) = key
            && let Some(list) = flows.get_mut(&key)
        {
            list.retain(|open| frame.time <= open.stretch.last && open.seen < open.stretch.most);
            for open in list.iter_mut() {
                of.push((open.stretch.tag, open.seen));
                open.seen += 1;
            }
            if list.is_empty() {
                flows.remove(&key);
            }
        }
        if single || !of.is_empty() {
            reading.met += u64::from(single);
            let wanted = Wanted { number, frame, packet: dissected.as_ref(), key, flows: of };
            if let Err(error) = each(&wanted) {
                return ControlFlow::Break(Some(error));
            }
        }
        if number >= last_frame && flows.is_empty() { ControlFlow::Break(None) } else { ControlFlow::Continue(()) }
    });
    reading.failed = failed.flatten();
    Ok(reading)
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
