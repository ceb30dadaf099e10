//! The one mapping of a capture: whose address becomes which.

use super::crypto_pan::CryptoPan;
use crate::attribute::special;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Addresses of clients with what stands for them.
pub struct Names {
    pan: Arc<CryptoPan>,
    table: BTreeMap<IpAddr, IpAddr>,
    /// The capture has more clients than are remembered: everybody counts as one.
    everybody: bool,
}

impl Names {
    pub fn new(pan: Arc<CryptoPan>, clients: &BTreeSet<IpAddr>, everybody: bool) -> Names {
        let table = clients.iter().map(|a| (*a, stand_in(&pan, *a))).collect();
        Names { everybody, table, pan }
    }

    /// What is written for an address: something else for a client's, itself for all others.
    pub fn of(&self, address: IpAddr) -> IpAddr {
        match self.table.get(&address) {
            Some(other) => *other,
            None if self.everybody => stand_in(&self.pan, address),
            None => address,
        }
    }

    /// The same for an end of a tunnel, which is hidden whoever it belongs to.
    pub fn outer(&self, address: IpAddr) -> IpAddr {
        self.table.get(&address).copied().unwrap_or_else(|| stand_in(&self.pan, address))
    }

    /// What stands for the address of somebody who is known to be a client: octets that only look like an address are not asked about.
    pub fn of_known(&self, address: IpAddr) -> Option<IpAddr> {
        self.table.get(&address).copied().filter(|other| *other != address)
    }

    /// Whether an address must not be seen.
    pub fn hides(&self, address: IpAddr) -> bool {
        self.of(address) != address
    }
}

/// Where an address goes. Rules ask whether an address is one of the Internet, and what block of special use it lies in; so an address
/// stays in its block, and one of the Internet goes to another one of the Internet.
///
/// Within a block, and among all others, the map is one to one. Prefixes are preserved in a block; among the others too, but for those
/// that Crypto-PAn would send into a block and that are therefore mapped again.
fn stand_in(pan: &CryptoPan, address: IpAddr) -> IpAddr {
    if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
        && let IpAddr::V4(other) = stand_in(pan, IpAddr::V4(v4))
    {
        return IpAddr::V6(other.to_ipv6_mapped());
    }
    if let Some((block, name)) = special::block_of(address) {
        // Loopback, multicast and reserved addresses say nothing of anybody.
        let nobodys = matches!(name, "unspecified" | "loopback" | "multicast" | "reserved");
        return if nobodys { address } else { keep_prefix(address, pan.map(address), block.prefix_len()) };
    }
    // Global unicast addresses of IPv6 all begin with the same three bits.
    let kept = if address.is_ipv6() { 3 } else { 0 };
    let mut other = keep_prefix(address, pan.map(address), kept);
    // A map that is one to one comes back to where it started, which is outside of all blocks.
    while special::block_of(other).is_some() {
        other = keep_prefix(other, pan.map(other), kept);
    }
    other
}

fn keep_prefix(from: IpAddr, to: IpAddr, bits: u8) -> IpAddr {
    match (from, to) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let rest = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from((u32::from(a) & !rest) | (u32::from(b) & rest)))
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let rest = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from((u128::from(a) & !rest) | (u128::from(b) & rest)))
        }
        _ => to,
    }
}

#[cfg(test)]
pub(super) fn for_tests(clients: &[&str]) -> Names {
    Names::new(Arc::new(CryptoPan::new(&[7; 32])), &clients.iter().map(|a| a.parse().unwrap()).collect(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_kind() {
        let pan = CryptoPan::new(&[9; 32]);
        for block in ["10.1.2.3", "192.168.1.20", "100.64.9.9", "169.254.7.7", "fe80::1234", "fd00::1:2", "2001::5", "203.0.113.9"] {
            let from: IpAddr = block.parse().unwrap();
            let to = stand_in(&pan, from);
            assert_ne!(from, to);
            assert_eq!(special::describe(from), special::describe(to), "{from} {to}");
        }
        for n in 0..2000u32 {
            let from = IpAddr::V4(Ipv4Addr::from(0x0500_0001 + n * 1_234_567));
            assert_eq!(special::is_global(from), special::is_global(stand_in(&pan, from)), "{from}");
        }
        for same in ["127.0.0.1", "::1", "224.0.0.251", "ff02::fb", "255.255.255.255", "0.0.0.0"] {
            assert_eq!(stand_in(&pan, same.parse().unwrap()), same.parse::<IpAddr>().unwrap());
        }
        let to = stand_in(&pan, "2a00:1450::1".parse().unwrap()).to_string();
        assert!(to.starts_with(['2', '3']), "{to}");
        assert!(stand_in(&pan, "::ffff:192.168.1.1".parse().unwrap()).to_string().starts_with("::ffff:192.168."));
    }

    #[test]
    fn no_two_become_one() {
        let pan = CryptoPan::new(&[3; 32]);
        // Every address of a small block, and addresses around the large blocks.
        let block = (0..=255u32).map(|n| Ipv4Addr::from(0xc000_0200 + n));
        let others = (0..20_000u32).map(|n| Ipv4Addr::from(n.wrapping_mul(214_013)));
        let all: BTreeSet<IpAddr> = block.chain(others).map(IpAddr::V4).collect();
        let mapped: BTreeSet<IpAddr> = all.iter().map(|a| stand_in(&pan, *a)).collect();
        assert_eq!(all.len(), mapped.len());
    }

    #[test]
    fn only_clients_are_hidden() {
        let names = for_tests(&["192.168.1.20"]);
        let server: IpAddr = "45.60.70.80".parse().unwrap();
        assert!(names.hides("192.168.1.20".parse().unwrap()) && !names.hides(server));
        assert_eq!(names.of(server), server);
        assert_ne!(names.outer(server), server);
    }
}
