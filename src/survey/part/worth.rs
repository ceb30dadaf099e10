//! Whether a suspect is worth a second look once all flows are known, as far as its own flow tells.

use super::Part;
use crate::attribute::{special, unregistered};
use crate::detect::case::Case;
use crate::detect::finding::{Claim, Mechanism, Suspect, conclude};
use crate::detect::messages::DnsSeen;
use crate::detect::rules::{self, RULES, View};
use crate::detect::surroundings::Surroundings;
use crate::detect::suspects::dns_answer;
use crate::survey::explained::reason;
use std::net::IpAddr;

/// Refused connections kept per shard: a scan's worth says nothing more than these.
const MAX_REFUSED: usize = 800;
/// Slow transfers kept per shard: most lines are slow at times, and three of a name make a series.
const MAX_SLOW: usize = 200;
/// Unremarkable DNS answers kept per shard: an answer may be odd only beside what the resolver's others look like.
const MAX_ORDINARY_DNS: usize = 24;

/// Of those that do not look like what the resolver said before: kept per shard beyond them.
const MAX_STANDING_OUT: usize = 64;
/// Answers of each resolver that are kept whatever they look like, and how many of such: one that is asked little beside others may be
/// none at all, and says so in other flows.
const MAX_OF_EACH: usize = 4;
const MAX_FIRST: usize = 4;
/// Places per shard for what resolvers look like: a client has few.
const RESOLVERS: usize = 64;

/// How a resolver's answers look, as far as this shard has seen.
pub(super) struct Usual {
    resolver: IpAddr,
    ttl: u8,
    /// Shortest time to an answer, ns.
    least: i64,
    /// Answers so far, no more than are kept whatever they look like.
    answers: usize,
}

/// How an answer looks beside those of its resolver so far.
#[derive(PartialEq)]
enum Looks {
    AsUsual,
    /// As usual, as far as so few tell.
    AmongTheFirst,
    Otherwise,
}

/// What a suspect could become once other flows are known.
pub(super) enum Worth {
    /// A finding.
    Keeping,
    /// Nothing: its own flow says why.
    Explained(Claim),
    Nothing,
    /// A finding, for all that is known, but as many as there is room for wait for a second look already.
    Beyond,
}

impl Worth {
    fn keeping(keep: bool) -> Worth {
        if keep { Worth::Keeping } else { Worth::Nothing }
    }

    /// One more of those of which so many are kept.
    fn one_of(kept: &mut usize, most: usize) -> Worth {
        *kept += 1;
        if *kept <= most { Worth::Keeping } else { Worth::Beyond }
    }
}

impl Part {
    /// What a suspect could become once other flows are known.
    pub(super) fn worth(&mut self, case: &Case<'_>, suspect: &Suspect, odd_answer: impl Fn() -> bool) -> Worth {
        let keep = match suspect.mechanism {
            Mechanism::Drop if suspect.stage == crate::detect::finding::Stage::PostSyn => {
                return Worth::one_of(&mut self.kept_refused, MAX_REFUSED);
            }
            Mechanism::Drop
            | Mechanism::TcpData
            | Mechanism::TcpFin
            | Mechanism::TcpHandshake
            | Mechanism::IcmpError
            | Mechanism::Stall
            | Mechanism::TlsIntercept => true,
            Mechanism::Throttle => {
                // A connection on which somebody asks now and then is as slow and as even as a throttled one, and there are many. Its own
                // packets tell it apart, and that rule nothing voids or rebuts: a second look would come to the same.
                let view = View { case, suspect, around: &Surroundings::default() };
                if let Some(claim) = rules::find("sender-paced").and_then(|r| (r.check)(&view)) {
                    return Worth::Explained(claim);
                }
                return Worth::one_of(&mut self.kept_slow, MAX_SLOW);
            }
            Mechanism::DnsAnswer => {
                if odd_answer() {
                    return Worth::Keeping;
                }
                self.ordinary_dns += 1;
                let looks = self.looks(case);
                if self.ordinary_dns <= MAX_ORDINARY_DNS {
                    return Worth::Keeping;
                }
                if looks == Looks::Otherwise {
                    return Worth::one_of(&mut self.standing_out, MAX_STANDING_OUT);
                }
                self.first_answers += usize::from(looks == Looks::AmongTheFirst);
                looks == Looks::AmongTheFirst && self.first_answers <= MAX_FIRST
            }
            Mechanism::TcpReset => {
                if suspect.stage == crate::detect::finding::Stage::PostSyn {
                    return Worth::one_of(&mut self.kept_refused, MAX_REFUSED);
                }
                let around = Surroundings::default();
                let view = View { case, suspect, around: &around };
                let mut claims = rules::claims(&view);
                let for_any = claims.iter().any(|c| rules::find(c.rule).is_some_and(|r| r.stance == crate::detect::finding::Stance::For));
                // A side that was only ever heard to reset needs nothing but its peers to be explained.
                let open = conclude(&mut claims, RULES, Mechanism::TcpReset).is_some();
                let keep = for_any || (open && suspect.sender == case.server());
                if let Some(claim) = reason(&claims).filter(|_| !open && !keep) {
                    return Worth::Explained(claim.clone());
                }
                keep
            }
        };
        Worth::keeping(keep)
    }

