//! DNS messages (RFC 1035, RFC 6891), honest and otherwise.

use std::net::IpAddr;

pub const A: u16 = 1;
pub const NS: u16 = 2;
pub const CNAME: u16 = 5;
pub const SOA: u16 = 6;
pub const MX: u16 = 15;
pub const TXT: u16 = 16;
pub const AAAA: u16 = 28;
pub const HTTPS: u16 = 65;

/// Answer, recursion desired and available: what a resolver says.
pub const RESOLVED: u16 = 0x8180;
/// The same with the authoritative bit.
pub const AUTHORITATIVE: u16 = 0x8580;

/// A question.
#[derive(Clone, Debug)]
pub struct Query {
    name: String,
    qtype: u16,
    id: u16,
    flags: u16,
    edns: bool,
}

impl Query {
    /// Asked of a recursive resolver, with EDNS, as stub resolvers do. The transaction ID follows from the question.
    pub fn new(name: &str, qtype: u16) -> Query {
        let id = name.bytes().fold(qtype.wrapping_mul(4099) ^ 0x5a17, |sum, b| sum.wrapping_mul(31).wrapping_add(u16::from(b)));
        Query { name: name.to_owned(), qtype, id, flags: 0x0100, edns: true }
    }

    pub fn a(name: &str) -> Query {
        Query::new(name, A)
    }

    pub fn aaaa(name: &str) -> Query {
        Query::new(name, AAAA)
    }

    pub fn id(mut self, id: u16) -> Query {
        self.id = id;
        self
    }

    pub fn flags(mut self, flags: u16) -> Query {
        self.flags = flags;
        self
    }

    pub fn without_edns(mut self) -> Query {
        self.edns = false;
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The message.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = header(self.id, self.flags, [1, 0, 0, u16::from(self.edns)]);
        question(&mut out, &self.name, self.qtype);
        if self.edns {
            opt(&mut out, 1232);
        }
        out
    }

    /// The resolver's answer, empty so far.
    pub fn answer(&self) -> Answer {
        Answer { query: self.clone(), flags: RESOLVED, records: Vec::new(), authority: Vec::new(), edns: self.edns, ttl: 300 }
    }
}

/// An answer to a query.
#[derive(Clone, Debug)]
pub struct Answer {
    query: Query,
    flags: u16,
    records: Vec<(u16, u32, Vec<u8>)>,
    authority: Vec<(u16, u32, Vec<u8>)>,
    edns: bool,
    ttl: u32,
}

impl Answer {
    /// Time to live of the records added after this.
    pub fn ttl(mut self, ttl: u32) -> Answer {
        self.ttl = ttl;
        self
    }

    /// An address record, A or AAAA as the address is.
    pub fn address(self, ip: &str) -> Answer {
        match ip.parse().expect("an IP address") {
            IpAddr::V4(a) => self.record(A, &a.octets()),
            IpAddr::V6(a) => self.record(AAAA, &a.octets()),
        }
    }

    pub fn addresses(self, ips: &[&str]) -> Answer {
        ips.iter().fold(self, |answer, ip| answer.address(ip))
    }

    /// Points at another name, which the address records added after it do not repeat.
    pub fn cname(self, target: &str) -> Answer {
        let data = name_bytes(target);
        self.record(CNAME, &data)
    }

    pub fn mx(self, preference: u16, host: &str) -> Answer {
        let data = [&preference.to_be_bytes()[..], &name_bytes(host)].concat();
        self.record(MX, &data)
    }

    pub fn txt(self, text: &str) -> Answer {
        let data = [&[text.len() as u8][..], text.as_bytes()].concat();
        self.record(TXT, &data)
    }

    /// Any record of the name asked for.
    pub fn record(mut self, rtype: u16, data: &[u8]) -> Answer {
        self.records.push((rtype, self.ttl, data.to_vec()));
        self
    }

    /// The zone's SOA in the authority section.
    pub fn soa(mut self, server: &str) -> Answer {
        let numbers = [2026_0301u32, 7200, 3600, 1_209_600, 300].map(u32::to_be_bytes).concat();
        self.authority.push((SOA, self.ttl, [name_bytes(server), name_bytes(&format!("hostmaster.{server}")), numbers].concat()));
        self
    }

    /// No such name.
    pub fn nxdomain(self) -> Answer {
        self.rcode(3)
    }

    pub fn servfail(self) -> Answer {
        self.rcode(2)
    }

    pub fn refused(self) -> Answer {
        self.rcode(5)
    }

    pub fn rcode(mut self, code: u16) -> Answer {
        self.flags = self.flags & 0xfff0 | code;
        self
    }

    /// Cut: ask again over TCP.
    pub fn truncated(mut self) -> Answer {
        self.flags |= 0x0200;
        self
    }

    pub fn flags(mut self, flags: u16) -> Answer {
        self.flags = flags;
        self
    }

    /// Forgers rarely echo the OPT record.
    pub fn without_edns(mut self) -> Answer {
        self.edns = false;
        self
    }

    /// The message.
    pub fn bytes(&self) -> Vec<u8> {
        let counts = [1, self.records.len() as u16, self.authority.len() as u16, u16::from(self.edns)];
        let mut out = header(self.query.id, self.flags, counts);
        question(&mut out, &self.query.name, self.query.qtype);
        // Records after a CNAME belong to its target, which stands in the CNAME's data.
        let mut owner = 12u16;
        for (rtype, ttl, data) in self.records.iter().chain(&self.authority) {
            out.extend((0xc000 | owner).to_be_bytes());
            out.extend(rtype.to_be_bytes());
            out.extend([0, 1]);
            out.extend(ttl.to_be_bytes());
            out.extend((data.len() as u16).to_be_bytes());
            if *rtype == CNAME {
                owner = out.len() as u16;
            }
            out.extend(data);
        }
        if self.edns {
            opt(&mut out, 1232);
        }
        out
    }
}

/// Puts the length before a message, as TCP wants it.
pub fn over_tcp(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let [qd, an, ns, ar] = counts;
    [id, flags, qd, an, ns, ar].iter().flat_map(|w| w.to_be_bytes()).collect()
}

fn question(out: &mut Vec<u8>, name: &str, qtype: u16) {
    out.extend(name_bytes(name));
    out.extend(qtype.to_be_bytes());
    out.extend([0, 1]);
}

fn opt(out: &mut Vec<u8>, size: u16) {
    out.extend([0, 0, 41]);
    out.extend(size.to_be_bytes());
    out.extend([0; 6]);
}

/// A name in wire format, uncompressed.
pub fn name_bytes(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).expect("labels of at most 63 octets"));
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}
