//! The rules. One rule is one file: its `//!` header is its manual, its [`Rule`] row its place in the one confidence table.
//!
//! To add one: write the file, add it to `mod` and [`RULES`] below, and give it a guilty and an innocent test.

use super::case::Case;
use super::finding::{Claim, Class, Confidence, Family, Mechanism, Stance, Suspect};
use super::surroundings::Surroundings;

/// A row of the confidence table with the test that fills it.
pub struct Rule {
    /// Kebab case; a public contract, never renamed or re-meant.
    pub id: &'static str,
    pub stance: Stance,
    /// The most it can say.
    pub class: Class,
    pub family: Family,
    /// Mechanisms it looks at.
    pub mechanisms: &'static [Mechanism],
    /// Rules for that a claim of this rule (against) voids.
    pub rebuts: &'static [&'static str],
    /// Against only: the most that can be said while it stands; `None` means it explains the suspect away unless the proof is
    /// stronger than it.
    pub cap: Option<Confidence>,
    pub check: fn(&View<'_>) -> Option<Claim>,
    /// The file itself; the manual is read from its header.
    pub source: &'static str,
}

/// What a rule may look at: one flow, one suspect in it, and what the other flows of the capture say.
pub struct View<'a> {
    pub case: &'a Case<'a>,
    pub suspect: &'a Suspect,
    pub around: &'a Surroundings<'a>,
}

impl Rule {
    /// The manual: the `//!` lines at the head of the rule's file.
    pub fn manual(&self) -> String {
        let lines = self.source.lines().take_while(|l| l.starts_with("//!"));
        lines.map(|l| l.trim_start_matches("//!").trim_start_matches(' ')).collect::<Vec<_>>().join("\n")
    }
}

/// The most a mechanism can be called, whatever the claims: one capture cannot show where a packet was lost.
pub fn cap(mechanism: Mechanism) -> Confidence {
    match mechanism {
        Mechanism::Drop | Mechanism::Stall | Mechanism::Throttle => Confidence::Likely,
        // That a router refuses is a fact, on whose behalf is not in the packets.
        Mechanism::IcmpError => Confidence::Likely,
        _ => Confidence::Confirmed,
    }
}

macro_rules! rules {
    ($($module:ident),+ $(,)?) => {
        $(mod $module;)+
        pub use capture_loss::missed;
        pub use ipid_reused::reused;
        pub use too_early::elapsed;
        pub use ttl_jump::hop_distance;
        /// The table.
        pub static RULES: &[Rule] = &[$(Rule { source: include_str!(concat!(stringify!($module), ".rs")), ..$module::RULE }),+];
    };
}

rules! {
    ack_after_reset, ack_regress, another_machine, answer_rotation, answer_then_silence, blockpage_known, byte_limit, capture_loss, captive_portal, chance_loss, client_closed_first, client_gone,
    closed_port, control_name_ok, control_port_ok, control_transfer_ok, dark_after_answer, data_after_reset, data_contradicted, data_disowned, disguise_passes, dns64,
    dns_answers_conflict, dns_as_usual, dns_bogon, dns_cached, dns_edns_lost, dns_flags_odd, dns_forwarder, dns_gateway,
    dns_known_forged, dns_no_such_name, dns_non_resolver, dns_qtype_mismatch, dns_same_answer, dns_ttl_outlier, dns_unfiltered,
    every_name_fails, fin_before_reset, greeted_once, happy_eyeballs, icmp_from_server, icmp_nearby, icmp_prohibited, idle_timeout,
    ipid_jump, ipid_mirror, ipid_reused, ipid_uncounted, issuer_differs, issuer_known, issuer_refused, late_silence,
    mtu_black_hole, name_hit_elsewhere,
    name_repeats, nat_timeout, not_tls, one_sided, options_missing, outage, overlap_differs, page_bare, protocol_control, request_unreceived, reset_behind, rate_ceiling, rate_shared, receiver_limited,
    reset_burst_equal, reset_ladder, reset_mixed_flags, reset_train, reset_with_payload, residual_window, resolver_policy,
    retransmit_identical, second_synack, server_abort_pattern, sender_paced, server_alert, span_duplicate, syn_then_silence,
    synack_mirrors_syn, tail_then_silence, tls_validates, too_early, trigger_then_silence, ttl_jump, ttl_mirror, window_odd,
}

/// Looks a rule up by its id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|r| r.id == id)
}

/// Runs every rule of the suspect's mechanism.
pub fn claims(view: &View<'_>) -> Vec<Claim> {
    RULES.iter().filter(|r| r.mechanisms.contains(&view.suspect.mechanism)).filter_map(|r| (r.check)(view)).collect()
}
