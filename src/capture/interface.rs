//! A pcapng interface: link type, snap length, and what its ticks mean in nanoseconds.

use super::byte_order::ByteOrder;
use super::{LinkType, Timestamp};
use std::sync::Arc;

const OPTION_END: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
/// What says which interface it was: name, description, filter, operating system, hardware. None of them depends on byte order.
const IF_NAMES: [u16; 5] = [2, 3, 11, 12, 15];
/// Octets of them that are kept: a name and a filter of a screen.
const NAMES: usize = 4096;
const NANOSECONDS: u128 = 1_000_000_000;

/// One interface description block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub link: LinkType,
    /// Zero means no limit.
    pub snaplen: u32,
    pub resolution: Resolution,
    /// Seconds to add to every time.
    offset: i64,
    /// Options that name it, as a little-endian block has them.
    pub names: Arc<[u8]>,
}

/// The length of a tick: 10^-n or 2^-n seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    Decimal(u8),
    Binary(u8),
}

impl Interface {
    /// Reads a whole block, framing included.
    pub fn parse(order: ByteOrder, block: &[u8]) -> Option<Interface> {
        let options = block.get(16..block.len().checked_sub(4)?)?;
        let mut interface = Interface {
            link: LinkType(order.u16(block, 8)?),
            snaplen: order.u32(block, 12)?,
            resolution: Resolution::Decimal(6),
            offset: 0,
            names: Arc::default(),
        };
        let mut names = Vec::new();
        let mut at = 0;
        while let (Some(code), Some(length)) = (order.u16(options, at), order.u16(options, at + 2)) {
            let value = at + 4;
            match (code, length) {
                (OPTION_END, _) => break,
                (IF_TSRESOL, 1..) => {
                    let Some(&byte) = options.get(value) else {
                        break;
                    };
                    let exponent = byte & 0x7f;
                    interface.resolution = if byte & 0x80 == 0 { Resolution::Decimal(exponent) } else { Resolution::Binary(exponent) };
                }
                (IF_TSOFFSET, 8..) => {
                    let Some(seconds) = order.u64(options, value) else {
                        break;
                    };
                    interface.offset = seconds as i64;
                }
                (code, 1..) if IF_NAMES.contains(&code) && names.len() + usize::from(length) <= NAMES => {
                    let Some(text) = options.get(value..value + usize::from(length)) else {
                        break;
                    };
                    names.extend(code.to_le_bytes());
                    names.extend(length.to_le_bytes());
                    names.extend_from_slice(text);
                    names.resize(names.len().next_multiple_of(4), 0);
                }
                _ => {}
            }
            at = value + usize::from(length).next_multiple_of(4);
        }
        interface.names = names.into();
        Some(interface)
    }

    /// A count of ticks as a time; what does not fit saturates.
    #[inline]
    pub fn time(&self, ticks: u64) -> Timestamp {
        if self.resolution == Resolution::Decimal(6) && self.offset == 0 && ticks < 1 << 53 {
            return Timestamp(ticks as i64 * 1_000);
        }
        let nanoseconds = match self.resolution {
            Resolution::Decimal(exponent @ 0..=9) => u128::from(ticks).saturating_mul(10_u128.pow(9 - u32::from(exponent))),
            // A tick of less than a nanosecond: beyond 10^38 the divisor no longer fits, and nothing is left of any count.
            Resolution::Decimal(exponent) => match 10_u128.checked_pow(u32::from(exponent) - 9) {
                Some(divisor) => u128::from(ticks) / divisor,
                None => 0,
            },
            // 64 bits of ticks times 30 bits of nanoseconds fit in 128, and the exponent is at most 127.
            Resolution::Binary(exponent) => (u128::from(ticks) * NANOSECONDS) >> exponent,
        };
        let nanoseconds = i64::try_from(nanoseconds).unwrap_or(i64::MAX);
        Timestamp(nanoseconds.saturating_add(self.offset.saturating_mul(1_000_000_000)))
    }
}

