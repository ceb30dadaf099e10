//! # `blockpage-known`: a known block page
//!
//! ## What it looks for
//!
//! The page, or the target of the redirect, matches a string of the block-page table, and none of the innocent pages that
//! resemble such strings.
//!
//! ## Why it speaks for interference
//!
//! Filters name themselves or their law on their pages.
//!
//! ## Innocent explanations
//!
//! Real filters that somebody chose (company, school, family); a page that quotes a block page; a server that is legally
//! bound (451).
//!
//! ## How to check in Wireshark
//!
//! Follow the HTTP stream.
//!
//! ## Source
//!
//! OONI blocking-fingerprints, Censored Planet and Citizen Lab lists; the source stands beside each row of
//! `src/attribute/blockpages.toml`.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::attribute::blockpages;

pub const RULE: Rule = Rule {
    id: "blockpage-known",
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
    let (_, e) = packets(view).find(|(_, e)| e.payload_len > 0)?;
    let head = &view.case.flow.heads[view.suspect.sender.index()];
    let segment = head.segments.iter().find(|s| s.frame == e.frame)?;
    let page = blockpages::of_payload(head.slice(segment)).into_iter().find(|p| p.accuses)?;
    let source = page.source.map(|s| format!("; source: {s}")).unwrap_or_default();
    let text = format!("the page matches {} ({}, {}){source}", page.id, page.scope, page.country);
    Some(Claim::new("blockpage-known", Class::B, [e.frame], text))
}
