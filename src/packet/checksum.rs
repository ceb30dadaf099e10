//! TCP and UDP checksums (RFC 1071). Offload makes bad ones normal on the capturing host's own packets.

use super::ip::Ip;
use std::net::IpAddr;

/// Sum of the 16-bit words, each with its lower octet first (RFC 1071 section 2(B): the sum comes out with its octets swapped).
///
/// Four octets at a time: 2^32 and 2^16 are 1 modulo 0xffff, so the parts may be added later. Two sums without carries between them, so
/// that neither waits for the other.
fn sum(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<8>();
    let last = match bytes.last_chunk::<8>() {
        _ if tail.is_empty() => 0,
        Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * tail.len()),
        None => tail.iter().rev().fold(0, |word, octet| word << 8 | u64::from(*octet)),
    };
    let (mut low, mut high) = halves(last);
    words.iter().for_each(|word| {
        let word = halves(u64::from_le_bytes(*word));
        low += word.0;
        high += word.1;
    });
    low + high
}

#[inline(always)]
fn halves(word: u64) -> (u64, u64) {
    (word & 0xffff_ffff, word >> 32)
}

fn sum_of_address(ip: IpAddr) -> u64 {
    let [a, b] = match ip {
        IpAddr::V4(ip) => [u64::from(u32::from_le_bytes(ip.octets())), 0],
        IpAddr::V6(ip) => {
            let bits = u128::from_le_bytes(ip.octets());
            [bits as u64, (bits >> 64) as u64]
        }
    };
    let (a, b) = (halves(a), halves(b));
    a.0 + a.1 + b.0 + b.1
}

/// Whether the transport checksum is right; `None` when it cannot be told (cut, or UDP without one).
pub fn transport(ip: &Ip<'_>) -> Option<bool> {
    if ip.body.len() as u32 != ip.body_len || ip.fragment.is_some() || ip.src.is_ipv4() != ip.dst.is_ipv4() {
        return None;
    }
    is_right(sum_of_address(ip.src) + sum_of_address(ip.dst), ip.protocol, ip.body)
}

/// The same of a whole IP packet whose transport header stands right behind a header without options or extensions, if it is one: its
/// lengths say so. Otherwise [`transport`] tells.
#[inline]
pub fn of_plain(header: &[u8], protocol: u8) -> Option<Option<bool>> {
    let (addresses, body) = match header.first()? {
        0x45 => {
            let (fixed, rest) = header.split_first_chunk::<20>()?;
            let &[_, _, a, b, _, _, flags, offset, _, kind, ..] = fixed;
            let whole = kind == protocol && flags & 0x3f == 0 && offset == 0;
            let length = usize::from(u16::from_be_bytes([a, b])).checked_sub(fixed.len())?;
            (fixed.get(12..)?, rest.get(..length).filter(|_| whole)?)
        }
        0x60..=0x6f => {
            let (fixed, rest) = header.split_first_chunk::<40>()?;
            let &[_, _, _, _, a, b, kind, ..] = fixed;
            let length = usize::from(u16::from_be_bytes([a, b]));
            (fixed.get(8..)?, rest.get(..length).filter(|_| kind == protocol && length != 0)?)
        }
        _ => return None,
    };
    Some(is_right(sum(addresses), protocol, body))
}

/// Whether the sum of a whole TCP segment or UDP datagram between such addresses is what it has to be.
fn is_right(addresses: u64, protocol: u8, body: &[u8]) -> Option<bool> {
    let no_checksum = protocol == 17 && body.get(6..8) == Some(&[0, 0]);
    if no_checksum || !matches!(protocol, 6 | 17) {
        return None;
    }
    let length = body.len() as u64;
    let in_order = |n: u16| u64::from(n.swap_bytes());
    let lengths = in_order((length >> 16) as u16) + in_order(length as u16);
    let mut total = addresses + in_order(protocol.into()) + lengths + sum(body);
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    Some(total == 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::ip;
    use proptest::prelude::*;

    /// A packet of either version with a protocol behind its header.
    fn packet(v6: bool, protocol: u8, body: &[u8]) -> Vec<u8> {
        let length = body.len() as u16;
        let [[a, b], [c, d]] = [length.to_be_bytes(), (length + 20).to_be_bytes()];
        let header = if v6 {
            [&[0x60, 0, 0, 0, a, b, protocol, 64][..], &[7; 15], &[1], &[9; 15], &[2]].concat()
        } else {
            vec![0x45, 0, c, d, 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 45, 0, 0, 1]
        };
        [&header, body].concat()
    }

    proptest! {
        /// Whatever is changed in a header or cut off a packet: what is told without reading it in full is the same.
        #[test]
        fn the_short_way_tells_the_same(
            (v6, tcp) in any::<(bool, bool)>(),
            body in prop::collection::vec(any::<u8>(), 20..60),
            (at, octet, right) in (0..40usize, any::<u8>(), any::<bool>()),
            cut in 0..30usize,
        ) {
            let protocol = if tcp { 6 } else { 17 };
            let mut body = body;
            if right {
                // A checksum field that makes the sum what it has to be.
                let field = if tcp { 16..18 } else { 6..8 };
                body[field.clone()].fill(0);
                let bytes = packet(v6, protocol, &body);
                let ip = ip::header(&bytes, 0).unwrap();
                let mut rest = sum_of_address(ip.src) + sum_of_address(ip.dst) + sum(&body) + u64::from(u16::from(protocol).swap_bytes());
                rest += u64::from((body.len() as u16).swap_bytes());
                while rest > 0xffff {
                    rest = (rest >> 16) + (rest & 0xffff);
                }
                body[field].copy_from_slice(&(!(rest as u16)).to_le_bytes());
                let bytes = packet(v6, protocol, &body);
                prop_assert_eq!(of_plain(&bytes, protocol), Some(transport(&ip::header(&bytes, 0).unwrap())));
            }
            let mut bytes = packet(v6, protocol, &body);
            bytes[at] = octet;
            bytes.truncate(bytes.len() - cut.saturating_sub(20));
            if let Some(told) = of_plain(&bytes, protocol) {
                prop_assert_eq!(told, transport(&ip::header(&bytes, 0).unwrap()));
            }
        }

        /// The sum of the words one by one, as RFC 1071 section 4.1 has it.
        #[test]
        fn sums_agree(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let folded = |mut n: u64| {
                while n > 0xffff {
                    n = (n >> 16) + (n & 0xffff);
                }
                n as u16
            };
            let word = |w: &[u8]| u64::from(u16::from_be_bytes([w[0], w.get(1).copied().unwrap_or(0)]));
            prop_assert_eq!(folded(sum(&bytes)).swap_bytes(), folded(bytes.chunks(2).map(word).sum()));
        }
    }
}
