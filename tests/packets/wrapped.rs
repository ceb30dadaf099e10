//! An IP packet in every link layer and encapsulation that is looked into.

/// A frame with a known packet inside.
pub struct Wrapped {
    pub name: &'static str,
    /// `LINKTYPE_*`.
    pub link: u16,
    pub bytes: Vec<u8>,
    pub vlan: Option<u16>,
    pub tunnel: Option<&'static str>,
    /// Destination port of the tunnel itself, where it has one.
    pub outer_port: Option<u16>,
}

const MACS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

/// What tells of a subscriber, a firewall's rule and a process.
pub const TEID: [u8; 4] = [0x9a, 0xbc, 0xde, 0xf1];
pub const LOG_PREFIX: &[u8] = b"from ward 9\0\0";
pub const PROCESS: [u8; 96] = [0x65; 96];

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// An IPv4 packet of routers that carries something; its TTL is never the inner one's.
pub fn ipv4_around(protocol: u8, body: &[u8]) -> Vec<u8> {
    let total = (20 + body.len() as u16).to_be_bytes();
    let head = [0x45, 0, total[0], total[1], 0, 1, 0, 0, 250, protocol, 0, 0, 198, 51, 100, 1, 198, 51, 100, 2];
    join(&[&head, body])
}

/// The IPv6 header with another next header and body.
pub fn ipv6_with(header: &[u8], next: u8, body: &[u8]) -> Vec<u8> {
    let mut head = header.to_vec();
    head[4..6].copy_from_slice(&(body.len() as u16).to_be_bytes());
    head[6] = next;
    join(&[&head, body])
}

fn ipv6_around(next: u8, body: &[u8]) -> Vec<u8> {
    let mut head = vec![0x60, 0, 0, 0, 0, 0, 0, 250];
    head.extend([[0x20; 16], [0x21; 16]].concat());
    ipv6_with(&head, next, body)
}

/// Every wrapping of an IP packet.
pub fn wraps(packet: &[u8], v6: bool) -> Vec<Wrapped> {
    let ether: [u8; 2] = if v6 { [0x86, 0xdd] } else { [8, 0] };
    let ppp: [u8; 2] = if v6 { [0, 0x57] } else { [0, 0x21] };
    let plain = |name, link, bytes| Wrapped { name, link, bytes, vlan: None, tunnel: None, outer_port: None };
    let ethernet = join(&[&MACS, &ether, packet]);
    let mut all = vec![
        plain("Ethernet", 1, ethernet.clone()),
        plain("Ethernet, padded", 1, join(&[&ethernet, &[0; 60]])),
        plain("SNAP", 1, join(&[&MACS, &(8 + packet.len() as u16).to_be_bytes(), &[0xaa, 0xaa, 3, 0, 0, 0], &ether, packet])),
        plain("SLL", 113, join(&[&[0, 0, 0, 1, 0, 6], &MACS[..6], &[0, 0], &ether, packet])),
        plain("SLL2", 276, join(&[&ether, &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6], &MACS[..6], &[0, 0], packet])),
        plain("RAW 101", 101, packet.to_vec()),
        plain("RAW 12", 12, packet.to_vec()),
        plain("RAW 14", 14, packet.to_vec()),
        plain(if v6 { "IPv6" } else { "IPv4" }, if v6 { 229 } else { 228 }, packet.to_vec()),
        plain("MPLS", 1, join(&[&MACS, &[0x88, 0x47, 0, 1, 0x01, 64], packet])),
        plain("MPLS, two labels", 1, join(&[&MACS, &[0x88, 0x47, 0, 1, 0x00, 64, 0, 2, 0x01, 64], packet])),
        plain("MPLS multicast", 1, join(&[&MACS, &[0x88, 0x48, 0, 1, 0x01, 64], packet])),
        plain("MPLS pseudo-wire", 1, join(&[&MACS, &[0x88, 0x47, 0, 1, 0x01, 64], &[0; 4], &ethernet])),
        plain("PPP", 9, join(&[&[0xff, 3], &ppp, packet])),
        plain("PPP without address and control", 9, join(&[&ppp, packet])),
        plain("PPP, protocol compressed", 9, join(&[&ppp[1..], packet])),
        plain("PPP in HDLC framing", 50, join(&[&[0xff, 3], &ppp, packet])),
        plain("PPP with direction", 166, join(&[&[1, 0xff, 3], &ppp, packet])),
        plain("PPP over Ethernet, link type", 51, join(&[&[0x11, 0, 0, 1, 0, 9], &ppp, packet])),
        plain("PPPoE", 1, join(&[&MACS, &[0x88, 0x64, 0x11, 0, 0, 1, 0, 9], &ppp, packet])),
        plain("Cisco HDLC", 104, join(&[&[0x0f, 0], &ether, packet])),
        plain("Cisco HDLC where either may stand", 50, join(&[&[0x8f, 0], &ether, packet])),
        plain("NFLOG", 239, logged(u16::to_le_bytes, packet)),
        plain("NFLOG, big-endian", 239, logged(u16::to_be_bytes, packet)),
        plain("PKTAP", 258, tapped(1, &ethernet)),
        plain("PKTAP of a tunnel", 258, tapped(12, packet)),
        plain("PPP with MPLS", 9, join(&[&[0xff, 3, 0x02, 0x81, 0, 1, 0x01, 64], packet])),
    ];
    for (name, family) in [("NULL 10", 10u32), ("NULL 23", 23), ("NULL 24", 24), ("NULL 28", 28), ("NULL 30", 30)] {
        if v6 {
            all.push(plain(name, 0, join(&[&family.to_le_bytes(), packet])));
            all.push(plain("NULL, big-endian", 0, join(&[&family.to_be_bytes(), packet])));
            all.push(plain("LOOP", 108, join(&[&family.to_be_bytes(), packet])));
        }
    }
    if !v6 {
        all.push(plain("NULL 2", 0, join(&[&2u32.to_le_bytes(), packet])));
        all.push(plain("NULL, big-endian", 0, join(&[&2u32.to_be_bytes(), packet])));
        all.push(plain("LOOP", 108, join(&[&2u32.to_be_bytes(), packet])));
    }
    all.extend(tagged(packet, &ether, &ppp));
    all.extend(tunnels(packet, v6, &ether, &ethernet));
    if v6 {
        all.extend(extended(packet));
    }
    all
}

