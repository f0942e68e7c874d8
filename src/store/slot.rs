//! What stands under one key: the variants of a response, and a note that nothing is to be collapsed for it.

use std::{slice, sync::Arc};

use http::HeaderMap;
use smallvec::SmallVec;

use crate::{
    clock::Tick,
    entry::Entry,
    event::Reason,
    policy::{reuse::Reuse, validation, vary::Selecting},
};

/// The variants kept under one key at most; the oldest goes first.
const MAX_VARIANTS: usize = 32;
/// The parts kept beside them at most; the oldest goes first.
const MAX_PARTS: usize = 8;
/// What a slot takes beyond its entries: its place in the store, and its key's reference counts.
const SLOT_COST: u64 = 88;

/// An immutable list of variants, the newest first. A change makes a new slot; a clone is a reference count.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    stands: Stands,
    weight: u64,
}

#[derive(Clone, Debug)]
enum Stands {
    Nothing,
    /// One whole response: most of them do with no memory but its own.
    One(Arc<Entry>),
    Several(Arc<Several>),
}

#[derive(Debug)]
struct Several {
    variants: Variants,
    /// Parts of responses that are not there as a whole, the newest first. They are never selected in the place of a whole.
    parts: Vec<Arc<Entry>>,
    note: Option<Uncollapsed>,
}

type Variants = SmallVec<[Arc<Entry>; 1]>;

/// A note that requests for a key do not wait for each other (what others call hit-for-miss).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uncollapsed {
    pub(crate) until: Tick,
    /// Why the response was not stored; `None` for one that is stored, and is for nobody who has not asked.
    pub(crate) reason: Option<Reason>,
}

impl Slot {
    pub(crate) const EMPTY: Self = Self { stands: Stands::Nothing, weight: 0 };

    /// The variant that a request selects (RFC 9111 §4.1): the newest one that matches and no purge has passed.
    #[inline]
    pub(crate) fn select(&self, request: &HeaderMap) -> Option<&Arc<Entry>> {
        let mut current = self.variants().iter().filter(|entry| !entry.is_purged());
        match self.variants() {
            [_] => current.find(|entry| entry.selecting.matches(request)),
            // Not every variant is to be compared in every spelling.
            _ => {
                let mut again = current.clone();
                let as_it_is = current.find(|entry| entry.selecting.matches_as_it_is(request));
                as_it_is.or_else(|| again.find(|entry| entry.selecting.matches(request)))
            }
        }
    }

    /// The parts of the variant that a request selects, as far as no purge has passed them.
    pub(crate) fn parts(&self, request: &HeaderMap) -> impl Iterator<Item = &Arc<Entry>> {
        self.all_parts().iter().filter(|part| !part.is_purged() && part.selecting.matches(request))
    }

    /// The fields that told the newest variant from others, for a request that selects none.
    pub(crate) fn newest_selecting(&self) -> Option<&Selecting> {
        self.variants().first().map(|entry| &entry.selecting)
    }

    pub(crate) fn is_uncollapsed(&self, now: Tick) -> bool {
        self.uncollapsed(now).is_some()
    }

    /// The note, as long as it counts.
    pub(crate) fn uncollapsed(&self, now: Tick) -> Option<Uncollapsed> {
        self.note().filter(|note| now < note.until)
    }

    #[inline]
    pub(crate) fn variants(&self) -> &[Arc<Entry>] {
        match &self.stands {
            Stands::Nothing => &[],
            Stands::One(entry) => slice::from_ref(entry),
            Stands::Several(several) => &several.variants,
        }
    }

    fn all_parts(&self) -> &[Arc<Entry>] {
        match &self.stands {
            Stands::Nothing | Stands::One(_) => &[],
            Stands::Several(several) => &several.parts,
        }
    }

    fn note(&self) -> Option<Uncollapsed> {
        match &self.stands {
            Stands::Nothing | Stands::One(_) => None,
            Stands::Several(several) => several.note,
        }
    }

