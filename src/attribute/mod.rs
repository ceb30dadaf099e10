//! What is known of networks and systems, as data: injectors, block pages, issuers, forged answers, special-use addresses.

pub mod blockpages;
pub mod checks;
pub mod fields;
pub mod forged_answers;
pub mod given;
pub mod injectors;
pub mod issuers;
pub mod observed;
pub mod ooni;
pub mod pattern;
pub mod resemblance;
pub mod special;
pub mod unregistered;
