//! Link layers to put IP packets in.

use std::net::IpAddr;

/// What the capture's interface speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Link {
    #[default]
    Ethernet,
    /// Bare IP packets.
    Raw,
    /// Linux cooked capture, as of `-i any`.
    Cooked,
    /// The same with the interface's index.
    Cooked2,
    /// BSD loopback, in the byte order of a little-endian host.
    Null,
}

/// What the link layer is told about a packet.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub vlan: Option<u16>,
    /// Came in over the wire: Ethernet has padded it to 60 octets.
    pub received: bool,
}

impl Link {
    /// `LINKTYPE_*`.
    pub fn number(self) -> u16 {
        match self {
            Link::Ethernet => 1,
            Link::Raw => 101,
            Link::Cooked => 113,
            Link::Cooked2 => 276,
            Link::Null => 0,
        }
    }

    /// The frame of an IP packet.
    pub fn wrap(self, packet: &[u8], hop: Hop) -> Vec<u8> {
        let v6 = packet[0] >> 4 == 6;
        let ether_type: u16 = if v6 { 0x86dd } else { 0x0800 };
        let mut frame = Vec::with_capacity(packet.len() + 24);
        // Cooked captures say where a packet was going: 0 to us, 4 from us.
        let packet_type: u8 = if hop.received { 0 } else { 4 };
        match self {
            Link::Ethernet => {
                frame.extend(mac(hop.dst));
                frame.extend(mac(hop.src));
                if let Some(vlan) = hop.vlan {
                    frame.extend([0x81, 0x00]);
                    frame.extend(vlan.to_be_bytes());
                }
                frame.extend(ether_type.to_be_bytes());
            }
            Link::Raw => {}
            Link::Cooked => {
                frame.extend([0, packet_type, 0, 1, 0, 6]);
                frame.extend(mac(hop.src));
                frame.extend([0, 0]);
                frame.extend(ether_type.to_be_bytes());
            }
            Link::Cooked2 => {
                frame.extend(ether_type.to_be_bytes());
                frame.extend([0, 0, 0, 0, 0, 2, 0, 1, packet_type, 6]);
                frame.extend(mac(hop.src));
                frame.extend([0, 0]);
            }
            Link::Null => frame.extend(if v6 { 30u32 } else { 2 }.to_le_bytes()),
        }
        frame.extend_from_slice(packet);
        if self == Link::Ethernet && hop.received {
            frame.resize(frame.len().max(60), 0);
        }
        frame
    }
}

/// A locally administered address: private hosts have their own, everything else comes from the router.
fn mac(ip: IpAddr) -> [u8; 6] {
    match ip {
        IpAddr::V4(a) if a.is_private() => {
            let [a, b, c, d] = a.octets();
            [2, 0, a, b, c, d]
        }
        IpAddr::V6(a) if a.is_unique_local() => {
            let [.., c, d, e, f] = a.octets();
            [2, 6, c, d, e, f]
        }
        _ => [2, 0xff, 0, 0, 0, 1],
    }
}
