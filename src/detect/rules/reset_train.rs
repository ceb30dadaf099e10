//! # `reset-train`: resets at sequence numbers nobody had reached
//!
//! ## What it looks for
//!
//! Back-to-back resets of one side within two seconds, the later one more than two ahead of the earlier, of everything
//! that side has sent and of everything the other side has acknowledged, and no FIN before them.
//!
//! ## Why it speaks for interference
//!
//! A reset is numbered by what its sender would send next, or by the acknowledgement it answers; it cannot lie beyond
//! both. Injectors guess ahead (X, X+1460, X+4380) so that one reset fits when the server's answer arrives first.
//!
//! ## Innocent explanations
//!
//! Data that the capture missed (capture loss), several taps merged.
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && tcp.flags.reset == 1` with relative sequence numbers: 1, 1461, 4381.
//!
//! ## Source
//!
//! RST_SEQ_CHANGE of Weaver, Sommer and Paxson, NDSS 2009, with the conditions of its Appendix A; Clayton, Murdoch and
//! Watson 2006.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::entry::Entry;
use crate::flow::stream::ahead;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "reset-train",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpReset],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

/// Pairing window of the 2009 detector.
const WINDOW_NS: i64 = 2_000_000_000;

fn check(view: &View<'_>) -> Option<Claim> {
    let case = view.case;
    let sender = view.suspect.sender;
    let resets: Vec<(usize, &Entry)> = packets(view).collect();
    for (n, (i, first)) in resets.iter().enumerate() {
        if case.entries.iter().take(*i).any(|e| e.has(tcp::FIN)) {
            return None;
        }
        for (j, later) in resets.iter().skip(n + 1) {
            if later.time.since(first.time) > WINDOW_NS || ahead(later.seq, first.seq) <= 2 {
                continue;
            }
            let beyond_sent = case.next_seq(sender, *j).is_some_and(|next| ahead(later.seq, next) > 2);
            let beyond_acked = case.highest_ack(sender.other(), *j).is_none_or(|ack| ahead(later.seq, ack) > 2);
            if beyond_sent && beyond_acked {
                let step = ahead(later.seq, first.seq);
                let text = format!("a second reset is numbered {step} ahead of the first, beyond anything sent or acknowledged");
                return Some(Claim::new("reset-train", Class::B, [first.frame, later.frame], text).measured(step as f64, 0.0, "bytes"));
            }
        }
    }
    None
}
