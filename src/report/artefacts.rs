//! What the capture itself did to the packets, a sentence each, with what it means for verdicts.

use super::clock::span;
use super::words;
use crate::pipeline::CaptureReport;
use crate::survey::CLOCKED;

/// Sentences in order of weight; none for a capture as it should be.
pub fn artefacts(r: &CaptureReport, verbose: bool) -> Vec<String> {
    /// A clock that is set all the time is told of as often as damage.
    const STEPS: usize = 3;
    let mut out = Vec::new();
    if r.audit.acked_unseen > 0 {
        let share = (r.audit.missing() * 100.0).round();
        let share = if share < 1.0 { String::new() } else { format!(", about {share:.0} % of those with data") };
        out.push(format!("packets are missing from the capture in {}{share}", words::count(r.audit.acked_unseen, "flow")));
    }
    let steps = &r.audit.steps;
    for s in steps.iter().take(if verbose { usize::MAX } else { STEPS }) {
        let way = if s.step < 0 { "back" } else { "ahead" };
        let (by, rules) = (span(s.step.saturating_abs()), CLOCKED.join(", "));
        out.push(format!("the clock was set {way} by {by} between frames {} and {}; across it {rules} are not used", s.after, s.frame));
    }
    if steps.len() > STEPS && !verbose {
        out.push(format!("the clock was set {} times in all", words::thousands(steps.len() as u64)));
    }
    if r.stats.out_of_order > 0 {
        let frames = words::count(r.stats.out_of_order, "frame");
        out.push(format!("{frames} stand behind later ones in the file: their times are taken as stamped"));
    }
    if r.audit.copies > 0 {
        out.push(format!("{} captured twice: a copy is no second packet", words::count(r.audit.copies, "packet")));
    }
    if r.audit.glued > 0 {
        let flows = words::count(r.audit.glued, "flow");
        out.push(format!(
            "segments were captured as the network card glues them in {flows}: octets are those of the path, numbers of packets are not"
        ));
    }
    if r.audit.unsummed > 0 {
        let flows = words::count(r.audit.unsummed, "flow");
        out.push(format!("checksums were filled in behind the capture in {flows}: a wrong one says nothing there"));
    }
    if r.stats.snaplen_cut > 0 {
        out.push(format!("{} cut by the snap length: what stood behind cannot be judged", words::count(r.stats.snaplen_cut, "frame")));
    }
    out
}
