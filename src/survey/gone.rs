//! Whether a suspect's server had gone when it fell silent: what filters leave alone went unanswered too.

use super::attempts::Asked;
use super::baselines::{Index, run};
use super::meanwhile::silence_of;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::Suspect;
use std::net::IpAddr;

/// A connection whose SYN nobody answered.
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
        let (since, until) = self.heard_around(server.ip, at);
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

    /// When the last request before a time was made that a server answered, and the first one behind it.
    fn heard_around(&self, server: IpAddr, at: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let (mut before, mut behind) = (None, None);
        for list in self.on_host(server) {
            let (earlier, later) = list.split_at_checked(list.partition_point(|a| a.time < at)).unwrap_or_default();
            let answered = |a: &&&Asked| a.is_answered();
            before = earlier.iter().rev().take(REACH).find(answered).map(|a| a.time).max(before);
            let first = later.iter().take(REACH).find(answered).map(|a| a.time);
            behind = first.into_iter().chain(behind).min();
        }
        (before, behind)
    }
}
