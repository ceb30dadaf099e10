//! What gets lost on the way, as far as it was said again and heard then: how likely a silence is where nobody interferes.

use super::attempts::Asked;
use super::baselines::Index;
use super::examples::Few;
use super::facts::Kind;
use crate::detect::case::Case;
use crate::detect::finding::Suspect;
use crate::detect::suspects::dns_answer;

/// Fewer losses tell no share.
const LEAST: u64 = 4;
/// Flows with losses that can be shown to whoever judges again: there they must make up for the requests that are not.
const SHOWN: usize = 20;

/// Requests or segments of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    said: u64,
    lost: u64,
    /// Flows that show it.
    pub flows: Few<SHOWN>,
}

impl Losses {
    fn add(&mut self, said: u64, lost: u64, flow: u64) {
        self.said += said;
        self.lost += lost;
        if lost > 0 {
            self.flows.add(flow);
        }
    }

    pub fn merge(&mut self, other: &Losses) {
        self.said += other.said;
        self.lost += other.lost;
        self.flows.merge(&other.flows);
    }

    /// The share that gets lost.
    pub fn share(&self) -> f64 {
        if self.lost < LEAST { 0.0 } else { self.lost as f64 / self.said as f64 }
    }

    /// Silent requests to one service, the requests for each name together, for names that were answered another time.
    pub fn of_names<'a>(names: impl Iterator<Item = &'a [Asked]>) -> Losses {
        let mut losses = Losses::default();
        for same in names.filter(|same| same.iter().any(Asked::is_answered)) {
            same.iter().filter(|a| !a.is_answered()).for_each(|a| losses.add(1, 1, a.flow));
        }
        losses
    }
}

impl Index<'_> {
    /// What gets lost of requests like a suspect's.
    pub(super) fn lost(&self, case: &Case<'_>, suspect: &Suspect) -> Losses {
        let Some(kind) = Index::kind(case, suspect) else { return Losses::default() };
        let server = case.server_end();
        let silent = self.silent_lookups.binary_search_by_key(&(server.ip, server.port, kind), |(service, _)| *service).ok();
        self.audit().on_the_way.of(kind, silent.and_then(|i| self.silent_lookups.get(i)).map(|(_, losses)| losses))
    }
}

/// Losses in flows in which nothing is suspected, so that no filter's doings are among them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OnTheWay {
    /// Data of TCP clients that was said again.
    segments: Losses,
    /// Lookups in which fewer answers came than questions were asked.
    lookups: Losses,
}

impl OnTheWay {
    /// Takes a flow into account in which nothing is suspected.
    pub fn add(&mut self, case: &Case<'_>) {
        let first = case.entries.first().map_or(0, |e| e.frame);
        if case.flow.key.transaction.is_some() {
            let answers = dns_answer::answers(case).count() as u64;
            let asked = case.of(case.client).count() as u64;
            if answers > 0 {
                self.lookups.add(asked, asked.saturating_sub(answers), first);
            }
        } else if case.flow.key.protocol == 6 {
            let said = case.flow.sides[case.client.index()].data_packets;
            self.segments.add(said, case.repeated(case.client), first);
        }
    }

    pub fn merge(&mut self, other: &OnTheWay) {
        self.segments.merge(&other.segments);
        self.lookups.merge(&other.lookups);
    }

    /// What gets lost of a kind of requests; `silent` are those to the service in question.
    pub fn of(&self, kind: Kind, silent: Option<&Losses>) -> Losses {
        let mut losses = match kind {
            Kind::Dns => self.lookups,
            // Its packets are encrypted: which of them say something again cannot be told.
            Kind::Quic => Losses::default(),
            _ => self.segments,
        };
        if let Some(silent) = silent.filter(|_| kind == Kind::Dns) {
            losses.merge(silent);
        }
        losses
    }
}
