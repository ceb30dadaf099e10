//! One frame to one [`Packet`]: the facts of layers 2 to 4 that judging needs, and nothing of flows.
//!
//! A malformed or foreign frame is an observation ([`Skip`]), counted by its name, never an error.

pub mod checksum;
pub mod fragment;
pub mod icmp;
pub mod ip;
pub mod link;
pub mod tags;
pub mod tcp;
pub mod udp_tunnel;
pub mod usual;

use crate::capture::Frame;
use std::net::IpAddr;

/// An address and a port; ports are 0 where the protocol has none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Endpoint {
    pub ip: IpAddr,
    pub port: u16,
}

/// What the IP header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IpFacts {
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Identification; IPv6 has none outside of fragments.
    pub id: Option<u16>,
    pub dont_fragment: bool,
    /// Type of service / traffic class octet (DSCP and ECN).
    pub tos: u8,
    /// Length of the whole IP packet as its header says.
    pub total_len: u32,
}

/// The transport header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    Tcp(tcp::TcpFacts),
    Udp,
    /// An ICMP or ICMPv6 error about a packet of some flow.
    IcmpError(icmp::IcmpError),
}

/// One dissected packet, borrowing its payload from the frame.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    pub src: Endpoint,
    pub dst: Endpoint,
    pub ip: IpFacts,
    pub transport: Transport,
    /// Captured part of the transport payload.
    pub payload: &'a [u8],
    /// Its length on the wire.
    pub payload_len: u32,
    /// Outermost VLAN identifier.
    pub vlan: Option<u16>,
    /// Name of the innermost tunnel the packet was found in.
    pub tunnel: Option<Tunnel>,
    /// Where the (innermost) IP header starts in the frame.
    pub ip_at: usize,
}

/// Encapsulations that are looked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tunnel {
    IpInIp,
    SixInFour,
    Gre,
    Vxlan,
    Geneve,
    GtpU,
}

impl Tunnel {
    /// Name as printed.
    pub fn name(self) -> &'static str {
        match self {
            Tunnel::IpInIp => "ipip",
            Tunnel::SixInFour => "6in4",
            Tunnel::Gre => "gre",
            Tunnel::Vxlan => "vxlan",
            Tunnel::Geneve => "geneve",
            Tunnel::GtpU => "gtp-u",
        }
    }
}

/// Why a frame yields no packet. Counted by name in the output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Skip {
    LinkType(u16),
    EtherType(u16),
    IpProtocol(u8),
    IcmpType(u8),
    Icmp6Type(u8),
    /// Cut by the snap length before the ports.
    Cut,
    /// Lengths or versions that contradict each other; the text says where.
    Malformed(&'static str),
    /// Tunnels inside tunnels beyond the bound.
    TooDeep,
    /// A fragment, kept for reassembly.
    Fragment,
}

/// Encapsulations inside one another that are followed; real ones nest twice, a crafted frame could nest hundreds.
pub const MAX_ENCAPSULATIONS: u8 = 4;

/// Dissects a frame. Fragments come back as [`Skip::Fragment`]; the caller hands them to [`fragment::Reassembler`].
pub fn dissect<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, Skip> {
    let start = link::network(frame.link, frame.bytes)?;
    ip::dissect(frame.bytes, start.at, start.vlan)
}
