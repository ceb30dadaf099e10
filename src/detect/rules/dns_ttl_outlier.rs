//! # `dns-ttl-outlier`: the packet does not come from where this resolver's packets come from
//!
//! ## What it looks for
//!
//! The answer's IP TTL against those of this resolver's other answers (two at least): five hops or more apart is class B,
//! three or four class C. A DF bit that differs from four or more unanimous answers is class C, and class B together with
//! a TTL three hops off. Of a single answer that says nothing a resolver would not say (an error, no address, one of special use, one known
//! from forged answers) that is class C, for another site of the resolver answers from elsewhere as well, unless it comes with certain
//! names only, as below. A TTL counts for nothing where the resolver gave the same address for the name at least as often with a
//! TTL of its own: what comes the usual way is not forged, so the other answer took another way.
//!
//! Where forged answers have become part of those others, or hops do not tell (another initial value is another kernel): a TTL that only
//! answers have which go with this one (its domain, its address, or errors like it), among at least four others that all have the same,
//! mixed with them in time, and dealt so by chance in less than one of a hundred ways. Class B from five hops or twenty of TTL on, else C.
//!
//! Or the machine answers certain names whenever they are asked for, and no others, with other addresses than anybody else, which chance
//! would have dealt to it in less than one of a hundred cases. Class B from five hops on where it is always sooner than the others, else C.
//!
//! ## Why it speaks for interference
//!
//! The resolver's answers travel one path and are built by one kernel.
//!
//! ## Innocent explanations
//!
//! Anycast resolvers that move, load balancing over unequal paths.
//!
//! ## How to check in Wireshark
//!
//! Columns `ip.ttl` and `ip.flags.df` for `udp.srcport == 53 && ip.src == RESOLVER`.
//!
//! ## Source
//!
//! Duan et al., Hold-On, 2012 (expected TTL); June 2025 measurements of GFW injectors (net4people/bbs issue 466).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::dns_answer::{addresses, answers, is_telling, odd};
use super::too_early::IMPROBABLE;
use super::ttl_jump::hop_distance;
use crate::detect::surroundings::ResolverBaseline;
use crate::flow::entry::{Entry, fact};

pub const RULE: Rule = Rule {
    id: "dns-ttl-outlier",
    stance: Stance::For,
    class: Class::B,
    family: Family::Header,
    mechanisms: &[Mechanism::DnsAnswer],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Routes that differ so much are not known.
const ANOTHER_INITIAL: u8 = 20;

fn check(view: &View<'_>) -> Option<Claim> {
    let resolver = view.around.resolver.as_ref()?;
    let usual: Vec<u8> = resolver.ttls.iter().filter(|(_, n)| *n >= 2).map(|(t, _)| *t).collect();
    let odd = odd(view);
    let single = answers(view.case).nth(1).is_none();
    let mut found = None;
    for (_, seen) in answers(view.case).filter(|(i, _)| odd.contains(i)) {
        let e = view.case.entries.get(seen.entry)?;
        let distance = |ttl: u8| usual.iter().map(|t| (hop_distance(ttl, *t), *t)).min();
        let twins = view.around.other_answers.iter().filter(|o| {
            o.resolver == view.case.server_end().ip && addresses(&seen.message).first() == Some(&o.address)
        });
        let (near, far): (Vec<u8>, Vec<u8>) = twins.map(|o| o.ttl).partition(|ttl| distance(*ttl).is_some_and(|d| d.0 < 3));
        // An injector whose TTLs vary hits that of the resolver now and then, not more often than not.
        let distance = distance(e.ttl).filter(|_| near.len() <= far.len());
        let [clear, set] = resolver.df;
        let df = e.is(fact::DONT_FRAGMENT);
        let df_differs = !e.is(fact::IPV6) && ((df && clear >= 4 && set == 0) || (!df && set >= 4 && clear == 0));
        let class = match (distance.map(|d| d.0), df_differs) {
            (Some(5..), _) | (Some(3..), true) => Class::B,
            (Some(3..), _) | (_, true) => Class::C,
            _ => {
                found = found.or_else(|| with_names_only(resolver, e)).or_else(|| by_machine(resolver, e));
                continue;
            }
        };
        let class = if single && !is_telling(seen) && !with_names(resolver) { Class::C } else { class };
        let df_text = if df_differs { format!(", DF {}", if df { "set" } else { "clear" }) } else { String::new() };
        let common = distance.map_or(0, |d| d.1);
        let text = format!("TTL {}{df_text}, where this resolver's answers have {common}", e.ttl);
        return Some(Claim::new("dns-ttl-outlier", class, [e.frame], text).measured(f64::from(e.ttl), f64::from(common), "TTL"));
    }
    found
}

/// Whether who answers goes by name.
fn with_names(resolver: &ResolverBaseline) -> bool {
    resolver.others.tell_names(IMPROBABLE) || resolver.machine.is_some_and(|m| m.tells_names(IMPROBABLE))
}

/// A machine that answers certain names and no others.
fn by_machine(resolver: &ResolverBaseline, e: &Entry) -> Option<Claim> {
    let machine = resolver.machine.filter(|m| m.apart >= 5 && m.tells_names(IMPROBABLE))?;
    let class = if machine.slowest < machine.others_fastest { Class::B } else { Class::C };
    let text = format!(
        "TTL {} whenever these names are asked for, and with no others; {} other answers come from {} hops away or more",
        e.ttl, machine.others, machine.apart
    );
    Some(Claim::new("dns-ttl-outlier", class, [e.frame], text).measured(f64::from(e.ttl), f64::NAN, "TTL"))
}

/// A TTL that comes with certain names only: what goes with the answer has it, and whatever else the resolver says has another.
fn with_names_only(resolver: &ResolverBaseline, e: &Entry) -> Option<Claim> {
    let others = &resolver.others;
    // Of a resolver with several sites or paths nothing is known.
    let (common, _) = others.ttls.iter().max_by_key(|(_, n)| *n).copied()?;
    let uniform = others.ttls.iter().all(|(t, _)| t.abs_diff(common) <= 1);
    let apart = others.ttls.iter().map(|(t, _)| t.abs_diff(e.ttl)).min()?;
    if !uniform || apart == 0 || others.count() < 4 || !others.tell_names(IMPROBABLE) {
        return None;
    }
    // Another initial value is another kernel; a hop or two are what a forger misses who reckons.
    let class = if apart >= ANOTHER_INITIAL || hop_distance(e.ttl, common) >= 5 { Class::B } else { Class::C };
    let text = format!("TTL {} with these names only; all {} other answers have {common}", e.ttl, others.count());
    Some(Claim::new("dns-ttl-outlier", class, [e.frame], text).measured(f64::from(e.ttl), f64::from(common), "TTL"))
}
