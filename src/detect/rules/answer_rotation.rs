//! # `answer-rotation`: the same records in another order, or another member of the same service
//!
//! ## What it looks for
//!
//! The answers of the transaction share an address or a CNAME, or one is a subset of the other; or there are no more
//! answers than queries and the packets do not differ.
//!
//! ## Why it speaks against it
//!
//! Resolvers rotate records, and content networks give each query another server.
//!
//! ## What could still be wrong
//!
//! A forger that happens to answer from the genuine set.
//!
//! ## How to check in Wireshark
//!
//! Compare `dns.a` and `dns.cname` of the answers.
//!
//! ## Source
//!
//! RFC 1794; OONI names unmatched content-network answers as its main source of false alarms.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{answers, disagree};

pub const RULE: Rule = Rule {
    id: "answer-rotation",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &["dns-answers-conflict", "dns-edns-lost", "dns-flags-odd"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let all: Vec<_> = answers(view.case).map(|(_, d)| d).collect();
    if all.len() < 2 {
        return None;
    }
    let agree = all.iter().enumerate().all(|(n, one)| all.iter().skip(n + 1).all(|two| !disagree(one, two)));
    let frames = all.iter().filter_map(|d| view.case.entries.get(d.entry)).map(|e| e.frame);
    agree.then(|| Claim::new("answer-rotation", Class::B, frames, "the answers share records: a rotated or repeated answer"))
}
