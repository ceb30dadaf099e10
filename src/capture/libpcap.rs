//! Formats only libpcap knows (on some systems it has more than ours): its frames, written as a pcap stream with nanoseconds.
//!
//! So the rest of the program sees one shape. The price is that byte offsets are those of this stream, not of the file.

use std::io::{self, Read};
use std::path::Path;

/// Reads a file through libpcap and yields it as pcap.
pub(super) struct Reader {
    capture: pcap::Capture<pcap::Offline>,
    /// Bytes made but not yet handed out.
    ready: Vec<u8>,
    taken: usize,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Reader, pcap::Error> {
        let capture = pcap::Capture::from_file_with_precision(path, pcap::Precision::Nano)?;
        let link = capture.get_datalink().0;
        // Version 2.4, no time zone, no snap length of our own.
        let mut ready = Vec::with_capacity(64 << 10);
        for field in [0xa1b2_3c4d_u32, 2 | 4 << 16, 0, 0, 0, linktype(link)] {
            ready.extend_from_slice(&field.to_le_bytes());
        }
        Ok(Reader { capture, ready, taken: 0 })
    }

    /// Makes the next record; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.taken = 0;
        match self.capture.next_packet() {
            Ok(packet) => {
                let header = packet.header;
                let length = packet.data.len() as u32;
                for field in [header.ts.tv_sec as u32, header.ts.tv_usec as u32, length, header.len] {
                    self.ready.extend_from_slice(&field.to_le_bytes());
                }
                self.ready.extend_from_slice(packet.data);
                Ok(true)
            }
            Err(pcap::Error::NoMorePackets) => Ok(false),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// What files call the link types that libpcap's interface calls otherwise.
fn linktype(dlt: i32) -> u32 {
    match dlt {
        11 => 100,
        12 | 14 => 101,
        15 => 102,
        16 => 103,
        19 => 106,
        18 => 246,
        other => other as u32,
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken >= self.ready.len() {
            if !self.next()? {
                return Ok(0);
            }
        }
        let rest = self.ready.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(out.len());
        if let Some((target, source)) = out.get_mut(..count).zip(rest.get(..count)) {
            target.copy_from_slice(source);
        }
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yields_the_same_packets_as_a_pcap_with_nanoseconds() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut pcap = Vec::new();
        for field in [0xa1b2_c3d4_u32, 2 | 4 << 16, 0, 0, 65535, 1, 5, 6, 3, 9] {
            pcap.extend_from_slice(&field.to_be_bytes());
        }
        pcap[4..8].copy_from_slice(&[0, 2, 0, 4]);
        pcap.extend_from_slice(b"abc");
        std::fs::write(file.path(), &pcap).unwrap();
        let mut made = Vec::new();
        Reader::open(file.path()).unwrap().read_to_end(&mut made).unwrap();
        let mut expected = Vec::new();
        for field in [0xa1b2_3c4d_u32, 2 | 4 << 16, 0, 0, 0, 1, 5, 6_000, 3, 9] {
            expected.extend_from_slice(&field.to_le_bytes());
        }
        expected.extend_from_slice(b"abc");
        assert_eq!(made, expected);
    }
}
