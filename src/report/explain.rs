//! The manual: mechanisms, states and rules, told from the tables that judge.

use super::escape;
use super::glossary::{self, Group, WORDS};
use super::paint::{Paint, fill};
use crate::attribute::injectors::{self, Row};
use crate::detect::finding::{Confidence, Mechanism, Stance};
use crate::detect::rules::{self, RULES, Rule};

/// What can be asked about, for suggestions and completions.
pub fn topics() -> Vec<&'static str> {
    let mechanisms = Mechanism::ALL.iter().map(|m| m.name());
    let injectors = injectors::rows().iter().map(|r| r.id.as_str());
    // What is a rule as well stands there once.
    let words = WORDS.iter().map(|w| w.name).filter(|w| rules::find(w).is_none());
    mechanisms.chain(Confidence::ALL.iter().map(|c| c.name())).chain(RULES.iter().map(|r| r.id)).chain(words).chain(injectors).collect()
}

/// The page on a topic, if there is one.
pub fn topic(name: &str, paint: Paint) -> Option<String> {
    let word = glossary::find(name).map(|w| fill(&format!("{}: ", w.name), &format!("{} ({})", w.text, w.group.title())));
    if let Some(rule) = rules::find(name) {
        // `one-sided` is a rule and a reason: both are told.
        return Some(word.map(|w| format!("{w}\n")).unwrap_or_default() + &rule_page(rule));
    }
    if word.is_some() {
        return word;
    }
    if let Some(m) = Mechanism::ALL.iter().find(|m| m.name() == name) {
        return Some(mechanism_page(*m, paint));
    }
    if let Some(row) = injectors::find(name) {
        return Some(injector_page(row));
    }
    Confidence::ALL.iter().find(|c| c.name() == name).map(|c| fill(&format!("{}: ", c.name()), state(*c)))
}

/// The overview.
pub fn overview(paint: Paint) -> String {
    let mut out = format!("{}\n", paint.bold("Mechanisms: what was done"));
    for m in Mechanism::ALL {
        out.push_str(&fill(&format!("  {:24} ", m.name()), summary(*m)));
    }
    out.push_str(&format!("\n{}\n", paint.bold("States: how sure that is")));
    for c in Confidence::ALL.iter().rev() {
        out.push_str(&fill(&format!("  {:24} ", c.name()), state(*c)));
    }
    for (stance, title) in [(Stance::For, "Rules that speak for interference"), (Stance::Against, "Rules that speak against it")] {
        out.push_str(&format!("\n{}\n", paint.bold(title)));
        for rule in RULES.iter().filter(|r| r.stance == stance) {
            out.push_str(&fill(&format!("  {:24} ", rule.id), &format!("{} {}: {}", rule.class, rule.family, title_of(rule))));
        }
    }
    for group in Group::ALL {
        out.push_str(&format!("\n{}\n", paint.bold(group.title())));
        for word in WORDS.iter().filter(|w| w.group == group) {
            out.push_str(&fill(&format!("  {:24} ", word.name), word.text));
        }
    }
    out.push_str(&format!("\n{}\n", paint.bold("Injectors: whose packets look like what")));
    for row in injectors::rows() {
        out.push_str(&fill(
            &format!("  {:24} ", row.id),
            &escape::sentence(&format!("{} ({}); {}", row.system, row.country, row.evidence)),
        ));
    }
    out.push_str("\n`interloper explain NAME` tells more about any of them.\n");
    out
}

/// The words after the rule's name in its manual's title.
fn title_of(rule: &Rule) -> String {
    let manual = rule.manual();
    let first = manual.lines().next().unwrap_or_default();
    first.split_once(": ").map_or(first, |(_, title)| title).to_owned()
}

fn rule_page(rule: &Rule) -> String {
    let mechanisms: Vec<&str> = rule.mechanisms.iter().map(|m| m.name()).collect();
    let mut out = rule.manual();
    out.push_str(&format!(
        "\n\n## Place in the confidence table\n\n{:12}{}\n{:12}{}\n{:12}{}\n{:12}{}\n",
        "stance",
        rule.stance,
        "class",
        rule.class,
        "family",
        rule.family,
        "looks at",
        mechanisms.join(", "),
    ));
    if !rule.rebuts.is_empty() {
        out.push_str(&fill(&format!("{:12}", "voids"), &rule.rebuts.join(", ")));
    }
    if let Some(cap) = rule.cap {
        out.push_str(&format!("{:12}at most `{cap}` while it stands\n", "cap"));
    }
    let rebutters: Vec<&str> = RULES.iter().filter(|r| r.rebuts.contains(&rule.id)).map(|r| r.id).collect();
    if !rebutters.is_empty() {
        out.push_str(&fill(&format!("{:12}", "voided by"), &rebutters.join(", ")));
    }
    if let Some((right, wrong, of)) = figures(rule.id) {
        let text = format!("right {right} times, wrong {wrong} times, of {of} where it could have been (docs/accuracy.md)");
        out.push_str(&fill(&format!("{:12}", "measured"), &text));
    }
    out
}

