//! # `ipid-jump`: the packet's IP identification does not fit the sender's
//!
//! ## What it looks for
//!
//! The sender's identifications in this flow are all zero, or count up in small steps over at least three packets, and
//! the reset's is more than 1000 ahead or behind; or the reset has identification 0 without DF, which no common stack
//! sends.
//!
//! ## Why it speaks for interference
//!
//! Each host fills this field in its own way; an injector does not know the counter.
//!
//! ## Innocent explanations
//!
//! Several machines behind one address (interleaved counters), kernels that reset with identification 0 and DF (left
//! alone).
//!
//! ## How to check in Wireshark
//!
//! Column `ip.id` for the packets of that side.
//!
//! ## Source
//!
//! RFC 6864; Weaver, Sommer and Paxson, NDSS 2009.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_reset::packets;
use crate::flow::entry::fact;
use crate::packet::tcp;

pub const RULE: Rule = Rule {
    id: "ipid-jump",
    stance: Stance::For,
    class: Class::C,
    family: Family::Header,
    mechanisms: &[Mechanism::TcpReset, Mechanism::TcpFin, Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

const MAX_STEP: u16 = 64;
const FAR: u16 = 1000;

fn check(view: &View<'_>) -> Option<Claim> {
    for (i, r) in packets(view) {
        let Some(id) = r.ip_id() else { continue };
        // Once it has closed, a kernel answers from no connection, with an identification of another counter.
        let gone = view.case.of(view.suspect.sender).any(|(j, e)| j < i && (e.is_rst() || e.has(tcp::FIN)));
        if gone && !r.has(tcp::ACK) {
            continue;
        }
        if id == 0 && !r.is(fact::DONT_FRAGMENT) {
            let text = "IP identification 0 without DF: no common stack sends that";
            return Some(Claim::new("ipid-jump", Class::C, [r.frame], text).measured(0.0, f64::NAN, "IP ID"));
        }
        let ids: Vec<u16> = view.case.ordinary_before(view.suspect.sender, i).filter_map(|(_, e)| e.ip_id()).collect();
        // Linux sends its SYN/ACK with 0, as often as it is asked for, and then counts.
        let spoke = view.case.ordinary_before(view.suspect.sender, i).any(|(_, e)| !e.is_syn_ack());
        let counted: Vec<u16> = ids.iter().copied().filter(|id| *id != 0).collect();
        let all_zero = spoke && ids.len() >= 2 && counted.is_empty();
        let counting = counted.len() >= 3 && counted.windows(2).all(|w| matches!(w, [a, b] if (1..=MAX_STEP).contains(&b.wrapping_sub(*a))));
        let last = counted.last().copied().unwrap_or(0);
        let ahead = id.wrapping_sub(last);
        let far = counting && id != 0 && (FAR..=u16::MAX - MAX_STEP).contains(&ahead);
        if (all_zero && id != 0) || far {
            let text = format!("IP identification {id} where this side's packets have {}", if all_zero { "0".into() } else { format!("counted up to {last}") });
            return Some(Claim::new("ipid-jump", Class::C, [r.frame], text).measured(f64::from(id), f64::from(last), "IP ID"));
        }
    }
    None
}
