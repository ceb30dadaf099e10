//! # `data-after-reset`: the sender goes on sending data after its own reset
//!
//! ## What it looks for
//!
//! New payload from the side that is said to have reset the connection, provably sent after the reset: it acknowledges or
//! echoes something that was on the wire so shortly before the reset that a reset from the same host would have had to
//! leave before. Without that proof the payload must come later than a round trip and three times the largest reordering
//! in the capture; then it counts as class B. So it does if the reset is numbered behind what was sent, as no host numbers its own, or
//! if `another-machine` speaks.
//!
//! ## Why it speaks for interference
//!
//! A host that has sent a reset has no connection left to send on (RFC 9293 section 3.5.2). Whoever sent the reset was
//! somebody else.
//!
//! ## Innocent explanations
//!
//! Reordering (excluded by the proof or the wait), a mirror port that shows packets late and twice, a load balancer that
//! resets while the server behind it goes on.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N`, then look below the reset for packets from the same side with `tcp.len > 0`; compare their
//! acknowledgement numbers and TSecr with the packets before the reset.
//!
//! ## Source
//!
//! RFC 9293; RST_SEQ_DATA of Weaver, Sommer and Paxson, "Detecting Forged TCP Reset Packets", NDSS 2009.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::contradiction;

pub const RULE: Rule = Rule {
    id: "data-after-reset",
    stance: Stance::For,
    class: Class::A,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let found = contradiction(view, |_, p| p.payload_len > 0)?;
    let (r, p) = (view.case.entries.get(found.reset)?, view.case.entries.get(found.packet)?);
    let class = found.class(view);
    let lag = found.lag as f64 / 1e6;
    let text = format!("{} bytes of data follow {lag:.1} ms after the reset, from the side that is said to have sent it", p.payload_len);
    Some(Claim::new("data-after-reset", class, [r.frame, p.frame], text).measured(f64::from(p.payload_len), 0.0, "bytes"))
}
