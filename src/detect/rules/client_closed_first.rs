//! # `client-closed-first`: the other end had already closed or aborted
//!
//! ## What it looks for
//!
//! A FIN or RST of the receiving side before the reset, after which the sender's reset is an ordinary answer.
//!
//! ## Why it speaks against it
//!
//! A host whose peer has closed resets what it still has to say, or answers late packets with resets.
//!
//! ## What could still be wrong
//!
//! A FIN that was itself forged towards the other side is not visible here.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && (tcp.flags.fin == 1 || tcp.flags.reset == 1)`, in order.
//!
//! ## Source
//!
//! RFC 9293 section 3.10.7; RFC 1122 section 4.2.2.13.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "client-closed-first",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &["control-name-ok", "name-repeats", "name-hit-elsewhere", "reset-burst-equal", "reset-mixed-flags", "options-missing", "window-odd", "ipid-jump", "ttl-mirror", "ipid-mirror"],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (i, r) = packets(view).next()?;
    let other = view.suspect.sender.other();
    let closing = view.case.of(other).find(|(j, e)| *j < i && (e.has(tcp::FIN) || e.is_rst()))?.1;
    // What closed it may be the answer to something forged a moment before: then the sender's own data was cut short.
    let how = if closing.is_rst() { "aborted" } else { "closed" };
    let text = format!("the other end had {how} the connection {:.1} ms before", r.time.since(closing.time) as f64 / 1e6);
    Some(Claim::new("client-closed-first", Class::B, [closing.frame, r.frame], text))
}
