//! What of an earlier finding may go on: a filter that blocks endpoints for a while after a hit lets nobody through.

use super::attempts::Asked;
use super::baselines::{Hit, Hits, Index, SHOWN};
use crate::detect::case::Case;

impl<'f> Index<'f> {
    /// The nearest earlier finding between the same client and server port, if nobody got through there since.
    pub(super) fn residual(&self, case: &Case<'_>, hits: &Hits) -> Option<(f64, u64)> {
        /// The longest residual block on record (TSPU).
        const LONGEST_NS: i64 = 420_000_000_000;
        let nearest = nearest_hit(case, hits).filter(|hit| self.through_since(case, hit).is_none())?;
        let gap = case.flow.first.since(nearest.time);
        (gap <= LONGEST_NS).then_some((gap as f64 / 1e9, nearest.frame))
    }

    /// A request of the same client to the same server port that was answered between a finding and a connection.
    pub(super) fn through_since(&self, case: &Case<'_>, hit: &Hit) -> Option<&'f Asked> {
        let (client, server, at) = (case.client_end().ip, case.server_end(), case.flow.first);
        let here = self.on_host(server.ip).filter(|list| list.first().is_some_and(|a| a.server.port == server.port));
        let between = |list: &'_ [&'f Asked]| {
            let (from, to) = (list.partition_point(|a| a.time <= hit.time), list.partition_point(|a| a.time < at));
            let through = |a: &&&'f Asked| a.client.ip == client && a.is_answered() && a.flow != hit.flow;
            list.get(from..to)?.iter().rev().take(SHOWN).find(through).copied()
        };
        here.filter_map(between).next()
    }
}

/// The nearest earlier finding between a case's client and server port.
pub(super) fn nearest_hit<'h>(case: &Case<'_>, hits: &'h Hits) -> Option<&'h Hit> {
    let own = case.entries.first().map_or(0, |e| e.frame);
    let server = case.server_end();
    let earlier = hits.endpoints.get(&(case.client_end().ip, server.ip, server.port)).into_iter().flatten();
    earlier.filter(|h| h.flow != own && h.time < case.flow.first).max_by_key(|h| h.time)
}
