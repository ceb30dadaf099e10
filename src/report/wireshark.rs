//! Display filters to paste into Wireshark, and its names for link types.

use crate::capture::LinkType;
use crate::survey::Ends;

/// Wireshark's name of the transport.
pub fn protocol(number: u8) -> String {
    match number {
        6 => "tcp".into(),
        17 => "udp".into(),
        n => n.to_string(),
    }
}

/// A filter that shows this flow: by stream number where that is known, else by its endpoints.
pub fn filter(ends: &Ends, stream: Option<u64>) -> String {
    let proto = protocol(ends.protocol);
    if let (Some(n), 6 | 17) = (stream, ends.protocol) {
        return format!("{proto}.stream eq {n}");
    }
    let ip = if ends.client.ip.is_ipv6() { "ipv6" } else { "ip" };
    let mut filter = format!("{ip}.addr == {} && {ip}.addr == {}", ends.client.ip, ends.server.ip);
    if matches!(ends.protocol, 6 | 17) {
        filter.push_str(&format!(" && {proto}.port == {} && {proto}.port == {}", ends.client.port, ends.server.port));
    }
    filter
}

/// Name of a link type, as in <https://www.tcpdump.org/linktypes.html> without `LINKTYPE_`.
pub fn link_type(link: LinkType) -> String {
    match link.0 {
        0 => "NULL".into(),
        1 => "ETHERNET".into(),
        9 => "PPP".into(),
        12 | 14 | 101 => "RAW".into(),
        50 => "PPP_HDLC".into(),
        51 => "PPP_ETHER".into(),
        104 => "C_HDLC".into(),
        105 => "IEEE802_11".into(),
        107 => "FRELAY".into(),
        108 => "LOOP".into(),
        113 => "LINUX_SLL".into(),
        119 => "IEEE802_11_PRISM".into(),
        127 => "IEEE802_11_RADIOTAP".into(),
        192 => "PPI".into(),
        228 => "IPV4".into(),
        229 => "IPV6".into(),
        239 => "NFLOG".into(),
        258 => "PKTAP".into(),
        276 => "LINUX_SLL2".into(),
        n => format!("LINKTYPE_{n}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Endpoint;

    fn ends(client: &str, server: &str, protocol: u8) -> Ends {
        let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
        Ends {
            client: end(client, 40000),
            server: end(server, 443),
            protocol,
            stream_first: None,
            first_frame: 1,
            last: crate::capture::Timestamp(0),
            vlan: None,
            tags: Default::default(),
            tunnel: false,
        }
    }

    #[test]
    fn filters() {
        assert_eq!(filter(&ends("10.0.0.1", "10.0.0.2", 6), Some(3)), "tcp.stream eq 3");
        assert_eq!(filter(&ends("10.0.0.1", "10.0.0.2", 17), Some(0)), "udp.stream eq 0");
        assert_eq!(filter(&ends("::1", "::2", 17), None), "ipv6.addr == ::1 && ipv6.addr == ::2 && udp.port == 40000 && udp.port == 443");
    }
}
