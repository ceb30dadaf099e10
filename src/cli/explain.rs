//! `interloper explain`: prints the manual.

use super::Status;
use crate::report::escape;
use crate::report::explain;
use crate::report::paint::Paint;
use std::io::Write;

/// Prints the page on `name`, or the overview.
pub fn run(name: Option<&str>, paint: Paint) -> Status {
    let Some(name) = name else { return print(&explain::overview(paint)) };
    if let Some(page) = explain::topic(name, paint) {
        return print(&page);
    }
    let near = explain::suggestions(name);
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
    let shown = escape::shorten(&escape::escape(name.as_bytes()), 60);
    super::complain(&format!("there is no rule, mechanism, injector or other word '{shown}'{hint} (`interloper explain` lists all)"));
    Status::Failed
}

/// Prints to standard output; a reader that has closed the pipe has had enough.
pub fn print(text: &str) -> Status {
    let mut out = std::io::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{newline}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            super::complain(&format!("cannot write to standard output: {error}"));
            Status::Failed
        }
        _ => Status::Done,
    }
}