    /// Whether an answer looks otherwise than those that gave addresses, or comes much sooner: in a long capture the few that are forged
    /// are not among the first.
    fn looks(&mut self, case: &Case<'_>) -> Looks {
        let (Some((_, seen)), Some(query)) = (dns_answer::answers(case).next(), dns_answer::queries(case).next()) else {
            return Looks::AsUsual;
        };
        let (Some(e), Some(asked)) = (case.entries.get(seen.entry), case.entries.get(query.entry)) else { return Looks::AsUsual };
        let resolver = case.server_end().ip;
        let delay = e.time.since(asked.time).max(0);
        let gives = seen.message.rcode == 0 && seen.message.addresses().next().is_some();
        if self.usual.is_empty() {
            self.usual.resize_with(RESOLVERS, || None);
        }
        let Some(place) = self.usual.get_mut(place(resolver)) else { return Looks::AsUsual };
        match place {
            Some(usual) if usual.resolver == resolver => {
                usual.answers += usize::from(usual.answers <= MAX_OF_EACH);
                let otherwise = e.ttl != usual.ttl || delay < usual.least / 2;
                if gives && e.ttl == usual.ttl {
                    usual.least = usual.least.min(delay);
                }
                match otherwise {
                    true => Looks::Otherwise,
                    false if usual.answers <= MAX_OF_EACH => Looks::AmongTheFirst,
                    false => Looks::AsUsual,
                }
            }
            None if gives => {
                *place = Some(Usual { resolver, ttl: e.ttl, least: delay, answers: 1 });
                Looks::AmongTheFirst
            }
            // The place of two is the first one's.
            _ => Looks::AsUsual,
        }
    }
}

/// Where a resolver is remembered.
fn place(resolver: IpAddr) -> usize {
    let bits = match resolver {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64 ^ ip.to_bits() as u64,
    };
    (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % RESOLVERS
}

/// Whether a DNS transaction is odd by itself.
pub(super) fn is_odd_answer(case: &Case<'_>) -> bool {
    let edns = dns_answer::queries(case).any(|q| q.message.edns.is_some());
    let public = special::is_global(case.server_end().ip);
    let odd = |d: &DnsSeen| {
        let given = d.message.addresses().next().is_some();
        let global = public && d.message.addresses().any(special::is_global);
        let bogus = public && given && !global && special::is_public_name(&d.name);
        let mismatch = given
            && d.message
                .question
                .as_ref()
                .is_some_and(|q| !matches!(q.qtype, 1 | 28 | 255) && d.message.answers.iter().all(|r| r.rtype != q.qtype));
        let made_up = global && unregistered::why(&d.name).is_some();
        bogus
            || mismatch
            || made_up
            || dns_answer::known(&d.message, &d.name).is_some()
            || (edns && !d.cut && d.message.edns.is_none() && d.message.rcode == 0)
    };
    let disputed = |n: usize, one: &DnsSeen| dns_answer::answers(case).skip(n + 1).any(|(_, other)| dns_answer::disagree(one, other));
    dns_answer::answers(case).any(|(_, d)| odd(d)) || dns_answer::answers(case).enumerate().any(|(n, (_, d))| disputed(n, d))
}
