//! What the evidence says of a packet: its part in each finding that wants it.

use super::plan::{CONTROL_TAG, Reasons, Role};
use crate::limits::COMMENTS;
use crate::packet::{Packet, Transport, tcp};
use crate::report::{Shown, escape, identity, words};
use crate::reread::Wanted;
use std::collections::{BTreeMap, BTreeSet};

/// A comment for each finding that wants this frame; none, if it is only one of a flow's other packets.
pub(super) fn comments(
    shown: &Shown<'_>,
    reasons: &Reasons,
    wanted: &Wanted<'_>,
    handshakes: &mut [Handshake],
    whole: bool,
) -> Vec<String> {
    let none = BTreeMap::new();
    let known = reasons.get(&wanted.number).unwrap_or(&none);
    let mut said: BTreeMap<usize, (Role, &[&'static str])> = known.iter().map(|(n, r)| (*n, (r.role, r.rules.as_slice()))).collect();
    for (tag, _) in &wanted.flows {
        let place = (tag & !CONTROL_TAG) as usize;
        let role = if tag & CONTROL_TAG != 0 {
            Some(Role::Control)
        } else {
            let client = shown.findings.get(place).is_some_and(|(_, f)| wanted.packet.is_some_and(|p| p.src == f.ends.client));
            let part = handshakes.get_mut(place).zip(wanted.packet).is_some_and(|(h, p)| h.takes(p, client));
            if part {
                Some(Role::Handshake)
            } else {
                (whole || shown.findings.get(place).is_some_and(|(_, f)| f.leans.whole)).then_some(Role::Flow)
            }
        };
        if let Some(role) = role {
            said.entry(place).or_insert((role, &[]));
        }
    }
    let comment = |(place, (role, rules)): (usize, (Role, &[&'static str]))| {
        let (n, f) = shown.findings.get(place)?;
        let mut text = format!("F{n} {} {} {} {}", role.name(), f.mechanism, f.confidence, identity::finding(f));
        if role <= Role::Genuine && rules.is_empty() {
            // Of a train, claims name the first packets only, and claims about the whole finding name none: they speak of its like.
            let alike: &[crate::survey::PacketRef] = if role == Role::Genuine { &[] } else { &f.forged };
            let speaks = |c: &&crate::detect::finding::Claim| {
                c.void.is_none() && (c.frames.is_empty() || alike.iter().any(|p| c.frames.contains(&p.entry.frame)))
            };
            let all: BTreeSet<&str> = f.claims.iter().filter(speaks).map(|c| c.rule).collect();
            if !all.is_empty() {
                text.push_str(&format!("; rules: {}", all.into_iter().collect::<Vec<_>>().join(", ")));
            }
        } else if !rules.is_empty() {
            text.push_str(&format!("; rules: {}", rules.join(", ")));
        }
        text.push_str(&format!("; original frame {}", wanted.number));
        Some(escape::sentence(&text))
    };
    let mut weighty: Vec<(usize, (Role, &[&'static str]))> = said.into_iter().collect();
    let findings = weighty.len();
    if findings > COMMENTS {
        // The ladder of everybody's control would be a page of comments.
        weighty.sort_by_key(|(place, (role, _))| (*role, *place));
        weighty.truncate(COMMENTS);
        weighty.sort_by_key(|(place, _)| *place);
    }
    let mut comments: Vec<String> = weighty.into_iter().filter_map(comment).collect();
    if let Some(last) = comments.last_mut().filter(|_| findings > COMMENTS) {
        let more = format!("; and for {} more; original frame ", words::count((findings - COMMENTS) as u64, "finding"));
        *last = last.replacen("; original frame ", &more, 1);
    }
    comments
}

/// How far a flow's handshake has come.
#[derive(Default)]
pub(super) struct Handshake {
    answered: bool,
    done: bool,
}

impl Handshake {
    /// SYNs, their answers, and the client's first bare acknowledgement.
    fn takes(&mut self, packet: &Packet<'_>, from_client: bool) -> bool {
        let Transport::Tcp(t) = packet.transport else { return false };
        if t.flags & tcp::SYN != 0 {
            self.answered |= !from_client;
            return true;
        }
        let bare = t.flags & (tcp::RST | tcp::FIN) == 0 && packet.payload_len == 0;
        let last = from_client && self.answered && bare && !self.done;
        self.done |= from_client;
        last
    }
}
