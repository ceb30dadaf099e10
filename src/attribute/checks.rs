//! How each field of a fingerprint is held against a group of packets, and how much it weighs.

use super::fields::{Fields, From, Header, flags, octets};
use super::forged_answers;
use super::observed::{Answer, Cause, Observed, Packet, initial_ttl};
use std::net::IpAddr;

/// A field held against packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Check {
    pub field: &'static str,
    /// `None`: the packets cannot tell.
    pub holds: Option<bool>,
    /// How rarely another forged packet has it by chance, in powers of two.
    pub bits: u32,
}

/// Powers of two between all sixteen-bit values and so many.
fn rarity(values: usize) -> u32 {
    16 - usize::BITS.saturating_sub(values.max(1).leading_zeros() + 1).min(16)
}

/// An identification says little where counters start or nobody counts, much elsewhere.
fn id_bits(ids: &[u16]) -> u32 {
    let common = |id: &u16| match id {
        0 => 1u32,
        1..16 => 6,
        _ => 12,
    };
    ids.iter().map(common).min().unwrap_or(0).saturating_sub(ids.len().ilog2())
}

fn window_bits(windows: &[u16]) -> u32 {
    // Nothing, everything and powers of two are what any programmer writes.
    let common = |w: &u16| if *w == 0 || *w == u16::MAX || w.is_power_of_two() { 1 } else { 7 };
    windows.iter().map(common).min().unwrap_or(0)
}

/// `None` if any is unknown and none is false.
fn every(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for value in values {
        match value {
            Some(false) => return Some(false),
            None => all = None,
            Some(true) => {}
        }
    }
    all
}

impl Fields {
    /// The most that a full match can weigh, in powers of two.
    pub fn bits(&self) -> u32 {
        let packet = Packet::default();
        // Which packets it is held against changes what holds, never the weights.
        self.check(&[&packet], &Observed::default()).iter().map(|c| c.bits).sum()
    }

    /// Holds every field against a group of packets of one finding; the group is not empty.
    pub fn check(&self, group: &[&Packet], seen: &Observed) -> Vec<Check> {
        let mut checks = Checks { group, list: Vec::new() };
        self.tcp_ip(&mut checks, seen.cause);
        self.group(&mut checks);
        self.content(&mut checks, seen);
        self.dns(&mut checks);
        checks.list
    }

    fn tcp_ip(&self, c: &mut Checks<'_>, cause: Option<Cause>) {
        if let Some(from) = self.from.filter(|f| *f != From::Either) {
            c.each("from", 0, |p| Some(p.from_server == (from == From::Server)));
        }
        if !self.flags.is_empty() {
            let sets: Vec<u16> = self.flags.iter().filter_map(|f| flags(f)).collect();
            // The six classic flags: congestion and reserved bits are asked for by name.
            c.each("flags", 1, |p| Some(p.is_tcp && sets.contains(&(p.flags & 0x3f))));
        }
        if let Some(wanted) = self.flags_contain.as_deref().and_then(flags) {
            c.each("flags", 1, |p| Some(p.is_tcp && p.flags & wanted == wanted));
        }
        if let Some(wanted) = self.reserved_flags {
            c.each("reserved flags", 6, |p| Some((p.flags & 0xe00 != 0) == wanted));
        }
        if let Some(wanted) = self.dont_fragment {
            c.each("DF", 1, |p| p.dont_fragment.map(|df| df == wanted));
        }
        if !self.ip_id.is_empty() {
            c.each("identification", id_bits(&self.ip_id), |p| p.ip_id.map(|id| self.ip_id.contains(&id)));
        }
        if let Some([low, high]) = self.ip_id_range {
            let bits = rarity(usize::from(high.saturating_sub(low)) + 1);
            c.each("identification range", bits, |p| p.ip_id.map(|id| (low..=high).contains(&id)));
        }
        if let Some(above) = self.ip_id_above_trigger {
            let of = cause.and_then(|t| t.ip_id).filter(|id| *id != 0);
            c.each("identification from the trigger", 9, |p| Some(p.ip_id? == of?.wrapping_add(above)));
        }
        if !self.window.is_empty() {
            c.each("window", window_bits(&self.window), |p| Some(self.window.contains(&p.window)));
        }
        if let Some(least) = self.window_min {
            c.each("window", 1, |p| Some(p.window >= least));
        }
        if self.window_of_trigger == Some(true) {
            c.each("window from the trigger", 5, |p| cause.map(|t| t.window != 0 && t.window == p.window));
        }
        if let Some(wanted) = self.quotient {
            c.each("quotient", 8, |p| p.ip_id.map(|id| (u16::MAX - id).checked_div(p.window) == Some(wanted)));
        }
        if let Some([low, high]) = self.ttl_range {
            c.each("TTL", 1, |p| Some((low..=high).contains(&p.ttl)));
        }
        if let Some(wanted) = self.ttl_initial {
            c.each("initial TTL", 1, |p| Some(initial_ttl(p.ttl) == wanted));
        }
        if let Some(wanted) = self.tos {
            c.each("type of service", if wanted == 0 { 0 } else { 4 }, |p| Some(p.tos == wanted));
        }
        if let Some(wanted) = self.ack_zero {
            c.each("acknowledgement field", 1, |p| Some((p.ack == 0) == wanted));
        }
        if let Some(wanted) = self.options {
            c.each("TCP options", 0, |p| Some((p.options > 0) == wanted));
        }
        if let Some(wanted) = self.seq_next {
            c.each("sequence number", 0, |p| p.is_next.map(|is| is == wanted));
        }
        if let Some(wanted) = self.ack_trigger_end {
            c.each("acknowledgement of the trigger", 1, |p| p.ends_trigger.map(|is| is == wanted));
        }
        if let Some(wanted) = self.payload_len {
            c.each("payload length", 0, |p| Some(p.payload_len == wanted));
        }
        if let Some(wanted) = self.payload_hex.as_deref().and_then(octets) {
            let bits = if wanted.iter().all(|b| *b == 0) { 8 } else { (8 * wanted.len() as u32).min(16) };
            c.each("payload", bits, |p| match p.payload_len as usize == wanted.len() {
                false => Some(false),
                // A cut capture does not show all of it.
                true if p.payload.len() < wanted.len() => None,
                true => Some(p.payload.starts_with(&wanted)),
            });
        }
    }

