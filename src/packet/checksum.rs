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
    if ip.body.len() as u32 != ip.body_len || ip.fragment.is_some() {
        return None;
    }
    let no_checksum = ip.protocol == 17 && ip.body.get(6..8) == Some(&[0, 0]);
    if no_checksum || !matches!(ip.protocol, 6 | 17) {
        return None;
    }
    if ip.src.is_ipv4() != ip.dst.is_ipv4() {
        return None;
    }
    let length = ip.body.len() as u64;
    let in_order = |n: u16| u64::from(n.swap_bytes());
    let lengths = in_order((length >> 16) as u16) + in_order(length as u16);
    let addresses = sum_of_address(ip.src) + sum_of_address(ip.dst);
    let mut total = addresses + in_order(ip.protocol.into()) + lengths + sum(ip.body);
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    Some(total == 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
