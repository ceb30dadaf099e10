//! Packets to flows: bounded, mergeable records of what the observer saw.
//!
//! The law, property-tested in `tests/algebra.rs`: `flow(a ++ b) == flow(a).merge(flow(b))`. It holds because a [`record::Flow`] is
//! made of associative parts only (see [`transcript`] and [`profile`]). Sequence reasoning and roles are a fold over the
//! transcript while judging, never state kept while absorbing; but for [`spells`], which may lie among packets that are not kept.

mod closing;
pub mod community;
pub mod conversations;
pub mod entry;
mod head;
pub mod heard;
pub mod history;
pub mod index;
pub mod key;
pub mod opened;
mod packed;
mod packets;
pub mod profile;
pub mod record;
mod settle;
pub mod shard;
mod slab;
pub mod spells;
pub mod stream;
pub mod transcript;
mod unread;
