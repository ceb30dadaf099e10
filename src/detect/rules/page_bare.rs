//! # `page-bare`: a page no web server would send
//!
//! ## What it looks for
//!
//! An HTTP response in one segment that closes the connection (FIN, or "Connection: close"), and has neither a Date nor a
//! Server header; or a page without any HTTP head; or a redirect whose target is an address in special-use space.
//!
//! ## Why it speaks for interference
//!
//! Web servers date and sign their answers; a box that sends one ready-made packet does not.
//!
//! ## Innocent explanations
//!
//! Minimal servers in devices.
//!
//! ## How to check in Wireshark
//!
//! Follow the HTTP stream; `http.date` and `http.server` are missing.
//!
//! ## Source
//!
//! Injected pages of Pakistan, Iran, India and others (CenTrace 2022; ECH measurements 2025; Yadav et al., IMC 2018).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_data::is_next;
use crate::detect::suspects::tcp_reset::packets;
use crate::attribute::special;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "page-bare",
    stance: Stance::For,
    class: Class::C,
    family: Family::Content,
    mechanisms: &[Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    view.case.messages.host.as_ref()?;
    // Behind a hole in the stream a segment is the middle of a page.
    let (_, e) = packets(view).find(|(i, e)| e.payload_len > 0 && is_next(view.case, *i, e))?;
    let head = &view.case.flow.heads[view.suspect.sender.index()];
    let segment = head.segments.iter().find(|s| s.frame == e.frame)?;
    let Some(response) = crate::app::http::response(head.slice(segment)) else {
        return Some(Claim::new("page-bare", Class::C, [e.frame], "a page without an HTTP head"));
    };
    let closes = e.has(tcp::FIN) || response.connection_close;
    let inside = response.location.as_deref().and_then(host_of).is_some_and(|ip| !special::is_global(ip));
    if inside {
        return Some(Claim::new("page-bare", Class::C, [e.frame], "a redirect to an address that is nobody's on the Internet"));
    }
    (closes && !response.date_present && response.server.is_none()).then(|| Claim::new("page-bare", Class::C, [e.frame], "a page without Date and Server headers that closes the connection"))
}

/// The address a URL names literally.
fn host_of(location: &[u8]) -> Option<std::net::IpAddr> {
    let text = std::str::from_utf8(location).ok()?;
    let rest = text.split_once("://")?.1;
    let host = rest.split(['/', '?', ':']).next()?;
    host.parse().ok()
}
