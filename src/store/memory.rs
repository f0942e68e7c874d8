//! The store in memory.

use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter, sync::Cache};
use smallvec::SmallVec;
use tokio::runtime::Handle;

use super::{
    Slot,
    purge::{Purge, PurgeLog, Scope, Scopes},
    tags::{ScopeHash, TagIndex},
};
use crate::{
    clock::Tick,
    entry::{Entry, Origin, RouteMark, Target},
    event::Reason,
    key::Key,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

/// How large the store is, and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weights {
    /// All of it, in bytes.
    pub(crate) capacity: u64,
    /// The largest body it is made for, in bytes.
    pub(crate) max_body: u64,
}

/// An entry for about every so many bytes is what the store is laid out for; it grows if there are more.
const EXPECTED_ENTRY: u64 = 8 << 10;
const MAX_SHARDS: u64 = 64;
/// Headers, key and tags of a response come on top of its body.
const HEAD_ROOM: u64 = 64 << 10;

/// The stored responses by key.
pub(crate) struct Store {
    /// Hashed with a seed at random, for each store anew: strangers choose the keys.
    cache: Cache<Key, Arc<Slot>, ByWeight, DefaultHashBuilder, Leaving>,
    /// No slot weighs more: the store would drop it together with the one it replaces.
    max_weight: u64,
    scopes: Scopes,
    /// The number that the next fetch or purge takes.
    next_number: AtomicU64,
    /// How many keys were ever evicted.
    evicted: AtomicU64,
    write: Mutex<WriteSide>,
}

/// Few responses have more.
type ScopeHashes = SmallVec<[ScopeHash; 8]>;

/// What all writers share, and readers do without.
#[derive(Debug, Default)]
struct WriteSide {
    /// Where to find what was fetched after `emptied`.
    tags: TagIndex,
    /// The last purge of everything.
    emptied: u64,
    purges: PurgeLog,
}

impl Store {
    pub(crate) fn new(weights: Weights) -> Self {
        let shards = Self::shards(weights);
        let options = OptionsBuilder::new()
            .weight_capacity(weights.capacity)
            .estimated_items_capacity(
                usize::try_from(weights.capacity / EXPECTED_ENTRY).unwrap_or(usize::MAX).clamp(64, 1 << 20),
            )
            .shards(shards)
            .build();
        let cache = match options {
            Ok(options) => Cache::with_options(options, ByWeight, DefaultHashBuilder::default(), Leaving),
            // Both numbers that it asks for are given above.
            Err(_) => Cache::with(64, weights.capacity, ByWeight, DefaultHashBuilder::default(), Leaving),
        };
        // quick_cache refuses what weighs more than 97 % of a shard.
        let max_weight = cache.shard_capacity() / 100 * 95;
        Self {
            cache,
            max_weight,
            scopes: Scopes::default(),
            next_number: AtomicU64::new(1),
            evicted: AtomicU64::new(0),
            write: Mutex::default(),
        }
    }

    /// As many shards as leave each with room for two of the largest bodies.
    fn shards(weights: Weights) -> usize {
        let fit = (weights.capacity / (2 * (weights.max_body + HEAD_ROOM)).max(1)).clamp(1, MAX_SHARDS);
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let wanted = fit.min(cores * 4);
        // quick_cache rounds up to a power of two; this rounds down.
        1 << wanted.ilog2()
    }

