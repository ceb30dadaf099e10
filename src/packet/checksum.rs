//! TCP and UDP checksums (RFC 1071). Offload makes bad ones normal on the capturing host's own packets.

use super::ip::Ip;
use std::net::IpAddr;

/// Sum of the 16-bit words, in the machine's own order of octets (RFC 1071 section 2(B): the sum comes out with its octets swapped).
///
/// Four octets at a time: 2^32 and 2^16 are 1 modulo 0xffff, so the parts may be added later. Two sums without carries between them, so
/// that neither waits for the other.
fn sum(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(tail) {
        *to = *from;
    }
    let (mut low, mut high) = (0, 0);
    words.iter().chain([&last]).for_each(|word| {
        let word = u64::from_ne_bytes(*word);
        low += word & 0xffff_ffff;
        high += word >> 32;
    });
    low + high
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
    let addresses = match (ip.src, ip.dst) {
        (IpAddr::V4(a), IpAddr::V4(b)) => sum(&a.octets()) + sum(&b.octets()),
        (IpAddr::V6(a), IpAddr::V6(b)) => sum(&a.octets()) + sum(&b.octets()),
        _ => return None,
    };
    let length = ip.body.len() as u64;
    let in_order = |n: u16| u64::from(n.to_be());
    let lengths = in_order((length >> 16) as u16) + in_order(length as u16);
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
            prop_assert_eq!(u16::from_be(folded(sum(&bytes))), folded(bytes.chunks(2).map(word).sum()));
        }
    }
}
