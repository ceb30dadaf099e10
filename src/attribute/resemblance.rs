//! Which known injectors a finding's packets resemble.
//!
//! A name is a remark beside a finding: whether there is one, and how sure it is, was settled before. Only a row all of whose fields
//! hold, rare enough together, is named; of two such rows a user's before ours, then the more particular one; of equals both.

use super::checks::Check;
use super::injectors::{RARE, Row, TRUSTED, rows};
use super::observed::{Observed, Packet};

/// How a row compares with a finding.
#[derive(Clone, PartialEq, Debug)]
pub struct Resemblance {
    pub row: &'static Row,
    pub checks: Vec<Check>,
}

impl Resemblance {
    fn held(&self, wanted: Option<bool>) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |c| c.holds == wanted)
    }

    pub fn matched(&self) -> usize {
        self.held(Some(true)).count()
    }

    /// Fields that the packets can tell.
    pub fn of(&self) -> usize {
        self.matched() + self.held(Some(false)).count()
    }

    /// Names of the fields that hold (`Some(true)`), that do not, or that cannot be told.
    pub fn fields(&self, wanted: Option<bool>) -> Vec<&'static str> {
        self.held(wanted).map(|c| c.field).collect()
    }

    fn bits(&self) -> u32 {
        self.held(Some(true)).map(|c| c.bits).sum()
    }

    fn is_full(&self) -> bool {
        self.matched() == self.of()
    }

    fn gives_a_name(&self) -> bool {
        self.is_full() && self.bits() >= RARE && self.row.confidence >= TRUSTED
    }
}

/// Which injectors a finding's packets resemble.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Resembled {
    /// Rows of which every field holds, equally particular: one, or a tie.
    pub named: Vec<Resemblance>,
    /// The nearest others.
    pub near: Vec<Resemblance>,
}

/// Rows told beside the named ones.
const NEAR: usize = 3;

/// Holds every row against a finding's packets.
pub fn resemble(seen: &Observed) -> Resembled {
    let groups = groups(&seen.packets);
    let mut all: Vec<Resemblance> = rows().iter().filter_map(|row| best(row, &groups, seen)).collect();
    // A user's own goes before ours, however much more ours says: they laid it there to be named.
    let weight = |r: &Resemblance| (r.row.given.is_some(), r.bits());
    let most = all.iter().filter(|r| r.gives_a_name()).map(weight).max();
    let (named, mut rest): (Vec<_>, Vec<_>) = all.drain(..).partition(|r| r.gives_a_name() && Some(weight(r)) == most);
    rest.retain(|r| r.matched() * 2 > r.of() && r.bits() > 1);
    rest.sort_by(|a, b| (b.matched() * a.of(), b.bits(), &a.row.id).cmp(&(a.matched() * b.of(), a.bits(), &b.row.id)));
    rest.truncate(NEAR);
    Resembled { named, near: rest }
}

fn best(row: &'static Row, groups: &[Vec<&Packet>], seen: &Observed) -> Option<Resemblance> {
    let fields = row.fields.as_ref()?;
    let tried = groups.iter().map(|group| Resemblance { row, checks: fields.check(group, seen) });
    tried.reduce(|a, b| {
        let missed = |r: &Resemblance| r.of() - r.matched();
        if (missed(&b), std::cmp::Reverse(b.bits())) < (missed(&a), std::cmp::Reverse(a.bits())) { b } else { a }
    })
}

/// Packets that may be of one injector. Several devices answer one request, in either direction and again for its repetition, so a
/// finding is taken apart: by side, then by flags, then by what one burst has in common.
fn groups(packets: &[Packet]) -> Vec<Vec<&Packet>> {
    let mut groups: Vec<Vec<&Packet>> = Vec::new();
    /// Side, flags, identification and window, as far as they part packets.
    type Key = (bool, u16, u32, u16);
    let mut part = |key: &dyn Fn(&Packet) -> Key| {
        let mut parts: Vec<(Key, Vec<&Packet>)> = Vec::new();
        for p in packets {
            match parts.iter_mut().find(|(k, _)| *k == key(p)) {
                Some((_, list)) => list.push(p),
                None => parts.push((key(p), vec![p])),
            }
        }
        for (_, list) in parts {
            if !groups.contains(&list) {
                groups.push(list);
            }
        }
    };
    part(&|p| (p.from_server, 0, 0, 0));
    part(&|p| (p.from_server, p.flags, 0, 0));
    part(&|p| (p.from_server, p.flags, p.ip_id.map_or(u32::MAX, u32::from), p.window));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ip_id: u16, window: u16) -> Packet {
        Packet {
            from_server: true,
            is_tcp: true,
            flags: 0x14,
            ttl: 60,
            ip_id: Some(ip_id),
            dont_fragment: Some(true),
            window,
            ..Packet::default()
        }
    }

    #[test]
    fn a_burst_is_told_from_a_single_packet() {
        let burst = vec![packet(0x3a5c, 4022); 3];
        let seen = Observed { packets: burst.clone(), ..Observed::default() };
        let named: Vec<&str> = resemble(&seen).named.iter().map(|r| r.row.id.as_str()).collect();
        assert_eq!(named, ["cn.gfw.rst.type2"]);
        let seen = Observed { packets: burst.into_iter().take(1).collect(), ..Observed::default() };
        assert!(resemble(&seen).named.is_empty(), "one packet of it is not enough");
        assert!(!resemble(&seen).near.is_empty());
        let seen = Observed { packets: vec![packet(0x3a5c, 501); 3], ..Observed::default() };
        assert!(resemble(&seen).named.is_empty(), "nor is the quotient wrong");
    }

    #[test]
    fn unknowable_fields_do_not_count() {
        let v6 = Packet { ip_id: None, dont_fragment: None, ..packet(0, 4022) };
        let seen = Observed { packets: vec![v6; 3], ..Observed::default() };
        let found = resemble(&seen);
        assert!(found.named.is_empty(), "what is left is common");
        let type2 = found.near.iter().find(|r| r.row.id == "cn.gfw.rst.type2").unwrap();
        assert!(type2.fields(None).contains(&"quotient") && type2.matched() == type2.of());
    }
}
