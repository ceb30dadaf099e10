//! # `happy-eyeballs`: the losing one of two sockets raced to the same place
//!
//! ## What it looks for
//!
//! Another flow between the same hosts for the same name, or to the same server, that went well and began within a second
//! of this one.
//!
//! ## Why it speaks against it
//!
//! Browsers open connections over both address families and spare ones (RFC 8305), and reset or abandon those they do not
//! need.
//!
//! ## What could still be wrong
//!
//! The surviving flow may have been the one the filter missed.
//!
//! ## How to check in Wireshark
//!
//! Sort conversations by start time.
//!
//! ## Source
//!
//! RFC 8305; Chromium's socket pools.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stage, Stance};

pub const RULE: Rule = Rule {
    id: "happy-eyeballs",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::TcpReset, Mechanism::Drop],
    rebuts: &["name-repeats"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    // Only sockets on which nothing was asked are given up like that.
    if view.suspect.stage == Stage::PostRequest || view.suspect.sender != view.case.client {
        return None;
    }
    let frame = view.around.sibling?;
    Some(Claim::new("happy-eyeballs", Class::B, [frame], "a second connection to the same place went well at the same moment"))
}
