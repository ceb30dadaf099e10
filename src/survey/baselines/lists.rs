//! Sorted lists, and what is looked up in them.

use crate::capture::Timestamp;
use crate::survey::attempts::Asked;
use std::cmp::Ordering;

/// Adds the requests of lists that are in order of time each.
pub(super) fn in_time<'f>(all: &mut Vec<&'f Asked>, lists: &[&'f [Asked]]) {
    if let [list] = lists {
        all.extend(*list);
        return;
    }
    // The times beside the references: comparing through them would miss the cache each time.
    let requests = lists.iter().flat_map(|list| list.iter());
    let mut timed: Vec<(Timestamp, u64, &'f Asked)> = requests.map(|asked| (asked.time, asked.frame, asked)).collect();
    timed.sort_by_key(|(time, frame, _)| (*time, *frame));
    all.extend(timed.into_iter().map(|(.., asked)| asked));
}

/// The stretch of a sorted list that compares equal.
pub(in crate::survey) fn run<T>(list: &[T], compare: impl Fn(&T) -> Ordering) -> &[T] {
    let from = list.partition_point(|x| compare(x) == Ordering::Less);
    let rest = list.get(from..).unwrap_or_default();
    rest.get(..rest.partition_point(|x| compare(x) == Ordering::Equal)).unwrap_or_default()
}

/// The last two labels of a name: names below one zone share servers for good reasons.
pub(in crate::survey) fn zone(name: &[u8]) -> &[u8] {
    let mut dots = name.iter().enumerate().rev().filter(|(_, b)| **b == b'.').map(|(i, _)| i);
    dots.nth(1).and_then(|at| name.get(at + 1..)).unwrap_or(name)
}
