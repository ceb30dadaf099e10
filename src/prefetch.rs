//! Asking the processor for memory before it is needed: live flows lie scattered over more memory than its caches hold, and a packet
//! that waits for its flow line by line waits for longer than all its work takes.
//!
//! The one file with `unsafe` in it: the hint has no safe form.

#![allow(unsafe_code)]

/// Octets of a cache line, on the processors of this decade.
const LINE: usize = 64;

/// Fetches all of a value into the caches, without waiting for it.
#[inline(always)]
pub fn value<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    for at in (0..size_of::<T>()).step_by(LINE) {
        line(start.wrapping_add(at));
    }
}

/// Fetches the line a slice starts in.
#[inline(always)]
pub fn start(octets: &[u8]) {
    line(octets.as_ptr());
}

/// Fetches the first lines of a slice that will be read whole: further on the processor sees by itself where it leads.
#[inline]
pub fn lines(octets: &[u8], most: usize) {
    for at in (0..octets.len().min(most * LINE)).step_by(LINE) {
        line(octets.as_ptr().wrapping_add(at));
    }
}

/// Fetches the line behind a slice's last octet: where the next one will be written.
#[inline(always)]
pub fn end(octets: &[u8]) {
    line(octets.as_ptr().wrapping_add(octets.len()));
}

#[inline(always)]
fn line(place: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: prefetching is a hint. It reads nothing, and cannot fault whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
