//! Which keys stand under a tag or a path. Names are hashed: two that meet make a purge look at a key too many, and
//! whether an entry is meant is decided by the entry itself.

use std::collections::{HashMap, HashSet, hash_map};

use quick_cache::DefaultHashBuilder;

use crate::key::Key;

/// The hash of a scope, as [`Scopes`](super::purge::Scopes) makes it.
pub(crate) type ScopeHash = u64;

/// Tag or path → keys. Every way in which an entry leaves the store ends in [`TagIndex::remove`].
#[derive(Debug, Default)]
pub(crate) struct TagIndex {
    keys: HashMap<ScopeHash, Keys, DefaultHashBuilder>,
}

/// Most scopes hold one key, the path's.
#[derive(Debug)]
enum Keys {
    One(Key),
    #[expect(
        clippy::box_collection,
        reason = "a set is three times as large as a key, and few scopes have one"
    )]
    Many(Box<HashSet<Key, DefaultHashBuilder>>),
}

impl TagIndex {
    pub(crate) fn add(&mut self, scope: ScopeHash, key: &Key) {
        match self.keys.entry(scope) {
            hash_map::Entry::Vacant(place) => {
                place.insert(Keys::One(key.clone()));
            }
            hash_map::Entry::Occupied(mut place) => match place.get_mut() {
                Keys::One(one) if one == key => {}
                Keys::One(one) => {
                    let both = HashSet::from_iter([one.clone(), key.clone()]);
                    place.insert(Keys::Many(Box::new(both)));
                }
                Keys::Many(many) => {
                    many.insert(key.clone());
                }
            },
        }
    }

    pub(crate) fn remove(&mut self, scope: ScopeHash, key: &Key) {
        let hash_map::Entry::Occupied(mut place) = self.keys.entry(scope) else { return };
        let empty = match place.get_mut() {
            Keys::One(one) => one == key,
            Keys::Many(many) => {
                many.remove(key);
                if many.len() * 4 < many.capacity() {
                    many.shrink_to(many.len() * 2);
                }
                many.is_empty()
            }
        };
        if empty {
            place.remove();
        }
        if self.keys.len() * 8 < self.keys.capacity() && self.keys.capacity() > 1024 {
            self.keys.shrink_to(self.keys.len() * 2);
        }
    }

    /// The keys of a scope, or as many of them as asked for.
    pub(crate) fn keys(&self, scope: ScopeHash, most: usize) -> Vec<Key> {
        match self.keys.get(&scope) {
            None => Vec::new(),
            Some(Keys::One(key)) => vec![key.clone()],
            Some(Keys::Many(keys)) => keys.iter().take(most).cloned().collect(),
        }
    }

    /// How many scopes hold a key.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}
