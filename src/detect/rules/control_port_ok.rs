//! # `control-port-ok`: the same host is alive on another port, or speaks something else on this one
//!
//! ## What it looks for
//!
//! A request to the same host on another port, or in another protocol on the same one (HTTP where TLS is spoken), within two
//! minutes, that the host answered. For a silence it counts only
//! where the client's bytes were not even acknowledged: acknowledging is done by the kernel, whatever the program behind
//! the port is doing, so a host that acknowledges on one port and not on the other is not down: unless that port, or another
//! that does answer, falls silent with it. Where the same name was answered on this very port, within two minutes, another
//! port tells nothing. For a handshake that is refused or never answered it is class C, and of one never
//! answered only if other servers are silent on the same port and answer on others: a second one for port 443, of any other port five
//! in networks of their own, for hosts drop what they do not serve.
//!
//! ## Why it speaks for interference
//!
//! Host and path are up; what differs is the port and what was said there.
//!
//! ## Innocent explanations
//!
//! A firewall at the host that drops one port after the handshake; an MTU black hole (`mtu-black-hole` voids this rule).
//!
//! ## How to check in Wireshark
//!
//! Filter on the server's address, all ports.
//!
//! ## Source
//!
//! RFC 9293 section 3.8.6.3: acknowledgements are due within half a second.

use super::{Rule, View};
use crate::detect::finding::{Claim, Class, Family, Mechanism, Stage, Stance};
use super::control_name_ok::NEAR_NS;
use super::reset_ladder::steps;
use crate::attribute::special::is_global;
use crate::detect::surroundings::Attempt;
use crate::detect::suspects::drop::{Acknowledged, later_silence, silence};

pub const RULE: Rule = Rule {
    id: "control-port-ok",
    stance: Stance::For,
    class: Class::B,
    family: Family::Control,
    mechanisms: &[Mechanism::TcpReset, Mechanism::Drop, Mechanism::IcmpError],
    rebuts: &[],
    cap: None,
    check,
    source: "",
};

fn check(view: &View<'_>) -> Option<Claim> {
    // Hosts of the own network are filtered by their owners.
    let case = view.case;
    let same_port = view.around.other_protocol.as_ref().filter(|_| view.suspect.mechanism == Mechanism::Drop && view.suspect.stage != Stage::PostSyn);
    let controls = view.around.other_port.iter().chain(same_port).filter(|_| is_global(case.server_end().ip));
    let control = controls.min_by_key(|a| a.time.since(case.flow.first).abs())?;
    let class = match view.suspect.mechanism {
        // Hosts filter their own ports; many that do it alike are filtered by somebody else.
        Mechanism::Drop if view.suspect.stage == Stage::PostSyn && !view.around.port_elsewhere => return None,
        Mechanism::Drop if view.suspect.stage == Stage::PostSyn => Class::C,
        Mechanism::IcmpError => Class::C,
        Mechanism::Drop => {
            let trigger = view.suspect.trigger.as_ref()?;
            let request = case.messages.requests.iter().find(|r| r.frame == trigger.frame)?;
            let unacknowledged = silence(case, request).is_some_and(|s| s.acknowledged != Acknowledged::All) || later_silence(case).is_some();
            if case.flow.key.protocol != 6 || !unacknowledged || view.around.gone {
                return None;
            }
            Class::B
        }
        _ if view.suspect.stage == Stage::PostSyn || steps(view).len() >= 2 => Class::C,
        _ => return None,
    };
    // Where the name goes through on this very port, another port tells nothing.
    let server = case.server_end();
    let here = |a: &&Attempt<'_>| a.server == server.ip && a.port == server.port && a.time.since(case.flow.first).abs() <= NEAR_NS;
    if view.around.same_name.iter().filter(here).any(|a| a.is_answered_without(view.around.evasion)) {
        return None;
    }
    let gap = control.time.since(case.flow.first).abs();
    if gap > NEAR_NS {
        return None;
    }
    let what = if control.port == server.port { "another protocol on port" } else { "port" };
    let text = format!("{what} {} of the same host answered {:.1} s away", control.port, gap as f64 / 1e9);
    Some(Claim::new("control-port-ok", class, [control.frame], text))
}
