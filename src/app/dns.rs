//! DNS messages (RFC 1035, RFC 6891), read tolerantly.
//!
//! The envelopes (header, question, records) are walked here and not by `dns_parser`, which refuses a whole
//! message for an HTTPS or DNSSEC record, a set Z bit, a second OPT, an odd label or a cut-off end: exactly the
//! everyday traffic and the forgers' marks this tool must see. `dns_parser` gets the RDATA of known types
//! ([`rdata`]), and its strictness is kept as a fact worth having ([`strictly_valid`]). Its `Name` is never
//! printed: a chain of pointers makes that take milliseconds, or overflow the stack.

mod notes;
mod quick;
mod rdata;
mod records;
mod types;

pub use notes::Notes;
pub use quick::{quick_txid, tcp_messages};
pub use rdata::Data;
pub use types::{qtype_name, rcode_name};

use super::name::{Name, NameError};
use records::read_records;
use std::net::IpAddr;

/// Records read of one message, over all sections. Genuine answers to stub resolvers stay far below.
pub const MAX_RECORDS: usize = 64;
/// Questions stepped over. Unicast queries have one; mDNS packs a dozen.
const MAX_QUESTIONS: u16 = 64;
/// No genuine message announces more records in a section than this over UDP or in one TCP answer's head.
const MAX_ANNOUNCED: u16 = 4096;

const HEADER_LEN: usize = 12;
const OPT: u16 = 41;

/// A DNS message, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: u16,
    /// The raw second word of the header: forgers are told apart by it.
    pub flags: u16,
    pub is_response: bool,
    pub opcode: u8,
    /// With the upper bits of EDNS when there is an OPT.
    pub rcode: u16,
    pub authoritative: bool,
    pub truncated: bool,
    pub recursion_desired: bool,
    pub recursion_available: bool,
    pub z: bool,
    pub authentic_data: bool,
    pub checking_disabled: bool,
    /// QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT as announced.
    pub counts: [u16; 4],
    pub question: Option<Question>,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
    /// Without the OPT, which is in `edns`.
    pub additionals: Vec<Record>,
    pub edns: Option<Edns>,
    pub notes: Notes,
}

impl Message {
    /// Addresses in the answer section.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + Clone {
        self.answers.iter().filter_map(|r| match r.data {
            Data::A(a) => Some(IpAddr::V4(a)),
            Data::Aaaa(a) => Some(IpAddr::V6(a)),
            _ => None,
        })
    }
}

/// The first question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub name: Name,
    pub qtype: u16,
    pub qclass: u16,
}

/// One resource record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub name: Name,
    pub rtype: u16,
    pub class: u16,
    pub ttl: u32,
    pub data: Data,
}

/// What the OPT record says (RFC 6891).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edns {
    pub udp_size: u16,
    pub version: u8,
    pub dnssec_ok: bool,
    /// Option code and length.
    pub options: Vec<(u16, u16)>,
}

/// Reads a payload that should be a DNS message; `None` if it is not plausibly one.
pub fn parse(payload: &[u8]) -> Option<Message> {
    let message = parse_lenient(payload)?;
    let [questions, announced @ ..] = message.counts;
    let plausible = message.opcode <= 6
        && questions <= MAX_QUESTIONS
        && announced.iter().all(|&count| count <= MAX_ANNOUNCED)
        && match &message.question {
            Some(question) => plausible_class(question.qclass) && !quick::is_netbios(payload),
            None => questions == 0 && message.is_response && quick::plausible_without_question(payload),
        };
    plausible.then_some(message)
}

/// Reads whatever a header's worth of bytes says, however broken: for payloads already known to stand in a DNS
/// conversation (a TCP message on a stream that spoke DNS, a second answer to a transaction).
pub fn parse_lenient(payload: &[u8]) -> Option<Message> {
    let mut message = header(payload)?;
    let Some(at) = read_questions(payload, &mut message) else {
        return Some(message);
    };
    read_records(payload, at, &mut message);
    Some(message)
}

