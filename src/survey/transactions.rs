//! The DNS transactions of a flow, for whoever wants to see every question and what was said to it.

use super::verdict::{Reply, Transaction};
use crate::app::dns::{Data, Message};
use crate::detect::case::Case;
use crate::flow::entry::Entry;
use std::net::IpAddr;

/// Transactions in order of their first message. What a flow keeps of its packets bounds them.
pub fn of(case: &Case<'_>) -> Vec<Transaction> {
    let mut list: Vec<Transaction> = Vec::new();
    for seen in &case.messages.dns {
        let (Some(e), m) = (case.entries.get(seen.entry), &seen.message) else { continue };
        let asked = |t: &&mut Transaction| t.id == m.id && (m.is_response || (&t.name, t.qtype) == (&question(m).0, question(m).1));
        // Identifiers are used again: the latest question is the one that is answered.
        let known = list.iter_mut().rev().find(asked);
        match known {
            Some(t) if m.is_response => t.replies.push(reply(m, e)),
            Some(t) => t.queries += 1,
            None => {
                let (name, qtype) = question(m);
                let mut new = Transaction { id: m.id, name, qtype, frame: e.frame, time: e.time, queries: 0, replies: Vec::new() };
                if m.is_response {
                    new.replies.push(reply(m, e));
                } else {
                    new.queries = 1;
                }
                list.push(new);
            }
        }
    }
    list
}

fn question(m: &Message) -> (Vec<u8>, Option<u16>) {
    let name = m.question.as_ref().map(|q| q.name.as_lower_octets()).unwrap_or_default();
    (name, m.question.as_ref().map(|q| q.qtype))
}

fn reply(m: &Message, e: &Entry) -> Reply {
    let addresses = m.answers.iter().filter_map(|r| match &r.data {
        Data::A(a) => Some(IpAddr::V4(*a)),
        Data::Aaaa(a) => Some(IpAddr::V6(*a)),
        _ => None,
    });
    let names = m.answers.iter().filter_map(|r| match &r.data {
        Data::Name(n) => Some(n.as_lower_octets()),
        _ => None,
    });
    Reply {
        frame: e.frame,
        time: e.time,
        rcode: m.rcode,
        addresses: addresses.collect(),
        names: names.collect(),
        records: m.answers.len() as u64,
    }
}
