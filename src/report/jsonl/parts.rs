//! What findings are told with: packets, claims, and who may have been at work.

use crate::attribute::resemblance::Resemblance;
use crate::detect::finding::Claim;
use crate::flow::entry::fact;
use crate::report::clock::{milliseconds, rfc3339};
use crate::report::record::{CandidateRecord, ClaimRecord, InjectorRecord, PacketRecord};
use crate::report::{Shown, escape};
use crate::survey::{Injector, PacketRef};

pub(super) fn packet(shown: &Shown<'_>, p: &PacketRef) -> PacketRecord {
    let e = &p.entry;
    let tcp = e.is_tcp();
    PacketRecord {
        frame: e.frame,
        time: rfc3339(e.time),
        dt_ms: milliseconds(p.since),
        dir: if p.from_client { "c2s" } else { "s2c" },
        ttl: e.ttl,
        ipid: e.ip_id(),
        flags: tcp.then(|| e.flag_letters()),
        seq_rel: p.seq_rel,
        ack_rel: p.ack_rel,
        win: tcp.then_some(e.window),
        len: e.payload_len,
        opts: tcp.then(|| e.header_len.saturating_sub(20)),
        dns: p.dns.as_deref().map(escape::sentence),
        checksum: if e.is(fact::CHECKSUM_BAD) {
            Some("bad")
        } else if e.is(fact::CHECKSUM_GOOD) {
            Some("good")
        } else {
            None
        },
        // A reassembled packet lies in no one place of the file.
        offset: (shown.report.description.offsets_known && !e.is(fact::REASSEMBLED)).then_some(e.offset),
    }
}

pub(super) fn injector(i: &Injector) -> InjectorRecord {
    let named = &i.resembled.named;
    let only = match named.as_slice() {
        [one] => Some(one.row),
        _ => None,
    };
    let candidate = |r: &Resemblance, named: bool| CandidateRecord {
        fingerprint: &r.row.id,
        system: escape::sentence(&r.row.system),
        country: escape::sentence(&r.row.country),
        named,
        evidence: r.row.evidence.to_string(),
        source: escape::sentence(&r.row.cited()),
        matched: r.matched(),
        of: r.of(),
        differs: r.fields(Some(false)),
        unknown: r.fields(None),
    };
    InjectorRecord {
        fingerprint: only.map(|r| r.id.as_str()),
        system: only.map(|r| escape::sentence(&r.system)),
        country: only.map(|r| escape::sentence(&r.country)),
        pattern: i.pattern.clone(),
        ttl_min: i.ttl_min,
        ttl_max: i.ttl_max,
        hops_min: i.hops_min,
        hops_max: i.hops_max,
        mirrored_ttl: i.mirrored_ttl,
        candidates: named.iter().map(|r| candidate(r, true)).chain(i.resembled.near.iter().map(|r| candidate(r, false))).collect(),
    }
}

pub(super) fn claim(c: &Claim) -> ClaimRecord<'_> {
    let stance = crate::detect::rules::find(c.rule).map_or("for", |r| r.stance.name());
    ClaimRecord {
        rule: c.rule,
        stance,
        frames: &c.frames,
        text: escape::sentence(&c.text),
        observed: c.observed,
        expected: c.expected,
        unit: Some(c.unit).filter(|u| !u.is_empty()),
        class: c.class.name(),
        void: c.void,
    }
}
