//! Purges, carried out on the store: the barrier first, then the sweep of what it has passed.

use std::{mem, sync::Arc};

use tokio::runtime::Handle;

use super::{Leaving, Store, WriteSide};
use crate::{
    clock::Tick,
    entry::{Entry, RouteMark, Target},
    key::Key,
    store::{
        Slot,
        purge::{Purge, Scope},
    },
    sync::atomic::Ordering,
};

impl Store {
    /// Carries out a purge, the barrier first. The sweep of what a route or everything left behind comes after it, and
    /// nobody waits for it to be free of old answers.
    pub(crate) fn purge(&self, purge: &Purge, marks: &[Arc<RouteMark>], now: Tick) -> usize {
        let number = self.raise_barrier(purge, marks);
        match purge {
            Purge { scope: Scope::All, soft: false } => self.remove_older(number, now),
            _ => self.sweep(purge, number, now),
        }
    }

    /// Carries out the purges that a response itself demands whose entry is to be stored under `key`: they pass all that was
    /// fetched before, and not this entry, whose number becomes a newer one. False, and the entry as it was, if another
    /// purge has passed it since its request was made.
    ///
    /// The look at the log and the new number are one step with what goes into the log: a purge of somebody else comes
    /// before it and is seen, or after it and is newer than the entry.
    pub(crate) fn purge_before<'a>(
        &self,
        purges: &'a [Purge],
        key: &Key,
        entry: &mut Entry,
        now: Tick,
        mut done: impl FnMut(&'a Purge, usize),
    ) -> bool {
        let scopes = self.scopes_on_its_way(key, entry);
        let mut write = self.lock();
        let since = entry.origin.number;
        let passed = entry.is_purged()
            || write.purges.hard_after(since, scopes.iter().copied()).is_some()
            || write.purges.soft_after(since, scopes);
        let number = self.take_number();
        purges.iter().for_each(|purge| self.record(&mut write, purge, number));
        if !passed {
            entry.origin.number = self.take_number();
        }
        drop(write);
        purges.iter().for_each(|purge| done(purge, self.sweep(purge, number, now)));
        !passed
    }

    /// Takes down a purge for the fetches under way. Of a URL it takes what is the same for others, too: of what is stored
    /// that is known; a response that is on its way, and turns out to be the same for any others, goes by the path alone.
    fn record(&self, write: &mut WriteSide, Purge { scope, soft }: &Purge, number: u64) {
        write.purges.record(self.scopes.of(scope), number, *soft);
        let Scope::Url { path, .. } = scope else { return };
        let queries = self.scopes.queries(path);
        write.purges.record(queries, number, *soft);
        for key in write.tags.keys(queries, usize::MAX) {
            let Some(slot) = self.cache.peek(&key) else { continue };
            for entry in slot.entries().filter(|entry| scope.covers(&key, entry)) {
                let target = &entry.origin.target;
                write.purges.record(self.scopes.url(target.authority(), target.path()), number, *soft);
            }
        }
    }

    /// Removes what a purge of this number covers, or marks it.
    fn sweep(&self, Purge { scope, soft }: &Purge, number: u64, now: Tick) -> usize {
        let keys = self.keys_of(scope);
        if *soft {
            return keys.iter().map(|key| self.make_stale(key, scope, number, now)).sum();
        }
        let (mut removed, mut leaving) = (0, Leaving::default());
        for key in &keys {
            removed += self.remove_covered(key, scope, number, now, &mut leaving);
            drop_many(&mut leaving);
        }
        drop_elsewhere(keys.len(), (keys, leaving));
        removed
    }

    /// From here on nothing that was fetched before the number it gives back, and that the purge means, is stored or
    /// served. What everything is found by goes at once: to take it out key by key would be most of the work.
    pub(super) fn raise_barrier(&self, purge: &Purge, marks: &[Arc<RouteMark>]) -> u64 {
        let Purge { scope, soft } = purge;
        let mut write = self.lock();
        let number = self.take_number();
        self.record(&mut write, purge, number);
        if *soft {
            return number;
        }
        let named = |name: &str| match scope {
            Scope::All => true,
            Scope::Route(route) => *route == *name,
            _ => false,
        };
        for mark in marks.iter().filter(|mark| named(&mark.name)) {
            mark.purged.fetch_max(number, Ordering::AcqRel);
        }
        if *scope == Scope::All {
            write.emptied = number;
            let indices = (mem::take(&mut write.tags), mem::take(&mut write.searches));
            drop(write);
            drop_elsewhere(indices.0.len() + indices.1.len(), indices);
        }
        number
    }

    /// Removes all that was fetched before `number`, of which the index knows nothing any more.
    pub(super) fn remove_older(&self, number: u64, now: Tick) -> usize {
        let older = |slot: &Slot| {
            !slot.is_uncollapsed(now) && slot.entries().all(|entry| entry.origin.number < number)
        };
        let (mut count, mut leaving) = (0, Leaving::default());
        for (key, _) in self.cache.iter() {
            match self.cache.remove_if(&key, older) {
                Some((key, slot)) => {
                    count += slot.entries().count();
                    leaving.push((key, slot));
                }
                // Something newer stands beside it by now, or a note that stays.
                None => count += self.remove_covered(&key, &Scope::All, number, now, &mut leaving),
            }
            drop_many(&mut leaving);
        }
        drop_elsewhere(leaving.len(), leaving);
        count
    }

