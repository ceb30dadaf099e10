//! # `data-disowned`: the sender's stream ends before this
//!
//! ## What it looks for
//!
//! Later the same side closes with a FIN whose sequence number lies before the end of the data in question. With at least two
//! FINs of that number, not copies of one another, it is class B; one alone supports.
//!
//! ## Why it speaks for interference
//!
//! A FIN takes the number behind the last octet that was sent. A host that repeats it there has never sent more, whatever
//! was acknowledged.
//!
//! ## Innocent explanations
//!
//! The FIN may be the packet that does not belong: balancers and firewalls close connections with numbers they remember.
//! So the data is only suspected where its sender's own count of packets leaves it out (`ipid-uncounted`).
//!
//! ## How to check in Wireshark
//!
//! `tcp.stream eq N && tcp.flags.fin == 1`: compare `tcp.seq` with `tcp.nxtseq` of the data.
//!
//! ## Source
//!
//! RFC 9293 section 3.4; HoneyBadger (Gallagher and Stainton) on data injected into the stream of a silent server.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};
use crate::detect::suspects::tcp_data::beyond_end;

pub const RULE: Rule = Rule {
    id: "data-disowned",
    stance: Stance::For,
    class: Class::B,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TcpData],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (beyond, ends) = beyond_end(view.case, view.suspect.sender)?;
    let data = view.suspect.packets.iter().find(|i| beyond.contains(i)).and_then(|i| view.case.entries.get(*i))?;
    let class = if ends.len() >= 2 { Class::B } else { Class::C };
    let fins = ends.iter().filter_map(|i| view.case.entries.get(*i)).map(|e| e.frame);
    let times = if ends.len() >= 2 { format!(" {} times", ends.len()) } else { String::new() };
    let text = format!("its sender later closes{times} at a number before the end of this data");
    Some(Claim::new("data-disowned", class, std::iter::once(data.frame).chain(fins), text))
}