/// How often a rule was right and wrong over the scenarios, and of how many; `tests/figures.rs` writes them.
fn figures(id: &str) -> Option<(u64, u64, u64)> {
    let line = include_str!("figures.tsv").lines().find(|l| l.split('\t').next() == Some(id))?;
    let mut numbers = line.split('\t').skip(1).map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// The fields that a row asks about, with their values.
fn told(fields: &crate::attribute::fields::Fields) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(map)) = serde_json::to_value(fields) else { return Vec::new() };
    let asked = map.into_iter().filter(|(_, v)| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty()));
    asked.map(|(k, v)| (k, v.to_string())).collect()
}

/// A row of the fingerprints, with its source.
fn injector_page(row: &Row) -> String {
    let mut out = format!("{}: {}\n\n", row.id, escape::sentence(&row.system));
    let mut line = |label: &str, text: &str| out.push_str(&fill(&format!("{label:14}"), &escape::sentence(text)));
    line("country", &row.country);
    line("technique", &row.technique);
    // OONI's files do not say when.
    if row.year != 0 {
        line("seen in", &row.year.to_string());
    }
    line("evidence", &row.evidence.to_string());
    line("source", &row.cited());
    line("confidence", &format!("{} that a full match names the right system", row.confidence));
    if let Some(r) = &row.residual {
        line("afterwards", &format!("blocks for {} s what has the same {}", r.seconds, r.tuple));
    }
    if let Some(fields) = &row.fields {
        for (i, (name, value)) in told(fields).iter().enumerate() {
            line(if i == 0 { "match" } else { "" }, &format!("{name} {value}"));
        }
        if !row.can_be_named() {
            line("but", "these fields are too common, or the row too little trusted, to give a name; it is compared all the same");
        }
    }
    if let Some(why) = &row.unmatched {
        line("no match", why);
    }
    if !row.note.is_empty() {
        line("note", &row.note);
    }
    out
}

fn mechanism_page(m: Mechanism, paint: Paint) -> String {
    let mut out = fill("", &format!("{}: {}", m.name(), summary(m)));
    out.push('\n');
    out.push_str(&fill("", story(m)));
    out.push_str(&fill("", &format!("\nThe most it can be called: {}.", rules::cap(m))));
    for stance in [Stance::For, Stance::Against] {
        let title = format!("Rules {stance} it");
        out.push_str(&format!("\n{}\n", paint.bold(&title)));
        for rule in RULES.iter().filter(|r| r.stance == stance && r.mechanisms.contains(&m)) {
            out.push_str(&fill(&format!("  {:24} ", rule.id), &format!("{} {}: {}", rule.class, rule.family, title_of(rule))));
        }
    }
    out
}

fn summary(m: Mechanism) -> &'static str {
    match m {
        Mechanism::TcpReset => "a reset that neither end sent tears a TCP connection down",
        Mechanism::DnsAnswer => "a DNS query is answered by somebody other than the resolver asked, or the resolver itself lies",
        Mechanism::Drop => "a request is taken out, and nothing answers it",
        Mechanism::Stall => "a transfer is let through up to an amount, and then nothing more",
        Mechanism::Throttle => "a transfer is held to a low rate, because of a name",
        Mechanism::TcpData => "bytes that the server did not send: a block page, a redirect, an alert",
        Mechanism::TcpFin => "a FIN that the server did not send closes the connection",
        Mechanism::TcpHandshake => "a SYN/ACK that the server did not send opens the wrong connection",
        Mechanism::TlsIntercept => "somebody else's certificate stands between client and server",
        Mechanism::IcmpError => "a router on the way says that the conversation is forbidden",
    }
}

