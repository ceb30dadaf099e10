//! Deterministic damage for the tests of this room: every parser must survive it.

/// Small generator (xorshift) so that a failure repeats exactly.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

/// Calls `check` with `rounds` damaged copies of each seed: flipped, overwritten, cut, doubled, spliced.
pub fn each_mutation(seeds: &[&[u8]], rounds: usize, mut check: impl FnMut(&[u8])) {
    const TELLING: [u8; 8] = [0, 1, 0x0c, 0x3f, 0x7f, 0x80, 0xc0, 0xff];
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    for seed in seeds {
        for _ in 0..rounds {
            let mut bytes = seed.to_vec();
            for _ in 0..1 + rng.below(4) {
                let at = rng.below(bytes.len());
                match rng.below(6) {
                    0 | 1 if !bytes.is_empty() => bytes[at] = rng.next() as u8,
                    2 if !bytes.is_empty() => bytes[at] = TELLING[rng.below(TELLING.len())],
                    3 => bytes.truncate(at),
                    4 => {
                        let tail = bytes.get(at..).unwrap_or(&[]).to_vec();
                        bytes.extend_from_slice(&tail);
                    }
                    _ => {
                        let end = (at + rng.below(16)).min(bytes.len());
                        bytes.drain(at.min(end)..end);
                    }
                }
            }
            check(&bytes);
        }
    }
}

/// Bytes from hex text; blanks are ignored so that vectors can be laid out as their sources print them.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().filter(|b| !b.is_ascii_whitespace()).map(|b| (b as char).to_digit(16).expect("hex digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
