//! What the other flows of the same capture say about a suspect. Filled in by `survey`; plain data here, so that rules stay pure.

mod refused;

use crate::capture::Timestamp;
use crate::packet::Endpoint;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

pub use refused::Refused;

/// How a request of another flow went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Outcome {
    /// The server answered it with data of its own.
    Answered,
    /// Nothing came back for long enough to tell.
    Silent,
    /// The connection was reset before an answer.
    Reset,
    /// Answered by something that is itself under suspicion.
    Suspicious,
}

/// How a connection went on after the server's first answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub enum Afterwards {
    /// Nothing shows it.
    #[default]
    Untold,
    /// The server acknowledged what the client said then, or closed.
    Heard,
    /// What the client said then, it said again and again in vain.
    Cut,
}

/// Where a flow is found again: what its identifier is made of, and its first frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FlowRef {
    pub first: u64,
    /// First frame of the conversation, as Wireshark counts them.
    pub stream_first: Option<u64>,
    pub client: Endpoint,
}

impl Default for FlowRef {
    fn default() -> FlowRef {
        FlowRef { first: 0, stream_first: None, client: Endpoint { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 } }
    }
}

/// A request seen elsewhere in the capture.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Attempt<'a> {
    pub time: Timestamp,
    /// Frame of the request.
    pub frame: u64,
    pub flow: FlowRef,
    pub server: IpAddr,
    pub port: u16,
    pub name: &'a [u8],
    pub outcome: Outcome,
    /// The request was of the same kind (SNI, Host, query, QUIC).
    pub same_kind: bool,
    /// Carried ESNI or ECH.
    pub ech: bool,
    /// The handshake went through: the server proved to be somebody, not only to be there.
    pub session: bool,
    /// The name was hit by another mechanism in this capture.
    pub hit: bool,
    /// Length of the request in segments of the path's size: 2 for a ClientHello that needs two packets.
    pub segments: u8,
    /// Octets of its largest packet's payload, less than eight too many.
    pub largest: u16,
    pub afterwards: Afterwards,
    /// Ways around a filter that were used ([`super::evasion::Evasion::bits`]).
    pub evasion: u8,
}

impl Attempt<'_> {
    /// Whether it was answered without a way around a filter that is not among these.
    pub fn is_answered_without(&self, evasion: u8) -> bool {
        self.outcome == Outcome::Answered && self.evasion & !evasion == 0
    }
}

/// A bulk transfer seen elsewhere in the capture.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// First and last packet of its flow.
    pub first: Timestamp,
    pub last: Timestamp,
    /// First frame of its flow.
    pub frame: u64,
    pub flow: FlowRef,
    pub server: IpAddr,
    pub port: u16,
    /// In lower case; shared, since hundreds of transfers are handed to every suspect of a stall.
    pub name: Arc<[u8]>,
    pub bytes: u64,
    pub packets: u64,
    /// Octets a second.
    pub rate: f64,
    /// It stopped before its end; then when the last data came through.
    pub frozen: bool,
    pub stopped: Timestamp,
    /// It ran into what may be a ceiling.
    pub slow: bool,
}

/// What is known of an address from all its flows that gave no cause for suspicion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// Shortest answer to anything.
    pub rtt: Option<i64>,
    /// TTLs of its packets, with their number.
    pub ttls: Vec<(u8, u64)>,
    /// Flows that contributed.
    pub flows: u64,
}

impl Baseline {
    /// Distance of a TTL to the nearest one seen often enough to be the address's own.
    pub fn ttl_distance(&self, ttl: u8) -> Option<u8> {
        self.ttls.iter().filter(|(_, n)| *n >= 2).map(|(t, _)| t.abs_diff(ttl)).min()
    }
}

/// How a resolver's answers look that have nothing to do with the one in question: they give other addresses, to names of other
/// domains. What a forger answers himself is left out of what he is measured by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Others {
    /// TTLs, with how many answers came so; no such answer came otherwise.
    pub ttls: Vec<(u8, u64)>,
    /// Don't-fragment bit: not set, set.
    pub df: [u64; 2],
    /// The fastest, ns, and how many answers show that no cache is nearer: those to names asked again while their records were good.
    pub rtt: Option<i64>,
    pub repeated: u64,
    /// Answers that look like the one in question and go with it, itself included, and the slowest of them, ns.
    pub alike: u64,
    pub slowest: i64,
    /// Some of the others came between those.
    pub between: bool,
    /// First frame of the last flow of the others that is known.
    pub until: u64,
    /// Some of those say what the resolver also said with a TTL that the others have: a cache repeats it, or another path brings it.
    pub repeats: bool,
}