    /// All that stands here, variants and parts.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.variants().iter().chain(self.all_parts())
    }

    /// Whether nothing in it is worth its place.
    pub(crate) fn is_empty(&self, now: Tick) -> bool {
        self.entries().next().is_none() && !self.is_uncollapsed(now)
    }

    /// All that the slot and its key take, in bytes.
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    /// Whether something stands in the way of `entry`: a response that was fetched later, in its very place; for a part, any
    /// whole that it would replace and that is not over at `now`.
    pub(crate) fn has_overtaken(&self, entry: &Entry, now: Tick) -> bool {
        let later = |other: &Entry| {
            other.origin.number > entry.origin.number
                && other.selecting == entry.selecting
                && !other.is_purged()
        };
        if entry.extent.is_none() {
            return self.variants().iter().any(|other| later(other));
        }
        let lasts = |other: &Entry| !other.is_purged() && other.reuse(now) != Reuse::Gone;
        self.variants().iter().any(|whole| replaces(entry, whole) && lasts(whole))
            || self.all_parts().iter().any(|part| later(part) && !stands_beside(part, entry))
    }

    /// The slot with `entry` as its newest variant or part, in place of those it makes unreachable. The oldest go until it
    /// weighs no more than `max_weight`.
    pub(crate) fn with(&self, entry: Arc<Entry>, key: usize, max_weight: u64) -> Self {
        let mut weight = SLOT_COST + key as u64 + entry.weight();
        let mut fits = |old: &&Arc<Entry>| {
            weight += old.weight();
            weight <= max_weight
        };
        let stays = |old: &&Arc<Entry>| !replaces(&entry, old);
        let (mut variants, mut parts) = (Variants::new(), Vec::new());
        match entry.extent {
            None => variants.push(Arc::clone(&entry)),
            Some(_) => parts.push(Arc::clone(&entry)),
        }
        let room = MAX_VARIANTS - variants.len();
        variants.extend(self.variants().iter().filter(stays).take(room).take_while(&mut fits).cloned());
        let room = MAX_PARTS - parts.len();
        parts.extend(self.all_parts().iter().filter(stays).take(room).take_while(&mut fits).cloned());
        Self::of(variants, parts, None, key)
    }

    /// The slot with only those variants and parts that `keep` says and no purge has passed.
    pub(crate) fn retain(&self, key: usize, keep: impl Fn(&Arc<Entry>) -> bool) -> Self {
        self.retain_with(self.note(), key, keep)
    }

    /// The slot with nothing collapsed.
    pub(crate) fn with_uncollapsed(&self, note: Uncollapsed, key: usize) -> Self {
        self.retain_with(Some(note), key, |_| true)
    }

    fn retain_with(&self, note: Option<Uncollapsed>, key: usize, keep: impl Fn(&Arc<Entry>) -> bool) -> Self {
        let stays = |entry: &&Arc<Entry>| !entry.is_purged() && keep(entry);
        let variants = self.variants().iter().filter(stays).cloned().collect();
        let parts = self.all_parts().iter().filter(stays).cloned().collect();
        Self::of(variants, parts, note, key)
    }

    fn of(variants: Variants, parts: Vec<Arc<Entry>>, note: Option<Uncollapsed>, key: usize) -> Self {
        let entries: u64 = variants.iter().chain(&parts).map(|entry| entry.weight()).sum();
        let (stands, several) = match (variants.as_slice(), parts.as_slice(), note) {
            ([], [], None) => (Stands::Nothing, 0),
            ([one], [], None) => (Stands::One(Arc::clone(one)), 0),
            _ => {
                let several = Several { variants, parts, note };
                (Stands::Several(Arc::new(several)), size_of::<Several>())
            }
        };
        Self { stands, weight: SLOT_COST + (key + several) as u64 + entries }
    }
}

/// Whether `old` has no place any more where `entry` stands.
fn replaces(entry: &Entry, old: &Entry) -> bool {
    old.is_purged()
        || !old.selecting.same_fields(&entry.selecting)
        || (old.selecting == entry.selecting && !stands_beside(entry, old))
}

/// Whether two parts are of the same content, and `entry` has not all of `old`.
fn stands_beside(entry: &Entry, old: &Entry) -> bool {
    let (Some(new), Some(extent)) = (&entry.extent, &old.extent) else { return false };
    !new.covers(&extent.bytes) && validation::same_strong(entry.headers.as_map(), old.headers.as_map())
}

#[cfg(test)]
mod tests;
