//! What a finding is said to be beside its mechanism: the layer it shows on, where the interfering box stands, what failed for the
//! client, and what it is controlled by.

use super::verdict::Control;
use crate::detect::case::Case;
use crate::detect::finding::{Claim, Layer, Mechanism, Position, Stage, Suspect, TriggerKind};
use crate::detect::rules::View;
use crate::detect::surroundings::Surroundings;
use crate::detect::suspects::dns_answer;
use crate::flow::entry::Entry;
use crate::packet::Endpoint;

pub(super) fn layer(case: &Case<'_>, suspect: &Suspect) -> Layer {
    match (suspect.mechanism, suspect.trigger.as_ref().map(|t| t.kind)) {
        (Mechanism::TcpReset | Mechanism::TcpFin | Mechanism::TcpHandshake, _) => Layer::Tcp,
        (Mechanism::IcmpError, _) => Layer::Icmp,
        (Mechanism::Stall | Mechanism::Throttle, _) => Layer::Tcp,
        (Mechanism::TlsIntercept, _) => Layer::Tls,
        (Mechanism::TcpData, kind) => {
            let first = suspect.packets.iter().filter_map(|i| case.entries.get(*i)).find(|e| e.payload_len > 0);
            match (first.map(Entry::peek), kind) {
                (Some([20..=24, 3, ..]), _) => Layer::Tls,
                (_, Some(TriggerKind::HttpHost | TriggerKind::HttpUri)) => Layer::Http,
                _ => Layer::Tcp,
            }
        }
        (Mechanism::DnsAnswer, _) | (_, Some(TriggerKind::DnsQname)) => Layer::Dns,
        (_, Some(TriggerKind::TlsSni | TriggerKind::TlsEch)) => Layer::Tls,
        (_, Some(TriggerKind::HttpHost | TriggerKind::HttpUri)) => Layer::Http,
        (_, Some(TriggerKind::QuicSni)) => Layer::Quic,
        (_, Some(TriggerKind::Protocol)) if case.flow.key.protocol != 6 => Layer::Quic,
        _ => Layer::Tcp,
    }
}

pub(super) fn position(suspect: &Suspect, claims: &[Claim]) -> Position {
    let stands = |rule: &str| claims.iter().any(|c| c.rule == rule && c.void.is_none());
    match suspect.mechanism {
        Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle => Position::InPath,
        Mechanism::TcpReset if ["data-after-reset", "ack-after-reset", "ack-regress"].into_iter().any(stands) => Position::OnPath,
        Mechanism::TcpReset if stands("reset-ladder") => Position::InPath,
        Mechanism::DnsAnswer if stands("dns-answers-conflict") => Position::OnPath,
        Mechanism::DnsAnswer if ["dns-ttl-outlier", "too-early", "dns-edns-lost", "dns-non-resolver"].into_iter().any(stands) => {
            Position::InPath
        }
        Mechanism::DnsAnswer => Position::Resolver,
        Mechanism::TcpData | Mechanism::TcpFin if ["overlap-differs", "data-contradicted", "data-disowned"].into_iter().any(stands) => {
            Position::OnPath
        }
        Mechanism::TcpHandshake => Position::OnPath,
        Mechanism::TlsIntercept | Mechanism::IcmpError => Position::InPath,
        Mechanism::TcpReset | Mechanism::TcpData | Mechanism::TcpFin => Position::Unknown,
    }
}

pub(super) fn failure(view: &View<'_>) -> &'static str {
    match view.suspect.mechanism {
        Mechanism::TcpReset if view.suspect.stage == Stage::PostSyn => "connection_refused",
        Mechanism::TcpReset => "connection_reset",
        Mechanism::TcpFin => "eof_error",
        Mechanism::TcpData | Mechanism::TcpHandshake => "",
        Mechanism::IcmpError => "host_unreachable",
        Mechanism::TlsIntercept => "ssl_unknown_authority",
        Mechanism::Drop | Mechanism::Stall => "generic_timeout_error",
        Mechanism::Throttle => "",
        Mechanism::DnsAnswer => {
            let first = dns_answer::answers(view.case).next().map(|(_, d)| &d.message);
            match first.map(|m| (m.rcode, m.answers.is_empty())) {
                Some((3, _)) => "dns_nxdomain_error",
                Some((2, _)) => "dns_server_failure",
                Some((5, _)) => "dns_refused_error",
                Some((0, true)) => "dns_no_answer",
                _ => "",
            }
        }
    }
}

pub(super) fn control(case: &Case<'_>, around: &Surroundings<'_>, claims: &[Claim]) -> Option<Control> {
    let stands = |rule: &str| claims.iter().find(|c| c.rule == rule && c.void.is_none());
    if let Some(claim) = stands("control-transfer-ok") {
        let other = around.transfers.iter().find(|t| claim.frames.contains(&t.frame))?;
        return Some(Control {
            kind: "other-transfer",
            frame: other.frame,
            flow: other.flow,
            server: Endpoint { ip: other.server, port: other.port },
            protocol: 6,
            value: other.name.to_vec(),
            outcome: "answered",
        });
    }
    let claim = stands("control-name-ok")?;
    let attempt = around.other_names.iter().chain(&around.same_name).find(|a| claim.frames.contains(&a.frame))?;
    Some(Control {
        kind: "same-server-other-name",
        frame: attempt.frame,
        flow: attempt.flow,
        server: Endpoint { ip: attempt.server, port: attempt.port },
        // Controls are of the suspect's own kind.
        protocol: case.flow.key.protocol,
        value: attempt.name.to_vec(),
        outcome: "answered",
    })
}
