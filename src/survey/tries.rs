//! What a flow tried, and what came of it: one attempt for each name it asked for.
//!
//! Requests for one name in one connection share its fate and count once; the worst of them decides.

use super::facts::Kind;
use super::track::Came;
use super::unjudged::unjudged;
use super::verdict::Finding;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Confidence, Mechanism, TriggerKind};
use crate::detect::messages::Request;
use crate::detect::suspects::drop;
use crate::flow::entry::fact;
use crate::packet::Endpoint;
use std::net::IpAddr;

/// One attempt to reach a name, or a server if no name was said.
#[derive(Clone, Debug)]
pub struct Try {
    /// In lower case; empty if none was said.
    pub name: Box<[u8]>,
    pub kind: Kind,
    pub time: Timestamp,
    pub client: IpAddr,
    pub server: Endpoint,
    /// IP protocol number.
    pub protocol: u8,
    pub came: Came,
    /// What interfered did so because of the name, as far as that can be told.
    pub by_name: bool,
    /// What interfered with it.
    pub mechanisms: Vec<Mechanism>,
}

/// Of what kind a request is.
pub fn kind(case: &Case<'_>, request: &Request) -> Kind {
    match request.kind {
        TriggerKind::TlsSni | TriggerKind::TlsEch if case.flow.key.protocol == 6 => Kind::Tls,
        TriggerKind::TlsSni | TriggerKind::TlsEch | TriggerKind::QuicSni => Kind::Quic,
        TriggerKind::DnsQname => Kind::Dns,
        TriggerKind::Protocol if drop::is_greeted(case, request.frame) => Kind::Greeted,
        TriggerKind::Protocol => Kind::Other,
        _ => Kind::Http,
    }
}

/// The attempts of a flow, with the findings about it.
pub fn tries(case: &Case<'_>, findings: &[Finding]) -> Vec<Try> {
    let judged = unjudged(case).is_none();
    let reset = || case.of(case.server()).any(|(_, e)| e.is_rst()) || case.has(fact::ICMP);
    let mut list: Vec<Try> = Vec::with_capacity(case.messages.requests.len());
    for request in &case.messages.requests {
        let came = if !judged {
            Came::Unjudged
        } else if drop::is_answered(case, request) {
            Came::Fine
        } else if reset() || drop::silence(case, request).is_some() {
            Came::Failed
        } else {
            // The capture or the client stopped before there was an answer.
            Came::Unjudged
        };
        let name: Box<[u8]> = request.value.to_ascii_lowercase().into();
        let kind = kind(case, request);
        match list.iter_mut().find(|t| t.name == name && t.kind == kind) {
            Some(known) => known.came = worse(known.came, came),
            None => list.push(one(case, name, kind, request.time, came)),
        }
    }
    if list.is_empty() && !findings.is_empty() {
        list.push(one(case, Box::default(), Kind::Other, case.flow.first, Came::Failed));
    }
    for f in findings {
        let trigger = f.trigger.as_ref();
        let named: Box<[u8]> = trigger.map(|t| t.value.to_ascii_lowercase()).unwrap_or_default().into();
        let by_name = trigger.is_some_and(|t| t.kind != TriggerKind::Residual) && !named.is_empty();
        let one_of_them = list.iter().any(|t| t.name == named);
        for t in list.iter_mut().filter(|t| !one_of_them || t.name == named) {
            if f.confidence >= Confidence::Likely {
                t.came = Came::Interfered;
                t.by_name |= by_name;
                t.mechanisms.push(f.mechanism);
            } else {
                t.came = worse(t.came, Came::Failed);
            }
        }
    }
    list
}

/// Interference is worst; a failure weighs more than what was fine or could not be judged.
fn worse(a: Came, b: Came) -> Came {
    let rank = |c: Came| [Came::Unjudged, Came::Fine, Came::Failed, Came::Interfered].iter().position(|x| *x == c);
    if rank(b) > rank(a) { b } else { a }
}

fn one(case: &Case<'_>, name: Box<[u8]>, kind: Kind, time: Timestamp, came: Came) -> Try {
    Try {
        name,
        kind,
        time,
        client: case.client_end().ip,
        server: case.server_end(),
        protocol: case.flow.key.protocol,
        came,
        by_name: false,
        mechanisms: Vec::new(),
    }
}
