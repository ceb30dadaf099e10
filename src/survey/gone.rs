//! Whether a suspect's server had gone when it fell silent: what filters leave alone went unanswered too.

use super::attempts::Asked;
use super::baselines::{Index, run};
use super::meanwhile::silence_of;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::Suspect;
use std::net::IpAddr;

/// A connection whose SYN nobody answered, or only when it was repeated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Unanswered {
    pub server: IpAddr,
    pub time: Timestamp,
    pub port: u16,
    /// First frame of its flow.
    pub flow: u64,
}

/// Requests, and unanswered connections, that are looked through: what lies further away is no part of the same event.
const REACH: usize = 4096;

impl<'f> Index<'f> {
    /// A connection to another port of a suspect's server that nobody answered, although that port does answer, begun since something on
    /// the server was last answered and before anything was again. For a suspect over UDP the same port of TCP will do.
    pub(super) fn gone(&self, case: &Case<'_>, suspect: &Suspect) -> Option<u64> {
        let server = case.server_end();
        let at = silence_of(case, suspect).map_or(case.flow.first, |(from, _)| from);
        let [since, until] = self.heard_around(server.ip, at).map(|a| a.map(|a| a.time));
        let own = case.entries.first().map_or(0, |e| e.frame);
        let there = run(&self.unanswered, |u| u.server.cmp(&server.ip));
        let later = there.get(there.partition_point(|u| since.is_some_and(|since| u.time <= since))..).unwrap_or_default();
        let meanwhile = later.iter().take(REACH).take_while(|u| until.is_none_or(|until| u.time < until));
        let answers = |port: u16| self.facts().answering_ports.get(&(server.ip, port)).is_some();
        let tells = |port: u16| match case.flow.key.protocol {
            6 => port != server.port && answers(port),
            // Whoever speaks QUIC on a port offers the same over TCP (RFC 9114 section 3.1.1).
            _ => port == server.port || answers(port),
        };
        meanwhile.filter(|u| u.flow != own && tells(u.port)).map(|u| u.flow).next()
    }

    /// Flows that tell whether it had gone.
    pub(super) fn gone_flows(&self, case: &Case<'_>, suspect: &Suspect) -> Vec<u64> {
        let server = case.server_end();
        let there = run(&self.unanswered, |u| u.server.cmp(&server.ip));
        if there.is_empty() {
            return Vec::new();
        }
        let gone = self.gone(case, suspect);
        let port = there.iter().find(|u| gone == Some(u.flow)).map(|u| u.port);
        let answers = port.and_then(|port| self.facts().answering_ports.get(&(server.ip, port))).map(|first| first.0);
        // Without them what lies elsewhere would seem to be part of this silence.
        let at = silence_of(case, suspect).map_or(case.flow.first, |(from, _)| from);
        let heard = self.heard_around(server.ip, at).map(|a| a.map(|a| a.flow));
        gone.into_iter().chain(answers).chain(heard.into_iter().flatten()).collect()
    }

    /// The last request before a time that a server answered, and the first one behind it.
    fn heard_around(&self, server: IpAddr, at: Timestamp) -> [Option<&'f Asked>; 2] {
        let (mut before, mut behind): (Option<&'f Asked>, Option<&'f Asked>) = (None, None);
        for list in self.on_host(server) {
            let (earlier, later) = list.split_at_checked(list.partition_point(|a| a.time < at)).unwrap_or_default();
            let answered = |a: &&&Asked| a.is_answered();
            before = before.into_iter().chain(earlier.iter().rev().take(REACH).find(answered).copied()).max_by_key(|a| (a.time, a.frame));
            behind = behind.into_iter().chain(later.iter().take(REACH).find(answered).copied()).min_by_key(|a| (a.time, a.frame));
        }
        [before, behind]
    }
}