impl Others {
    /// Answers in all.
    pub fn count(&self) -> u64 {
        self.ttls.iter().map(|(_, n)| n).sum()
    }

    /// In how many ways as many answers could have been picked from all as look like the one in question. A path that changes now and
    /// then, or a second site of the resolver's, deals its looks without asking for names: one of these ways would have to be chance.
    pub fn ways(&self) -> f64 {
        let all = self.count() + self.alike;
        (1..=self.alike.min(64)).map(|n| (all - self.alike + n) as f64 / n as f64).product()
    }

    /// Whether those alike are many enough among the others, and mixed with them in time, for their looks to come with their names.
    pub fn tell_names(&self, ways: f64) -> bool {
        self.between && !self.repeats && self.alike >= 2 && self.ways() >= ways
    }
}

/// The machine that an answer came from, by its distance, beside the others that answer in the resolver's name.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Machine {
    /// The chance that which names it answers was dealt blindly; 1 where nothing tells.
    pub chance: f64,
    /// Hops to the nearest of the others.
    pub apart: u8,
    /// The longest it took, and the shortest of the others, ns.
    pub slowest: i64,
    pub others_fastest: i64,
    /// Its answers, and others.
    pub answers: u64,
    pub others: u64,
    /// First frames of flows that show that it repeats what the resolver said.
    pub cache: Option<(u64, u64)>,
}

impl Machine {
    /// Whether it answers certain names, always, and no others, and knows something of its own.
    pub fn tells_names(&self, ways: f64) -> bool {
        self.chance * ways <= 1.0 && self.cache.is_none()
    }
}

/// DNS answers of a resolver to other questions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResolverBaseline {
    /// TTLs of its genuine-looking answers.
    pub ttls: Vec<(u8, u64)>,
    /// Fastest answer.
    pub rtt: Option<i64>,
    /// Answers with OPT among those to queries with OPT.
    pub edns_kept: u64,
    pub edns_asked: u64,
    /// Answers by the AA, RA and AD bits of the flags word.
    pub flags: Vec<(u16, u64)>,
    /// Don't-fragment bit of its answers: not set, set.
    pub df: [u64; 2],
    /// Names it answered with data.
    pub answered: u64,
    /// Answers with an address outside the special-use ranges.
    pub global_answers: u64,
    /// Answers in a special-use range, by distinct names.
    pub bogon_names: u64,
    /// TTLs of answers that came twice to one question and agree, the lower first, with how often.
    pub doubled: Vec<((u8, u8), u64)>,
    /// And how those look that have nothing to do with this one.
    pub others: Others,
    /// Who sent the first answer, where it gives an address.
    pub machine: Option<Machine>,
}

impl ResolverBaseline {
    /// Whether it keeps the OPT record of queries; `None` where too little is known.
    pub fn keeps_edns(&self) -> Option<bool> {
        match (self.edns_kept, self.edns_asked) {
            (kept, asked) if kept > 0 && kept * 2 >= asked => Some(true),
            (kept, 2..) if kept * 4 <= self.edns_asked => Some(false),
            _ => None,
        }
    }
}

/// An address that another answer gave for a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OtherAnswer {
    pub address: IpAddr,
    pub resolver: IpAddr,
    pub frame: u64,
    /// First frame of its flow.
    pub flow: u64,
    /// IP TTL that it came with.
    pub ttl: u8,
    /// How long it took, ns.
    pub delay: i64,
}

