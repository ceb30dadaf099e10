//! Captures of HTTP exchanges, written byte by byte.

const CLIENT: [u8; 4] = [192, 0, 2, 10];
const SERVER: [u8; 4] = [198, 51, 100, 20];
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// A classic pcap of raw IP packets.
pub struct Capture {
    pub bytes: Vec<u8>,
    time_us: u32,
    id: u16,
}

impl Capture {
    pub fn new() -> Capture {
        let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(65535_u32.to_le_bytes());
        bytes.extend(101_u32.to_le_bytes());
        Capture { bytes, time_us: 0, id: 100 }
    }

    /// A TCP packet, `after_us` microseconds behind the one before.
    fn tcp(&mut self, after_us: u32, to_server: bool, port: u16, ttl: u8, (flags, seq, ack): (u8, u32, u32), payload: &[u8]) {
        self.time_us += after_us;
        self.id += 1;
        let (src, dst) = if to_server { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let ports = if to_server { [port, 80] } else { [80, port] };
        let length = 40 + payload.len();
        let mut p = vec![0x45, 0];
        p.extend((length as u16).to_be_bytes());
        p.extend(self.id.to_be_bytes());
        p.extend([0x40, 0, ttl, 6, 0, 0]);
        p.extend(src);
        p.extend(dst);
        p.extend(ports.iter().flat_map(|p| p.to_be_bytes()));
        p.extend(seq.to_be_bytes());
        p.extend(ack.to_be_bytes());
        p.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        p.extend(payload);
        let seconds = 1_700_000_000 + self.time_us / 1_000_000;
        for field in [seconds, self.time_us % 1_000_000, p.len() as u32, p.len() as u32] {
            self.bytes.extend(field.to_le_bytes());
        }
        self.bytes.extend(p);
    }

    /// Handshake and request: six packets' worth of an ordinary HTTP exchange up to the answer.
    fn request(&mut self, port: u16, host: &[u8]) -> u32 {
        let get = [b"GET / HTTP/1.1\r\nHost: ", host, b"\r\nUser-Agent: x\r\n\r\n"].concat();
        self.tcp(1_000, true, port, 64, (SYN, 999, 0), b"");
        self.tcp(40_000, false, port, 50, (SYN | ACK, 4999, 1000), b"");
        self.tcp(100, true, port, 64, (ACK, 1000, 5000), b"");
        self.tcp(200, true, port, 64, (PSH | ACK, 1000, 5000), &get);
        1000 + get.len() as u32
    }

    pub fn answer(&mut self, after_us: u32, port: u16, next: u32) {
        self.tcp(after_us, false, port, 50, (ACK, 5000, next), b"");
        self.tcp(500, false, port, 50, (PSH | ACK, 5000, next), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }

    /// The request is answered.
    pub fn innocent(&mut self, port: u16) {
        let next = self.request(port, b"fine.example");
        self.answer(40_000, port, next);
    }

    /// A reset from nearby comes before the server's answer, which comes all the same.
    pub fn guilty(&mut self, port: u16, host: &[u8]) {
        let next = self.request(port, host);
        for _ in 0..2 {
            self.tcp(3_000, false, port, 57, (RST | ACK, 5000, next), b"");
        }
        self.answer(36_000, port, next);
    }
}

pub fn guilty(host: &[u8]) -> Vec<u8> {
    let mut capture = Capture::new();
    capture.innocent(40_000);
    capture.guilty(40_001, host);
    capture.bytes
}

pub fn innocent() -> Vec<u8> {
    let mut capture = Capture::new();
    capture.innocent(40_000);
    capture.bytes
}
