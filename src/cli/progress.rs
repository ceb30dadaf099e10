//! A bar on standard error while a long run is under way. The only place that looks at the wall clock.

use crate::pipeline::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Runs shorter than this need no bar: it would only flicker.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);

/// The bar, or nothing where nobody would see it.
pub struct Progress {
    bar: ProgressBar,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Follows `watch`; `total` bytes are to be read, if that is known.
    pub fn start(watch: &Arc<Watch>, total: Option<u64>, wanted: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if !wanted || !std::io::stderr().is_terminal() {
            return Progress { bar, thread: None };
        }
        let shape = if total.is_some() {
            "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left"
        } else {
            "{spinner} {bytes} {binary_bytes_per_sec}"
        };
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style);
        }
        let (stop, stopped) = channel::<()>();
        let (seen, watch) = (bar.clone(), Arc::clone(watch));
        let follow = move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            seen.set_draw_target(ProgressDrawTarget::stderr());
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                seen.set_position(watch.bytes.load(Ordering::Relaxed));
            }
        };
        // Without a thread there is no bar, which hurts nobody.
        let thread = std::thread::Builder::new().name("progress".into()).spawn(follow).ok();
        Progress { bar, thread: thread.map(|t| (stop, t)) }
    }

    /// Runs something that writes to the terminal, with the bar out of its way.
    pub fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
