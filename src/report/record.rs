//! The records of schema `interloper/1`: fields in the order of `docs/schema.md`, changed by addition only.

pub mod summary;

use serde::Serialize;
use std::collections::BTreeMap;

/// Name and version of the schema, first in every record.
pub const SCHEMA: &str = "interloper/1";

#[derive(Serialize)]
pub struct CaptureRecord<'r> {
    pub schema: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub id: &'r str,
    pub file: &'r str,
    pub format: &'r str,
    pub compression: Option<&'static str>,
    pub link_types: Vec<String>,
    pub packets: u64,
    pub bytes_read: u64,
    pub bytes_total: Option<u64>,
    pub time_first: Option<String>,
    pub time_last: Option<String>,
    pub ts_resolution: &'r str,
    pub snaplen_cut: u64,
    pub bad_checksums: u64,
    pub out_of_order: u64,
    pub duplicates: u64,
    pub acked_unseen: u64,
    pub vantage: &'static str,
    pub one_sided: bool,
    pub nat_suspected: bool,
    pub damage: Vec<DamageRecord>,
    pub void_rules: Vec<&'static str>,
    /// Additions: everything that was skipped, capped or evicted.
    pub skipped: BTreeMap<String, u64>,
    /// Suspects that ordinary causes explain, by the rule that did.
    pub explained: &'r BTreeMap<&'static str, u64>,
    /// Flows with circumvention traffic of the client's own, by kind.
    pub evasion: &'r BTreeMap<&'static str, u64>,
    pub filtered: u64,
    pub fragments: u64,
    pub fragments_abandoned: u64,
    pub too_deep: u64,
    pub flows: u64,
    pub evicted: u64,
    pub late_packets: u64,
    pub closed_forgotten: u64,
    pub streams_forgotten: u64,
    pub facts_dropped: u64,
    pub facts_sampled: u64,
    pub damage_count: u64,
    pub complete: bool,
    pub interrupted: bool,
    /// Additions: flows begun before the capture, flows whose packets the network card glued, or summed after the capture, and
    /// where the clock was set.
    pub mid_stream: u64,
    pub offloaded: u64,
    pub checksums_offloaded: u64,
    pub clock_steps: Vec<ClockStepRecord>,
}

#[derive(Serialize)]
pub struct ClockStepRecord {
    pub after_frame: u64,
    pub frame: u64,
    pub step_ms: f64,
}

#[derive(Serialize)]
pub struct DamageRecord {
    pub offset: u64,
    pub text: String,
}

/// The part that findings and flows share.
#[derive(Serialize)]
pub struct EndsRecord {
    pub client_ip: String,
    pub client_port: u16,
    pub server_ip: String,
    pub server_port: u16,
    pub proto: String,
    pub ip_version: u8,
    pub community_id: String,
    pub flow: String,
    pub stream: Option<u64>,
    pub vlan: Option<u16>,
    pub tunnel: bool,
}

#[derive(Serialize)]
pub struct FindingRecord<'r> {
    pub schema: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub id: String,
    pub n: u64,
    pub time: String,
    pub mechanism: &'static str,
    pub stage: &'static str,
    pub layer: &'static str,
    pub confidence: &'static str,
    pub failure: Option<&'static str>,
    #[serde(flatten)]
    pub ends: EndsRecord,
    pub trigger: Option<TriggerRecord>,
    pub forged: Vec<PacketRecord>,
    pub genuine: Vec<PacketRecord>,
    pub evidence: Vec<ClaimRecord<'r>>,
    pub control: Option<ControlRecord<'r>>,
    pub position: &'static str,
    pub injector: Option<InjectorRecord>,
    pub void_rules: &'r [&'static str],
    pub wireshark: String,
    pub capture: &'r str,
    pub file: &'r str,
}

