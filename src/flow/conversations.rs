//! Wireshark's stream numbers: ranks among the beginnings of all conversations.
//!
//! A conversation begins at a frame. The datagrams of a tunnel are one of their own, which Wireshark counts before what they carry, so
//! that of a frame several may begin. Frames have fewer than 62 bits: where a tunnel's began is told in the two above.

/// First frames of conversations, to count Wireshark's stream numbers.
#[derive(Debug, Default)]
pub struct Streams {
    /// Of each shard, ascending by [`order`].
    pub tcp: Vec<Vec<u64>>,
    pub udp: Vec<Vec<u64>>,
    /// Some were forgotten: numbers would be wrong.
    pub forgotten: bool,
}

const FRAME: u64 = (1 << 62) - 1;

/// Where the conversation of a tunnel's datagrams begins, with `around` others around it in the frame.
pub fn carrier(frame: u64, around: u8) -> u64 {
    frame | 3_u64.saturating_sub(around.into()) << 62
}

/// In which order conversations begin: those of a tunnel from the outside in, then what it carries.
fn order(first: u64) -> (u64, u64) {
    (first & FRAME, 3 - (first >> 62))
}

impl Streams {
    /// Wireshark's `tcp.stream` or `udp.stream` of the conversation that began at `first`.
    pub fn number(&self, protocol: u8, first: u64) -> Option<u64> {
        let lists = if protocol == 6 { &self.tcp } else { &self.udp };
        if self.forgotten && protocol != 6 {
            return None;
        }
        Some(lists.iter().map(|l| l.partition_point(|f| order(*f) < order(first)) as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_counted_before_what_it_carries() {
        let streams = Streams { udp: vec![vec![1, carrier(3, 1), 9], vec![carrier(3, 0), 3]], ..Streams::default() };
        let numbers = [1, carrier(3, 0), carrier(3, 1), 3, 9].map(|first| streams.number(17, first));
        assert_eq!(numbers, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    }
}
