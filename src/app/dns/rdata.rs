//! Record data of the types detectors ask about.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use dns_parser::{RData, Type};

use super::{Name, Notes, u16_at};

/// A record's data. Types not listed keep only their length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    /// CNAME, NS, PTR and DNAME: one name.
    Name(Name),
    Mx {
        preference: u16,
        exchange: Name,
    },
    /// The strings of a TXT record, joined.
    Txt(Vec<u8>),
    Soa {
        primary: Name,
        mailbox: Name,
        serial: u32,
        /// How long a negative answer may be kept.
        minimum: u32,
    },
    Srv {
        priority: u16,
        weight: u16,
        port: u16,
        target: Name,
    },
    Other {
        len: u16,
    },
}

impl Data {
    /// Reads the data at `range` of `payload`; what does not fit its type becomes [`Data::Other`] with a note.
    pub(super) fn read(rtype: u16, payload: &[u8], range: Range<usize>, notes: &mut Notes) -> Data {
        let bytes = payload.get(range.clone()).unwrap_or(&[]);
        let known = match rtype {
            1 => fixed(Type::A, bytes, payload),
            28 => fixed(Type::AAAA, bytes, payload),
            16 => fixed(Type::TXT, bytes, payload),
            2 | 5 | 12 | 39 => name(payload, range.start, range.end).map(Data::Name),
            6 => soa(payload, range),
            15 => mx(bytes, payload, range),
            33 => srv(bytes, payload, range),
            _ => return Data::other(bytes),
        };
        known.unwrap_or_else(|| {
            notes.insert(Notes::BAD_RDATA);
            Data::other(bytes)
        })
    }

    fn other(bytes: &[u8]) -> Data {
        Data::Other { len: u16::try_from(bytes.len()).unwrap_or(u16::MAX) }
    }
}

/// A name that must end exactly at `end`.
fn name(payload: &[u8], at: usize, end: usize) -> Option<Name> {
    Name::read(payload, at).ok().filter(|&(_, next)| next == end).map(|(name, _)| name)
}

/// Types without names inside: `dns_parser` may have them as they are.
fn fixed(rtype: Type, bytes: &[u8], payload: &[u8]) -> Option<Data> {
    match RData::parse(rtype, bytes, payload).ok()? {
        RData::A(a) => Some(Data::A(a.0)),
        RData::AAAA(aaaa) => Some(Data::Aaaa(aaaa.0)),
        RData::TXT(txt) => Some(Data::Txt(txt.iter().flatten().copied().collect())),
        _ => None,
    }
}

/// Types with a name inside are read by our bounded reader first, so that `dns_parser` never walks a long chain
/// of pointers; where it is merely stricter about labels, the numbers are read here.
fn mx(bytes: &[u8], payload: &[u8], range: Range<usize>) -> Option<Data> {
    let exchange = name(payload, range.start + 2, range.end)?;
    let preference = match RData::parse(Type::MX, bytes, payload) {
        Ok(RData::MX(mx)) => mx.preference,
        _ => u16_at(bytes, 0)?,
    };
    Some(Data::Mx { preference, exchange })
}

fn srv(bytes: &[u8], payload: &[u8], range: Range<usize>) -> Option<Data> {
    let target = name(payload, range.start + 6, range.end)?;
    let (priority, weight, port) = match RData::parse(Type::SRV, bytes, payload) {
        Ok(RData::SRV(srv)) => (srv.priority, srv.weight, srv.port),
        _ => (u16_at(bytes, 0)?, u16_at(bytes, 2)?, u16_at(bytes, 4)?),
    };
    Some(Data::Srv { priority, weight, port, target })
}

fn soa(payload: &[u8], range: Range<usize>) -> Option<Data> {
    let (primary, next) = Name::read(payload, range.start).ok()?;
    let (mailbox, next) = Name::read(payload, next).ok()?;
    let numbers: &[u8; 20] = payload.get(next..range.end)?.try_into().ok()?;
    let word = |at: usize| Some(u32::from(u16_at(numbers, at)?) << 16 | u32::from(u16_at(numbers, at + 2)?));
    Some(Data::Soa { primary, mailbox, serial: word(0)?, minimum: word(16)? })
}
