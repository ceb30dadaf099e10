//! In which seconds something was heard of a flow. Of a long one most packets are not kept: those of their seconds are told as they pass.

use super::key::Direction;
use super::record::{Flow, begins_request};
use std::net::IpAddr;

/// A flow that something was heard of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// First frame.
    pub flow: u64,
    /// Last frame from its server in this second.
    pub frame: u64,
    pub client: IpAddr,
    /// It asked for something by name: no tunnel that everything else may have gone into.
    pub named: bool,
}

impl Heard {
    /// What a flow's packet tells that was the last of its side in its second, if it came from a server: as the SYN tells, or else the
    /// ports.
    pub fn of(flow: &Flow, side: Direction, frame: u64) -> Option<Heard> {
        let syns = flow.syns().map(|syn| syn.is_some());
        let (sender, receiver) = (flow.key.sender(side), flow.key.sender(side.other()));
        let from_server = match (syns[side.index()], syns[side.other().index()]) {
            (asked, answers) if asked != answers => answers,
            _ => sender.port <= receiver.port,
        };
        from_server.then(|| Heard { flow: flow.transcript.first_frame(), frame, client: receiver.ip, named: asks_by_name(flow) })
    }
}

/// As far as can be told without reading what was said. Few hellos and requests have no name in them.
fn asks_by_name(flow: &Flow) -> bool {
    flow.heads.iter().any(|head| head.opened.is_some() || begins_request(&head.bytes))
}
