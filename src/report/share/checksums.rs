//! Checksums after a change (RFC 1624): right stays right, and wrong stays wrong by as much.

use super::headers::Pseudo;
use std::net::IpAddr;
use std::ops::Range;

/// Brings the checksum at `at` up to date with what changed in `cover`, and in the addresses of the pseudo-header.
pub(super) fn adjust(old: &[u8], new: &mut [u8], cover: Range<usize>, at: usize, pseudo: Option<&Pseudo>) {
    let cover = cover.start..cover.end.min(old.len()).min(new.len());
    if at + 2 > cover.end {
        return;
    }
    let (before, after) = (words(old, &cover, at), words(new, &cover, at));
    let (mut minus, mut plus) = (before, after);
    if let Some(p) = pseudo {
        minus += p.before.iter().map(address).sum::<u64>();
        plus += p.after.iter().map(address).sum::<u64>();
    }
    let Some(sum) = new.get_mut(at..at + 2) else { return };
    let was = u64::from(u16::from_be_bytes([sum[0], sum[1]]));
    // ~(~HC + ~m + m'), with sums in the place of single words.
    let folded = fold((0xffff - was) + (0xffff - fold(minus)) + fold(plus));
    sum.copy_from_slice(&((0xffff - folded) as u16).to_be_bytes());
}

fn words(bytes: &[u8], cover: &Range<usize>, without: usize) -> u64 {
    let part = bytes.get(cover.clone()).unwrap_or_default();
    let word = |(n, pair): (usize, &[u8])| match *pair {
        _ if cover.start + 2 * n == without => 0,
        [a, b] => u64::from(u16::from_be_bytes([a, b])),
        [a] => u64::from(a) << 8,
        _ => 0,
    };
    part.chunks(2).enumerate().map(word).sum()
}

fn address(a: &IpAddr) -> u64 {
    let sum = |octets: &[u8]| octets.chunks(2).map(|c| u64::from(c[0]) << 8 | u64::from(c[1])).sum();
    match a {
        IpAddr::V4(a) => sum(&a.octets()),
        IpAddr::V6(a) => sum(&a.octets()),
    }
}

fn fold(mut sum: u64) -> u64 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_stays_right_and_wrong_stays_wrong() {
        let header = |bytes: &[u8]| fold(bytes.chunks(2).map(|c| u64::from(c[0]) << 8 | u64::from(c[1])).sum());
        for off in [0u64, 1, 0x1234, 0xfffe] {
            let mut old = [0x45, 0, 0, 40, 1, 2, 0x40, 0, 64, 6, 0, 0, 192, 168, 1, 20, 45, 60, 70, 80];
            let right = 0xffff - header(&old);
            old[10..12].copy_from_slice(&(fold(right + off) as u16).to_be_bytes());
            let mut new = old;
            new[12..16].copy_from_slice(&[192, 168, 77, 250]);
            adjust(&old, &mut new, 0..20, 10, None);
            assert_eq!(header(&new), header(&old), "{off}");
            assert_eq!(header(&new) == 0xffff, off == 0);
        }
    }
}
