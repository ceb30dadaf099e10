//! What was wrong with a capture's bytes: said with the offset, never fatal.

/// One place where the capture's bytes made no sense or ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Byte offset in the (uncompressed) capture.
    pub offset: u64,
    /// What was found there and what was done about it.
    pub text: String,
}

/// The first damages of a capture and the count of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Damages {
    pub list: Vec<Damage>,
    pub count: u64,
}

impl Damages {
    /// A hostile file can hold a damage every few bytes; a reader learns nothing more from the 101st.
    pub const KEPT: usize = 100;

    pub fn add(&mut self, offset: u64, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.list.len() < Self::KEPT {
            self.list.push(Damage { offset, text: text() });
        }
    }

    /// Appends what a chunk found.
    pub fn append(&mut self, other: Damages) {
        let room = Self::KEPT.saturating_sub(self.list.len());
        self.count += other.count;
        self.list.extend(other.list.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_hundred_and_counts_all() {
        let mut all = Damages::default();
        for offset in 0..70 {
            all.add(offset, || "first".into());
        }
        let mut more = Damages::default();
        for offset in 0..150 {
            more.add(offset, || "second".into());
        }
        all.append(more);
        assert_eq!((all.count, all.list.len()), (220, 100));
        assert_eq!(all.list[70], Damage { offset: 0, text: "second".into() });
    }
}
