//! `-w`: the packets of the findings in a capture of their own, each with a comment that says what it is there for.
//!
//! A section for each capture with findings, so that frames of several captures keep their interfaces and order. The names in
//! comments are ours alone: a host name could claim to be a role.

use super::pcapng::Pcapng;
use super::share::{WARNING, scrub::Scrub};
use super::{SCHEMA, Shown, Sink, Tally, escape, identity, words};
use crate::capture::{Frame, OpenOptions, Timestamp};
use crate::detect::finding::{Confidence, Mechanism};
use crate::limits::{COMMENTS, CONTROL_PACKETS, CONTROL_TRANSFER, HEAD, JUDGED_TOO};
use crate::packet::{Packet, Transport, tcp};
use crate::reread::{Plan, Rename, Stretch, Wanted, reread};
use crate::survey::Finding;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Read, Write};
use std::path::Path;

/// What a packet is there for, the weightiest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Role {
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
    fn name(self) -> &'static str {
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
struct Reason {
    role: Role,
    rules: Vec<&'static str>,
}

/// Reasons by frame and place of the finding in the capture's list.
type Reasons = BTreeMap<u64, BTreeMap<usize, Reason>>;

/// Writes the evidence.
pub struct Evidence<W> {
    out: Pcapng<W>,
    open: OpenOptions,
    whole: bool,
    sections: u64,
}

impl<W: Write + Send> Evidence<W> {
    /// Captures are read again with `open`; with `whole`, the whole flows of the findings.
    pub fn new(out: W, open: OpenOptions, whole: bool) -> Evidence<W> {
        Evidence { out: Pcapng::new(out), open: OpenOptions { spool: false, ..open }, whole, sections: 0 }
    }
}

impl<W: Write + Send> Sink for Evidence<W> {
    fn capture(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        if shown.findings.is_empty() {
            return Ok(());
        }
        let path = shown.report.again();
        let rename = |address| shown.rename(address);
        let (mut reasons, mut plan, more) = plan(shown, self.whole, &rename);
        if shown.report.stats.fragments > 0 {
            add_pieces(path, &self.open, &mut reasons, &mut plan)?;
        }
        self.sections += 1;
        let mut handshakes: Vec<Handshake> = shown.findings.iter().map(|_| Handshake::default()).collect();
        let mut scrub = scrub(shown, path, &self.open, &plan)?;
        let alone = scrub.as_ref().map_or(0, Scrub::left_out);
        let names = if shown.share.is_some() { &[] } else { shown.report.description.interfaces.as_slice() };
        self.out.section(shown.report.description.snaplen, names, &about(shown, path, (alone, more))?)?;
        let out = &mut self.out;
        let whole = self.whole;
        let pages: BTreeSet<u64> =
            shown.findings.iter().filter(|(_, f)| suspect(f) == Role::Forged).flat_map(|(_, f)| &f.forged).map(|p| p.entry.frame).collect();
        let reading = reread(path, &self.open, &plan, |wanted| {
            let comments = comments(shown, &reasons, wanted, &mut handshakes, whole);
            let clean = scrub.as_mut().map(|s| s.clean(wanted, pages.contains(&wanted.number)));
            if comments.is_empty() {
                return Ok(());
            }
            match &clean {
                Some(bytes) => out.packet(&Frame { bytes, ..*wanted.frame }, &comments),
                None => out.packet(wanted.frame, &comments),
            }
        });
        reading.map_err(io::Error::other)?.failed.map_or(Ok(()), Err)?;
        self.out.flush()
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        if self.sections == 0 {
            let said = format!("no findings in {}", words::count(tally.captures, "capture"));
            self.out.section(0, &[], &[said, versions()])?;
        }
        self.out.flush()
    }
}

/// With `--share`: what is to be shown of the packets, learned by reading them once.
fn scrub<'n>(shown: &Shown<'n>, path: &Path, open: &OpenOptions, plan: &Plan<'_>) -> io::Result<Option<Scrub<'n>>> {
    let Some(names) = shown.share else { return Ok(None) };
    let mut scrub = Scrub::new(names);
    let reading = reread(path, open, plan, |wanted| {
        scrub.learn(wanted);
        Ok(())
    });
    reading.map_err(io::Error::other)?;
    scrub.settle();
    Ok(Some(scrub))
}

fn versions() -> String {
    format!("interloper {}, rules {}, schema {SCHEMA}", env!("CARGO_PKG_VERSION"), identity::rules())
}

/// What the section says of its source.
fn about(shown: &Shown<'_>, path: &Path, (alone, more): (u64, u64)) -> io::Result<Vec<String>> {
    let partial = shown.report.spool.as_ref().is_some_and(|s| s.is_partial());
    let mut said = vec![format!("packets of {} in {}", words::count(shown.findings.len() as u64, "finding"), shown.file)];
    let of = if partial { " of the part that could be kept: THE EVIDENCE IS PARTIAL" } else { "" };
    if shown.share.is_some() {
        // A hash of the original would tell it from all others.
        said.push(format!("anonymised{of}; capture {}", shown.id));
        said.push(WARNING.into());
        if alone > 0 {
            said.push(format!("{} cleaned without the stream around them: more than needed is zero", words::count(alone, "segment")));
        }
    } else {
        said.push(format!("source sha256 {}{of}; capture {}", sha256(path)?, shown.id));
    }
    let more = more + shown.findings.iter().map(|(_, f)| f.leans.more).sum::<u64>();
    if more > 0 {
        said.push(format!("left out of what the findings rest on: {}", words::count(more, "flow")));
    }
    said.push(versions());
    Ok(said)
}

/// Hash of a file as `sha256sum` prints it.
fn sha256(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect()),
            Ok(got) => hash.update(block.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Adds the frames of the fragments that datagrams of the plan came in: each is there for what the whole datagram is there for.
fn add_pieces(path: &Path, open: &OpenOptions, reasons: &mut Reasons, plan: &mut Plan<'_>) -> io::Result<()> {
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

fn plan<'p>(shown: &Shown<'_>, whole: bool, rename: Rename<'p>) -> (Reasons, Plan<'p>, u64) {
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
        let most = if sums { CONTROL_TRANSFER } else { CONTROL_PACKETS };
        for first in &f.leans.flows {
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
            let stretch = Stretch { last: end, most: CONTROL_PACKETS, tag: CONTROL_TAG | place as u64 };
            plan.flows.insert(*flow, vec![stretch]);
            others.push_back((*flow, place));
        }
    }
    more
}

/// Marks the tags of flows that are others' than the finding's.
const CONTROL_TAG: u64 = 1 << 63;

/// Nothing is called forged before it is; what a router answered is a refusal, but it came from the box in question all the same.
fn suspect(f: &Finding) -> Role {
    match (f.mechanism, f.confidence) {
        (Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle, _) | (_, Confidence::Unexplained) => Role::Suspect,
        _ => Role::Forged,
    }
}

/// A comment for each finding that wants this frame; none, if it is only one of a flow's other packets.
fn comments(shown: &Shown<'_>, reasons: &Reasons, wanted: &Wanted<'_>, handshakes: &mut [Handshake], whole: bool) -> Vec<String> {
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
struct Handshake {
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
