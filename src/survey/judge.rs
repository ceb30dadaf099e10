//! One flow judged: its suspects, what speaks for and against each, and what that comes to.

use super::aspects::{control, failure, layer, position};
use super::attribution;
use super::baselines::{Hits, Index};
use super::cited::{endings, packets};
use super::clock_steps::ClockStep;
use super::explained::{Explained, reason};
use super::flags;
use super::part::ends;
use super::tries::{Try, tries};
use super::unjudged::{is_name_cut, unjudged};
use super::verdict::{Finding, Leans};
use crate::detect::case::Case;
use crate::detect::finding::{Claim, Class, Confidence, Mechanism, Stage, Stance, Suspect, conclude as weigh};
use crate::detect::rules::{self, RULES, View};
use crate::detect::surroundings::Surroundings;
use crate::detect::suspects;
use crate::flow::record::Flow;

/// What every flow is judged with.
pub(super) struct Known<'f> {
    pub index: Index<'f>,
    pub void: Void,
    /// Whether to find out what verdicts rest on.
    pub leans: bool,
}

/// What this capture cannot show.
pub(super) struct Void {
    pub everywhere: Vec<&'static str>,
    /// Of TCP only packets with certain flags are there.
    pub filtered: bool,
    /// Nothing is timed across these.
    pub steps: Vec<ClockStep>,
}

impl Void {
    fn holds(&self, rule: &str, case: &Case<'_>) -> bool {
        let everywhere =
            self.everywhere.contains(&rule) && (case.flow.key.protocol == 6 || !self.filtered || !flags::UNSUPPORTED.contains(&rule));
        // Which resets a second tap has captured again is known.
        let told = case.second_tap && matches!(rule, "reset-burst-equal" | "reset-mixed-flags");
        (everywhere && !told) || self.steps.iter().any(|s| s.spoils(rule, case))
    }
}

/// What a flow comes to: at most one finding per mechanism, and what was suspected for nothing.
#[derive(Default)]
pub struct Judged {
    pub findings: Vec<Finding>,
    pub explained: Vec<Explained>,
    /// What else was asked to come to this.
    pub leans: Leans,
    /// What the flow tried, with what came of it.
    pub tries: Vec<Try>,
    /// Why the flow was not judged, if it was not: whatever could not be seen of it, a finding is a verdict.
    pub unjudged: Option<&'static str>,
}

pub(super) fn judge(flow: &Flow, Known { index, void, leans }: &Known<'_>, hits: &Hits) -> Judged {
    let case = Case::new(flow);
    let rests_on = |suspect: &Suspect, around: &Surroundings<'_>, finding: Option<&Finding>| {
        if *leans { index.leans(&case, (suspect, around), hits, finding) } else { Leans::default() }
    };
    let mut judged = Judged::default();
    let best = &mut judged.findings;
    for mut suspect in suspects::find(&case) {
        index.refine(&case, &mut suspect, hits);
        let around = index.surroundings(&case, &suspect, hits, *leans);
        let finding = match finding(&case, &suspect, &around, void) {
            Ok(finding) => {
                let leans = rests_on(&suspect, &around, Some(&finding));
                judged.leans.join(leans.clone());
                Finding { leans, ..finding }
            }
            Err(explained) => {
                judged.leans.join(rests_on(&suspect, &around, None));
                judged.explained.extend(explained.map(|e| *e));
                continue;
            }
        };
        match best.iter_mut().find(|f| f.mechanism == finding.mechanism) {
            // Resets forged towards both ends are one finding.
            Some(known) if known.confidence >= Confidence::Likely && finding.confidence >= Confidence::Likely => {
                join(known, finding);
                known.injector = attribution::of(&case, &suspect, &known.forged, &known.claims);
            }
            Some(known) if finding.confidence > known.confidence => *known = finding,
            Some(_) => {}
            None => best.push(finding),
        }
    }
    judged.tries = tries(&case, &judged.findings);
    judged.unjudged = unjudged(&case).filter(|_| judged.findings.is_empty());
    judged
}

fn join(known: &mut Finding, other: Finding) {
    known.confidence = known.confidence.max(other.confidence);
    known.forged.extend(other.forged);
    known.forged.sort_by_key(|p| p.entry.frame);
    known.genuine.extend(other.genuine);
    known.genuine.sort_by_key(|p| p.entry.frame);
    known.claims.extend(other.claims);
    known.leans.join(other.leans);
}

