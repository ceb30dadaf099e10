//! DNS answers that may be forged: more than one for a query, or one whose content or packet is odd.

use crate::app::dns;
use crate::attribute::{forged_answers, special};
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Stage, Suspect};
use crate::detect::messages::DnsSeen;
use crate::detect::rules::View;
use crate::detect::surroundings::ResolverBaseline;
use std::net::IpAddr;

/// One suspect when the flow holds an answer at all: the rules decide whether it is odd.
pub fn find(case: &Case<'_>) -> Option<Suspect> {
    case.messages.dns.iter().find(|d| !d.message.is_response)?;
    let answers: Vec<usize> = answers(case).map(|(i, _)| i).collect();
    answers.first()?;
    let trigger =
        case.messages.requests.iter().find(|r| matches!(r.kind, crate::detect::finding::TriggerKind::DnsQname)).map(super::trigger);
    let packets = answers.iter().filter_map(|i| case.messages.dns.get(*i)).map(|d| d.entry).collect();
    Some(Suspect { mechanism: Mechanism::DnsAnswer, stage: Stage::PostRequest, trigger, sender: case.server(), packets, answers })
}

/// Answers that are no copies, with their index among the messages.
pub fn answers<'c>(case: &'c Case<'_>) -> impl Iterator<Item = (usize, &'c DnsSeen)> {
    case.messages.dns.iter().enumerate().filter(|(_, d)| d.message.is_response && !case.is_copy(d.entry))
}

/// Whether the client leaves it to the server to find the answer (RD, RFC 1035 section 4.1.1). One that does not is itself a resolver and
/// asks servers of zones, who answer for theirs and may say nothing of others.
pub fn asks_recursion(case: &Case<'_>) -> bool {
    queries(case).any(|q| q.message.flags & 0x0100 != 0)
}

/// Queries that are no copies.
pub fn queries<'c>(case: &'c Case<'_>) -> impl Iterator<Item = &'c DnsSeen> {
    case.messages.dns.iter().filter(|d| !d.message.is_response && !case.is_copy(d.entry))
}

/// Addresses in the answer section.
pub fn addresses(message: &dns::Message) -> Vec<IpAddr> {
    message.addresses().collect()
}

/// Names that the answer section leads to (CNAME, DNAME), in small letters and without the last dot.
pub fn aliases(message: &dns::Message) -> Vec<String> {
    let names = message.answers.iter().filter(|r| matches!(r.rtype, 5 | 39)).filter_map(|r| match &r.data {
        dns::Data::Name(name) => Some(name.as_lower_text().to_string()),
        _ => None,
    });
    names.map(|n| n.trim_end_matches('.').to_owned()).collect()
}

/// What of an answer is known to be forged, with the row that says so.
pub fn known(message: &dns::Message, qname: &[u8]) -> Option<(String, &'static forged_answers::Row)> {
    forged_answers::known(message.addresses(), || aliases(message), qname)
}

/// Whether an answer says what sites of one resolver do not disagree about: an error, no address, one that is known to be forged or that no
/// public name has.
pub fn is_telling(seen: &DnsSeen) -> bool {
    let m = &seen.message;
    m.rcode != 0 || !m.addresses().any(special::is_global) || known(m, &seen.name).is_some()
}

/// Whether two answers to one question cannot both be the resolver's: disjoint records, or a name error beside data.
pub fn disagree(one: &DnsSeen, two: &DnsSeen) -> bool {
    /// Codes that say the name or the service does not work, beside one that gives data.
    fn is_error(m: &dns::Message) -> bool {
        m.rcode != 0
    }
    // Of what the resolver or the capture cut off the records are not all known.
    let partial = |d: &DnsSeen| d.message.truncated || d.cut && d.message.answers.len() < usize::from(d.message.counts[1]);
    if partial(one) || partial(two) {
        return false;
    }
    let (one, two) = (&one.message, &two.message);
    let same_question = match (&one.question, &two.question) {
        (Some(a), Some(b)) => a.qtype == b.qtype && a.name.eq_ignore_case(&b.name),
        _ => true,
    };
    if !same_question {
        return false;
    }
    let (a, b) = (addresses(one), addresses(two));
    match (is_error(one), is_error(two)) {
        (true, true) => false,
        (true, false) => !two.answers.is_empty(),
        (false, true) => !one.answers.is_empty(),
        (false, false) => {
            let share_name = names(one).any(|n| names(two).any(|m| n.eq_ignore_case(m)));
            match (a.is_empty(), b.is_empty()) {
                (false, false) => !share_name && !a.iter().any(|x| b.contains(x)),
                // Data beside an empty answer, or records of a type that the other answer has none of.
                (false, true) => two.answers.is_empty() || !share_type(one, two),
                (true, false) => one.answers.is_empty() || !share_type(one, two),
                (true, true) => false,
            }
        }
    }
}

