//! What was odd about a DNS message. Oddities are evidence, so each has a bit instead of an error.

/// A set of observations about one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Notes(u16);

macro_rules! notes {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*) => {
        impl Notes {
            $($(#[$doc])* pub const $name: Notes = Notes(1 << $bit);)*
            const ALL: &'static [(Notes, &'static str)] = &[$((Notes::$name, $text)),*];
        }
    };
}

notes! {
    /// The message ends inside a name or record: a snap length, or a forger's missing field.
    CUT = 0, "cut";
    POINTER_LOOP = 1, "pointer-loop";
    /// A name was longer than the protocol allows, or used a reserved label type.
    BAD_NAME = 2, "bad-name";
    /// Bytes follow the last announced record (older injectors copied the query's tail there).
    TRAILING_BYTES = 3, "trailing-bytes";
    /// The message ends cleanly although the header announces more.
    COUNTS_LIE = 4, "counts-lie";
    RECORDS_CAPPED = 5, "records-capped";
    Z_BIT = 6, "z-bit";
    /// The first answer's name is the bare pointer 0xC00C: the cheapest way to build one, though most servers use it too.
    ANSWER_NAME_IS_POINTER_TO_QUESTION = 7, "answer-points-to-question";
    /// Some record name is compressed.
    COMPRESSION = 8, "compression";
    TWO_OPTS = 9, "two-opts";
    /// RDATA does not fit its type (an A record of three bytes).
    BAD_RDATA = 10, "bad-rdata";
    /// The question has no class: the answer starts where it should be.
    NO_QCLASS = 11, "no-qclass";
    SEVERAL_QUESTIONS = 12, "several-questions";
}

impl Notes {
    pub const fn union(self, other: Notes) -> Notes {
        Notes(self.0 | other.0)
    }

    pub const fn contains(self, other: Notes) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn insert(&mut self, other: Notes) {
        self.0 |= other.0;
    }

    pub(super) fn set(&mut self, other: Notes, when: bool) {
        if when {
            self.insert(other);
        }
    }

    /// The names of what was observed, for reports.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Notes::ALL.iter().filter(move |(bit, _)| self.contains(*bit)).map(|&(_, text)| text)
    }

    /// Does anything here keep a careful parser from accepting the message?
    pub fn is_malformed(self) -> bool {
        const HARMLESS: Notes = Notes::ANSWER_NAME_IS_POINTER_TO_QUESTION
            .union(Notes::COMPRESSION)
            .union(Notes::SEVERAL_QUESTIONS)
            .union(Notes::RECORDS_CAPPED)
            .union(Notes::Z_BIT);
        self.0 & !HARMLESS.0 != 0
    }
}
