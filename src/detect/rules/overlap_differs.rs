//! # `overlap-differs`: two packets claim different bytes for the same place in the stream
//!
//! ## What it looks for
//!
//! Two data packets of one side with the same sequence number whose first bytes differ. With a difference in the headers
//! too (TTL by three, DF, timestamps, or an identification of 0 without DF) it is class A, without one class B.
//!
//! ## Why it speaks for interference
//!
//! A host retransmits the same bytes. Two versions have two authors.
//!
//! ## Innocent explanations
//!
//! Proxies that cut the stream anew keep the bytes; a broken middlebox that rewrites payload; conflicting copies a client
//! sends on purpose (evasion tools), which are never looked at here.
//!
//! ## How to check in Wireshark
//!
//! `tcp.analysis.retransmission` or "Reassembly error ... overlaps old data"; compare the two payloads.
//!
//! ## Source
//!
//! HoneyBadger (Gallagher and Stainton); Fox-IT, "Deep dive into QUANTUM INSERT", 2015.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_data::race;
use crate::flow::entry::fact;

pub const RULE: Rule = Rule {
    id: "overlap-differs",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let data: Vec<_> = view.case.of(view.suspect.sender).filter(|(_, e)| e.payload_len > 0 && !e.is_rst()).collect();
    let (winner, loser) = race(&data)?;
    let (w, l) = (view.case.entries.get(winner)?, view.case.entries.get(loser)?);
    let df = |e: &crate::flow::entry::Entry| e.is(fact::DONT_FRAGMENT);
    let no_id = |e: &crate::flow::entry::Entry| e.ip_id() == Some(0) && !df(e);
    let header = w.ttl.abs_diff(l.ttl) >= 3 || df(w) != df(l) || w.timestamps().is_some() != l.timestamps().is_some() || no_id(w) != no_id(l);
    let class = if header { Class::A } else { Class::B };
    let text = format!("two packets claim different bytes at the same sequence number; the second came {:.1} ms later", l.time.since(w.time) as f64 / 1e6);
    Some(Claim::new("overlap-differs", class, [w.frame, l.frame], text))
}
