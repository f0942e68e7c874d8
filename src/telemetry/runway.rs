//! How long what is stored can still be served, should the inner service be gone from now on.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use crate::{clock::Tick, entry::Entry};

/// So many are a fair sample, and cheap to look at.
const SAMPLE: usize = 64;
/// So many more may come before those that are gone are looked for.
const MORE: usize = 16;

/// The newest responses that a route stored. It holds none of them: what is replaced, evicted or purged is gone from here.
///
/// What readers ask for is refreshed all the time, and so it is here; what is asked for once is not here for long.
#[derive(Debug, Default)]
pub(crate) struct Newest(Mutex<VecDeque<Weak<Entry>>>);

impl Newest {
    /// A response was stored.
    pub(crate) fn stored(&self, entry: &Arc<Entry>) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.len() >= SAMPLE + MORE {
            newest.retain(|entry| entry.strong_count() > 0);
            newest.truncate(SAMPLE);
        }
        newest.push_front(Arc::downgrade(entry));
    }

    /// How long a half of them can be served: the median of what is left until they may be served no more, even after a
    /// failed fetch, or by an operator's word. `None` when nothing is stored.
    pub(crate) fn runway(&self, now: Tick) -> Option<Duration> {
        let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stored: Vec<Arc<Entry>> = newest.iter().filter_map(Weak::upgrade).take(SAMPLE).collect();
        drop(newest);
        // What a purge of its route has passed may be about to be dropped.
        let standing = stored.iter().filter(|entry| !entry.is_purged());
        let mut left: Vec<Duration> = standing.map(|entry| entry.served_until().since(now)).collect();
        left.sort_unstable();
        left.get(left.len() / 2).copied()
    }
}
