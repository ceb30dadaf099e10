//! The words of the output beside mechanisms, states, rules and injectors, each with its meaning: for `interloper explain`.

/// Where a word stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    Verdict,
    Reason,
    Trigger,
    Stage,
    Position,
    Timeline,
    Evasion,
}

impl Group {
    /// Every group, in the order of the overview.
    pub const ALL: [Group; 7] =
        [Group::Verdict, Group::Reason, Group::Trigger, Group::Stage, Group::Position, Group::Timeline, Group::Evasion];

    /// What its words are.
    pub fn title(self) -> &'static str {
        match self {
            Group::Verdict => "Verdicts on flows",
            Group::Reason => "Why a flow was not judged",
            Group::Trigger => "Triggers: what set it off",
            Group::Stage => "Stages: when in the connection",
            Group::Position => "Positions: where the box sits",
            Group::Timeline => "Timeline: how a name fares over a stretch of time",
            Group::Evasion => "Circumvention traffic of the client's own",
        }
    }
}

/// A word with its meaning.
pub struct Word {
    pub name: &'static str,
    pub group: Group,
    pub text: &'static str,
}

const fn word(group: Group, name: &'static str, text: &'static str) -> Word {
    Word { name, group, text }
}

use Group::{Evasion, Position, Reason, Stage, Timeline, Trigger, Verdict};

/// All of them, by group.
pub const WORDS: &[Word] = &[
    word(Verdict, "interfered", "a finding about this flow is likely or confirmed"),
    word(Verdict, "clean", "everything that could be judged of this flow was, and nothing was found"),
    word(Verdict, "unjudged", "this flow could not be judged, for the reason beside it; that is not the same as clean"),
    word(
        Reason,
        "mid-stream",
        "the flow began before the capture: without its handshake nobody can say which sequence numbers, TTLs and options are the server's. Start the capture before the traffic",
    ),
    word(
        Reason,
        "one-sided",
        "only one direction was captured: what the other side sent, and so what contradicts a packet, is missing. Asymmetric routes and one-way mirror ports do this; capture at a host",
    ),
    word(
        Reason,
        "cut",
        "the snap length cut off what was asked or the beginning of the answer: a forged answer could not have been seen. Resets and silences are told by headers, and found all the same. Capture whole packets: `tcpdump -s 0`",
    ),
    word(Reason, "no-data", "nothing was said: a SYN or two without an answer or a word, as scans and floods send them by the million"),
    word(Reason, "evicted", "the flow was given up for want of memory before it ended. Allow more with --memory"),
    word(
        Reason,
        "too-many-suspects",
        "more flows looked suspicious than a report could hold, and this one came after them; -f narrows the capture down",
    ),
    word(Trigger, "dns.qname", "the name in a DNS query"),
    word(Trigger, "tls.sni", "the server name in a TLS ClientHello"),
    word(Trigger, "tls.ech", "a ClientHello that hides its name (ECH, or ESNI before it), whatever the name beside it"),
    word(Trigger, "http.host", "the Host line of an HTTP request"),
    word(Trigger, "http.uri", "what an HTTP request asks for, not the host"),
    word(Trigger, "quic.sni", "the server name in a QUIC Initial, which anybody on the path can decrypt"),
    word(Trigger, "ip", "the address: nothing had been said when it happened"),
    word(Trigger, "port", "the port: another port of the same host works"),
    word(Trigger, "protocol", "the protocol: no conversation of it succeeds, whatever its name"),
    word(
        Trigger,
        "residual",
        "an earlier finding on the same endpoints: for a while after a hit some boxes block whatever has the same addresses and port",
    ),
    word(Trigger, "none-seen", "no request was seen that could have set it off"),
    word(Stage, "post-syn", "before the handshake was complete: in answer to the SYN, or to its answer"),
    word(Stage, "post-ack", "after the handshake, before the client said anything"),
    word(Stage, "post-request", "after a request of the client"),
    word(Stage, "later", "after the server had answered"),
    word(Position, "on-path", "the box sees copies and adds packets: a genuine packet contradicts the forged one"),
    word(Position, "in-path", "the box can take packets out: the genuine one never comes"),
    word(Position, "resolver", "the resolver that was asked gives the answer itself"),
    word(Position, "unknown", "the packets do not tell"),
    word(Timeline, "blocked", "nine tenths or more of the judged attempts were interfered with, of five at least"),
    word(
        Timeline,
        "partly",
        "some attempts were interfered with and some were not, in no order that would bear a change: load, several paths, several boxes",
    ),
    word(Timeline, "fine", "a tenth of the judged attempts or fewer were interfered with, of five at least"),
    word(Timeline, "failing", "more than a tenth failed and the packets do not show why: called neither fine nor blocked"),
    word(
        Timeline,
        "few",
        "fewer than five attempts to go by. A change from one state to another is claimed only where both sides have five trials and \
         Fisher's exact test tells them apart at 1 % over all places where a change could lie (docs/schema.md)",
    ),
    word(Evasion, "decoy", "the client sent packets that were not meant to reach the server, for a box to believe"),
    word(Evasion, "split-message", "the client split its request over packets where one would have done"),
    word(Evasion, "split-records", "the client split its ClientHello over TLS records"),
    word(Evasion, "odd-request", "the client wrote its HTTP request in a way that servers read and boxes may not"),
    word(Evasion, "decoy-datagram", "the client sent datagrams before its QUIC Initial that mean nothing to the server"),
];

/// A word by its name.
pub fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|w| w.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::finding;
    use crate::survey::State;

    #[test]
    fn every_word_of_the_output_has_a_meaning() {
        let triggers = finding::TriggerKind::ALL.iter().map(|t| (Group::Trigger, t.name()));
        let stages = finding::Stage::ALL.iter().map(|s| (Group::Stage, s.name()));
        let positions = finding::Position::ALL.iter().map(|p| (Group::Position, p.name()));
        let states = State::ALL.iter().map(|s| (Group::Timeline, s.name()));
        let wanted: Vec<_> = triggers.chain(stages).chain(positions).chain(states).collect();
        for (group, name) in &wanted {
            assert!(find(name).is_some_and(|w| w.group == *group), "{name}");
        }
        let free = [Group::Verdict, Group::Reason, Group::Evasion];
        assert!(WORDS.iter().all(|w| free.contains(&w.group) || wanted.contains(&(w.group, w.name))));
    }

    #[test]
    fn no_word_means_two_things() {
        let mut names: Vec<&str> = WORDS.iter().map(|w| w.name).collect();
        names.extend(finding::Mechanism::ALL.iter().map(|m| m.name()));
        names.extend(finding::Confidence::ALL.iter().map(|c| c.name()));
        names.extend(crate::detect::rules::RULES.iter().map(|r| r.id));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        // `one-sided` and `residual` are close to rules of like names; only the former is one as well.
        assert_eq!(all - names.len(), 1, "{names:?}");
    }
}
