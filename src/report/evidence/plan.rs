//! Which packets the evidence has, and what each is there for.

use crate::capture::{OpenOptions, Timestamp};
use crate::detect::finding::{Confidence, Mechanism};
use crate::limits::{CONTROL_PACKETS, CONTROL_TRANSFER, HEAD, JUDGED_TOO};
use crate::report::Shown;
use crate::reread::{Plan, Rename, Stretch, reread};
use crate::survey::Finding;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;

/// What a packet is there for, the weightiest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Role {
    Forged,
    Suspect,
    Trigger,
    Genuine,
    /// In the finding's flow, named by a claim.
    Cited,
    /// In another flow, named by a claim or as the control.
    Control,
    Handshake,
    /// The rest of the flow, with `-v`.
    Flow,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Forged => "FORGED",
            Role::Suspect => "SUSPECT",
            Role::Trigger => "TRIGGER",
            Role::Genuine => "GENUINE",
            Role::Cited => "CITED",
            Role::Control => "CONTROL",
            Role::Handshake => "HANDSHAKE",
            Role::Flow => "FLOW",
        }
    }
}

/// Why a finding wants a frame.
pub(super) struct Reason {
    pub role: Role,
    pub rules: Vec<&'static str>,
}

/// Reasons by frame and place of the finding in the capture's list.
pub(super) type Reasons = BTreeMap<u64, BTreeMap<usize, Reason>>;

/// Marks the tags of flows that are others' than the finding's.
pub(super) const CONTROL_TAG: u64 = 1 << 63;

/// Nothing is called forged before it is; what a router answered is a refusal, but it came from the box in question all the same.
pub(super) fn suspect(f: &Finding) -> Role {
    match (f.mechanism, f.confidence) {
        (Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle, _) | (_, Confidence::Unexplained) => Role::Suspect,
        _ => Role::Forged,
    }
}

pub(super) fn plan<'p>(shown: &Shown<'_>, whole: bool, rename: Rename<'p>) -> (Reasons, Plan<'p>, u64) {
    let mut reasons = Reasons::new();
    let mut plan = Plan { rename: Some(rename), ..Plan::default() };
    let end = shown.report.time_last.unwrap_or_default();
    let mut others = VecDeque::new();
    for (place, (_, f)) in shown.findings.iter().enumerate() {
        let mut want = |frame: u64, role: Role, rule: Option<&'static str>| {
            let reason = reasons.entry(frame).or_default().entry(place).or_insert(Reason { role, rules: Vec::new() });
            reason.role = reason.role.min(role);
            if let Some(rule) = rule.filter(|r| !reason.rules.contains(r)) {
                reason.rules.push(rule);
            }
        };
        for p in &f.forged {
            want(p.entry.frame, suspect(f), None);
        }
        for p in &f.genuine {
            want(p.entry.frame, Role::Genuine, None);
        }
        if let Some(t) = &f.trigger {
            want(t.frame, Role::Trigger, None);
            want(t.complete_at_frame, Role::Trigger, None);
        }
        let cited = f.claims.iter().flat_map(|c| c.frames.iter().map(|n| (*n, c.rule)));
        for (frame, rule) in cited.chain(f.control.iter().map(|c| (c.frame, "control"))) {
            let own = f.leans.own.binary_search(&frame).is_ok();
            want(frame, if own { Role::Cited } else { Role::Control }, Some(rule));
        }
        f.leans.own.iter().for_each(|frame| want(*frame, Role::Flow, None));
        f.leans.frames.iter().for_each(|frame| want(*frame, Role::Control, None));
        let sums = matches!(f.mechanism, Mechanism::Stall | Mechanism::Throttle);
        for first in &f.leans.flows {
            let most = if sums { CONTROL_TRANSFER } else { most(shown, *first) };
            let list = plan.flows.entry(*first).or_default();
            list.push(Stretch { last: end, most, tag: CONTROL_TAG | place as u64 });
            others.push_back((*first, place));
        }
        let most = if whole || f.leans.whole { usize::MAX } else { HEAD };
        plan.flows.entry(f.ends.first_frame).or_default().push(Stretch { last: f.ends.last, most, tag: place as u64 });
    }
    let more = judged_too(shown, others, end, (&mut plan, &mut reasons));
    plan.frames = reasons.keys().copied().collect();
    (reasons, plan, more)
}

/// Packets of a flow that is there for another's sake. What was suspected itself, as a request that failed, may have failed at its end.
fn most(shown: &Shown<'_>, first: u64) -> usize {
    if shown.report.conclusion.leans.contains_key(&first) { CONTROL_TRANSFER } else { CONTROL_PACKETS }
}

/// A flow that is there for another's sake is judged too when the evidence is judged again. What it was measured against must be there
/// as well, or it would come out worse than it did. Returns how many flows found no room.
fn judged_too(
    shown: &Shown<'_>,
    mut others: VecDeque<(u64, usize)>,
    end: Timestamp,
    (plan, reasons): (&mut Plan<'_>, &mut Reasons),
) -> u64 {
    let mut more = 0;
    let room = plan.flows.len() + JUDGED_TOO;
    while let Some((first, place)) = others.pop_front() {
        let Some(leans) = shown.report.conclusion.leans.get(&first) else { continue };
        for frame in &leans.frames {
            let of = reasons.entry(*frame).or_default();
            of.entry(place).or_insert(Reason { role: Role::Control, rules: Vec::new() });
        }
        for flow in &leans.flows {
            if plan.flows.contains_key(flow) {
                continue;
            }
            if plan.flows.len() >= room {
                more += 1;
                continue;
            }
            let stretch = Stretch { last: end, most: most(shown, *flow), tag: CONTROL_TAG | place as u64 };
            plan.flows.insert(*flow, vec![stretch]);
            others.push_back((*flow, place));
        }
    }
    more
}

/// Adds the frames of the fragments that datagrams of the plan came in: each is there for what the whole datagram is there for.
pub(super) fn add_pieces(path: &Path, open: &OpenOptions, reasons: &mut Reasons, plan: &mut Plan<'_>) -> io::Result<()> {
    let mut added: Vec<(u64, usize, Role)> = Vec::new();
    let reading = reread(path, open, plan, |wanted| {
        if wanted.pieces.len() < 2 {
            return Ok(());
        }
        let single = reasons.get(&wanted.number).into_iter().flatten().map(|(place, reason)| (*place, reason.role));
        let part = |tag: &u64| ((tag & !CONTROL_TAG) as usize, if tag & CONTROL_TAG != 0 { Role::Control } else { Role::Flow });
        let of: Vec<(usize, Role)> = single.chain(wanted.flows.iter().map(|(tag, _)| part(tag))).collect();
        added.extend(wanted.pieces.iter().flat_map(|frame| of.iter().map(|(place, role)| (*frame, *place, *role))));
        Ok(())
    });
    reading.map_err(io::Error::other)?;
    for (frame, place, role) in added {
        plan.frames.insert(frame);
        let reason = reasons.entry(frame).or_default().entry(place).or_insert(Reason { role, rules: Vec::new() });
        reason.role = reason.role.min(role);
    }
    Ok(())
}
