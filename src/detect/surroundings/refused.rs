//! A host that is asked as a resolver and says that it is none.

use crate::packet::Endpoint;

/// What the host that was asked says of queries itself, and of which it says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refused {
    /// Port unreachables about the query itself, each with its flow's first frame.
    pub own: Vec<(u64, u64)>,
    /// Those about other queries, that nobody answered: one for each port they were sent from.
    pub only: Vec<(u64, u64, Endpoint)>,
    /// Some of those came before the answer, some behind it.
    pub before: bool,
    pub behind: bool,
    /// No name was answered and refused, and more were refused.
    pub by_name: bool,
    /// Names that were asked for before the answer and behind it and never answered, while those that were answered always were.
    pub unheard: Vec<(u64, u64)>,
}
