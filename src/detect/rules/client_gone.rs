//! # `client-gone`: seen from the server, the client may simply have gone
//!
//! ## What it looks for
//!
//! A silence after the server's answer in which it is the client that is not heard any more, nor in another request to the server.
//!
//! ## Why it speaks against it
//!
//! Telephones lose their network and laptops are shut; other clients that fare well on the same server are no control for this one.
//!
//! ## What could still be wrong
//!
//! A filter that takes out one direction after a trigger looks the same from here (signature 10 of the SIGCOMM 2023 study). Rates
//! by name over many clients tell, one capture does not.
//!
//! ## How to check in Wireshark
//!
//! `tcp.analysis.retransmission` of the server, and nothing of the client after its request.
//!
//! ## Source
//!
//! Sundara Raman et al., SIGCOMM 2023, section 4, on benign causes.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Confidence, Family, Mechanism, Stance};
use crate::detect::suspects::drop::later_silence;

pub const RULE: Rule = Rule {
    id: "client-gone",
    stance: Stance::Against,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::Drop],
    rebuts: &[],
    cap: Some(Confidence::Unexplained),
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let (_, last) = view.case.of(view.case.client).next_back()?;
    let silence = later_silence(view.case)?;
    let (client, waited) = (view.case.client_end().ip, silence.from..=silence.until);
    let here = view.around.other_names.iter().any(|a| a.flow.client.ip == client && waited.contains(&a.time));
    let gone = view.suspect.sender == view.case.server() && !here;
    gone.then(|| Claim::new("client-gone", Class::B, [last.frame], "this is the last that was heard of the client: it may have gone"))
}