impl Resolution {
    /// As people write it: `us`, `ns`, `2^-10 s`.
    pub fn text(self) -> String {
        match self {
            Resolution::Decimal(0) => "s".into(),
            Resolution::Decimal(3) => "ms".into(),
            Resolution::Decimal(6) => "us".into(),
            Resolution::Decimal(9) => "ns".into(),
            Resolution::Decimal(exponent) => format!("10^-{exponent} s"),
            Resolution::Binary(exponent) => format!("2^-{exponent} s"),
        }
    }

    /// Bits of precision, to find the finest: 10^-3 is about 2^-10.
    pub fn bits(self) -> u32 {
        match self {
            Resolution::Decimal(exponent) => u32::from(exponent) * 10 / 3,
            Resolution::Binary(exponent) => u32::from(exponent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(options: &[u8]) -> Vec<u8> {
        let total = (20 + options.len()) as u32;
        let mut block = [1_u32.to_le_bytes(), total.to_le_bytes(), 1_u32.to_le_bytes(), 64_u32.to_le_bytes()].concat();
        block.extend_from_slice(options);
        block.extend_from_slice(&total.to_le_bytes());
        block
    }

    fn time(resolution: u8, ticks: u64) -> i64 {
        let parsed = Interface::parse(ByteOrder::Little, &block(&[9, 0, 1, 0, resolution, 0, 0, 0])).unwrap();
        parsed.time(ticks).0
    }

    #[test]
    fn resolutions() {
        let plain = Interface::parse(ByteOrder::Little, &block(&[])).unwrap();
        assert_eq!((plain.link, plain.snaplen), (LinkType(1), 64));
        assert_eq!(plain.time(1_500_000).0, 1_500_000_000);
        assert_eq!(time(9, 7), 7);
        assert_eq!(time(3, 7), 7_000_000);
        assert_eq!(time(0, 7), 7_000_000_000);
        assert_eq!(time(12, 7_999), 7);
        assert_eq!(time(0x80 | 10, 1024 + 512), 1_500_000_000);
        assert_eq!(time(127, u64::MAX), 0);
        assert_eq!(time(255, u64::MAX), 0);
        assert_eq!(time(0x80, u64::MAX), i64::MAX);
        assert_eq!(time(0, u64::MAX), i64::MAX);
        assert_eq!(time(6, u64::MAX), i64::MAX);
    }

    #[test]
    fn offset_moves_every_time_and_cannot_overflow() {
        let mut options = vec![14, 0, 8, 0];
        options.extend_from_slice(&(-3_i64).to_le_bytes());
        let moved = Interface::parse(ByteOrder::Little, &block(&options)).unwrap();
        assert_eq!(moved.time(5_000_000).0, 2_000_000_000);
        options.splice(4.., i64::MIN.to_le_bytes());
        assert_eq!(Interface::parse(ByteOrder::Little, &block(&options)).unwrap().time(0).0, i64::MIN);
    }

    #[test]
    fn names_are_kept_and_the_rest_is_not() {
        let options = b"\x02\0\x03\0wl0\0\x09\0\x01\0\x09\0\0\0\x04\0\x04\0\x0a\0\0\x01\x0b\0\x04\0\0tcp\0\0\0\0";
        let parsed = Interface::parse(ByteOrder::Little, &block(options)).unwrap();
        assert_eq!(*parsed.names, *b"\x02\0\x03\0wl0\0\x0b\0\x04\0\0tcp");
        assert!(Interface::parse(ByteOrder::Little, &block(&[2, 0, 200, 0, 65])).is_none_or(|i| i.names.is_empty()));
    }

    #[test]
    fn lying_option_lengths_end_the_options() {
        let parsed = Interface::parse(ByteOrder::Little, &block(&[2, 0, 0xff, 0xff, 9, 0, 1, 0])).unwrap();
        assert_eq!(parsed.resolution, Resolution::Decimal(6));
        assert!(Interface::parse(ByteOrder::Little, &block(&[])[..18]).is_none());
    }
}
