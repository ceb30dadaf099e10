//! What else went silent while a suspect did, and what went on.

use super::baselines::{Index, run};
use super::facts::Silent;
use super::heard::HEARD;
use crate::capture::Timestamp;
use crate::detect::case::Case;
use crate::detect::finding::{Mechanism, Suspect};
use crate::detect::surroundings::Surroundings;
use crate::detect::suspects::{drop, stall};

impl<'f> Index<'f> {
    /// Flows that packets from servers were noted of.
    pub(super) fn heard_flows(&self, case: &Case<'_>, suspect: &Suspect, frames: &[u64]) -> Vec<u64> {
        let Some((from, _)) = silence_of(case, suspect).filter(|_| !frames.is_empty()) else { return Vec::new() };
        let heard = self.facts.heard.range(from.0.div_euclid(1_000_000_000)..).flat_map(|(_, list)| list);
        heard.filter(|h| frames.contains(&h.frame)).map(|h| h.flow).take(frames.len()).collect()
    }

    /// Silences of the same client's other flows while a suspect's lasted, the latest begun first.
    fn silences_meanwhile(&self, case: &Case<'_>, suspect: &Suspect) -> impl Iterator<Item = &'f Silent> {
        /// So many silences back the next one is no longer part of the same event.
        const REACH: usize = 4096;
        let (from, until) = silence_of(case, suspect).unwrap_or((Timestamp(i64::MAX), Timestamp(i64::MIN)));
        let (client, own) = (case.client_end().ip, case.entries.first().map_or(0, |e| e.frame));
        let begun = self.begun.partition_point(|t| *t < until);
        let of_client = run(&self.silences, |(c, ..)| c.cmp(&client)).iter().rev().skip_while(move |(_, n, _)| *n >= begun);
        let before = of_client.take_while(move |(_, n, _)| n + REACH >= begun).map(|(.., s)| *s);
        // What had been silent for long when the suspect's own handshake went through was so on a line that was up. What had just been
        // asked by then might still have been answered. A transfer has gone on since.
        let asked = suspect.mechanism == Mechanism::Drop;
        let opened = case.of(case.server()).find(|(_, e)| asked && e.is_syn_ack());
        let up = opened.map_or(Timestamp(i64::MIN), |(_, e)| e.time);
        // One SYN that was lost is loss.
        before
            .filter(move |s| s.until > from && up.since(s.from) <= drop::SILENCE_NS && s.flow != own && !(s.ended && s.unopened.is_some()))
    }

    /// Of those one of a server.
    pub(super) fn silent_meanwhile(&self, case: &Case<'_>, suspect: &Suspect) -> Vec<&'f Silent> {
        /// As many as any rule asks for.
        const SERVERS: usize = 4;
        let mut found: Vec<&Silent> = Vec::new();
        for s in self.silences_meanwhile(case, suspect) {
            if found.iter().all(|f| f.server != s.server) {
                found.push(s);
            }
            if found.len() == SERVERS {
                break;
            }
        }
        found
    }

    /// One that ended once the suspect's client had given up: the line came back.
    pub(super) fn ended_meanwhile(&self, case: &Case<'_>, suspect: &Suspect) -> Option<&'f Silent> {
        if case.flow.key.protocol == 6 {
            return None;
        }
        self.silences_meanwhile(case, suspect).find(|s| s.ended && s.until > case.flow.last)
    }

    pub(super) fn meanwhile(&self, case: &Case<'_>, suspect: &Suspect, around: &mut Surroundings<'f>) {
        /// Flows that were heard; more make no difference.
        const ENOUGH: usize = 4;
        let Some((from_time, until_time)) = silence_of(case, suspect) else { return };
        // Over UDP a client gives up early; its answer could have come until the end.
        let end = if case.flow.key.protocol == 6 { until_time } else { until_time.max(self.facts.end.0) };
        let own = case.entries.first().map_or(0, |e| e.frame);
        let second = |t: i64| t.div_euclid(1_000_000_000);
        let (from, until) = (second(from_time.0), second(end.0));
        // In the first second only what came behind the request counts.
        let asked = suspect.trigger.as_ref().map_or(0, |t| t.complete_at_frame);
        let client = case.client_end().ip;
        // Frames come in order of time, or nearly so.
        let last = case.entries.last().map_or(0, |e| e.frame);
        let asking = second(case.flow.last.0);
        let mut flows: Vec<u64> = Vec::new();
        for (second, list) in self.facts.heard.range(from..=until.max(from)) {
            // A full list may have left out this client's: then whoever was heard will do.
            let full = list.len() >= HEARD;
            for h in list.iter().filter(|h| h.flow != own && h.frame > asked && (h.client == client || full)) {
                // What goes dark in the same second may have been heard before the line went.
                if !flows.contains(&h.flow) && (*second > from || !self.goes_dark(h.flow, from)) {
                    around.heard_named |= h.named;
                    flows.push(h.flow);
                    around.heard_meanwhile.push(h.frame);
                    around.heard_while_asking += usize::from(*second < asking || h.frame < last);
                }
            }
            if flows.len() >= ENOUGH {
                break;
            }
        }
        let silent = self.silent_meanwhile(case, suspect);
        around.silent_meanwhile = silent.len();
        around.silent_servers = silent.iter().filter(|s| s.server != case.server_end().ip).count();
        // Where all that was heard came while the suspect's client still asked, it makes no difference.
        let late = around.heard_while_asking < around.heard_meanwhile.len();
        around.silence_ended = late && around.silent_servers < 2 && self.ended_meanwhile(case, suspect).is_some();
    }

    /// Whether a flow's own silence begins in this second.
    fn goes_dark(&self, flow: u64, second: i64) -> bool {
        let at = self.facts.silences.partition_point(|s| s.flow < flow);
        let mut own = self.facts.silences.get(at..).unwrap_or_default().iter().take_while(|s| s.flow == flow);
        own.any(|s| s.from.second() == second)
    }
}

/// From when to when a suspect's flow was silent.
pub(super) fn silence_of(case: &Case<'_>, suspect: &Suspect) -> Option<(Timestamp, Timestamp)> {
    let request = case.messages.requests.iter().find(|r| suspect.trigger.as_ref().is_some_and(|t| t.frame == r.frame));
    let silence = request.and_then(|r| drop::silence(case, r)).or_else(|| drop::later_silence(case)).map(|s| (s.from, s.until));
    let silence = stall::freeze(case).map(|f| (f.from, f.until)).or(silence);
    silence.or_else(|| drop::unanswered_syns(case).map(|_| (case.flow.first, case.flow.last)))
}
