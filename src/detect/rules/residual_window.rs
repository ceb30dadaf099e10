//! # `residual-window`: new connections fail for a while after an earlier finding
//!
//! ## What it looks for
//!
//! A connection attempt between the same client and the same server port, begun within 420 s of a finding on these
//! endpoints, that was refused or left unanswered before anything was said on it. None of the client's connections to that port was
//! answered in between, and no other port of the server was silent too.
//!
//! ## Why it speaks for interference
//!
//! Filters go on blocking the endpoints for 30 to 420 s after a trigger, whatever comes. No server forgets a client for
//! minutes because of a name.
//!
//! ## Innocent explanations
//!
//! A server's own rate limit; a host that went down just then.
//!
//! ## How to check in Wireshark
//!
//! Filter on both addresses; compare the time of the earlier finding.
//!
//! ## Source
//!
//! China 90-180 s, Turkmenistan 30 s, Iran 60 s, Russia 40-480 s: Bock et al., WOOT 2021; Xue et al., IMC 2022; Nourin et
//! al., WWW 2023.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stage, Stance};

pub const RULE: Rule = Rule {
    id: "residual-window",
    stance: Stance::For,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::Drop, Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    if view.suspect.stage != Stage::PostSyn || view.around.gone {
        return None;
    }
    let (seconds, frame) = view.around.residual?;
    let text = format!("{seconds:.1} s after the finding that cites frame {frame}, on the same endpoints");
    Some(Claim::new("residual-window", Class::B, [frame], text).measured(seconds, 420.0, "s"))
}
