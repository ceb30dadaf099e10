//! Certificates in the clear (TLS 1.2 and older) that are not the server's own.

use crate::attribute::issuers;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Stage, Suspect};

/// One suspect when the leaf's issuer stands in the table of interception issuers.
pub fn find(case: &Case<'_>) -> Option<Suspect> {
    let server = case.messages.server.as_ref()?;
    let hit = server.certificates.iter().any(|c| issuers::lookup(c).is_some());
    if !hit {
        return None;
    }
    let request = case.messages.requests.first()?;
    let packets: Vec<usize> = case
        .of(case.server())
        .filter(|(_, e)| e.frame > request.frame && e.payload_len > 0 && !e.is_rst())
        .map(|(i, _)| i)
        .take(4)
        .collect();
    packets.first()?;
    let trigger = Some(super::trigger(request));
    Some(Suspect {
        mechanism: Mechanism::TlsIntercept,
        stage: Stage::PostRequest,
        trigger,
        sender: case.server(),
        packets,
        answers: Vec::new(),
    })
}
