//! interloper: was this traffic tampered with, by which packets, and how sure are we?
pub mod app;
pub mod capture;
pub mod error;
