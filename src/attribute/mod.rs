//! What is known of networks and systems, as data: special-use addresses and answers known to be forged.

pub mod blockpages;
pub mod forged_answers;
pub mod issuers;
pub mod special;
