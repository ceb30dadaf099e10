//! Special-use addresses, and names that are not of the public DNS (`special.toml`).

use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{LazyLock, OnceLock};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Table {
    #[allow(dead_code)]
    schema: u32,
    block: Vec<Block>,
    private_zones: Vec<String>,
    private_by_design: Vec<String>,
    ech_public_names: Vec<String>,
    connectivity_checks: Vec<String>,
    unfiltered_resolvers: Vec<IpAddr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    prefix: IpNet,
    name: String,
    #[allow(dead_code)]
    source: String,
}

/// Blocks with their first and last addresses, in order.
struct Ranges<N>(Vec<(N, N, &'static Block)>);

impl<N: Ord + Copy> Ranges<N> {
    fn new(ends: impl Fn(&'static Block) -> Option<(N, N)>) -> Ranges<N> {
        let mut ranges: Vec<_> = table().block.iter().filter_map(|b| ends(b).map(|(first, last)| (first, last, b))).collect();
        ranges.sort_unstable_by_key(|(first, ..)| *first);
        Ranges(ranges)
    }

    /// Blocks do not overlap: only the last that begins before an address may hold it.
    fn holding(&self, address: N) -> Option<&'static Block> {
        let after = self.0.partition_point(|(first, ..)| *first <= address);
        let (_, last, block) = self.0.get(after.checked_sub(1)?)?;
        (address <= *last).then_some(block)
    }
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    // The file is part of the program and a test parses it.
    TABLE.get_or_init(|| toml::from_str(include_str!("special.toml")).unwrap_or_default())
}

/// Every answer of the DNS is asked: numbers are compared in fewer steps than prefixes.
fn block(address: IpAddr) -> Option<&'static Block> {
    static V4: LazyLock<Ranges<u32>> = LazyLock::new(|| {
        Ranges::new(|b| if let IpNet::V4(p) = b.prefix { Some((p.network().to_bits(), p.broadcast().to_bits())) } else { None })
    });
    static V6: LazyLock<Ranges<u128>> = LazyLock::new(|| {
        Ranges::new(|b| if let IpNet::V6(p) = b.prefix { Some((p.network().to_bits(), p.broadcast().to_bits())) } else { None })
    });
    match address {
        IpAddr::V4(a) => V4.holding(a.to_bits()),
        IpAddr::V6(a) => V6.holding(a.to_bits()),
    }
}

/// Whether an address can be somebody's on the Internet.
pub fn is_global(address: IpAddr) -> bool {
    let mapped = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        v4 => v4,
    };
    block(mapped).is_none()
}

/// The block a special-use address lies in, and its name.
pub fn block_of(address: IpAddr) -> Option<(IpNet, &'static str)> {
    block(address).map(|b| (b.prefix, b.name.as_str()))
}

/// Name of the block a special-use address lies in.
pub fn describe(address: IpAddr) -> &'static str {
    block(address).map_or("global", |b| b.name.as_str())
}

/// Whether a name (any case, with or without the final dot) belongs to the public DNS and is not private by design.
pub fn is_public_name(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    let within = |zone: &String| name == zone || name.strip_suffix(zone.as_str()).is_some_and(|head| head.ends_with('.'));
    let private = table().private_zones.iter().chain(&table().private_by_design).any(within);
    name.contains('.') && !private && !holds_address(name)
}

/// Whether a name begins with an address, in either order: a lookup in a list of addresses (RFC 5782 section 2), answered from
/// 127.0.0.0/8, or a name that stands for that address.
fn holds_address(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let octets = labels.len() > 5 && labels.iter().take(4).all(|l| l.parse::<u8>().is_ok());
    let nibbles = labels.len() > 33 && labels.iter().take(32).all(|l| l.len() == 1 && l.as_bytes().iter().all(u8::is_ascii_hexdigit));
    octets || nibbles
}

/// Whether a name is what a system asks for to find a sign-in page in its way.
pub fn is_connectivity_check(name: &[u8]) -> bool {
    table().connectivity_checks.iter().any(|check| name.eq_ignore_ascii_case(check.as_bytes()))
}

/// Whether a resolver is known to filter nothing by choice.
pub fn is_unfiltered(resolver: IpAddr) -> bool {
    table().unfiltered_resolvers.contains(&resolver)
}

/// Whether a name exists only as the outer name of Encrypted ClientHello: a hello that carries it hides another.
pub fn is_ech_public_name(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    table().ech_public_names.contains(&name)
}

/// The part of an address that a site's neighbours share: 24 bits, or 48 of IPv6, as networks are announced.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & !0xff).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 80 << 80).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_names() {
        let table: Table = toml::from_str(include_str!("special.toml")).unwrap();
        assert!(table.block.len() > 20);
        let prefixes: Vec<IpNet> = table.block.iter().map(|b| b.prefix).collect();
        assert!(prefixes.iter().all(|p| prefixes.iter().filter(|o| o.contains(p)).count() == 1));
        for (address, global) in [
            ("8.8.8.8", true),
            ("10.10.34.35", false),
            ("::ffff:127.0.0.1", false),
            ("2001:4860::1", true),
            ("2001::1", false),
            ("d0::11", false),
        ] {
            assert_eq!(is_global(address.parse().unwrap()), global, "{address}");
        }
        for (name, public) in [
            ("example.com", true),
            ("Printer.LOCAL.", false),
            ("nas", false),
            ("foo.plex.direct", false),
            ("1.0.0.127.in-addr.arpa", false),
        ] {
            assert_eq!(is_public_name(name.as_bytes()), public, "{name}");
        }
    }
}
