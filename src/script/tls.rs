//! TLS messages (RFC 8446, RFC 5246): hellos an analyser takes for real ones, and records full of noise.

use super::random::Random;

const HANDSHAKE: u8 = 22;

/// A ClientHello.
#[derive(Clone, Debug)]
pub struct Hello {
    sni: Option<String>,
    alpn: Vec<&'static str>,
    ech: bool,
    esni: bool,
    post_quantum: bool,
    name_last: bool,
    quic: bool,
}

impl Hello {
    /// A TLS 1.3 hello for HTTP/2.
    pub fn new(name: &str) -> Hello {
        let alpn = vec!["h2", "http/1.1"];
        Hello { sni: Some(name.to_owned()), alpn, ech: false, esni: false, post_quantum: false, name_last: false, quic: false }
    }

    /// For a server that is only an address.
    pub fn nameless() -> Hello {
        Hello { sni: None, ..Hello::new("") }
    }

    /// Carries Encrypted ClientHello; the name is the outer one.
    pub fn ech(mut self) -> Hello {
        self.ech = true;
        self
    }

    /// Carries the older encrypted SNI (0xffce), and so no plain one.
    pub fn esni(mut self) -> Hello {
        self.esni = true;
        self.sni = None;
        self
    }

    /// With a key share of 1216 bytes (X25519MLKEM768): two segments.
    pub fn big(mut self) -> Hello {
        self.post_quantum = true;
        self
    }

    /// Puts the name behind everything else, into the last segment.
    pub fn name_last(mut self) -> Hello {
        self.name_last = true;
        self
    }

    /// As QUIC sends it.
    pub fn over_quic(mut self) -> Hello {
        self.quic = true;
        self.alpn = vec!["h3"];
        self
    }

    pub fn name(&self) -> Option<&str> {
        self.sni.as_deref()
    }

    pub fn has_ech(&self) -> bool {
        self.ech || self.esni
    }

    /// The handshake message.
    pub fn message(&self, random: &mut Random) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend(random.bytes(32));
        body.extend(with_u8_len(&if self.quic { Vec::new() } else { random.bytes(32) }));
        let suites: &[u16] = &[0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];
        body.extend(with_u16_len(&words(if self.quic { &suites[..3] } else { suites })));
        body.extend([1, 0]);
        body.extend(with_u16_len(&self.extensions(random)));
        handshake(1, &body)
    }

    /// The handshake message in a record.
    pub fn record(&self, random: &mut Random) -> Vec<u8> {
        record(HANDSHAKE, 0x0301, &self.message(random))
    }

    fn extensions(&self, random: &mut Random) -> Vec<u8> {
        let mut out = Vec::new();
        let name = self.sni.as_ref().map(|name| {
            let entry = [&[0][..], &with_u16_len(name.as_bytes())].concat();
            extension(0, &with_u16_len(&entry))
        });
        if !self.name_last {
            out.extend(name.iter().flatten());
        }
        out.extend(extension(23, &[]));
        let groups: &[u16] = if self.post_quantum { &[0x11ec, 29, 23, 24] } else { &[29, 23, 24] };
        out.extend(extension(10, &with_u16_len(&words(groups))));
        out.extend(extension(11, &[1, 0]));
        out.extend(extension(35, &[]));
        let protocols: Vec<u8> = self.alpn.iter().flat_map(|p| with_u8_len(p.as_bytes())).collect();
        out.extend(extension(16, &with_u16_len(&protocols)));
        out.extend(extension(5, &[1, 0, 0, 0, 0]));
        out.extend(extension(13, &with_u16_len(&words(&[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]))));
        out.extend(extension(43, &if self.quic { vec![2, 3, 4] } else { vec![4, 3, 4, 3, 3] }));
        out.extend(extension(45, &[1, 1]));
        let mut shares = Vec::new();
        if self.post_quantum {
            shares.extend([&0x11ecu16.to_be_bytes()[..], &with_u16_len(&random.bytes(1216))].concat());
        }
        shares.extend([&29u16.to_be_bytes()[..], &with_u16_len(&random.bytes(32))].concat());
        out.extend(extension(51, &with_u16_len(&shares)));
        if self.quic {
            // Transport parameters: idle timeout, data limits, own (empty) connection ID.
            out.extend(extension(57, &[1, 4, 0x80, 0, 0x75, 0x30, 4, 4, 0x80, 0x60, 0, 0, 5, 4, 0x80, 0x20, 0, 0, 0x0f, 0]));
        }
        if self.ech {
            // Outer, HKDF-SHA256, AES-128-GCM, configuration, key and sealed hello.
            let sealed = [&[0, 0, 1, 0, 1, 0x2a][..], &with_u16_len(&random.bytes(32)), &with_u16_len(&random.bytes(208))].concat();
            out.extend(extension(0xfe0d, &sealed));
        }
        if self.esni {
            let share = [&29u16.to_be_bytes()[..], &with_u16_len(&random.bytes(32))].concat();
            let sealed = [&[0x13, 1][..], &share, &with_u16_len(&random.bytes(32)), &with_u16_len(&random.bytes(292))].concat();
            out.extend(extension(0xffce, &sealed));
        }
        if self.name_last {
            out.extend(name.iter().flatten());
        }
        out
    }
}

