//! # `not-tls`: plain text in answer to a ClientHello
//!
//! ## What it looks for
//!
//! The first bytes that answer a ClientHello are no TLS record.
//!
//! ## Why it speaks for interference
//!
//! A TLS server answers in TLS, if only with an alert. Text on a TLS port comes from a box that does not care.
//!
//! ## Innocent explanations
//!
//! A plain HTTP server on that port (it answers every client so), a broken proxy.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`: data from the server that Wireshark does not show as TLS.
//!
//! ## Source
//!
//! Uzbekistan ("Middlebox v 1.0", "Object not found"), ntc.party and net4people/bbs issue 78.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_data::is_next;
use crate::detect::suspects::tcp_reset::packets;

pub const RULE: Rule = Rule {
    id: "not-tls",
    stance: Stance::For,
    class: Class::B,
    family: Family::Content,
    mechanisms: &[Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    view.case.messages.hello.as_ref()?;
    // Behind a hole in the stream a segment may begin anywhere in a record.
    let (_, e) = packets(view).find(|(i, e)| e.payload_len > 0 && !e.peek().is_empty() && is_next(view.case, *i, e))?;
    // A record: type 20 to 24, version 3.x.
    let is_record = matches!(e.peek(), [20..=24, 3, ..]);
    (!is_record).then(|| Claim::new("not-tls", Class::B, [e.frame], "the answer to a ClientHello is not TLS"))
}
