//! Zeek's `conn_state` and `history`, so that researchers read our flows like their own logs
//! (<https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html>).

use super::entry::{Entry, fact};
use super::key::Direction;
use crate::packet::tcp;

/// Stands in `history` where packets are missing between kept ones; Zeek has no such letter.
pub const GAP: char = '~';

/// The base letters in order of first appearance per side: upper case for the originator.
pub fn history(entries: &[Entry], left_out: &[u64], originator: Direction) -> String {
    let mut out = String::new();
    let mut seen = [[false; 128]; 2];
    for (e, gap) in entries.iter().zip(left_out) {
        if *gap > 0 && !out.ends_with(GAP) {
            out.push(GAP);
        }
        if e.is(fact::ICMP) {
            continue;
        }
        let from_originator = e.direction() == originator;
        for letter in letters(e) {
            let Some(seen) = seen.get_mut(usize::from(from_originator)).and_then(|s| s.get_mut(letter as usize)) else { continue };
            if !*seen {
                *seen = true;
                out.push(if from_originator { letter.to_ascii_uppercase() } else { letter });
            }
        }
    }
    out
}

fn letters(e: &Entry) -> impl Iterator<Item = char> {
    let tcp = e.is_tcp();
    let on = |flag: u16| tcp && e.flags & flag != 0;
    let syn = on(tcp::SYN) && !on(tcp::ACK);
    let syn_ack = on(tcp::SYN) && on(tcp::ACK);
    let data = e.payload_len > 0;
    let pure_ack = on(tcp::ACK) && !data && !on(tcp::SYN | tcp::FIN | tcp::RST);
    let inconsistent = on(tcp::SYN) && on(tcp::FIN | tcp::RST);
    [
        (inconsistent, 'i'),
        (syn, 's'),
        (syn_ack, 'h'),
        (e.is(fact::CHECKSUM_BAD), 'c'),
        (pure_ack, 'a'),
        (data, 'd'),
        (on(tcp::FIN), 'f'),
        (on(tcp::RST), 'r'),
    ]
    .into_iter()
    .filter_map(|(on, letter)| on.then_some(letter))
}

/// Zeek's connection state from the union of flags each side sent and from who spoke.
pub fn conn_state(entries: &[Entry], originator: Direction) -> &'static str {
    let side = |d: Direction| entries.iter().filter(move |e| e.direction() == d && !e.is(fact::ICMP));
    let (orig, resp) = (originator, originator.other());
    if entries.iter().any(|e| e.is(fact::UDP) && !e.is(fact::ICMP)) {
        return match (side(orig).next().is_some(), side(resp).next().is_some()) {
            (true, true) => "SF",
            (true, false) => "S0",
            (false, true) => "SHR",
            (false, false) => "OTH",
        };
    }
    let any = |d: Direction, test: &dyn Fn(&Entry) -> bool| side(d).any(test);
    let syn = any(orig, &Entry::is_syn);
    let syn_ack = any(resp, &Entry::is_syn_ack);
    let fin = |d| any(d, &|e: &Entry| e.has(tcp::FIN));
    let first_rst = |d: Direction| side(d).find(|e| e.is_rst()).map(|e| e.frame);
    let (orig_rst, resp_rst) = (first_rst(orig), first_rst(resp));
    let resp_spoke = any(resp, &|e: &Entry| !e.is_rst());
    match (syn, syn_ack) {
        (true, true) => match (orig_rst, resp_rst) {
            (Some(o), Some(r)) if o < r => "RSTO",
            (_, Some(_)) => "RSTR",
            (Some(_), None) => "RSTO",
            (None, None) => match (fin(orig), fin(resp)) {
                (true, true) => "SF",
                (true, false) => "S2",
                (false, true) => "S3",
                (false, false) => "S1",
            },
        },
        (true, false) => match (orig_rst, resp_rst) {
            (_, Some(_)) if !resp_spoke => "REJ",
            (Some(_), _) if !resp_spoke => "RSTOS0",
            _ if fin(orig) && !resp_spoke => "SH",
            _ if !resp_spoke => "S0",
            _ => "OTH",
        },
        (false, true) => match (resp_rst, fin(resp)) {
            (Some(_), _) => "RSTRH",
            (None, true) => "SHR",
            (None, false) => "OTH",
        },
        (false, false) => "OTH",
    }
}
