//! The threads that work on captures. The only file that names rayon.

use crate::flow::record::Flow;
use crate::survey::{Hands, Judged};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many threads.
///
/// They work together on a capture as long as there are more of them than captures. Once there are as many captures each has a thread to
/// itself, the one that sees it through: nothing is handed from one to another, and what was read is in its cache.
pub struct Workers {
    threads: usize,
    /// None where one is enough, or no more were to be had: the caller's own will do.
    pool: Option<ThreadPool>,
    /// Captures that are being seen through.
    captures: AtomicUsize,
}

/// A capture is being seen through as long as this is kept.
pub struct SeenThrough<'w>(&'w Workers);

impl Drop for SeenThrough<'_> {
    fn drop(&mut self) {
        self.0.captures.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Workers {
    pub fn new(threads: usize) -> Workers {
        let pool = (threads > 1).then(|| ThreadPoolBuilder::new().num_threads(threads).build().ok()).flatten();
        Workers { threads: if pool.is_some() { threads } else { 1 }, pool, captures: AtomicUsize::new(0) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.threads
    }

    /// Does a job on one of them. From outside they have to be woken for every window of a capture.
    pub fn within<R: Send>(&self, job: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(job),
            None => job(),
        }
    }

    /// Begins to see a capture through.
    pub fn see_through(&self) -> SeenThrough<'_> {
        self.captures.fetch_add(1, Ordering::Relaxed);
        SeenThrough(self)
    }

    /// Those that work together, if they do.
    fn together(&self) -> Option<&ThreadPool> {
        self.pool.as_ref().filter(|_| self.captures.load(Ordering::Relaxed) < self.threads)
    }

    /// How many work on a capture together at present.
    pub fn at_hand(&self) -> usize {
        self.together().map_or(1, |_| self.threads)
    }

    /// Does a job for each item; what comes of it is in their order.
    pub fn map<T: Send, R: Send>(&self, items: impl IntoIterator<Item = T>, job: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
        let items = items.into_iter();
        match self.together() {
            Some(pool) => {
                let items: Vec<T> = items.collect();
                pool.install(|| items.into_par_iter().map(job).collect())
            }
            None => items.map(job).collect(),
        }
    }
}

impl Hands for Workers {
    fn both(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        match self.together() {
            Some(pool) => {
                pool.install(|| rayon::join(a, b));
            }
            None => {
                a();
                b();
            }
        }
    }

    fn each(&self, flows: &[Flow], judge: &(dyn Fn(&Flow) -> Judged + Sync)) -> Vec<Judged> {
        self.map(flows, judge)
    }
}
