//! Tags, a session and labels between an Ethernet header and IP: what a capture filter has to name before it can look behind them.

/// How many of each, from the outside in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tags {
    pub vlans: u8,
    pub pppoe: bool,
    pub labels: u8,
    /// Something among them that libpcap's filters have no word for.
    pub unnamed: bool,
}

impl Tags {
    /// Those of an Ethernet frame whose IP header starts at `ip_at`. None where they do not lead there: that is no Ethernet frame.
    pub fn of(frame: &[u8], ip_at: usize) -> Tags {
        // Nearly every frame.
        if ip_at <= 14 {
            return Tags::default();
        }
        Tags::read(frame, ip_at).unwrap_or_default()
    }

    fn read(frame: &[u8], ip_at: usize) -> Option<Tags> {
        let word = |at: usize| frame.get(at..at + 2).and_then(|b| b.first_chunk()).map(|b| u16::from_be_bytes(*b));
        let mut tags = Tags::default();
        let (mut kind, mut at) = (word(12)?, 14);
        while matches!(kind, 0x8100 | 0x88a8 | 0x9100 | 0x9200) && at < ip_at {
            tags.vlans += 1;
            tags.unnamed |= kind == 0x9200;
            (kind, at) = (word(at + 2)?, at + 4);
        }
        if kind == 0x8864 {
            tags.pppoe = true;
            // An odd octet is a compressed protocol.
            let compressed = frame.get(at + 6)? & 1 == 1;
            tags.unnamed |= compressed;
            (kind, at) = if compressed { (0, at + 7) } else { (word(at + 6)?, at + 8) };
        }
        if matches!(kind, 0x8847 | 0x8848 | 0x0281 | 0x0283) {
            tags.unnamed |= matches!(kind, 0x8848 | 0x0283);
            let mut bottom = false;
            while !bottom && at < ip_at {
                bottom = frame.get(at + 2)? & 1 == 1;
                tags.labels += 1;
                at += 4;
            }
        }
        // Behind the last label a pseudo-wire, behind a length SNAP.
        let more = tags.labels > 0 || (kind <= 1500 && frame.get(at..at + 3) == Some(&[0xaa, 0xaa, 3]));
        tags.unnamed |= more && at < ip_at;
        (at == ip_at || tags.unnamed).then_some(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_ip() {
        let frame = |between: &[u8]| [&[2; 12][..], between, &[0x45, 0, 0, 40]].concat();
        let tags = |between: &[u8]| {
            let frame = frame(between);
            let Tags { vlans, pppoe, labels, unnamed } = Tags::of(&frame, frame.len() - 4);
            (vlans, pppoe, labels, unnamed)
        };
        assert_eq!(tags(&[8, 0]), (0, false, 0, false));
        assert_eq!(tags(&[0x81, 0, 0, 7, 8, 0]), (1, false, 0, false));
        assert_eq!(tags(&[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0]), (2, false, 0, false));
        assert_eq!(tags(&[0x92, 0, 0, 7, 0x81, 0, 0, 8, 8, 0]), (2, false, 0, true));
        assert_eq!(tags(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 9, 0, 0x21]), (0, true, 0, false));
        assert_eq!(tags(&[0x88, 0x64, 0x11, 0, 0, 1, 0, 9, 0x21]), (0, true, 0, true));
        assert_eq!(tags(&[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64]), (0, false, 2, false));
        assert_eq!(tags(&[0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 9, 2, 0x81, 0, 2, 1, 64]), (1, true, 1, false));
        // A pseudo-wire, and SNAP.
        assert_eq!(tags(&[&[0x88, 0x47, 0, 1, 1, 64, 0, 0, 0, 0][..], &[2; 12], &[8, 0]].concat()), (0, false, 1, true));
        assert_eq!(tags(&[0, 40, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]), (0, false, 0, true));
        // A cooked capture.
        assert_eq!(tags(&[0, 0, 8, 0]), (0, false, 0, false));
    }
}