#[derive(Serialize)]
pub struct InjectorRecord {
    /// Row of the fingerprints, its system and country; `null` where nothing or more than one thing matches.
    pub fingerprint: Option<&'static str>,
    pub system: Option<String>,
    pub country: Option<String>,
    pub pattern: String,
    pub ttl_min: u8,
    pub ttl_max: u8,
    pub hops_min: Option<u8>,
    pub hops_max: Option<u8>,
    pub mirrored_ttl: bool,
    /// Additions: every row that matches fully (more than one is a tie), then the nearest that do not.
    pub candidates: Vec<CandidateRecord>,
}

#[derive(Serialize)]
pub struct CandidateRecord {
    pub fingerprint: &'static str,
    pub system: String,
    pub country: String,
    pub named: bool,
    pub evidence: String,
    pub source: String,
    /// Fields that hold, of how many the packets can tell; those that do not hold, and those nobody can tell.
    pub matched: usize,
    pub of: usize,
    pub differs: Vec<&'static str>,
    pub unknown: Vec<&'static str>,
}

#[derive(Serialize)]
pub struct TriggerRecord {
    pub kind: &'static str,
    pub value: Option<String>,
    pub frame: u64,
    pub time: Option<String>,
    pub complete_at_frame: u64,
}

#[derive(Serialize)]
pub struct PacketRecord {
    pub frame: u64,
    pub time: String,
    pub dt_ms: f64,
    pub dir: &'static str,
    pub ttl: u8,
    pub ipid: Option<u16>,
    /// TCP only, as are `win` and `opts`.
    pub flags: Option<String>,
    pub seq_rel: Option<i64>,
    pub ack_rel: Option<i64>,
    pub win: Option<u16>,
    pub len: u32,
    /// Octets of TCP options.
    pub opts: Option<u8>,
    pub dns: Option<String>,
    pub checksum: Option<&'static str>,
    pub offset: Option<u64>,
}

#[derive(Serialize)]
pub struct ClaimRecord<'r> {
    pub rule: &'static str,
    pub stance: &'static str,
    pub frames: &'r [u64],
    pub text: String,
    pub observed: Option<f64>,
    pub expected: Option<f64>,
    pub unit: Option<&'static str>,
    /// Additions: the strength claimed, and what voids it (a rule, or the vantage audit); voided claims count nothing.
    pub class: &'static str,
    pub void: Option<&'static str>,
}

#[derive(Serialize)]
pub struct ControlRecord<'r> {
    pub kind: &'static str,
    pub capture: &'r str,
    pub flow: String,
    pub frame: u64,
    pub value: String,
    pub outcome: &'static str,
}

#[derive(Serialize)]
pub struct FlowRecord<'r> {
    pub schema: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(flatten)]
    pub ends: EndsRecord,
    pub time: String,
    pub duration_ms: f64,
    pub service: Option<&'static str>,
    pub name: Option<String>,
    pub alpn: Option<String>,
    pub ja4: Option<String>,
    pub conn_state: &'static str,
    pub history: String,
    pub orig_pkts: u64,
    pub resp_pkts: u64,
    pub orig_bytes: u64,
    pub resp_bytes: u64,
    pub rtt_ms: Option<f64>,
    pub failure: Option<&'static str>,
    /// Addition: the client's own circumvention traffic.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub evasion: &'r [&'static str],
    pub verdict: &'static str,
    pub reason: Option<&'static str>,
    /// Addition: the DNS transactions in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<DnsRecord>,
    /// Additions: the flow's first frame, and where it was seen.
    pub frame: u64,
    pub capture: &'r str,
    pub file: &'r str,
}

/// A question, and the first reply to it, which is the one that clients believe.
#[derive(Serialize)]
pub struct DnsRecord {
    pub id: u16,
    pub name: String,
    pub qtype: Option<String>,
    pub frame: u64,
    pub time: String,
    pub queries: u64,
    pub replies: u64,
    pub reply_frame: Option<u64>,
    pub rtt_ms: Option<f64>,
    pub rcode: Option<String>,
    pub answers: Vec<String>,
    pub cnames: Vec<String>,
    pub records: Option<u64>,
    /// Addresses that only later replies gave.
    pub other_answers: Vec<String>,
}
