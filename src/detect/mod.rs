//! Flow and messages to suspects, claims and findings. Sees one flow at a time; what other flows say comes in [`surroundings`].

pub mod case;
pub mod evasion;
pub mod finding;
pub mod fisher;
pub mod messages;
pub mod rules;
pub mod surroundings;
pub mod suspects;
mod timing;
pub mod transfer;
pub mod trials;
