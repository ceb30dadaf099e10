//! A page-aligned byte buffer.
//!
//! Reading into a buffer that does not start on a page costs 20 to 30 % of the whole run (the kernel's copy falls off its fast
//! path). `Vec<u8>` cannot ask for an alignment, and the allocator zeroes over-aligned memory by hand, which touches every page of
//! it; so a zeroed vector (untouched pages straight from the kernel: a small capture never pays for the window it does not fill) is
//! made one page longer and used from its first page boundary on.

/// Page size assumed for alignment and rounding; larger pages only lose the benefit, never correctness.
pub(super) const PAGE: usize = 4096;

/// A fixed run of bytes that starts on a page boundary.
pub(super) struct Aligned {
    /// Never grown, so it never moves.
    memory: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// A zeroed buffer of `len` bytes (at least one page, rounded up to whole pages).
    pub fn new(len: usize) -> Aligned {
        let len = len.div_ceil(PAGE).max(1) * PAGE;
        let memory = vec![0; len + PAGE];
        let start = memory.as_ptr().align_offset(PAGE).min(PAGE);
        Aligned { memory, start, len }
    }
}

impl std::ops::Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.start..self.start + self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_page_and_is_zeroed() {
        for len in [0, 1, PAGE, PAGE + 1, 1 << 20] {
            let mut buffer = Aligned::new(len);
            assert_eq!(buffer.as_ptr() as usize % PAGE, 0);
            assert!(buffer.len() >= len.max(1) && buffer.len().is_multiple_of(PAGE));
            assert!(buffer.iter().all(|&byte| byte == 0));
            let last = buffer.len() - 1;
            buffer[last] = 7;
            assert_eq!(buffer[last], 7);
        }
    }
}
