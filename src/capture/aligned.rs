//! A page-aligned byte buffer, the only `unsafe` code of the crate.
//!
//! Reading into a buffer that does not start on a page costs 20 to 30 % of the whole run (the kernel's copy falls off its fast
//! path), and `Vec<u8>` cannot ask for an alignment. The memory comes zeroed from the allocator, which for sizes like these
//! means untouched pages straight from the kernel: a small capture never pays for the window it does not fill.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Page size assumed for alignment and rounding; larger pages only lose the benefit, never correctness.
pub(super) const PAGE: usize = 4096;

/// A fixed run of bytes that starts on a page boundary.
pub(super) struct Aligned {
    start: NonNull<u8>,
    layout: Layout,
}

impl Aligned {
    /// A zeroed buffer of `len` bytes (at least one page, rounded up to whole pages).
    pub fn new(len: usize) -> Aligned {
        let pages = len.div_ceil(PAGE).max(1);
        let rounded = pages.saturating_mul(PAGE).min(isize::MAX as usize & !(PAGE - 1));
        // The size is a whole number of pages no larger than isize::MAX and the alignment a power of two, so this cannot fail;
        // one page is the answer that keeps the code total.
        let layout = Layout::from_size_align(rounded, PAGE).unwrap_or(Layout::new::<[u8; PAGE]>());
        // SAFETY: the layout has a non-zero size.
        let raw = unsafe { alloc_zeroed(layout) };
        match NonNull::new(raw) {
            Some(start) => Aligned { start, layout },
            None => handle_alloc_error(layout),
        }
    }
}

impl std::ops::Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` is valid for `layout.size()` initialised (zeroed) bytes that this value alone owns.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `deref`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this very layout, and freed nowhere else.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

// SAFETY: the value owns its memory exclusively, as a `Box<[u8]>` does; sharing it gives out `&[u8]` only.
unsafe impl Send for Aligned {}
// SAFETY: see above.
unsafe impl Sync for Aligned {}

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
