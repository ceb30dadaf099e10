//! What exactly set interference off, as far as other flows tell: the name, the extension that hides it, the protocol, the port, the
//! address, or what is left of an earlier finding.

use super::baselines::{Hits, Index};
use super::facts::Kind;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Stage, Suspect, Trigger, TriggerKind};

impl Index<'_> {
    /// Settles what exactly set a silence off, as far as other flows tell: the name, the extension that hides it, or the protocol.
    pub fn refine(&self, case: &Case<'_>, suspect: &mut Suspect, hits: &Hits) {
        if suspect.stage == Stage::PostSyn && matches!(suspect.mechanism, Mechanism::TcpReset | Mechanism::Drop) {
            self.refine_handshake(case, suspect, hits);
            return;
        }
        if suspect.mechanism == Mechanism::Stall {
            self.refine_stall(case, suspect);
            return;
        }
        let Some(kind) = Index::kind(case, suspect) else { return };
        let hello = case.messages.hello.as_ref().or(case.messages.quic.as_ref().and_then(|q| q.hello.as_ref()));
        let hidden = hello.is_some_and(|h| h.ech.is_some());
        let Some(trigger) = suspect.trigger.as_mut() else { return };
        if kind == Kind::Tls && hidden && trigger.kind == TriggerKind::TlsSni {
            let name = trigger.value.to_ascii_lowercase();
            let plain_ok = self.same_name(kind, &name).iter().any(|a| !a.ech && a.is_answered());
            if plain_ok || crate::attribute::special::is_ech_public_name(&name) {
                trigger.kind = TriggerKind::TlsEch;
            }
        }
        if kind == Kind::Quic
            && let Some(tried) = self.tried.get(&kind)
            && tried.answered == 0
            && tried.domains.len() >= 2
            && tried.servers.len() >= 2
        {
            trigger.kind = TriggerKind::Protocol;
        }
    }

    /// Before anything was said: the port if others answer, or what is left of an earlier finding.
    fn refine_handshake(&self, case: &Case<'_>, suspect: &mut Suspect, hits: &Hits) {
        if let Some(port) = self.port_trigger(case) {
            suspect.trigger = Some(port);
        }
        if self.residual(case, hits).is_some()
            && let Some(syn) = case.of(case.client).find(|(_, e)| e.is_syn()).map(|(_, e)| e)
        {
            let value = case.server_end().ip.to_string().into_bytes();
            suspect.trigger = Some(Trigger {
                kind: TriggerKind::Residual,
                value,
                frame: syn.frame,
                complete_at_frame: syn.frame,
                seq_end: syn.seq_end(),
            });
        }
    }

    /// The name set a stall off if another one fared better on the same server; else the address, if other servers fared better.
    fn refine_stall(&self, case: &Case<'_>, suspect: &mut Suspect) {
        let Some(trigger) = suspect.trigger.as_mut() else { return };
        let name = trigger.value.to_ascii_lowercase();
        let own = case.flow.sides.iter().map(|s| s.payload_bytes).max().unwrap_or(0);
        let server = case.server_end().ip;
        let transfers = self.facts().transfers.around(case.flow.first, case.entries.first().map_or(0, |e| e.frame));
        let better = || transfers.iter().filter(|t| !t.frozen && t.bytes > own * 2);
        if better().any(|t| t.server == server && *t.name != *name) {
            return;
        }
        if better().any(|t| t.server != server) {
            (trigger.kind, trigger.value) = (TriggerKind::Ip, server.to_string().into_bytes());
        }
    }

    /// A refused SYN on a host whose other ports answer: the port is what is refused.
    fn port_trigger(&self, case: &Case<'_>) -> Option<Trigger> {
        self.other_port(case)?;
        let syn = case.of(case.client).find(|(_, e)| e.is_syn())?.1;
        let value = case.server_end().port.to_string().into_bytes();
        Some(Trigger { kind: TriggerKind::Port, value, frame: syn.frame, complete_at_frame: syn.frame, seq_end: syn.seq_end() })
    }
}
