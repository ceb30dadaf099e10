//! Joins flows: what each flow tells about servers, names and resolvers, and the conclusions that need it.
//!
//! Scope: one capture, or one stitched series. Unrelated captures share neither baselines nor controls, because names are blocked on
//! one network and fine on another. A [`Part`] is what one shard contributes; parts merge in shard order, then [`conclude`] speaks.

mod answers;
mod apart;
mod aspects;
mod attempts;
mod attribution;
mod audit;
mod baselines;
mod changes;
mod cited;
mod clock_steps;
mod conclude;
mod controls;
mod domains;
mod examples;
mod explained;
mod facts;
mod flags;
mod gathered;
mod gone;
mod heard;
mod judge;
mod key;
mod kin;
mod leans;
mod listed;
mod losses;
mod machines;
mod meanwhile;
mod notes;
mod offload;
mod part;
mod partition;
mod refine;
mod refused;
mod residual;
mod resolver;
mod timeline;
mod track;
mod transactions;
mod transfers;
mod tries;
mod unjudged;
mod verdict;

pub use audit::Audit;
pub use changes::{LEAST, LEVEL, State, Stretch, stretches};
pub use clock_steps::{CLOCKED, ClockStep};
pub use conclude::{Conclusion, Hands, conclude};
pub use explained::Explained;
pub use facts::Kind;
pub use judge::Judged;
pub use key::Key;
pub use part::Part;
pub use timeline::Timeline;
pub use track::{Counts, Track};
pub use verdict::{Control, Ends, Finding, FlowLine, Injector, PacketRef, Reply, Role, Transaction};
