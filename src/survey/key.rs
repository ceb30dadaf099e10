//! The keys that attempts over time are counted by, and the number that says which of them are kept.

use super::facts::Kind;
use crate::detect::finding::Mechanism;
use std::net::IpAddr;

/// Octets that a key is reckoned to take beside its name and its spans.
pub(super) const KEY: usize = 160;

/// What attempts are counted by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// A name asked for in one way: that DNS answers for it says nothing about TLS to it.
    Name(Kind, Box<[u8]>),
    /// Address, port and IP protocol.
    Server(IpAddr, u16, u8),
    Client(IpAddr),
    /// Only what it interfered with; [`super::timeline::Timeline::of_mechanism`] adds the rest.
    Mechanism(Mechanism),
    /// All attempts of a kind.
    Kind(Kind),
}

impl Key {
    /// FNV-1a with a final mixing (Vigna's splitmix64). Fixed: what is kept must not differ from run to run.
    pub(super) fn hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |bytes: &[u8]| {
            for b in bytes {
                hash = (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        let address = |ip: &IpAddr| match ip {
            IpAddr::V4(a) => a.to_ipv6_mapped().octets(),
            IpAddr::V6(a) => a.octets(),
        };
        match self {
            Key::Name(kind, name) => {
                eat(&[*kind as u8]);
                eat(name);
            }
            Key::Server(ip, port, protocol) => {
                eat(&address(ip));
                eat(&port.to_be_bytes());
                eat(&[*protocol]);
            }
            Key::Client(ip) => eat(&address(ip)),
            // A handful: always kept.
            Key::Mechanism(_) | Key::Kind(_) => return 0,
        }
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Never as low as those that are always kept.
        (hash ^ (hash >> 31)).max(1)
    }

    /// Takes part in the budget: of mechanisms and kinds there are fifteen.
    pub(super) fn is_counted(&self) -> bool {
        !matches!(self, Key::Mechanism(_) | Key::Kind(_))
    }

    pub(super) fn heap(&self) -> usize {
        if let Key::Name(_, name) = self { name.len() } else { 0 }
    }
}

pub(super) fn could_hit(mechanism: Mechanism) -> &'static [Kind] {
    match mechanism {
        Mechanism::DnsAnswer => &[Kind::Dns],
        Mechanism::TlsIntercept => &[Kind::Tls],
        Mechanism::Drop | Mechanism::IcmpError => &[Kind::Tls, Kind::Http, Kind::Quic, Kind::Dns, Kind::Other, Kind::Greeted],
        Mechanism::TcpReset | Mechanism::TcpFin | Mechanism::TcpData | Mechanism::TcpHandshake | Mechanism::Stall | Mechanism::Throttle => {
            &[Kind::Tls, Kind::Http, Kind::Other]
        }
    }
}