fn share_type(one: &dns::Message, two: &dns::Message) -> bool {
    one.answers.iter().any(|a| two.answers.iter().any(|b| a.rtype == b.rtype))
}

fn names(message: &dns::Message) -> impl Iterator<Item = &crate::app::name::Name> {
    message.answers.iter().filter_map(|r| match &r.data {
        dns::Data::Name(n) if r.rtype == 5 => Some(n),
        _ => None,
    })
}

/// How the packets of two answers differ beyond what one sender's do.
pub fn differs_in_header(case: &Case<'_>, one: &DnsSeen, two: &DnsSeen) -> Option<&'static str> {
    let (a, b) = (case.entries.get(one.entry)?, case.entries.get(two.entry)?);
    let df = crate::flow::entry::fact::DONT_FRAGMENT;
    if a.ttl.abs_diff(b.ttl) >= 3 {
        Some("TTL")
    } else if a.is(df) != b.is(df) {
        Some("DF")
    } else if !one.cut && !two.cut && one.message.edns.is_some() != two.message.edns.is_some() {
        Some("EDNS")
    } else if (one.message.flags ^ two.message.flags) & 0x0480 != 0 {
        Some("flags")
    } else {
        None
    }
}

/// The answers in question among all: with several, those that are odder than the oddest-free one; the first wins a tie, because an
/// injector answers before the resolver can.
pub fn odd(view: &View<'_>) -> Vec<usize> {
    let case = view.case;
    let all: Vec<(usize, &DnsSeen)> = answers(case).collect();
    if all.len() < 2 {
        return all.iter().map(|(i, _)| *i).collect();
    }
    let oddness: Vec<u32> = all.iter().map(|(_, d)| oddness(view, d)).collect();
    // The genuine answer is the least odd; of equals, the last to arrive.
    let Some(genuine) = (0..all.len()).min_by_key(|n| (oddness.get(*n).copied().unwrap_or(0), all.len() - n)) else { return Vec::new() };
    let Some((_, truth)) = all.get(genuine) else { return Vec::new() };
    let differs = |d: &DnsSeen| disagree(d, truth) || (oddness_of(&all, &oddness, d) > 0 && differs_in_header(case, d, truth).is_some());
    all.iter().enumerate().filter(|(n, (_, d))| *n != genuine && differs(d)).map(|(_, (i, _))| *i).collect()
}

fn oddness_of(all: &[(usize, &DnsSeen)], oddness: &[u32], d: &DnsSeen) -> u32 {
    all.iter().zip(oddness).find(|((_, x), _)| x.entry == d.entry).map_or(0, |(_, o)| *o)
}

/// Points against an answer: each a way in which it does not look like this resolver's.
fn oddness(view: &View<'_>, seen: &DnsSeen) -> u32 {
    let case = view.case;
    let Some(e) = case.entries.get(seen.entry) else { return 0 };
    let m = &seen.message;
    let given = addresses(m);
    let mut points = 0;
    if let Some(r) = &view.around.resolver {
        let own = r.ttls.iter().any(|(t, n)| *n >= 2 && t.abs_diff(e.ttl) <= 2);
        points += if !r.ttls.is_empty() && !own { 4 } else { 0 };
        let (aa, total) =
            (r.flags.iter().filter(|(f, _)| f & 0x0400 != 0).map(|(_, n)| n).sum::<u64>(), r.flags.iter().map(|(_, n)| n).sum::<u64>());
        points += u32::from(m.authoritative && total >= 2 && aa == 0) * 2;
        let [clear, set] = r.df;
        let df = e.is(crate::flow::entry::fact::DONT_FRAGMENT);
        points += u32::from((df && clear >= 2 && set == 0) || (!df && set >= 2 && clear == 0)) * 2;
    }
    let asked = queries(case).any(|q| q.message.edns.is_some());
    let keeps = view.around.resolver.as_ref().and_then(ResolverBaseline::keeps_edns).unwrap_or(true);
    // One that has what this resolver never gives is as odd as one that lacks what it always gives.
    points += u32::from(asked && !seen.cut && m.edns.is_some() != keeps && m.rcode == 0) * 2;
    let public = special::is_global(case.server_end().ip);
    points += u32::from(public && !given.is_empty() && given.iter().all(|a| !special::is_global(*a))) * 3;
    points += u32::from(known(m, &seen.name).is_some()) * 3;
    points += u32::from(m.authoritative);
    points
}
