//! TCP header and options (RFC 9293, RFC 7323).

use super::Skip;
use etherparse::TcpHeaderSlice;

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
    let (src, dst, options) = match TcpHeaderSlice::from_slice(bytes) {
        Ok(h) => (h.source_port(), h.destination_port(), h.slice().get(20..).unwrap_or_default()),
        Err(_) => {
            let [a, b, c, d, ..] = *fixed;
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), bytes.get(20..).unwrap_or_default())
        }
    };
    let facts = TcpFacts {
        seq: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ack: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        flags: u16::from_be_bytes([fixed[12] & 0x0f, fixed[13]]),
        window: u16::from_be_bytes([fixed[14], fixed[15]]),
        header_len,
        ..TcpFacts::default()
    };
    // The options of most packets: none, or timestamps alone.
    let facts = match options {
        [] => facts,
        &[1, 1, 8, 10, a, b, c, d, e, f, g, h] => {
            TcpFacts { timestamps: Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))), ..facts }
        }
        _ => with_options(facts, options),
    };
    Ok((facts, src, dst))
}

#[inline(never)]
fn with_options(mut facts: TcpFacts, options: &[u8]) -> TcpFacts {
    walk_options(options, &mut facts);
    facts
}

/// A walk of its own: etherparse's iterator stops at the first unknown option, and evasion tools send unknown ones.
fn walk_options(mut rest: &[u8], facts: &mut TcpFacts) {
    while let Some((&kind, tail)) = rest.split_first() {
        match kind {
            0 => return,
            1 => {
                rest = tail;
                continue;
            }
            _ => {}
        }
        let Some(&length) = tail.first() else { return };
        let Some(option) = rest.get(..usize::from(length)) else { return };
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
            return;
        }
        rest = rest.get(usize::from(length)..).unwrap_or_default();
    }
}
