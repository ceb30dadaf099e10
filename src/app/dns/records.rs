//! The records behind the questions.

use super::{Data, Edns, HEADER_LEN, MAX_RECORDS, Message, Name, Notes, OPT, Record, note_name_error, u16_at};

/// EDNS options remembered; the rest only cost a note.
const MAX_OPTIONS: usize = 32;
/// A record's name that is the first question's.
const POINTER_TO_QUESTION: [u8; 2] = [0xc0, HEADER_LEN as u8];

pub(super) fn read_records(payload: &[u8], mut at: usize, message: &mut Message) {
    let [_, counts @ ..] = message.counts;
    let mut budget = MAX_RECORDS;
    for (section, count) in counts.into_iter().enumerate() {
        for index in 0..count {
            if at == payload.len() {
                message.notes.insert(Notes::COUNTS_LIE);
                return;
            }
            let Some(rest) = budget.checked_sub(1) else {
                message.notes.insert(Notes::RECORDS_CAPPED);
                return;
            };
            budget = rest;
            if (section, index) == (0, 0) {
                let points = payload.get(at..at + 2) == Some(&POINTER_TO_QUESTION);
                message.notes.set(Notes::ANSWER_NAME_IS_POINTER_TO_QUESTION, points);
            }
            let Some(envelope) = Envelope::read(payload, at, message) else {
                return;
            };
            at = envelope.end;
            if envelope.rtype == OPT && section == 2 {
                read_opt(&envelope, payload, message);
                continue;
            }
            let record = envelope.into_record(payload, &mut message.notes);
            match section {
                0 => message.answers.push(record),
                1 => message.authorities.push(record),
                _ => message.additionals.push(record),
            }
        }
    }
    message.notes.set(Notes::TRAILING_BYTES, at < payload.len());
}

/// A record's fixed part and where its data stands.
struct Envelope {
    name: Name,
    rtype: u16,
    class: u16,
    ttl: u32,
    data_at: usize,
    end: usize,
}

impl Envelope {
    fn read(payload: &[u8], at: usize, message: &mut Message) -> Option<Envelope> {
        let notes = &mut message.notes;
        let asked = message.question.as_ref().filter(|_| payload.get(at..at + 2) == Some(&POINTER_TO_QUESTION)).map(|q| &q.name);
        // As in most answers. Where the question itself is compressed, the pointers followed are to be counted.
        let read = match asked.filter(|name| name.is_written_at(payload, HEADER_LEN)) {
            Some(name) => Ok((name.clone(), at + 2)),
            None => Name::read(payload, at),
        };
        let (name, next) = match read {
            Ok(read) => read,
            Err(error) => {
                note_name_error(notes, error);
                return None;
            }
        };
        notes.set(Notes::COMPRESSION, matches!(payload.get(next.wrapping_sub(2)), Some(0xc0..)));
        let fixed = payload.get(next..).and_then(<[u8]>::first_chunk);
        let whole = fixed.and_then(|&[t1, t0, c1, c0, a, b, c, d, l1, l0]| {
            let [rtype, class, length] = [[t1, t0], [c1, c0], [l1, l0]].map(u16::from_be_bytes);
            let (data_at, ttl) = (next + 10, u32::from_be_bytes([a, b, c, d]));
            Some(Envelope { name, rtype, class, ttl, data_at, end: data_at + usize::from(length) }).filter(|e| e.end <= payload.len())
        });
        notes.set(Notes::CUT, whole.is_none());
        whole
    }

    fn into_record(self, payload: &[u8], notes: &mut Notes) -> Record {
        let data = Data::read(self.rtype, payload, self.data_at..self.end, notes);
        Record { name: self.name, rtype: self.rtype, class: self.class, ttl: self.ttl, data }
    }
}

fn read_opt(opt: &Envelope, payload: &[u8], message: &mut Message) {
    if message.edns.is_some() {
        message.notes.insert(Notes::TWO_OPTS);
        return;
    }
    let mut options = Vec::new();
    let mut at = opt.data_at;
    while at < opt.end {
        let (Some(code), Some(length)) = (u16_at(payload, at), u16_at(payload, at + 2)) else {
            break;
        };
        at += 4 + usize::from(length);
        if at > opt.end || options.len() == MAX_OPTIONS {
            break;
        }
        options.push((code, length));
    }
    message.notes.set(Notes::BAD_RDATA, at != opt.end);
    message.rcode |= ((opt.ttl >> 24) as u16) << 4;
    message.edns = Some(Edns { udp_size: opt.class, version: (opt.ttl >> 16) as u8, dnssec_ok: opt.ttl & 0x8000 != 0, options });
}
