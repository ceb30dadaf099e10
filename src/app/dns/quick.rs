//! Two cheap looks at bytes that may be DNS: a datagram on any port, and the framing of a TCP stream.

use super::super::name::MAX_OCTETS;
use super::{HEADER_LEN, OPT, plausible_class, u16_at};

/// Announced records per section a quick look believes: more do not fit a datagram.
const MAX_QUICK: u16 = 256;
/// Messages cut out of one TCP stream head.
const MAX_TCP_MESSAGES: usize = 64;

/// The transaction id, if the datagram reads as DNS: asked of every UDP datagram, so it touches only the header
/// and the question's name and allocates nothing. The counts alone turn away one in 2^40 random payloads.
pub fn quick_txid(payload: &[u8]) -> Option<u16> {
    let header: &[u8; HEADER_LEN] = payload.first_chunk()?;
    let [id_high, id_low, flags, _, qd_high, qd_low, an_high, an_low, ns_high, ns_low, ar_high, ar_low] = *header;
    let counts = [[an_high, an_low], [ns_high, ns_low], [ar_high, ar_low]].map(u16::from_be_bytes);
    if flags >> 3 & 0xf > 6 || counts.iter().any(|&count| count > MAX_QUICK) {
        return None;
    }
    let plausible = match u16::from_be_bytes([qd_high, qd_low]) {
        1 => {
            let at = skip_name(payload, HEADER_LEN)?;
            plausible_class(u16_at(payload, at + 2)?) && !is_netbios(payload)
        }
        0 => flags & 0x80 != 0 && plausible_without_question(payload),
        _ => false,
    };
    plausible.then_some(u16::from_be_bytes([id_high, id_low]))
}

/// A response without a question is either bare (an error), or starts with an OPT or a record of a known class.
pub(super) fn plausible_without_question(payload: &[u8]) -> bool {
    if payload.len() == HEADER_LEN {
        return payload.get(6..).is_some_and(|counts| counts.iter().all(|&byte| byte == 0));
    }
    let record = skip_name(payload, HEADER_LEN).and_then(|at| Some((u16_at(payload, at)?, u16_at(payload, at + 2)?)));
    record.is_some_and(|(rtype, class)| (rtype != 0 && plausible_class(class)) || (rtype == OPT && payload.get(HEADER_LEN) == Some(&0)))
}

/// The NetBIOS name service (RFC 1002) borrows the shape of DNS, but its broadcasts draw several honest answers.
/// Its names give it away: sixteen bytes, written as 32 letters from A to P.
pub(super) fn is_netbios(payload: &[u8]) -> bool {
    let label = payload.get(HEADER_LEN..=HEADER_LEN + 32);
    label
        .and_then(<[u8]>::split_first)
        .is_some_and(|(&length, letters)| length == 32 && letters.iter().all(|letter| (b'A'..=b'P').contains(letter)))
}

/// One past the name at `at`, without following pointers.
fn skip_name(payload: &[u8], at: usize) -> Option<usize> {
    let mut pos = at;
    while pos - at < MAX_OCTETS {
        match *payload.get(pos)? {
            0 => return Some(pos + 1),
            length @ 1..=0x3f => pos += 1 + usize::from(length),
            high @ 0xc0.. => {
                let target = usize::from(high & 0x3f) << 8 | usize::from(*payload.get(pos + 1)?);
                return (target < payload.len()).then_some(pos + 2);
            }
            _ => return None,
        }
    }
    None
}

/// The messages of a DNS-over-TCP stream (RFC 1035 section 4.2.2: two octets of length before each), and whether
/// each is all there. A length of zero ends the walk: nothing after it can be trusted.
pub fn tcp_messages(stream: &[u8]) -> Vec<(&[u8], bool)> {
    let mut messages = Vec::new();
    let mut rest = stream;
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || messages.len() == MAX_TCP_MESSAGES {
            break;
        }
        match tail.split_at_checked(length) {
            Some((message, after)) => {
                messages.push((message, true));
                rest = after;
            }
            None => {
                messages.push((tail, false));
                break;
            }
        }
    }
    messages
}
