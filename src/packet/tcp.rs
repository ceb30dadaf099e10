//! TCP header and options (RFC 9293, RFC 7323).

use super::Skip;

pub const FIN: u16 = 0x001;
pub const SYN: u16 = 0x002;
pub const RST: u16 = 0x004;
pub const PSH: u16 = 0x008;
pub const ACK: u16 = 0x010;
pub const URG: u16 = 0x020;
/// The three reserved bits and AE (the former NS).
pub const RESERVED: u16 = 0xf00;

/// What a TCP header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TcpFacts {
    pub seq: u32,
    pub ack: u32,
    /// The twelve bits after the data offset.
    pub flags: u16,
    pub window: u16,
    pub header_len: u8,
    /// TSval and TSecr.
    pub timestamps: Option<(u32, u32)>,
    pub mss: Option<u16>,
    pub window_scale: Option<u8>,
    pub sack_permitted: bool,
    /// TCP MD5 signature option (RFC 2385): real between BGP routers, elsewhere an evasion tool's mark.
    pub md5: bool,
}

/// Reads a TCP header; one cut inside its options keeps its fixed part.
///
/// Inlined, so that what is read stays in registers: handed over in memory, its small fields would be read back in larger pieces than
/// they were written in, and the processor would wait for its store buffer at every packet.
#[inline(always)]
pub fn header(bytes: &[u8]) -> Result<(TcpFacts, u16, u16), Skip> {
    let fixed: &[u8; 20] = bytes.first_chunk().ok_or(Skip::Cut)?;
    let header_len = (fixed[12] >> 4) * 4;
    if header_len < 20 {
        return Err(Skip::Malformed("TCP data offset"));
    }
    let captured = bytes.get(..usize::from(header_len)).unwrap_or(bytes);
    let facts = TcpFacts {
        seq: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ack: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        flags: u16::from_be_bytes([fixed[12] & 0x0f, fixed[13]]),
        window: u16::from_be_bytes([fixed[14], fixed[15]]),
        header_len,
        ..options(captured.get(20..).unwrap_or_default())
    };
    Ok((facts, u16::from_be_bytes([fixed[0], fixed[1]]), u16::from_be_bytes([fixed[2], fixed[3]])))
}

/// What options say; those of most packets are none, or timestamps alone.
#[inline(always)]
fn options(rest: &[u8]) -> TcpFacts {
    match rest {
        [] => TcpFacts::default(),
        &[1, 1, 8, 10, a, b, c, d, e, f, g, h] => {
            let timestamps = Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])));
            TcpFacts { timestamps, ..TcpFacts::default() }
        }
        _ => walk_options(rest),
    }
}

/// A walk of its own: etherparse's iterator stops at the first unknown option, and evasion tools send unknown ones.
#[inline(never)]
fn walk_options(mut rest: &[u8]) -> TcpFacts {
    let mut facts = TcpFacts::default();
    while let Some((&kind, tail)) = rest.split_first() {
        match kind {
            0 => break,
            1 => {
                rest = tail;
                continue;
            }
            _ => {}
        }
        let Some(&length) = tail.first() else { break };
        let Some(option) = rest.get(..usize::from(length)) else { break };
        match (kind, option) {
            (2, &[_, _, a, b]) => facts.mss = Some(u16::from_be_bytes([a, b])),
            (3, &[_, _, shift]) => facts.window_scale = Some(shift),
            (4, _) => facts.sack_permitted = true,
            (8, &[_, _, a, b, c, d, e, f, g, h]) => {
                facts.timestamps = Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])));
            }
            (19, _) => facts.md5 = true,
            _ => {}
        }
        if length < 2 {
            break;
        }
        rest = rest.get(usize::from(length)..).unwrap_or_default();
    }
    facts
}
