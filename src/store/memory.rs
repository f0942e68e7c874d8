//! The store in memory.

mod barrier;
mod equivalents;
#[cfg(feature = "admin")]
mod search;

#[cfg(feature = "admin")]
pub(crate) use search::Found;

use std::{
    fmt,
    sync::{Arc, PoisonError},
};

use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter, sync::Cache};
use smallvec::SmallVec;

use super::{
    Slot, Uncollapsed,
    purge::{PurgeLog, Scopes},
    search::{Place, SearchIndex},
    tags::{ScopeHash, TagIndex},
};
use crate::{
    clock::Tick,
    entry::{Entry, Origin},
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
    cache: Cache<Key, Slot, ByWeight, DefaultHashBuilder, Collect>,
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

/// What a slot is found by in the indices.
#[derive(Debug, Default)]
struct FoundBy {
    scopes: ScopeHashes,
    places: SmallVec<[Place; 1]>,
}

/// What all writers share, and readers do without.
#[derive(Debug, Default)]
struct WriteSide {
    /// Where to find what was fetched after `emptied`.
    tags: TagIndex,
    searches: SearchIndex,
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
            Ok(options) => Cache::with_options(options, ByWeight, DefaultHashBuilder::default(), Collect),
            // Both numbers that it asks for are given above.
            Err(_) => Cache::with(64, weights.capacity, ByWeight, DefaultHashBuilder::default(), Collect),
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
    pub(crate) fn get(&self, key: &[u8]) -> Option<Slot> {
        self.cache.get(key)
    }

    /// What stands under a key, without counting as a use of it.
    pub(crate) fn peek(&self, key: &[u8]) -> Option<Slot> {
        self.cache.peek(key)
    }

    /// What stands under a key was found another way, and has answered.
    pub(crate) fn used(&self, key: &[u8]) {
        drop(self.cache.get(key));
    }

    /// Keeps `entry`, whose content is set, unless a purge has passed its fetch. With `uncollapsed`, requests do not
    /// wait for each other for that time.
    pub(crate) fn insert(
        &self,
        key: &Key,
        entry: &Arc<Entry>,
        uncollapsed: Option<Uncollapsed>,
        now: Tick,
    ) -> Result<(), Reason> {
        let mut leaving = Leaving::default();
        let mut write = self.lock();
        let number = entry.origin.number;
        let passed = write.purges.any_after(number);
        let scopes = if passed { self.scopes_on_its_way(key, entry) } else { ScopeHashes::new() };
        if entry.is_purged() || write.purges.hard_after(number, scopes.iter().copied()).is_some() {
            return Err(Reason::Purged);
        }
        if write.purges.soft_after(number, scopes) {
            entry.times.make_stale(now);
        }
        let old = self.cache.peek(key);
        let base = old.as_ref();
        if base.is_some_and(|slot| slot.has_overtaken(entry, now)) {
            return Err(Reason::Overtaken);
        }
        let mut slot =
            base.unwrap_or(&Slot::EMPTY).with(Arc::clone(entry), key.as_bytes().len(), self.max_weight);
        if let Some(uncollapsed) = uncollapsed {
            slot = slot.with_uncollapsed(uncollapsed, key.as_bytes().len());
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

    /// Notes that requests for `key` do not wait for each other.
    pub(crate) fn mark_uncollapsed(&self, key: &Key, note: Uncollapsed, now: Tick) {
        self.update(key, now, |slot, key| Some(slot.unwrap_or(&Slot::EMPTY).with_uncollapsed(note, key)));
    }

    /// Replaces the slot of `key` by what `change` makes of it.
    fn update(&self, key: &Key, now: Tick, change: impl FnOnce(Option<&Slot>, usize) -> Option<Slot>) {
        self.update_leaving(key, now, change, &mut Leaving::default());
    }

    /// The same, for one who drops what leaves in a place of its own.
    fn update_leaving(
        &self,
        key: &Key,
        now: Tick,
        change: impl FnOnce(Option<&Slot>, usize) -> Option<Slot>,
        leaving: &mut Leaving,
    ) {
        let mut write = self.lock();
        let old = self.cache.peek(key);
        let new = change(old.as_ref(), key.as_bytes().len()).filter(|slot| !slot.is_empty(now));
        self.replace(&mut write, key, old, new, leaving);
    }

    /// The one place where slots come and go: it keeps the index true, whatever leaves, and gives what left to the
    /// caller, to be dropped outside the lock.
    fn replace(
        &self,
        write: &mut WriteSide,
        key: &Key,
        old: Option<Slot>,
        new: Option<Slot>,
        leaving: &mut Leaving,
    ) {
        let since = write.emptied;
        let before = old.as_ref().map(|slot| self.found_by(key, slot, since)).unwrap_or_default();
        let after = new.as_ref().map(|slot| self.found_by(key, slot, since)).unwrap_or_default();
        write.reindex(key, &before, &after);
        leaving.extend(old.map(|slot| (key.clone(), slot)));
        let Some(slot) = new else {
            leaving.extend(self.cache.remove(key));
            return;
        };
        let mut evicted = Leaving::default();
        self.cache.insert_with_lifecycle(key.clone(), slot, &mut evicted);
        for (gone, slot) in &evicted {
            if gone != key {
                self.evicted.fetch_add(1, Ordering::Relaxed);
                write.reindex(gone, &self.found_by(gone, slot, since), &FoundBy::default());
            }
        }
        // The store may refuse what it was given, and says so in the same way.
        if !after.scopes.is_empty() && !self.cache.contains_key(key) {
            write.reindex(key, &after, &FoundBy::default());
        }
        leaving.extend(evicted);
    }

    /// What a slot is found by in the indices, as far as it was fetched after `since`.
    fn found_by(&self, key: &Key, slot: &Slot, since: u64) -> FoundBy {
        FoundBy { scopes: self.index_scopes(slot, since), places: self.places(key, slot, since) }
    }

    /// Its paths, tags and groups.
    fn index_scopes(&self, slot: &Slot, since: u64) -> ScopeHashes {
        let mut scopes: ScopeHashes = slot
            .entries()
            .filter(|entry| entry.origin.number > since)
            .flat_map(|entry| {
                let path = [self.scopes.path(entry.origin.target.path())];
                self.named(&entry.origin).chain(path).chain(self.queries(entry))
            })
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

    /// The same for an entry that was not there when a purge came, and may be the same for the URL that was meant.
    fn scopes_on_its_way(&self, key: &Key, entry: &Entry) -> ScopeHashes {
        let mut scopes = self.scopes_of(key, entry);
        scopes.extend(self.queries(entry));
        scopes
    }

    /// The path with any query, if the response may be the same for others.
    fn queries(&self, entry: &Entry) -> Option<ScopeHash> {
        entry.search.as_ref().map(|_| self.scopes.queries(entry.origin.target.path()))
    }

    /// The tags and groups of a response.
    fn named(&self, origin: &Origin) -> impl Iterator<Item = ScopeHash> {
        let tags = origin.tags.iter().map(|tag| self.scopes.tag(tag));
        let group = |group| self.scopes.group(origin.target.authority(), group);
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

    /// How many tags, paths and forms of queries the indices hold.
    pub(crate) fn indexed(&self) -> usize {
        let write = self.lock();
        write.tags.len() + write.searches.len()
    }

    /// Nothing of the callers' runs under this lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, WriteSide> {
        self.write.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteSide {
    /// What a key is found by changes from the one to the other.
    fn reindex(&mut self, key: &Key, before: &FoundBy, after: &FoundBy) {
        before.scopes.iter().filter(|scope| !after.scopes.contains(scope)).for_each(|scope| {
            self.tags.remove(*scope, key);
        });
        after.scopes.iter().filter(|scope| !before.scopes.contains(scope)).for_each(|scope| {
            self.tags.add(*scope, key);
        });
        let left = before.places.iter().filter(|place| !after.places.contains(place));
        left.for_each(|place| self.searches.remove(place, key));
        let come = after.places.iter().filter(|place| !before.places.contains(place));
        come.for_each(|place| self.searches.add(place, key));
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

impl Weighter<Key, Slot> for ByWeight {
    fn weight(&self, _key: &Key, slot: &Slot) -> u64 {
        slot.weight()
    }
}

/// What leaves, mostly one or two, to be dropped outside the lock.
type Leaving = SmallVec<[(Key, Slot); 4]>;

/// Collects what is evicted, so that it is taken out of the index.
#[derive(Clone, Debug)]
struct Collect;

impl Lifecycle<Key, Slot> for Collect {
    type RequestState = Leaving;

    fn on_evict(&self, leaving: &mut Self::RequestState, key: Key, slot: Slot) {
        leaving.push((key, slot));
    }
}

#[cfg(all(test, shuttle))]
mod models;

#[cfg(test)]
mod tests;
