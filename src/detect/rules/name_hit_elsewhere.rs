//! # `name-hit-elsewhere`: the same name drew another mechanism in this capture
//!
//! ## What it looks for
//!
//! Another flow with the same name (its DNS answer, its HTTP request, its ClientHello) was found interfered with by
//! another mechanism, at `likely` or better without this one. A DNS answer forged over TCP and the segment that carries it are one thing,
//! and do not count for each other.
//!
//! ## Why it speaks for interference
//!
//! Filters act on names, and often in several protocols at once.
//!
//! ## Innocent explanations
//!
//! It leans on the other finding; so it only supports.
//!
//! ## How to check in Wireshark
//!
//! See the other finding's frames.
//!
//! ## Source
//!
//! Observed in most national systems (DNS, SNI and Host lists are fed from one list).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "name-hit-elsewhere",
    stance: Stance::For,
    class: Class::C,
    family: Family::Control,
    mechanisms: &[Mechanism::TcpReset, Mechanism::TcpFin, Mechanism::TcpData, Mechanism::DnsAnswer, Mechanism::Drop],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (mechanism, frame) = view.around.name_hit?;
    let text = format!("the same name was hit by {mechanism} elsewhere in this capture");
    Some(Claim::new("name-hit-elsewhere", Class::C, [frame], text))
}
