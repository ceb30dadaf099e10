//! ICMP and ICMPv6 errors, mapped to the flow of the packet they quote (RFC 792, RFC 4443).

use super::{Endpoint, Skip, ip::Ip, ip::header};

/// An error message about somebody's packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IcmpError {
    pub version: u8,
    pub kind: u8,
    pub code: u8,
    /// Next-hop MTU of "fragmentation needed" and "packet too big".
    pub mtu: Option<u16>,
    /// Source and destination of the quoted packet.
    pub quoted_src: Endpoint,
    pub quoted_dst: Endpoint,
    /// 6 or 17.
    pub quoted_protocol: u8,
    /// Sequence number of the quoted TCP segment.
    pub quoted_seq: u32,
    /// First two octets of a quoted UDP payload: the transaction id, if it is DNS.
    pub quoted_word: Option<u16>,
    /// TTL the quoted packet had left, and its identification.
    pub quoted_ttl: u8,
}

/// Reads an error and the headers it quotes. Echo and the other queries are skipped by their type.
pub fn error(ip: &Ip<'_>) -> Result<IcmpError, Skip> {
    let Some(&[kind, code, _, _, _, _, mtu_high, mtu_low]) = ip.body.first_chunk::<8>() else { return Err(Skip::Cut) };
    let version = if ip.protocol == 1 { 4 } else { 6 };
    let is_error = match version {
        4 => matches!(kind, 3 | 4 | 5 | 11 | 12),
        _ => matches!(kind, 1..=4),
    };
    if !is_error {
        return Err(if version == 4 { Skip::IcmpType(kind) } else { Skip::Icmp6Type(kind) });
    }
    let quoted = header(ip.body, 8)?;
    if quoted.fragment.is_some_and(|f| f.offset != 0) {
        return Err(Skip::Fragment);
    }
    if !matches!(quoted.protocol, 6 | 17) {
        return Err(Skip::IpProtocol(quoted.protocol));
    }
    // Eight octets of the transport are all that RFC 792 promises.
    let Some(&[a, b, c, d, e, f, g, h]) = quoted.body.first_chunk::<8>() else { return Err(Skip::Cut) };
    let too_big = (version == 4 && kind == 3 && code == 4) || (version == 6 && kind == 2);
    Ok(IcmpError {
        version,
        kind,
        code,
        mtu: too_big.then(|| u16::from_be_bytes([mtu_high, mtu_low])),
        quoted_src: Endpoint { ip: quoted.src, port: u16::from_be_bytes([a, b]) },
        quoted_dst: Endpoint { ip: quoted.dst, port: u16::from_be_bytes([c, d]) },
        quoted_protocol: quoted.protocol,
        quoted_seq: u32::from_be_bytes([e, f, g, h]),
        quoted_word: match quoted.body.get(8..10) {
            Some(&[a, b]) if quoted.protocol == 17 => Some(u16::from_be_bytes([a, b])),
            _ => None,
        },
        quoted_ttl: quoted.facts.ttl,
    })
}

impl IcmpError {
    /// Transaction of the quoted query, where its port says that it is DNS: too little is quoted to tell by content.
    pub fn transaction(&self) -> Option<u16> {
        self.quoted_word.filter(|_| self.quoted_src.port == 53 || self.quoted_dst.port == 53)
    }

    /// Name of the message as Wireshark prints it.
    pub fn name(version: u8, kind: u8, code: u8) -> &'static str {
        match (version, kind, code) {
            (4, 3, 0) => "network unreachable",
            (4, 3, 1) | (6, 1, 3) => "host unreachable",
            (4, 3, 2) => "protocol unreachable",
            (4, 3, 3) | (6, 1, 4) => "port unreachable",
            (4, 3, 4) | (6, 2, _) => "packet too big",
            (4, 3, 9) => "network administratively prohibited",
            (4, 3, 10) => "host administratively prohibited",
            (4, 3, 13) | (6, 1, 1) => "communication administratively filtered",
            (6, 1, 0) => "no route to destination",
            (6, 1, 5) => "source address failed ingress policy",
            (6, 1, 6) => "reject route to destination",
            (4, 11, _) | (6, 3, _) => "time exceeded",
            (4, 5, _) => "redirect",
            (4, 4, _) => "source quench",
            (4, 12, _) | (6, 4, _) => "parameter problem",
            _ => "unreachable",
        }
    }
}
