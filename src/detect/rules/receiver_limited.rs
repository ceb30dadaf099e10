//! # `receiver-limited`: the receiver had no room for more
//!
//! ## What it looks for
//!
//! Among the receiver's last acknowledgements is one that closes the window.
//!
//! ## Why it speaks against it
//!
//! A program that reads slowly, or a disk that is full, holds a transfer back by itself.
//!
//! ## What could still be wrong
//!
//! A receiver that was slow for a moment in a transfer that was throttled as well.
//!
//! ## How to check in Wireshark
//!
//! `tcp.analysis.zero_window`.
//!
//! ## Source
//!
//! RFC 9293, section 3.8.6.1.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "receiver-limited",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::Throttle, Mechanism::Stall],
    rebuts: &["rate-ceiling", "byte-limit"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let transfer = view.case.transfer()?;
    let closed = |e: &crate::flow::entry::Entry| e.has(crate::packet::tcp::ACK) && !e.is_rst() && e.window == 0;
    let frame = view.case.of(transfer.sender.other()).rfind(|(_, e)| closed(e))?.1.frame;
    transfer.is_closed(view.case).then(|| Claim::new("receiver-limited", Class::B, [frame], "the receiver closed its window: it could not take more"))
}
