//! interloper: was this traffic tampered with, by which packets, and how sure are we?
//!
//! ```text
//! bytes           frames           packets            flows                cases               findings
//! capture ──────► capture ───────► packet ──────────► flow ──────────────► app + detect ─────► survey ──────► report
//! open, read      walk records     facts of L2–L4     absorb, merge        read messages,      join flows,    say it
//!                                                                          judge one flow      conclude
//! └───────── dissect(chunk) ──────────────┘  └ Shard::absorb ┘  └───── judge(flow) ─────────┘└ conclude ┘
//!   stateless, parallel by chunk             parallel by shard  parallel by flow              merge, then once
//! ```
//!
//! A room uses rooms to its left, never to its right.
pub mod app;
pub mod attribute;
pub mod capture;
pub mod cli;
#[doc(hidden)]
pub mod deal;
pub mod detect;
pub mod error;
pub mod flow;
pub mod limits;
pub mod packet;
#[doc(hidden)]
pub mod phase;
pub mod pipeline;
mod prefetch;
pub mod report;
pub mod reread;
#[doc(hidden)]
pub mod script;
pub mod stats;
pub mod survey;