/// Would a strict parser accept it? Asked only about suspicious replies. The size and the announced counts are
/// bounded first, because the strict parser's work grows with records times pointer chain.
pub fn strictly_valid(payload: &[u8]) -> bool {
    const MAX_STRICT: usize = 4096;
    let Some(message) = header(payload) else {
        return false;
    };
    let announced: u32 = message.counts.iter().map(|&count| u32::from(count)).sum();
    payload.len() <= MAX_STRICT && announced <= 256 && dns_parser::Packet::parse(payload).is_ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    pair.try_into().ok().map(u16::from_be_bytes)
}

/// Classes seen in the wild: IN, CH, HS, NONE (updates), ANY; mDNS uses the top bit for itself.
fn plausible_class(class: u16) -> bool {
    matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255)
}

fn header(payload: &[u8]) -> Option<Message> {
    let [id, flags, counts @ ..] = *payload.first_chunk::<HEADER_LEN>()?.as_chunks::<2>().0.first_chunk::<6>()?;
    let flags = u16::from_be_bytes(flags);
    let mut message = Message {
        id: u16::from_be_bytes(id),
        flags,
        is_response: flags & 0x8000 != 0,
        opcode: (flags >> 11 & 0xf) as u8,
        rcode: flags & 0xf,
        authoritative: flags & 0x0400 != 0,
        truncated: flags & 0x0200 != 0,
        recursion_desired: flags & 0x0100 != 0,
        recursion_available: flags & 0x0080 != 0,
        z: flags & 0x0040 != 0,
        authentic_data: flags & 0x0020 != 0,
        checking_disabled: flags & 0x0010 != 0,
        counts: counts.map(u16::from_be_bytes),
        question: None,
        answers: Vec::new(),
        authorities: Vec::new(),
        additionals: Vec::new(),
        edns: None,
        notes: Notes::default(),
    };
    message.notes.set(Notes::Z_BIT, message.z);
    Some(message)
}

fn note_name_error(notes: &mut Notes, error: NameError) {
    notes.insert(match error {
        NameError::Cut => Notes::CUT,
        NameError::PointerLoop => Notes::POINTER_LOOP.union(Notes::BAD_NAME),
        NameError::TooManyLabels | NameError::TooLong | NameError::BadLabel => Notes::BAD_NAME,
    });
}

/// Reads the first question and steps over the others; the offset of the first record, unless that is lost.
fn read_questions(payload: &[u8], message: &mut Message) -> Option<usize> {
    let mut at = HEADER_LEN;
    let [questions, answers, ..] = message.counts;
    message.notes.set(Notes::SEVERAL_QUESTIONS, questions > 1);
    for index in 0..questions.min(MAX_QUESTIONS) {
        if at == payload.len() && index > 0 {
            message.notes.insert(Notes::COUNTS_LIE);
            return None;
        }
        let (name, end) = match Name::read(payload, at) {
            Ok(read) => read,
            Err(error) => {
                note_name_error(&mut message.notes, error);
                return None;
            }
        };
        let Some(qtype) = u16_at(payload, end) else {
            message.notes.insert(Notes::CUT);
            return None;
        };
        let mut qclass = u16_at(payload, end + 2).unwrap_or(0);
        at = end + 4;
        if at > payload.len() {
            message.notes.insert(Notes::NO_QCLASS.union(Notes::CUT));
        } else if !plausible_class(qclass) && answers > 0 && qclass >= 0xc000 {
            // A forger that leaves out the class puts its answer's name pointer where the class should be.
            message.notes.insert(Notes::NO_QCLASS);
            qclass = 0;
            at = end + 2;
        }
        if index == 0 {
            message.question = Some(Question { name, qtype, qclass });
        }
    }
    (at <= payload.len()).then_some(at)
}

#[cfg(test)]
mod tests;
