//! Records to a file, through one buffer.

use std::fs::File;
use std::io::{Result, Write};
use std::path::Path;

/// Written at once: large enough that system calls do not count.
const BUFFER: usize = 1 << 20;

pub struct Writer {
    file: File,
    buffer: Vec<u8>,
    written: u64,
    size: u64,
    pcapng: bool,
}

impl Writer {
    /// Starts a capture that will have `size` bytes and the rest of its last record.
    pub fn create(path: &Path, size: u64) -> Result<Writer> {
        let pcapng = path.extension().is_some_and(|e| e == "pcapng");
        let mut buffer = Vec::with_capacity(BUFFER + (1 << 16));
        let head: &[u32] = if pcapng {
            &[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28, 1, 20, 1, 262_144, 20]
        } else {
            &[0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1]
        };
        head.iter().for_each(|word| buffer.extend_from_slice(&word.to_le_bytes()));
        Ok(Writer { file: File::create(path)?, buffer, written: 0, size, pcapng })
    }

    pub fn is_full(&self) -> bool {
        self.bytes() >= self.size
    }

    pub fn bytes(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends a record and returns its frame, to be patched.
    pub fn record(&mut self, time_ns: u64, frame: &[u8]) -> Result<&mut [u8]> {
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        let length = frame.len() as u32;
        let micros = time_ns / 1000;
        let padding = if self.pcapng { frame.len().next_multiple_of(4) - frame.len() } else { 0 };
        let total = length + padding as u32 + 32;
        if self.pcapng {
            let head = [6, total, 0, (micros >> 32) as u32, micros as u32, length, length];
            head.iter().for_each(|word| self.buffer.extend_from_slice(&word.to_le_bytes()));
        } else {
            let head = [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, length, length];
            head.iter().for_each(|word| self.buffer.extend_from_slice(&word.to_le_bytes()));
        }
        let start = self.buffer.len();
        self.buffer.extend_from_slice(frame);
        if self.pcapng {
            self.buffer.extend_from_slice(&[0; 4][..padding]);
            self.buffer.extend_from_slice(&total.to_le_bytes());
        }
        Ok(&mut self.buffer[start..start + frame.len()])
    }

    pub fn flush(&mut self) -> Result<()> {
        self.file.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
