//! What is stored for other queries of a URL and is the same for this one (No-Vary-Search).

use std::sync::Arc;

use smallvec::SmallVec;

use super::Store;
use crate::{
    entry::Entry,
    key::{Key, Stem},
    store::{Slot, search::Place},
};

impl Store {
    /// What stands under other keys that may be the same for this one; whether it is, each response has to say itself. None
    /// of it counts as used.
    pub(crate) fn equivalents(&self, key: &[u8]) -> Vec<(Key, Slot)> {
        let Some(stem) = Stem::of(key) else { return Vec::new() };
        let rules = self.lock().searches.rules(self.scopes.stem(&stem.key));
        let mut keys: SmallVec<[Key; 8]> = SmallVec::new();
        for rule in rules {
            let form = self.scopes.form(&stem.key, &rule.form(stem.query));
            keys.extend(self.lock().searches.keys(form));
        }
        keys.sort_unstable();
        keys.dedup();
        let others = keys.into_iter().filter(|other| other.as_bytes() != key);
        others.filter_map(|other| self.cache.peek(&other).map(|slot| (other, slot))).collect()
    }

    /// By what the responses under a key are found for other queries.
    pub(super) fn places(&self, key: &Key, slot: &Slot, since: u64) -> SmallVec<[Place; 1]> {
        let mut places = SmallVec::new();
        let own = slot.variants().iter().filter(|entry| entry.origin.number > since);
        let mut rules = own.filter_map(|entry: &Arc<Entry>| entry.search.as_ref()).peekable();
        if rules.peek().is_none() {
            return places;
        }
        let Some(stem) = Stem::of(key.as_bytes()) else { return places };
        for rule in rules {
            let form = self.scopes.form(&stem.key, &rule.form(stem.query));
            let place = Place { stem: self.scopes.stem(&stem.key), form, rule: Arc::clone(rule) };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }
}
