//! Writing pcapng (draft-ietf-opsawg-pcapng): sections, interfaces and packets with comments; little-endian, nanoseconds.

use crate::capture::{Frame, LinkType};
use std::io::{self, Write};
use std::sync::Arc;

const COMMENT: u16 = 1;
const SECTION_USERAPPL: u16 = 4;
const INTERFACE_TSRESOL: u16 = 9;
/// Option lengths are 16-bit; a longer comment is cut.
const LONGEST: usize = 60_000;

/// Blocks, one after the other.
pub struct Pcapng<W> {
    out: W,
    /// Interfaces of the section: link type and number in the original.
    interfaces: Vec<(LinkType, u32)>,
    /// Options that name them, by their number in the original.
    names: Vec<Arc<[u8]>>,
    snaplen: u32,
}

impl<W: Write> Pcapng<W> {
    pub fn new(out: W) -> Pcapng<W> {
        Pcapng { out, interfaces: Vec::new(), names: Vec::new(), snaplen: 0 }
    }

    /// Begins a section; its interfaces, called `names`, follow as packets need them.
    pub fn section(&mut self, snaplen: u32, names: &[Arc<[u8]>], comments: &[String]) -> io::Result<()> {
        self.interfaces.clear();
        self.names = names.to_vec();
        self.snaplen = snaplen;
        let mut body = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
        body.extend([1, 0, 0, 0]);
        // Section length: not given.
        body.extend([0xff; 8]);
        for comment in comments {
            option(&mut body, COMMENT, comment.as_bytes());
        }
        option(&mut body, SECTION_USERAPPL, concat!("interloper ", env!("CARGO_PKG_VERSION")).as_bytes());
        body.extend([0; 4]);
        self.block(0x0a0d_0d0a, &body)
    }

    /// A packet with its comments, on its original interface.
    pub fn packet(&mut self, frame: &Frame<'_>, comments: &[String]) -> io::Result<()> {
        let interface = self.interface(frame)?;
        // Times before 1970 cannot be written; no clock that took a packet said so in earnest.
        let ticks = frame.time.0.max(0) as u64;
        let length = frame.bytes.len() as u32;
        let mut body = Vec::with_capacity(frame.bytes.len() + 128);
        for field in [interface, (ticks >> 32) as u32, ticks as u32, length, frame.wire_len] {
            body.extend(field.to_le_bytes());
        }
        body.extend(frame.bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        for comment in comments {
            option(&mut body, COMMENT, comment.as_bytes());
        }
        body.extend([0; 4]);
        self.block(6, &body)
    }

    /// Number of the frame's interface in this section, which is described first if it is new.
    fn interface(&mut self, frame: &Frame<'_>) -> io::Result<u32> {
        let key = (frame.link, frame.interface);
        if let Some(n) = self.interfaces.iter().position(|i| *i == key) {
            return Ok(n as u32);
        }
        let mut body = frame.link.0.to_le_bytes().to_vec();
        body.extend([0, 0]);
        body.extend(self.snaplen.to_le_bytes());
        body.extend_from_slice(self.names.get(frame.interface as usize).map_or(&[], |n| n));
        option(&mut body, INTERFACE_TSRESOL, &[9]);
        body.extend([0; 4]);
        self.block(1, &body)?;
        self.interfaces.push(key);
        Ok(self.interfaces.len() as u32 - 1)
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let total = (body.len() as u32 + 12).to_le_bytes();
        for part in [&kind.to_le_bytes()[..], &total, body, &total] {
            self.out.write_all(part)?;
        }
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..LONGEST).unwrap_or(value);
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}