    /// How many stored responses a scope covers.
    pub(crate) fn count_covered(&self, scope: &Scope) -> usize {
        let covered = |key: &Key, slot: &Slot| {
            slot.entries().filter(|entry| !entry.is_purged() && scope.covers(key, entry)).count()
        };
        self.keys_of(scope).iter().filter_map(|key| Some(covered(key, &self.cache.peek(key)?))).sum()
    }

    /// Marks what a scope covers under one key, as far as it was fetched before `number`.
    fn make_stale(&self, key: &Key, scope: &Scope, number: u64, now: Tick) -> usize {
        let Some(slot) = self.cache.peek(key) else { return 0 };
        let covered = slot.entries().filter(|entry| entry.origin.number < number && scope.covers(key, entry));
        covered.map(|entry| entry.times.make_stale(now)).count()
    }

    /// Removes what a scope covers under one key, as far as it was fetched before `number`.
    fn remove_covered(
        &self,
        key: &Key,
        scope: &Scope,
        number: u64,
        now: Tick,
        leaving: &mut Leaving,
    ) -> usize {
        let mut count = 0;
        let retain = |slot: Option<&Slot>, len| {
            let slot = slot?;
            let stays = |entry: &Arc<Entry>| entry.origin.number > number || !scope.covers(key, entry);
            count = slot.entries().filter(|entry| !stays(entry)).count();
            Some(slot.retain(len, stays))
        };
        self.update_leaving(key, now, retain, leaving);
        count
    }

    /// The newest purge that passed a fetch of this number, by what is known before its response: its route, its key,
    /// its target.
    pub(crate) fn purged_since(&self, number: u64, key: &Key, target: &Target, route: &str) -> Option<u64> {
        let purges = &self.lock().purges;
        let scopes = purges.any_after(number).then(|| self.scopes.fixed(key, target, route))?;
        purges.hard_after(number, scopes)
    }

    /// The newest purge that passed the fetch of this entry, by all that it can be purged by.
    pub(crate) fn entry_purged(&self, key: &Key, entry: &Entry) -> Option<u64> {
        let scopes = self.scopes_of(key, entry);
        self.lock().purges.hard_after(entry.origin.number, scopes)
    }

    /// Whether a purge passed the fetch of this entry before a request of the number `request` came.
    pub(crate) fn entry_purged_before(&self, key: &Key, entry: &Entry, request: u64) -> bool {
        let (purges, number) = (&self.lock().purges, entry.origin.number);
        purges.any_after(number) && purges.hard_between(number, request, self.scopes_on_its_way(key, entry))
    }

    /// The groups of what a scope covers.
    pub(crate) fn groups_of(&self, scope: &Scope) -> Vec<Box<str>> {
        let mut groups = Vec::new();
        for key in self.keys_of(scope) {
            let Some(slot) = self.cache.peek(&key) else { continue };
            let covered = slot.entries().filter(|entry| scope.covers(&key, entry));
            groups.extend(covered.flat_map(|entry| entry.origin.groups.iter().cloned()));
        }
        groups
    }

    /// The keys under which a scope may cover something.
    fn keys_of(&self, scope: &Scope) -> Vec<Key> {
        self.some_keys_of(scope, usize::MAX)
    }

    /// The same, or as many of them as asked for.
    pub(super) fn some_keys_of(&self, scope: &Scope, most: usize) -> Vec<Key> {
        match scope {
            Scope::Key(key) => vec![key.clone()],
            // The index knows no hosts.
            Scope::Url { path, .. } => {
                let write = self.lock();
                let mut keys = write.tags.keys(self.scopes.path(path), most);
                keys.extend(write.tags.keys(self.scopes.queries(path), most));
                drop(write);
                keys.sort_unstable();
                keys.dedup();
                keys
            }
            Scope::Tag(_) | Scope::Group { .. } => self.lock().tags.keys(self.scopes.of(scope), most),
            Scope::Route(_) | Scope::All => {
                let covered = |key: &Key, slot: &Slot| slot.entries().any(|entry| scope.covers(key, entry));
                let keys = self.cache.iter().filter(|(key, slot)| covered(key, slot)).map(|(key, _)| key);
                keys.take(most).collect()
            }
        }
    }
}

/// Drops what has left so far, if it is much: what comes meanwhile is not to take its room beside it until a sweep's end.
fn drop_many(leaving: &mut Leaving) {
    if leaving.len() > MANY {
        drop_elsewhere(leaving.len(), mem::take(leaving));
    }
}

/// Fewer pieces are dropped in place.
const MANY: usize = 4096;

/// Drops what has so many pieces: where nobody waits for it, if they are many and there is such a place.
fn drop_elsewhere(pieces: usize, all: impl Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) if pieces > MANY => drop(runtime.spawn_blocking(move || drop(all))),
        _ => drop(all),
    }
}

#[cfg(test)]
mod tests;