/// What netfilter logs: a header, a prefix of an odd length, the packet.
fn logged(order: fn(u16) -> [u8; 2], packet: &[u8]) -> Vec<u8> {
    let attribute = |kind: u16, value: &[u8]| {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        join(&[&order(4 + value.len() as u16), &order(kind), value, &padding])
    };
    join(&[&[2, 0, 0, 5], &attribute(1, &[8, 0, 1, 0]), &attribute(10, LOG_PREFIX), &attribute(9, packet)])
}

/// What Apple's systems put before a frame: length, kind, link type, then an interface's and a process's names.
fn tapped(link: u32, frame: &[u8]) -> Vec<u8> {
    join(&[&108_u32.to_le_bytes(), &1_u32.to_le_bytes(), &link.to_le_bytes(), &PROCESS, frame])
}

fn tagged(packet: &[u8], ether: &[u8], ppp: &[u8]) -> Vec<Wrapped> {
    let tag = |name, kinds: &[[u8; 2]], inside: &[u8]| {
        let tags: Vec<u8> = kinds.iter().enumerate().flat_map(|(n, kind)| [kind[0], kind[1], 0x20, 7 + n as u8]).collect();
        let bytes = join(&[&MACS, &tags, inside, packet]);
        Wrapped { name, link: 1, bytes, vlan: Some(7), tunnel: None, outer_port: None }
    };
    vec![
        tag("VLAN", &[[0x81, 0]], ether),
        tag("QinQ", &[[0x88, 0xa8], [0x81, 0]], ether),
        tag("QinQ 9100", &[[0x91, 0], [0x81, 0]], ether),
        tag("QinQ 9200", &[[0x92, 0], [0x81, 0]], ether),
        tag("VLAN with PPPoE", &[[0x81, 0]], &join(&[&[0x88, 0x64, 0x11, 0, 0, 1, 0, 9], ppp])),
        tag("VLAN with MPLS", &[[0x81, 0]], &[0x88, 0x47, 0, 1, 0x01, 64]),
    ]
}

