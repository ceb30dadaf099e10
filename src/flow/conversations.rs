//! Wireshark's stream numbers: ranks among the first frames of all conversations.

/// First frames of conversations, to count Wireshark's stream numbers.
#[derive(Debug, Default)]
pub struct Streams {
    /// Of each shard, ascending.
    pub tcp: Vec<Vec<u64>>,
    pub udp: Vec<Vec<u64>>,
    /// Some were forgotten: numbers would be wrong.
    pub forgotten: bool,
}

impl Streams {
    /// Wireshark's `tcp.stream` or `udp.stream` of the conversation that began with frame `first`.
    pub fn number(&self, protocol: u8, first: u64) -> Option<u64> {
        let lists = if protocol == 6 { &self.tcp } else { &self.udp };
        if self.forgotten && protocol != 6 {
            return None;
        }
        Some(lists.iter().map(|l| l.partition_point(|f| *f < first) as u64).sum())
    }
}
