//! Numbers of packed entries in as few octets as they need.

use super::PEEK;

/// How many octets a number with so many leading zeros has, and above them the three bits that stand for that. Numbers of seven octets
/// take eight: three bits tell the lengths apart.
const CODES: [u16; 65] = {
    let mut codes = [8 | 7 << OCTETS; 65];
    let mut bits = 0usize;
    while bits <= 48 {
        let octets = bits.div_ceil(8) as u16;
        codes[64 - bits] = octets | octets << OCTETS;
        bits += 1;
    }
    codes
};
const OCTETS: u32 = 4;

/// What the three bits stand for, and what they leave of a word.
const LENGTHS: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 8];
const MASKS: [u64; 8] = [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff, 0xff_ffff_ffff, 0xffff_ffff_ffff, u64::MAX];

/// Places an entry's numbers and its peek can start at; behind them is room for the longest of those. A power of two, so that no place
/// has to be checked.
pub(super) const PLACES: usize = 128;
pub(super) const ROOM: usize = PLACES + PEEK;

pub(super) struct Writer {
    pub octets: [u8; ROOM],
    pub at: usize,
    /// The lengths of the numbers so far, the last one at the top.
    pub lengths: u32,
}

impl Writer {
    #[inline(always)]
    pub fn put<const N: usize>(&mut self, octets: [u8; N]) {
        let at = self.at % PLACES;
        self.octets[at..at + N].copy_from_slice(&octets);
        self.at += N;
    }

    /// The octets the number has, the lowest first; all eight if it has seven.
    #[inline(always)]
    pub fn number(&mut self, n: u64) {
        let code = CODES[n.leading_zeros() as usize];
        self.put(n.to_le_bytes());
        self.at = self.at - size_of::<u64>() + usize::from(code % (1 << OCTETS));
        self.lengths = self.lengths >> 3 | u32::from(code >> OCTETS) << (u32::BITS - 3);
    }

    /// Passes over so many numbers that are 0.
    #[inline(always)]
    pub fn zeros(&mut self, numbers: u32) {
        self.lengths >>= 3 * numbers;
    }
}

/// Small whether ahead or behind.
#[inline(always)]
pub(super) fn folded(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

#[inline(always)]
pub(super) fn unfolded(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// The same for a step of a sequence number or a clock of 32 bits.
#[inline(always)]
pub(super) fn step(now: u32, before: u32) -> u64 {
    let n = now.wrapping_sub(before) as i32;
    u64::from(((n << 1) ^ (n >> 31)) as u32)
}

#[inline(always)]
pub(super) fn stepped(before: u32, n: u64) -> u32 {
    before.wrapping_add(unfolded(n) as u32)
}

/// Reads one entry from where it starts.
pub(super) struct Reader<'p> {
    pub octets: &'p [u8; ROOM],
    pub at: usize,
    pub marks: u32,
}

impl Reader<'_> {
    #[inline(always)]
    pub fn take<const N: usize>(&self) -> [u8; N] {
        let at = self.at % PLACES;
        self.octets[at..at + N].try_into().unwrap_or([0; N])
    }

    #[inline(always)]
    pub fn number(&mut self) -> u64 {
        let length = (self.marks % 8) as usize;
        self.marks >>= 3;
        let n = u64::from_le_bytes(self.take()) & MASKS[length];
        self.at += usize::from(LENGTHS[length]);
        n
    }
}