fn tunnels(packet: &[u8], v6: bool, ether: &[u8], ethernet: &[u8]) -> Vec<Wrapped> {
    let over = |name, tunnel, outer: Vec<u8>| {
        let kind: [u8; 2] = if outer[0] >> 4 == 6 { [0x86, 0xdd] } else { [8, 0] };
        Wrapped { name, link: 1, bytes: join(&[&MACS, &kind, &outer]), vlan: None, tunnel: Some(tunnel), outer_port: None }
    };
    let gre = |name, flags: u8, fields: &[u8], kind: &[u8], inside: &[u8]| {
        over(name, "gre", ipv4_around(47, &join(&[&[flags, 0], kind, fields, inside])))
    };
    let udp = |name, (port, tunnel): (u16, _), outer: fn(u8, &[u8]) -> Vec<u8>, body: &[&[u8]]| {
        let body = join(body);
        let head = [&[0xc0, 0][..], &port.to_be_bytes(), &(8 + body.len() as u16).to_be_bytes(), &[0, 0]];
        Wrapped { outer_port: Some(port), ..over(name, tunnel, outer(17, &join(&[&join(&head), &body]))) }
    };
    let vxlan = |name, outer| udp(name, (4789, "vxlan"), outer, &[&[8, 0, 0, 0, 0, 0, 42, 0], ethernet]);
    let geneve = |name, words: u8, kind: &[u8], inside: &[u8]| {
        let options = vec![0; usize::from(words) * 4];
        udp(name, (6081, "geneve"), ipv4_around, &[&[words, 0], kind, &[0, 0, 42, 0], &options, inside])
    };
    let gtp = |name, flags: u8, more: &[u8]| {
        let length = (more.len() as u16 + packet.len() as u16).to_be_bytes();
        udp(name, (2152, "gtp-u"), ipv4_around, &[&[flags, 0xff], &length, &TEID, more, packet])
    };
    let number: u8 = if v6 { 41 } else { 4 };
    let nested = if v6 { ("6in4", "6in4") } else { ("IP in IP", "ipip") };
    vec![
        over(nested.0, nested.1, ipv4_around(number, packet)),
        over("IP in IPv6", nested.1, ipv6_around(number, packet)),
        gre("GRE", 0, &[], ether, packet),
        gre("GRE with a checksum", 0x80, &[0; 4], ether, packet),
        gre("GRE with a key", 0x20, &[0, 0, 0, 9], ether, packet),
        gre("GRE with a sequence number", 0x10, &[0, 0, 0, 1], ether, packet),
        gre("GRE with all", 0xb0, &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], ether, packet),
        gre("GRE with Ethernet", 0, &[], &[0x65, 0x58], ethernet),
        gre("GRE with MPLS", 0, &[], &[0x88, 0x47], &join(&[&[0, 1, 0x01, 64], packet])),
        gre("ERSPAN without header", 0, &[], &[0x88, 0xbe], ethernet),
        gre("ERSPAN", 0x10, &[0, 0, 0, 1], &[0x88, 0xbe], &join(&[&[0x10; 8], ethernet])),
        over(
            "PPTP",
            "gre",
            ipv4_around(
                47,
                &join(&[&[0x30, 0x81, 0x88, 0x0b, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 3, 0, if v6 { 0x57 } else { 0x21 }], packet]),
            ),
        ),
        vxlan("VXLAN", ipv4_around),
        vxlan("VXLAN over IPv6", ipv6_around),
        geneve("Geneve", 0, &[0x65, 0x58], ethernet),
        geneve("Geneve with IP and options", 2, ether, packet),
        gtp("GTP-U", 0x30, &[]),
        gtp("GTP-U with a sequence number", 0x32, &[0, 1, 0, 0]),
        gtp("GTP-U with a PDU session", 0x34, &[0, 0, 0, 0x85, 1, 0, 9, 0]),
        over("IP in IP in GRE", nested.1, ipv4_around(47, &join(&[&[0, 0, 8, 0], &ipv4_around(number, packet)]))),
    ]
}

/// Chains of IPv6 extension headers before the transport.
fn extended(packet: &[u8]) -> Vec<Wrapped> {
    let (head, body, transport) = (&packet[..40], &packet[40..], packet[6]);
    let chain = |name, first: u8, headers: &[u8]| Wrapped {
        name,
        link: 101,
        bytes: ipv6_with(head, first, &join(&[headers, body])),
        vlan: None,
        tunnel: None,
        outer_port: None,
    };
    let options = |next: u8| [next, 0, 1, 4, 0, 0, 0, 0];
    vec![
        chain("hop-by-hop", 0, &options(transport)),
        chain("routing", 43, &[transport, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        chain("destination options", 60, &options(transport)),
        chain("authentication header", 51, &[transport, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        chain("atomic fragment", 44, &[transport, 0, 0, 0, 0, 0, 0, 9]),
        chain("three in a row", 0, &join(&[&options(60), &options(44), &[transport, 0, 0, 0, 0, 0, 0, 9]])),
    ]
}
