//! A DNS transaction as a record: the question, the reply that clients believe, and what later replies said otherwise.

use super::clock::{milliseconds, rfc3339};
use super::escape;
use super::record::DnsRecord;
use crate::app::dns::{qtype_name, rcode_name};
use crate::survey::Transaction;
use std::net::IpAddr;

pub fn record(t: &Transaction) -> DnsRecord {
    let first = t.replies.first();
    let given: &[IpAddr] = first.map_or(&[], |r| &r.addresses);
    let mut others: Vec<IpAddr> = Vec::new();
    for address in t.replies.iter().skip(1).flat_map(|r| &r.addresses) {
        if !given.contains(address) && !others.contains(address) {
            others.push(*address);
        }
    }
    let text = |list: &[IpAddr]| list.iter().map(IpAddr::to_string).collect();
    DnsRecord {
        id: t.id,
        name: escape::escape(&t.name),
        qtype: t.qtype.map(|q| qtype_name(q).into_owned()),
        frame: t.frame,
        time: rfc3339(t.time),
        queries: t.queries,
        replies: t.replies.len() as u64,
        reply_frame: first.map(|r| r.frame),
        rtt_ms: first.filter(|_| t.queries > 0).map(|r| milliseconds(r.time.since(t.time))),
        rcode: first.map(|r| rcode_name(r.rcode).into_owned()),
        answers: text(given),
        cnames: first.map(|r| r.names.iter().map(|n| escape::escape(n)).collect()).unwrap_or_default(),
        records: first.map(|r| r.records),
        other_answers: text(&others),
    }
}
