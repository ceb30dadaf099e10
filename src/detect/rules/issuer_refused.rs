//! # `issuer-refused`: the client does not accept the certificate's issuer
//!
//! ## What it looks for
//!
//! Behind a certificate of an issuer known for interception, the client's alert that it does not know the authority (48) or that
//! the certificate is bad (42) or unknown (46).
//!
//! ## Why it speaks for interference
//!
//! The sites that people visit have certificates that their programs accept; an interceptor's is accepted by those alone who were
//! made to install it.
//!
//! ## Innocent explanations
//!
//! A certificate without its intermediate one; a client without a list of authorities. So it only supports what the issuer says.
//!
//! ## How to check in Wireshark
//!
//! `tls.alert_message.desc` in 42, 46, 48 from the client, behind `tls.handshake.certificate`.
//!
//! ## Source
//!
//! RFC 5246 section 7.2.2; Kazakhstan's interception of 2019 and 2020 (Raman et al., IMC 2020).

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stance};

pub const RULE: Rule = Rule {
    id: "issuer-refused",
    stance: Stance::For,
    class: Class::C,
    family: Family::Sequence,
    mechanisms: &[Mechanism::TlsIntercept],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    let first = *view.suspect.packets.first()?;
    let alert = |peek: &[u8]| match peek {
        // A record of two octets in the clear: an encrypted one is longer.
        [0x15, 3, _, 0, 2, _, what @ (42 | 46 | 48), ..] => Some(*what),
        _ => None,
    };
    let (frame, what) = view.case.after(view.case.client, first).find_map(|(_, e)| Some((e.frame, alert(e.peek())?)))?;
    let text = format!("the client refuses the certificate with alert {what}");
    Some(Claim::new("issuer-refused", Class::C, [frame], text))
}
