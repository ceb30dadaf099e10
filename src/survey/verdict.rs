//! Finished findings and flow lines: what reports are written from. Nothing here judges.

use crate::attribute::resemblance::Resembled;
use crate::capture::Timestamp;
use crate::detect::finding::{Claim, Confidence, Layer, Mechanism, Position, Stage, Trigger};
use crate::detect::surroundings::FlowRef;
use crate::flow::community::community_id;
use crate::flow::entry::Entry;
use crate::flow::key::FlowKey;
use crate::packet::Endpoint;
use crate::packet::tags::Tags;
use std::net::IpAddr;

/// Who talks to whom. Roles, not sources: a forged packet lies about its source.
#[derive(Clone, PartialEq, Debug)]
pub struct Ends {
    pub client: Endpoint,
    pub server: Endpoint,
    /// IP protocol number.
    pub protocol: u8,
    /// First frame of the conversation; Wireshark's stream number is its rank.
    pub stream_first: Option<u64>,
    /// The flow's first frame and the time of its last: where to find its packets in the capture.
    pub first_frame: u64,
    pub last: Timestamp,
    pub vlan: Option<u16>,
    pub tags: Tags,
    pub tunnel: bool,
}

impl Ends {
    /// Hashed for whoever prints it: most are never printed.
    pub fn community_id(&self) -> String {
        community_id(&FlowKey::new(self.client, self.server, self.protocol, None).0)
    }
}

/// What part a packet plays in a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Forged,
    Genuine,
}

/// A packet of a finding.
#[derive(Clone, PartialEq, Debug)]
pub struct PacketRef {
    pub entry: Entry,
    pub from_client: bool,
    /// Time since the trigger (or the flow's first packet), ns.
    pub since: i64,
    pub seq_rel: Option<i64>,
    pub ack_rel: Option<i64>,
    /// What a DNS message says.
    pub dns: Option<String>,
}

/// The request elsewhere that makes the difference.
#[derive(Clone, PartialEq, Debug)]
pub struct Control {
    pub kind: &'static str,
    pub frame: u64,
    pub flow: FlowRef,
    /// The server of that flow, and its IP protocol.
    pub server: Endpoint,
    pub protocol: u8,
    pub value: Vec<u8>,
    pub outcome: &'static str,
}

/// Who seems to have made the forged packets: a remark that no verdict depends on.
#[derive(Clone, PartialEq, Debug)]
pub struct Injector {
    /// What the packets have in common, in words.
    pub pattern: String,
    /// As captured.
    pub ttl_min: u8,
    pub ttl_max: u8,
    /// Distance from the capture point, if the initial TTL was the nearest of 32, 64, 128 and 255.
    pub hops_min: Option<u8>,
    pub hops_max: Option<u8>,
    /// The TTL is made from that of the trigger and tells no distance.
    pub mirrored_ttl: bool,
    pub resembled: Resembled,
}

/// A verdict about packets.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    pub ends: Ends,
    pub time: Timestamp,
    pub mechanism: Mechanism,
    pub trigger: Option<Trigger>,
    /// The trigger's name was not captured.
    pub name_cut: bool,
    pub trigger_time: Option<Timestamp>,
    pub stage: Stage,
    pub layer: Layer,
    pub confidence: Confidence,
    pub position: Position,
    /// OONI's name for what the client felt.
    pub failure: &'static str,
    pub forged: Vec<PacketRef>,
    pub genuine: Vec<PacketRef>,
    pub claims: Vec<Claim>,
    pub control: Option<Control>,
    /// For every finding with forged packets.
    pub injector: Option<Injector>,
    /// Rules the vantage audit took out.
    pub void_rules: Vec<&'static str>,
    pub leans: Leans,
}

/// What else of the capture the verdict rests on: whoever has the finding's own packets and these can judge as we did.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Leans {
    /// Other flows by their first frames, the weightiest first, each once.
    pub flows: Vec<u64>,
    /// Single frames of other flows.
    pub frames: Vec<u64>,
    /// Frames of the finding's own flow around those it names.
    pub own: Vec<u64>,
    /// All of the finding's own flow is wanted: sums over it count, or those of the other flows do, or it is short.
    pub whole: bool,
    /// Flows left out because a bound was reached.
    pub more: u64,
}

impl Finding {
    /// First frame it cites: findings are listed in this order.
    pub fn first_frame(&self) -> u64 {
        let packets = self.forged.iter().chain(&self.genuine).map(|p| p.entry.frame);
        let trigger = self.trigger.iter().map(|t| t.frame);
        packets.chain(trigger).min().unwrap_or(0)
    }
}

/// A flow as `--flows` prints it.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowLine {
    pub ends: Ends,
    pub first_frame: u64,
    pub time: Timestamp,
    pub duration: i64,
    pub service: Option<&'static str>,
    pub name: Option<Vec<u8>>,
    pub alpn: Option<Vec<u8>>,
    pub ja4: Option<String>,
    pub conn_state: &'static str,
    pub history: String,
    /// Packets and payload octets of the client and the server.
    pub packets: [u64; 2],
    pub bytes: [u64; 2],
    pub rtt: Option<i64>,
    /// `interfered`, `unexplained`, `clean` or `unjudged`, and for the last why.
    pub verdict: &'static str,
    pub reason: Option<&'static str>,
    pub failure: Option<&'static str>,
    /// What the client did to be misread by filters.
    pub evasion: Vec<&'static str>,
    /// The DNS transactions in it.
    pub dns: Vec<Transaction>,
}

/// A DNS question, with what was said to it. Of a UDP flow there is one; over TCP there may be many.
#[derive(Clone, PartialEq, Debug)]
pub struct Transaction {
    pub id: u16,
    /// In lower case, and the type; of the first reply if the query was not seen.
    pub name: Vec<u8>,
    pub qtype: Option<u16>,
    /// The first query (or else the first reply), and how often it was sent.
    pub frame: u64,
    pub time: Timestamp,
    pub queries: u64,
    /// In order of arrival.
    pub replies: Vec<Reply>,
}

/// A reply to a DNS question, forged or not.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    pub frame: u64,
    pub time: Timestamp,
    pub rcode: u16,
    /// Addresses, and names that it leads to, in the order of its records.
    pub addresses: Vec<IpAddr>,
    pub names: Vec<Vec<u8>>,
    /// Answer records of any type that could be read.
    pub records: u64,
}