    fn group(&self, c: &mut Checks<'_>) {
        let group = c.group;
        if let Some(wanted) = self.count {
            c.add("count", if wanted > 1 { 2 } else { 0 }, Some(group.len() == wanted));
        }
        if !self.constant.is_empty() {
            let same = |of: &dyn Fn(&Packet) -> u32| group.windows(2).all(|w| matches!(w, [a, b] if of(a) == of(b)));
            let holds = self.constant.iter().all(|h| match h {
                Header::Seq => same(&|p| p.seq),
                Header::Ack => same(&|p| p.ack),
                Header::IpId => same(&|p| p.ip_id.map_or(u32::MAX, u32::from)),
                Header::Ttl => same(&|p| u32::from(p.ttl)),
                Header::Window => same(&|p| u32::from(p.window)),
            });
            c.add("constant header", 1, (group.len() > 1).then_some(holds));
        }
        let span = group.iter().map(|p| p.time).max().unwrap_or(0) - group.iter().map(|p| p.time).min().unwrap_or(0);
        if let Some(most) = self.burst_ms {
            c.add("burst time", 1, (group.len() > 1).then_some(span as f64 <= most * 1e6));
        }
        if !self.seq_offsets.is_empty() {
            let first = group.first().map_or(0, |p| p.seq);
            let seen: Vec<u32> = group.iter().map(|p| p.seq.wrapping_sub(first)).collect();
            c.add("sequence offsets", 8, Some(seen == self.seq_offsets));
        }
    }

    fn content(&self, c: &mut Checks<'_>, seen: &Observed) {
        if let Some(wanted) = self.in_handshake {
            c.add("stage", 1, Some(seen.in_handshake == wanted));
        }
        if !self.status.is_empty() {
            c.add("status", 1, Some(seen.status.is_some_and(|s| self.status.contains(&s))));
        }
        // Written once, in the tables of pages, issuers and answers: long strings that nobody else has reason to send.
        if !self.page.is_empty() {
            c.add("page", 16, Some(seen.pages.iter().any(|p| self.page.contains(p))));
        }
        if !self.issuer.is_empty() {
            c.add("issuer", 16, Some(seen.issuer.as_ref().is_some_and(|i| self.issuer.contains(i))));
        }
    }

    fn dns(&self, c: &mut Checks<'_>) {
        if !self.dns_flags.is_empty() {
            // 0x8180 is what every resolver sends.
            let bits = if self.dns_flags.contains(&0x8180) { 0 } else { 3 };
            c.each("DNS flags", bits, |p| Some(p.dns.as_ref().is_some_and(|d| self.dns_flags.contains(&d.flags))));
        }
        if let Some(wanted) = self.dns_counts {
            c.each("DNS counts", 1, |p| Some(p.dns.as_ref().is_some_and(|d| d.counts == wanted)));
        }
        if !self.dns_name.is_empty() {
            let inside = |name: &str| {
                let name = name.trim_end_matches('.');
                self.dns_name.iter().any(|zone| name.strip_suffix(zone.as_str()).is_some_and(|head| head.is_empty() || head.ends_with('.')))
            };
            c.each("DNS name", 2, |p| Some(p.dns.as_ref().is_some_and(|d| inside(&d.name))));
        }
        if !self.answer_row.is_empty() {
            let known = |d: &Answer| forged_answers::stands_in(&self.answer_row, &d.addresses, &d.aliases, d.name.as_bytes());
            c.each("addresses", 14, |p| Some(p.dns.as_ref().is_some_and(known)));
        }
        if !self.answer.is_empty() {
            // Everyone's loopback is no one's mark.
            let bits = if self.answer.iter().any(IpAddr::is_loopback) { 2 } else { 14 };
            c.answer("addresses", bits, |a, _| self.answer.contains(a));
        }
        if let Some(net) = self.answer_in {
            c.answer("address range", 11, |a, _| net.contains(a));
        }
        if let Some(wanted) = self.answer_ttl {
            // Round numbers of minutes are everybody's.
            let bits = if wanted.is_multiple_of(60) { 2 } else { 6 };
            c.each("record TTL", bits, |p| Some(p.dns.as_ref().is_some_and(|d| !d.ttls.is_empty() && d.ttls.iter().all(|t| *t == wanted))));
        }
    }
}

struct Checks<'g> {
    group: &'g [&'g Packet],
    list: Vec<Check>,
}

impl Checks<'_> {
    fn add(&mut self, field: &'static str, bits: u32, holds: Option<bool>) {
        self.list.push(Check { field, holds, bits });
    }

    fn each(&mut self, field: &'static str, bits: u32, test: impl Fn(&Packet) -> Option<bool>) {
        let holds = every(self.group.iter().map(|p| test(p)));
        self.add(field, bits, holds);
    }

    fn answer(&mut self, field: &'static str, bits: u32, test: impl Fn(&IpAddr, &str) -> bool) {
        self.each(field, bits, |p| {
            Some(p.dns.as_ref().is_some_and(|d| !d.addresses.is_empty() && d.addresses.iter().all(|a| test(a, &d.name))))
        });
    }
}
