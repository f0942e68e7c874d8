//! What stands under one key: the variants of a response, and a note that nothing is to be collapsed for it.

use std::sync::Arc;

use http::HeaderMap;
use smallvec::SmallVec;

use crate::{clock::Tick, entry::Entry, policy::vary::Selecting};

/// The variants kept under one key at most; the oldest goes first.
const MAX_VARIANTS: usize = 32;
/// What a slot takes beyond its entries: itself, its place in the store, its reference counts.
const SLOT_COST: u64 = 160;

/// An immutable list of variants, the newest first. A change makes a new slot.
#[derive(Debug)]
pub(crate) struct Slot {
    variants: SmallVec<[Arc<Entry>; 1]>,
    /// Until then, requests for this key do not wait for each other (what others call hit-for-miss).
    uncollapsed_until: Tick,
    weight: u64,
}

impl Slot {
    pub(crate) fn empty() -> Self {
        Self { variants: SmallVec::new(), uncollapsed_until: Tick::PAST, weight: 0 }
    }

    /// The variant that a request selects (RFC 9111 §4.1): the newest one that matches and no purge has passed.
    pub(crate) fn select(&self, request: &HeaderMap) -> Option<&Arc<Entry>> {
        let mut current = self.variants.iter().filter(|entry| !entry.is_purged());
        match self.variants.as_slice() {
            [_] => current.find(|entry| entry.selecting.matches(request)),
            // Not every variant is to be compared in every spelling.
            _ => {
                let mut again = current.clone();
                let as_it_is = current.find(|entry| entry.selecting.matches_as_it_is(request));
                as_it_is.or_else(|| again.find(|entry| entry.selecting.matches(request)))
            }
        }
    }

    /// The fields that told the newest variant from others, for a request that selects none.
    pub(crate) fn newest_selecting(&self) -> Option<&Selecting> {
        self.variants.first().map(|entry| &entry.selecting)
    }

    pub(crate) fn is_uncollapsed(&self, now: Tick) -> bool {
        now < self.uncollapsed_until
    }

    pub(crate) fn variants(&self) -> &[Arc<Entry>] {
        &self.variants
    }

    /// Whether nothing in it is worth its place.
    pub(crate) fn is_empty(&self, now: Tick) -> bool {
        self.variants.is_empty() && !self.is_uncollapsed(now)
    }

    /// All that the slot and its key take, in bytes.
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    /// The slot with `entry` as its newest variant, in place of those it makes unreachable. The oldest variants go until
    /// it weighs no more than `max_weight`.
    pub(crate) fn with(&self, entry: Arc<Entry>, key: usize, max_weight: u64) -> Self {
        let mut variants: SmallVec<[Arc<Entry>; 1]> = SmallVec::new();
        let mut weight = SLOT_COST + key as u64 + entry.weight();
        let replaced = |old: &Entry| {
            old.is_purged()
                || !old.selecting.same_fields(&entry.selecting)
                || old.selecting == entry.selecting
        };
        let kept: SmallVec<[Arc<Entry>; 1]> = self
            .variants
            .iter()
            .filter(|old| !replaced(old))
            .take(MAX_VARIANTS - 1)
            .take_while(|old| {
                weight += old.weight();
                weight <= max_weight
            })
            .cloned()
            .collect();
        variants.push(entry);
        variants.extend(kept);
        Self::weighed(variants, Tick::PAST, key)
    }

    /// The slot with only those variants that `keep` says and no purge has passed.
    pub(crate) fn retain(&self, key: usize, keep: impl Fn(&Arc<Entry>) -> bool) -> Self {
        let stays = |entry: &&Arc<Entry>| !entry.is_purged() && keep(entry);
        let variants = self.variants.iter().filter(stays).cloned().collect();
        Self::weighed(variants, self.uncollapsed_until, key)
    }

    /// The slot with nothing collapsed until `until`.
    pub(crate) fn uncollapsed(&self, until: Tick, key: usize) -> Self {
        Self { uncollapsed_until: until, ..self.retain(key, |_| true) }
    }

    fn weighed(variants: SmallVec<[Arc<Entry>; 1]>, uncollapsed_until: Tick, key: usize) -> Self {
        let entries: u64 = variants.iter().map(|entry| entry.weight()).sum();
        Self { variants, uncollapsed_until, weight: SLOT_COST + key as u64 + entries }
    }
}
