//! TCP and UDP checksums (RFC 1071). Offload makes bad ones normal on the capturing host's own packets.

use super::ip::Ip;
use std::net::IpAddr;

/// Sum of the 16-bit words. Four octets at a time: 2^16 is 1 modulo 0xffff, so the halves may be added later.
fn sum(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<4>();
    let mut total: u64 = words.iter().map(|w| u64::from(u32::from_be_bytes(*w))).sum();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(tail) {
        *to = *from;
    }
    total += u64::from(u32::from_be_bytes(last));
    total
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
    let mut total = addresses + u64::from(ip.protocol) + (length >> 16) + (length & 0xffff) + sum(ip.body);
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    Some(total == 0xffff)
}
