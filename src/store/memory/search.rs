//! Finding what is stored, for somebody who looks: bounded in what it reads and in what it brings.

use std::fmt::Write;

use super::Store;
use crate::{
    key::Key,
    store::{Slot, purge::Scope},
};

/// The keys that a search by text reads at most, which takes a fraction of a second.
const MAX_READ: usize = 1 << 20;
/// The keys that one by scope reads at most: all of them have it, but for what was purged.
const MAX_INDEXED: usize = 4096;

/// What was found, or as much of it as was asked for.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) slots: Vec<(Key, Slot)>,
    /// Whether there is more, or may be.
    pub(crate) more: bool,
}

impl Store {
    /// Keys in whose printed form `text` is found. No lock is held for longer than it takes to read one key.
    pub(crate) fn find_text(&self, text: &str, most: usize) -> Found {
        let mut printed = String::new();
        let mut holds = |key: &Key| {
            printed.clear();
            // A string takes all that is written to it.
            let _ = write!(printed, "{key}");
            printed.contains(text)
        };
        let mut read = 0;
        let keys = self.cache.iter().take(MAX_READ).inspect(|_| read += 1);
        let shown = |slot: &Slot| slot.entries().any(|entry| !entry.is_purged());
        let mut found = keys.filter(|(key, slot)| shown(slot) && holds(key));
        let slots: Vec<_> = found.by_ref().take(most).collect();
        let more = found.next().is_some() || read == MAX_READ;
        Found { slots, more }
    }

    /// Keys under which a scope covers something.
    pub(crate) fn find_scope(&self, scope: &Scope, most: usize) -> Found {
        let keys = self.some_keys_of(scope, MAX_INDEXED);
        let all = keys.len() < MAX_INDEXED;
        let covered = |key: &Key, slot: &Slot| {
            slot.entries().any(|entry| !entry.is_purged() && scope.covers(key, entry))
        };
        let slots = keys.into_iter().filter_map(|key| self.cache.peek(&key).map(|slot| (key, slot)));
        let mut found = slots.filter(|(key, slot)| covered(key, slot));
        let slots: Vec<_> = found.by_ref().take(most).collect();
        let more = found.next().is_some() || !all;
        Found { slots, more }
    }
}