/// A TLS 1.3 ServerHello message.
pub fn server_hello(random: &mut Random) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random.bytes(32));
    body.extend(with_u8_len(&random.bytes(32)));
    body.extend([0x13, 0x01, 0]);
    let share = [&29u16.to_be_bytes()[..], &with_u16_len(&random.bytes(32))].concat();
    body.extend(with_u16_len(&[extension(43, &[3, 4]), extension(51, &share)].concat()));
    handshake(2, &body)
}

/// What a TLS 1.3 server sends first: ServerHello, ChangeCipherSpec, and the rest sealed.
pub fn server_flight(random: &mut Random, sealed: usize) -> Vec<u8> {
    [record(HANDSHAKE, 0x0303, &server_hello(random)), record(20, 0x0303, &[1]), data(random, sealed)].concat()
}

/// What a TLS 1.2 server sends first, with its certificate in the clear.
pub fn server_flight_12(random: &mut Random) -> Vec<u8> {
    let hello = [&[3, 3][..], &random.bytes(32), &with_u8_len(&random.bytes(32)), &[0xc0, 0x2b, 0, 0, 5, 0xff, 1, 0, 1, 0]].concat();
    let certificate = with_u24_len(&with_u24_len(&certificate()));
    let exchange = [&[3, 0, 29][..], &with_u8_len(&random.bytes(32)), &[4, 3], &with_u16_len(&random.bytes(71))].concat();
    let messages = [handshake(2, &hello), handshake(11, &certificate), handshake(12, &exchange), handshake(14, &[])];
    messages.map(|m| record(HANDSHAKE, 0x0303, &m)).concat()
}

/// A TLS 1.2 server's first flight with one certificate of an issuer's for a name.
pub fn server_flight_by(random: &mut Random, issuer: &str, name: &str) -> Vec<u8> {
    server_flight_with(random, &[certificate_by(issuer, name, &[], &[])])
}

/// The same with the chain most servers send: a leaf for twenty names and the certificate of its issuer, with what stands for keys and
/// signatures of the usual length.
pub fn server_flight_of_chain(random: &mut Random, name: &str) -> Vec<u8> {
    let names: Vec<String> = (0..20).map(|n| format!("{n}.{name}")).chain([name.into()]).collect();
    let leaf = certificate_by("Example Authority", name, &names, &random.bytes(550));
    let issuer = certificate_by("Example Root", "Example Authority", &[], &random.bytes(800));
    server_flight_with(random, &[leaf, issuer])
}

fn server_flight_with(random: &mut Random, certificates: &[Vec<u8>]) -> Vec<u8> {
    let hello = [&[3, 3][..], &random.bytes(32), &[0, 0xc0, 0x2b, 0]].concat();
    let chain = with_u24_len(&certificates.iter().flat_map(|c| with_u24_len(c)).collect::<Vec<u8>>());
    [handshake(2, &hello), handshake(11, &chain), handshake(14, &[])].map(|m| record(HANDSHAKE, 0x0303, &m)).concat()
}

/// A certificate for a name and others, as far as anybody reads it: something stands for its key and its signature.
fn certificate_by(issuer: &str, name: &str, others: &[String], key: &[u8]) -> Vec<u8> {
    let der = |tag: u8, body: &[u8]| [&[tag, 0x82][..], &with_u16_len(body)].concat();
    let common = |text: &str| der(0x30, &der(0x31, &der(0x30, &[&[6, 3, 0x55, 4, 3][..], &der(0x0c, text.as_bytes())].concat())));
    let times = [der(0x17, b"260101000000Z"), der(0x17, b"270101000000Z")].concat();
    let mut fields = [der(2, &[7]), der(0x30, &[]), common(issuer), der(0x30, &times), common(name)].concat();
    if !key.is_empty() {
        fields.extend(der(0x30, key));
    }
    if !others.is_empty() {
        let names: Vec<u8> = others.iter().flat_map(|other| der(0x82, other.as_bytes())).collect();
        let extension = [&[6, 3, 0x55, 0x1d, 0x11][..], &der(4, &der(0x30, &names))].concat();
        fields.extend(der(0xa3, &der(0x30, &der(0x30, &extension))));
    }
    der(0x30, &der(0x30, &fields))
}

/// The small self-signed certificate the dissector's tests use too.
pub fn certificate() -> Vec<u8> {
    let digits: Vec<u8> = include_str!("../app/certificate/self_signed.hex").bytes().filter(u8::is_ascii_hexdigit).collect();
    let nibble = |b: u8| (b as char).to_digit(16).expect("hexadecimal digits") as u8;
    digits.chunks(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}

/// ChangeCipherSpec and a sealed Finished: the client's second flight.
pub fn client_finished(random: &mut Random) -> Vec<u8> {
    [record(20, 0x0303, &[1]), data(random, 53)].concat()
}

/// Application data of that many sealed bytes, in as many records as it takes.
pub fn data(random: &mut Random, sealed: usize) -> Vec<u8> {
    random.bytes(sealed).chunks(16_384).flat_map(|part| record(23, 0x0303, part)).collect()
}

/// A fatal alert in the clear.
pub fn fatal_alert(description: u8) -> Vec<u8> {
    record(21, 0x0303, &[2, description])
}

/// A record.
pub fn record(kind: u8, version: u16, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &version.to_be_bytes(), &with_u16_len(body)].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &with_u24_len(body)].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &with_u16_len(body)].concat()
}

fn words(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|w| w.to_be_bytes()).collect()
}

fn with_u8_len(body: &[u8]) -> Vec<u8> {
    [&[body.len() as u8][..], body].concat()
}

fn with_u16_len(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes()[..], body].concat()
}

fn with_u24_len(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[1..], body].concat()
}