/// The finding a suspect makes, or what explains it.
fn finding(case: &Case<'_>, suspect: &Suspect, around: &Surroundings<'_>, void: &Void) -> Result<Finding, Option<Box<Explained>>> {
    let view = View { case, suspect, around };
    let mut claims = rules::claims(&view);
    for claim in &mut claims {
        if void.holds(claim.rule, case) {
            claim.void = Some("vantage-audit");
        }
    }
    let weighed = weigh(&mut claims, RULES, suspect.mechanism);
    let said = |c: &Confidence| *c > Confidence::Unexplained || is_worth_saying(case, suspect, &claims);
    let Some(confidence) = weighed.filter(said) else {
        return Err(reason(&claims).and_then(|c| Explained::new(case, suspect, c)).map(Box::new));
    };
    let trigger = suspect.trigger.clone();
    let trigger_time = trigger.as_ref().and_then(|t| case.index_of(t.frame)).and_then(|i| case.entries.get(i)).map(|e| e.time);
    let origin = trigger_time.unwrap_or(case.flow.first);
    let (mut forged, genuine) = packets(&view, &claims, origin);
    let injector = attribution::of(case, suspect, &forged, &claims);
    // No fingerprint of an answer knows of them.
    forged.extend(endings(&view, origin));
    let void_rules = claims.iter().filter(|c| c.void == Some("vantage-audit")).map(|c| c.rule).collect();
    claims.sort_by_key(|c| (c.void.is_some(), rank(c), c.rule));
    Ok(Finding {
        ends: ends(case),
        time: forged.first().map_or(origin, |p| p.entry.time),
        mechanism: suspect.mechanism,
        stage: suspect.stage,
        layer: layer(case, suspect),
        confidence,
        position: position(suspect, &claims),
        failure: failure(&view),
        control: control(case, around, &claims),
        injector,
        name_cut: trigger.as_ref().is_some_and(|t| case.messages.requests.iter().any(|r| r.frame == t.frame && is_name_cut(case, r))),
        trigger,
        trigger_time,
        forged,
        genuine,
        claims,
        void_rules,
        leans: Leans::default(),
    })
}

fn rank(claim: &Claim) -> (u8, u8) {
    let against = rules::find(claim.rule).is_some_and(|r| r.stance == Stance::Against);
    (u8::from(against), 2 - claim.class as u8)
}

/// Whether something broken whose cause is open is worth a line: the symptom must be one that interference has.
fn is_worth_saying(case: &Case<'_>, suspect: &Suspect, claims: &[Claim]) -> bool {
    let standing = claims.iter().filter(|c| c.void.is_none() && rules::find(c.rule).is_some_and(|r| r.stance == Stance::For));
    let strong = standing.clone().any(|c| c.class >= Class::B);
    match suspect.mechanism {
        Mechanism::TcpReset => {
            let early = matches!(suspect.stage, Stage::PostRequest | Stage::PostAck) && suspect.sender == case.server();
            early || strong
        }
        // An answer to what does not exist is false, whoever gave it and why.
        Mechanism::DnsAnswer => {
            let said = |rule: &str| standing.clone().any(|c| c.rule == rule);
            // A private address may be the owner's; that of several owners is not.
            strong || said("dns-no-such-name") || (said("dns-bogon") && said("dns-same-answer"))
        }
        Mechanism::TcpFin | Mechanism::TcpData | Mechanism::TcpHandshake | Mechanism::IcmpError => strong,
        // Whoever opens TLS is named for what it is.
        Mechanism::Stall | Mechanism::TlsIntercept => true,
        // A slow transfer for which an ordinary cause was found is none.
        Mechanism::Throttle => claims.iter().all(|c| rules::find(c.rule).is_none_or(|r| r.stance == Stance::For)),
        Mechanism::Drop => {
            let silence =
                |c: &&Claim| matches!(c.rule, "trigger-then-silence" | "tail-then-silence" | "answer-then-silence" | "syn-then-silence");
            // A single unanswered datagram is worth a line only beside one that was answered.
            let control = claims.iter().any(|c| c.rule == "control-name-ok");
            claims.iter().filter(silence).filter(|c| c.void.is_none()).any(|c| c.class >= Class::B || control)
        }
    }
}