/// Everything the rules may ask about the rest of the capture. Of a DNS answer none asks what other requests came to: there those are
/// left out, unless what a verdict rests on is to be listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings<'a> {
    /// Address that sent the suspect packets (or should have answered).
    pub sender: Baseline,
    /// The other end.
    pub receiver: Baseline,
    /// Requests for other names on the same server, nearest in time first.
    pub other_names: Vec<Attempt<'a>>,
    /// Requests for the same name anywhere, nearest in time first; the suspect's own is left out.
    pub same_name: Vec<Attempt<'a>>,
    /// Whether any request for the name, near or far, was answered without a way around a filter that the suspect does not use.
    pub name_answered: bool,
    /// Ways around a filter that the suspect's flow uses.
    pub evasion: u8,
    /// Requests for names of the same registered domain that met silence, the name itself among them, nearest in time first. For TLS and
    /// HTTP.
    pub domain: Vec<Attempt<'a>>,
    /// A flow in which one of them was answered in that way.
    pub domain_answered: Option<u64>,
    /// An answered request to the same host on another port, nearest in time.
    pub other_port: Option<Attempt<'a>>,
    /// An answered request of another protocol to the same host, nearest in time.
    pub other_protocol: Option<Attempt<'a>>,
    /// Connections to the same port whose SYNs nobody answered, this one included, and whether any was answered.
    pub port_failures: usize,
    pub port_answered: bool,
    /// For silences: another port of the server, one that does answer, was silent as well since the server was last heard.
    pub gone: bool,
    /// Another server that answers on other ports is silent on this one too.
    pub port_elsewhere: bool,
    /// Seconds since the nearest earlier finding on the same endpoints, and the frame it cites first.
    pub residual: Option<(f64, u64)>,
    /// For certificates: another issuer of the same name, with a frame.
    pub other_issuer: Option<(String, u64)>,
    /// For queries: how the resolver answers others.
    pub resolver: Option<ResolverBaseline>,
    /// And whether its host says that there is none.
    pub refused: Refused,
    /// Addresses other answers gave for the same name.
    pub other_answers: Vec<OtherAnswer>,
    /// How often, and for how many distinct names, the suspect's answer address was given.
    pub same_answer_names: usize,
    /// Answered addresses with which TLS sessions for the asked name succeeded, and a frame of each.
    pub validated: Vec<(IpAddr, u64)>,
    /// A mechanism that hit the same name elsewhere, with its frame.
    pub name_hit: Option<(&'static str, u64)>,
    /// Share of all packets that were captured twice.
    pub duplicates: f64,
    /// Largest reordering seen in the capture, ns.
    pub reordering: i64,
    /// Only one direction of traffic was captured.
    pub one_sided: bool,
    /// Share of TCP's data packets that were acknowledged and are not in the capture.
    pub missing: f64,
    /// Several flows show that the capture misses packets: what there are of them cannot be counted.
    pub lossy: bool,
    /// Share of requests like a suspect's that get lost beyond the capture point, as others show that went through in the end.
    pub lost: f64,
    /// A hypervisor's NAT or local proxy stands between capture and network.
    pub nat: bool,
    /// The capturing host's network card glued segments: numbers of packets are not those of the path.
    pub offloaded: bool,
    /// Time stamps run backwards in places.
    pub out_of_order: bool,
    /// Other flows of the client that were heard from the far side during the suspect's silence: a frame of each of the first few.
    pub heard_meanwhile: Vec<u64>,
    /// Those of them that were heard until the suspect's last packet.
    pub heard_while_asking: usize,
    /// One of them asked for something by name.
    pub heard_named: bool,
    /// When the last packet of the capture came.
    pub capture_end: Timestamp,
    /// Servers, up to four, of which other flows of the client went unanswered during it, and how many of them are other servers.
    pub silent_meanwhile: usize,
    pub silent_servers: usize,
    /// One of those silences ended: its server acknowledged what had been said.
    pub silence_ended: bool,
    /// Queries for the suspect's name to the suspect's resolver that nobody answered, this flow's included.
    pub unanswered_queries: usize,
    /// Another flow between the same hosts to the same name that went well within a second (address-family or socket race).
    pub sibling: Option<u64>,
    /// For pages and DNS answers: a connectivity check that was redirected to the same host, or by the same address, with its frame.
    pub portal: Option<(Vec<u8>, u64)>,
    /// For stalls and throttled transfers: the other bulk transfers, nearest in time first.
    pub transfers: Vec<Seen>,
    /// QUIC or TCP attempts of the capture by kind: tried, answered (same kind as the suspect).
    pub kind_tried: u64,
    pub kind_answered: u64,
}