    /// A number greater than those of all fetches and purges that have begun.
    pub(crate) fn take_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::SeqCst)
    }

    /// The number that the next fetch or purge will take: greater than those of all purges that have begun.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number.load(Ordering::SeqCst)
    }

    /// A key's hash, by a function of this store's own.
    pub(crate) fn hash(&self, key: &Key) -> u64 {
        self.scopes.key(key)
    }

    /// What stands under a key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Arc<Slot>> {
        self.cache.get(key)
    }

    /// What stands under a key, without counting as a use of it.
    pub(crate) fn peek(&self, key: &[u8]) -> Option<Arc<Slot>> {
        self.cache.peek(key)
    }

    /// The keys under which a scope may cover something.
    fn keys_of(&self, scope: &Scope) -> Vec<Key> {
        match scope {
            Scope::Key(key) => vec![key.clone()],
            // The index knows no hosts.
            Scope::Url { path, .. } => self.lock().tags.keys(self.scopes.path(path)),
            Scope::Tag(_) | Scope::Group { .. } => self.lock().tags.keys(self.scopes.of(scope)),
            Scope::Route(_) | Scope::All => {
                let covered = |key: &Key, slot: &Slot| slot.entries().any(|entry| scope.covers(key, entry));
                self.cache.iter().filter(|(key, slot)| covered(key, slot)).map(|(key, _)| key).collect()
            }
        }
    }

    /// Keeps `entry`, whose content is set, unless a purge has passed its fetch. With `uncollapsed_until`, requests do
    /// not wait for each other until then.
    pub(crate) fn insert(
        &self,
        key: &Key,
        entry: &Arc<Entry>,
        uncollapsed_until: Option<Tick>,
        now: Tick,
    ) -> Result<(), Reason> {
        let mut leaving = Vec::new();
        let mut write = self.lock();
        let number = entry.origin.number;
        let scopes = self.scopes_of(key, entry);
        if entry.is_purged() || write.purges.hard_after(number, scopes.iter().copied()).is_some() {
            return Err(Reason::Purged);
        }
        if write.purges.soft_after(number, scopes) {
            entry.times.make_stale(now);
        }
        let old = self.cache.peek(key);
        let base = old.as_deref();
        if base.is_some_and(|slot| slot.has_overtaken(entry, now)) {
            return Err(Reason::Overtaken);
        }
        let empty = Slot::empty();
        let mut slot = base.unwrap_or(&empty).with(Arc::clone(entry), key.as_bytes().len(), self.max_weight);
        if let Some(until) = uncollapsed_until {
            slot = slot.uncollapsed(until, key.as_bytes().len());
        }
        let fits = slot.weight() <= self.max_weight;
        if fits {
            self.replace(&mut write, key, old, Some(slot), &mut leaving);
        }
        drop(write);
        drop(leaving);
        if fits { Ok(()) } else { Err(Reason::TooLarge) }
    }

    /// Takes `entry` out, if it still stands.
    pub(crate) fn remove(&self, key: &Key, entry: &Arc<Entry>, now: Tick) {
        self.update(key, now, |slot, key| Some(slot?.retain(key, |other| !Arc::ptr_eq(other, entry))));
    }

    /// Notes that requests for `key` do not wait for each other until `until`.
    pub(crate) fn mark_uncollapsed(&self, key: &Key, until: Tick, now: Tick) {
        self.update(key, now, |slot, key| Some(slot.unwrap_or(&Slot::empty()).uncollapsed(until, key)));
    }

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
    pub(crate) fn purge_before(
        &self,
        purges: &[Purge],
        key: &Key,
        entry: &mut Entry,
        now: Tick,
        mut done: impl FnMut(&Purge, usize),
    ) -> bool {
        let scopes = self.scopes_of(key, entry);
        let mut write = self.lock();
        let since = entry.origin.number;
        let passed = entry.is_purged()
            || write.purges.hard_after(since, scopes.iter().copied()).is_some()
            || write.purges.soft_after(since, scopes);
        let number = self.take_number();
        for Purge { scope, soft } in purges {
            write.purges.record(self.scopes.of(scope), number, *soft);
        }
        if !passed {
            entry.origin.number = self.take_number();
        }
        drop(write);
        purges.iter().for_each(|purge| done(purge, self.sweep(purge, number, now)));
        !passed
    }

    /// Removes what a purge of this number covers, or marks it.
    fn sweep(&self, Purge { scope, soft }: &Purge, number: u64, now: Tick) -> usize {
        let sweep = if *soft { Self::make_stale } else { Self::remove_covered };
        self.keys_of(scope).iter().map(|key| sweep(self, key, scope, number, now)).sum()
    }

    /// From here on nothing that was fetched before the number it gives back, and that the purge means, is stored or
    /// served. What everything is found by goes at once: to take it out key by key would be most of the work.
    fn raise_barrier(&self, purge: &Purge, marks: &[Arc<RouteMark>]) -> u64 {
        let Purge { scope, soft } = purge;
        let mut write = self.lock();
        let number = self.take_number();
        write.purges.record(self.scopes.of(scope), number, *soft);
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
            let tags = std::mem::take(&mut write.tags);
            drop(write);
            drop_elsewhere(tags.len(), tags);
        }
        number
    }

    /// Removes all that was fetched before `number`, of which the index knows nothing any more.
    fn remove_older(&self, number: u64, now: Tick) -> usize {
        let older = |slot: &Arc<Slot>| {
            !slot.is_uncollapsed(now) && slot.entries().all(|entry| entry.origin.number < number)
        };
        let (mut count, mut leaving) = (0, Vec::new());
        for (key, _) in self.cache.iter() {
            match self.cache.remove_if(&key, older) {
                Some((key, slot)) => {
                    count += slot.entries().count();
                    leaving.push((key, slot));
                }
                // Something newer stands beside it by now, or a note that stays.
                None => count += self.remove_covered(&key, &Scope::All, number, now),
            }
        }
        drop_elsewhere(leaving.len(), leaving);
        count
    }

    /// How many stored responses a scope covers.
    pub(crate) fn count_covered(&self, scope: &Scope) -> usize {
        let covered = |key: &Key, slot: &Slot| {
            slot.entries().filter(|entry| !entry.is_purged() && scope.covers(key, entry)).count()
        };
        self.keys_of(scope).iter().filter_map(|key| Some(covered(key, &*self.cache.peek(key)?))).sum()
    }

    /// Marks what a scope covers under one key, as far as it was fetched before `number`.
    fn make_stale(&self, key: &Key, scope: &Scope, number: u64, now: Tick) -> usize {
        let Some(slot) = self.cache.peek(key) else { return 0 };
        let covered = slot.entries().filter(|entry| entry.origin.number < number && scope.covers(key, entry));
        covered.map(|entry| entry.times.make_stale(now)).count()
    }

    /// Removes what a scope covers under one key, as far as it was fetched before `number`.
    fn remove_covered(&self, key: &Key, scope: &Scope, number: u64, now: Tick) -> usize {
        let mut count = 0;
        self.update(key, now, |slot, len| {
            let slot = slot?;
            let stays = |entry: &Arc<Entry>| entry.origin.number > number || !scope.covers(key, entry);
            count = slot.entries().filter(|entry| !stays(entry)).count();
            Some(slot.retain(len, stays))
        });
        count
    }

    /// The newest purge that passed a fetch of this number, by what is known before its response: its route, its key,
    /// its target.
    pub(crate) fn purged_since(&self, number: u64, key: &Key, target: &Target, route: &str) -> Option<u64> {
        let scopes = self.scopes.fixed(key, target, route);
        self.lock().purges.hard_after(number, scopes)
    }

    /// The newest purge that passed the fetch of this entry, by all that it can be purged by.
    pub(crate) fn entry_purged(&self, key: &Key, entry: &Entry) -> Option<u64> {
        let scopes = self.scopes_of(key, entry);
        self.lock().purges.hard_after(entry.origin.number, scopes)
    }

    /// Whether a purge passed the fetch of this entry before a request of the number `request` came.
    pub(crate) fn entry_purged_before(&self, key: &Key, entry: &Entry, request: u64) -> bool {
        let scopes = self.scopes_of(key, entry);
        self.lock().purges.hard_between(entry.origin.number, request, scopes)
    }

    /// Replaces the slot of `key` by what `change` makes of it.
    fn update(&self, key: &Key, now: Tick, change: impl FnOnce(Option<&Slot>, usize) -> Option<Slot>) {
        let mut leaving = Vec::new();
        let mut write = self.lock();
        let old = self.cache.peek(key);
        let new = change(old.as_deref(), key.as_bytes().len()).filter(|slot| !slot.is_empty(now));
        self.replace(&mut write, key, old, new, &mut leaving);
        drop(write);
        drop(leaving);
    }

    /// The one place where slots come and go: it keeps the index true, whatever leaves, and gives what left to the
    /// caller, to be dropped outside the lock.
    fn replace(
        &self,
        write: &mut WriteSide,
        key: &Key,
        old: Option<Arc<Slot>>,
        new: Option<Slot>,
        leaving: &mut Vec<(Key, Arc<Slot>)>,
    ) {
        let since = write.emptied;
        let before = old.as_deref().map(|slot| self.index_scopes(slot, since)).unwrap_or_default();
        let after = new.as_ref().map(|slot| self.index_scopes(slot, since)).unwrap_or_default();
        for scope in before.iter().filter(|scope| !after.contains(scope)) {
            write.tags.remove(*scope, key);
        }
        for scope in after.iter().filter(|scope| !before.contains(scope)) {
            write.tags.add(*scope, key);
        }
        leaving.extend(old.map(|slot| (key.clone(), slot)));
        let Some(slot) = new else {
            leaving.extend(self.cache.remove(key));
            return;
        };
        let mut evicted = Vec::new();
        self.cache.insert_with_lifecycle(key.clone(), Arc::new(slot), &mut evicted);
        for (gone, slot) in &evicted {
            if gone != key {
                self.evicted.fetch_add(1, Ordering::Relaxed);
                self.index_scopes(slot, since).into_iter().for_each(|scope| write.tags.remove(scope, gone));
            }
        }
        // The store may refuse what it was given, and says so in the same way.
        if !after.is_empty() && !self.cache.contains_key(key) {
            after.into_iter().for_each(|scope| write.tags.remove(scope, key));
        }
        leaving.extend(evicted);
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

    /// What a slot is found by in the index: the paths, tags and groups of what was fetched after `since`.
    fn index_scopes(&self, slot: &Slot, since: u64) -> ScopeHashes {
        let mut scopes: ScopeHashes = slot
            .entries()
            .filter(|entry| entry.origin.number > since)
            .flat_map(|entry| self.named(&entry.origin).chain([self.scopes.path(&entry.origin.target.path)]))
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }

    /// All that an entry can be purged by.
    fn scopes_of(&self, key: &Key, entry: &Entry) -> ScopeHashes {
        let Origin { target, route, .. } = &entry.origin;
        let fixed = self.scopes.fixed(key, target, &route.name);
        fixed.into_iter().chain(self.named(&entry.origin)).collect()
    }

    /// The tags and groups of a response.
    fn named(&self, origin: &Origin) -> impl Iterator<Item = ScopeHash> {
        let tags = origin.tags.iter().map(|tag| self.scopes.tag(tag));
        let group = |group| self.scopes.group(&origin.target.authority, group);
        tags.chain(origin.groups.iter().map(move |name| group(name)))
    }

    /// How many keys were ever evicted for want of room.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// How many keys are stored.
    pub(crate) fn len(&self) -> usize {
        self.cache.len()
    }

    /// The bytes it may take.
    pub(crate) fn capacity(&self) -> u64 {
        self.cache.capacity()
    }

    /// The bytes that all of it takes, by estimate.
    pub(crate) fn weight(&self) -> u64 {
        self.cache.weight()
    }

    /// How many tags and paths the index holds.
    pub(crate) fn indexed(&self) -> usize {
        self.lock().tags.len()
    }

    /// Nothing of the callers' runs under this lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, WriteSide> {
        self.write.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what has so many pieces: where nobody waits for it, if they are many and there is such a place.
fn drop_elsewhere(pieces: usize, all: impl Send + 'static) {
    const MANY: usize = 4096;
    match Handle::try_current() {
        Ok(runtime) if pieces > MANY => drop(runtime.spawn_blocking(move || drop(all))),
        _ => drop(all),
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("len", &self.len())
            .field("weight", &self.weight())
            .finish_non_exhaustive()
    }
}

/// Weighs a slot as it weighed itself when it was made.
#[derive(Clone, Debug)]
struct ByWeight;

impl Weighter<Key, Arc<Slot>> for ByWeight {
    fn weight(&self, _key: &Key, slot: &Arc<Slot>) -> u64 {
        slot.weight()
    }
}

/// Collects what leaves, so that it is taken out of the index, and dropped outside the lock.
#[derive(Clone, Debug)]
struct Leaving;

impl Lifecycle<Key, Arc<Slot>> for Leaving {
    type RequestState = Vec<(Key, Arc<Slot>)>;

    fn on_evict(&self, leaving: &mut Self::RequestState, key: Key, slot: Arc<Slot>) {
        leaving.push((key, slot));
    }
}

#[cfg(all(test, shuttle))]
mod models;

#[cfg(test)]
mod tests;