fn story(m: Mechanism) -> &'static str {
    match m {
        Mechanism::TcpReset => {
            "A box on the path reads a name in a request and sends resets in the name of the server, of the client, or of both. The genuine \
             endpoint does not know: it goes on sending and acknowledging, from its own distance (TTL), with its own counters (IP \
             identification, timestamps), at its own place in the stream. Each of those can contradict the reset. Servers, firewalls and \
             load balancers reset connections for good reasons as well, so a reset that nothing contradicts stays unexplained."
        }
        Mechanism::DnsAnswer => {
            "A box on the path sees a query and answers it first. The genuine answer usually comes later and says something else; often the \
             forgery has another TTL, lost the EDNS option, comes faster than the resolver ever did, or names an address known from \
             earlier forgeries. A resolver may also answer wrongly by policy: then one answer comes, and only its content speaks."
        }
        Mechanism::TcpData | Mechanism::TcpFin => {
            "A box on the path answers a request in the server's name with a packet of its own: a page that says the site is blocked, a \
             redirect to one, a TLS alert, a bare FIN. What it makes lacks the connection's timestamps, comes from another distance or \
             sooner than the path allows, and the server's own answer, if it still arrives, claims the same place in the stream with other \
             bytes. A server's own error page, alert or redirect has none of that, whatever it says."
        }
        Mechanism::TcpHandshake => {
            "Two SYN/ACKs number one server's stream in two ways. The client takes the first; the server's packets then never fit. Repeated \
             SYNs answered by fresh SYN cookies and load balancers look alike and are counted off."
        }
        Mechanism::TlsIntercept => {
            "The certificate that came in the clear (TLS 1.2 and older) was issued by an authority known for interception. Company gateways \
             and endpoint protection do this too, on machines whose owners chose it; those are shown as what they are. In TLS 1.3 the \
             certificate is encrypted, and nothing is said."
        }
        Mechanism::IcmpError => {
            "A router answered the client's packets with \"administratively prohibited\" before the server said anything. That is a fact; \
             whose rule it was, and why, is not in the packet, so it is never called more than likely. The server's own firewall says the \
             same in its own name, and is left alone."
        }
        Mechanism::Stall => {
            "A box on the path lets a connection begin, counts its packets or octets, and stops it in the middle: both ends go on, neither \
             hears the other. Lines and servers fail in the middle as well, after any amount; several transfers that stop after the same \
             amount, while others in the same minutes carry more, do not. Never called confirmed."
        }
        Mechanism::Throttle => {
            "A box on the path lets only so many octets a second pass for some names, and drops the rest (policing) or makes it wait \
             (shaping). Slow lines, busy servers, paced video and receivers that read slowly look the same. What makes the difference is \
             a series: several transfers of the name at the same rate, and in the same minutes, from the same server, another name at \
             more than ten times that. Never called confirmed."
        }
        Mechanism::Drop => {
            "A box on the path takes the packet with the name out, or everything after it, and the client waits in vain. A dead server, \
             loss and small MTUs look the same. What makes the difference is a control: the same server answers another name, or the \
             same name fails on several servers. Without one, silence stays unexplained; one capture cannot show where a packet was \
             lost, so a drop is never called confirmed."
        }
    }
}

fn state(c: Confidence) -> &'static str {
    match c {
        Confidence::Confirmed => {
            "\"forged\": something no honest endpoint could produce (one claim of class A), or two strong claims (class B) of different \
             families, and nothing standing against it"
        }
        Confidence::Likely => {
            "\"likely forged\": one strong claim (class B) and another of a different family, with no innocent explanation that fits"
        }
        Confidence::Unexplained => {
            "\"unexplained reset\", \"no reply\": broken, and the packets do not say why; hidden unless --min unexplained"
        }
    }
}

/// Topics whose names are near a mistyped one, nearest first.
pub fn suggestions(name: &str) -> Vec<&'static str> {
    nearest(name, &topics())
}

/// Up to three of the words that are near a mistyped one, nearest first.
pub fn nearest<'w>(name: &str, words: &[&'w str]) -> Vec<&'w str> {
    let name = name.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> = words
        .iter()
        .copied()
        .filter_map(|t| {
            let distance = distance(&name, t);
            let part = name.len() >= 3 && (t.contains(name.as_str()) || name.contains(t));
            (part || distance <= 1 + t.len() / 4).then_some((if part { 1 } else { distance }, t))
        })
        .collect();
    // Stable: mechanisms stand before rules of the same distance.
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().take(3).map(|(_, t)| t).collect()
}

/// Edits (insert, delete, replace) that turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    // A word much longer than any topic is none of them; this bounds the work on whatever was typed.
    if a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (y, pair) in b.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(x != *y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_a_page() {
        for name in topics() {
            assert!(topic(name, Paint::new(false)).is_some_and(|p| p.len() > 60), "{name}");
        }
        assert!(topic("nonsense", Paint::new(false)).is_none());
    }

    #[test]
    fn suggests() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert!(suggestions("ttl-jmup").contains(&"ttl-jump"));
        assert!(suggestions("reset").contains(&"tcp-reset"));
        assert!(suggestions("quite something else").is_empty());
        assert!(suggestions(&"x".repeat(100_000)).is_empty());
    }
}
