//! Integers of either byte order at an offset, checked against the end of the bytes.

/// The byte order a capture (or one section of it) was written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    #[inline]
    pub fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(match self {
            ByteOrder::Little => u16::from_le_bytes(raw),
            ByteOrder::Big => u16::from_be_bytes(raw),
        })
    }

    #[inline]
    pub fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(match self {
            ByteOrder::Little => u32::from_le_bytes(raw),
            ByteOrder::Big => u32::from_be_bytes(raw),
        })
    }

    #[inline]
    pub fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let raw = *bytes.get(at..)?.first_chunk::<8>()?;
        Some(match self {
            ByteOrder::Little => u64::from_le_bytes(raw),
            ByteOrder::Big => u64::from_be_bytes(raw),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ByteOrder::{Big, Little};

    #[test]
    fn both_orders_and_never_past_the_end() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!((Little.u16(&bytes, 0), Big.u16(&bytes, 0)), (Some(0x0201), Some(0x0102)));
        assert_eq!((Little.u32(&bytes, 4), Big.u32(&bytes, 4)), (Some(0x0807_0605), Some(0x0506_0708)));
        assert_eq!(Big.u64(&bytes, 0), Some(0x0102_0304_0506_0708));
        assert_eq!(Little.u64(&bytes, 0), Some(0x0807_0605_0403_0201));
        assert_eq!((Little.u16(&bytes, 7), Little.u32(&bytes, 5), Big.u64(&bytes, 1)), (None, None, None));
        assert_eq!(Little.u32(&bytes, usize::MAX), None);
    }
}
