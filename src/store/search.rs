//! Which keys hold responses that are the same for other queries (No-Vary-Search).

use std::{collections::HashMap, sync::Arc};

use quick_cache::DefaultHashBuilder;
use smallvec::SmallVec;

use super::tags::ScopeHash;
use crate::key::{Key, SearchVariance};

/// The newest rules that a path is looked up by. There should be one (draft-ietf-httpbis-no-vary-search §6).
const MAX_RULES: usize = 2;
/// The newest keys that are known for one form of the query.
const MAX_KEYS: usize = 8;

/// By what a key is found whose response is the same for other queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The key without its query.
    pub(super) stem: ScopeHash,
    /// The same with the form that its query has under the rule.
    pub(super) form: ScopeHash,
    pub(super) rule: Arc<SearchVariance>,
}

/// A rule, and the number of keys whose responses say so.
type Counted = (Arc<SearchVariance>, usize);

/// The rules of paths, and the keys of forms. All that leaves the store leaves it by [`SearchIndex::remove`].
#[derive(Debug, Default)]
pub(super) struct SearchIndex {
    /// The newest first.
    rules: Map<SmallVec<[Counted; 1]>>,
    /// The newest first.
    keys: Map<SmallVec<[Key; 1]>>,
}

type Map<T> = HashMap<ScopeHash, T, DefaultHashBuilder>;

impl SearchIndex {
    pub(super) fn add(&mut self, Place { stem, form, rule }: &Place, key: &Key) {
        let rules = self.rules.entry(*stem).or_default();
        let known = rules.iter().position(|(known, _)| known == rule).map(|at| rules.remove(at));
        let (rule, count) = known.unwrap_or_else(|| (Arc::clone(rule), 0));
        rules.insert(0, (rule, count + 1));
        let keys = self.keys.entry(*form).or_default();
        keys.retain(|known| known != key);
        keys.insert(0, key.clone());
        keys.truncate(MAX_KEYS);
    }

    pub(super) fn remove(&mut self, Place { stem, form, rule }: &Place, key: &Key) {
        if let Some(rules) = self.rules.get_mut(stem) {
            rules.iter_mut().filter(|(known, _)| known == rule).for_each(|(_, count)| *count -= 1);
            rules.retain(|(_, count)| *count > 0);
            if rules.is_empty() {
                self.rules.remove(stem);
            }
        }
        if let Some(keys) = self.keys.get_mut(form) {
            keys.retain(|known| known != key);
            if keys.is_empty() {
                self.keys.remove(form);
            }
        }
        shrink(&mut self.rules);
        shrink(&mut self.keys);
    }

    /// The rules that a path is looked up by.
    pub(super) fn rules(&self, stem: ScopeHash) -> SmallVec<[Arc<SearchVariance>; MAX_RULES]> {
        let rules = self.rules.get(&stem).into_iter().flatten();
        rules.take(MAX_RULES).map(|(rule, _)| Arc::clone(rule)).collect()
    }

    /// The keys that are known for a form.
    pub(super) fn keys(&self, form: ScopeHash) -> SmallVec<[Key; 1]> {
        self.keys.get(&form).cloned().unwrap_or_default()
    }

    /// How many paths and forms it holds.
    pub(super) fn len(&self) -> usize {
        self.rules.len() + self.keys.len()
    }
}

fn shrink<T>(map: &mut Map<T>) {
    if map.len() * 8 < map.capacity() && map.capacity() > 1024 {
        map.shrink_to(map.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn place(form: ScopeHash, rule: &'static str) -> Place {
        let field = (HeaderName::from_static("no-vary-search"), HeaderValue::from_static(rule));
        let rule = SearchVariance::from_headers(&HeaderMap::from_iter([field])).expect("a rule");
        Place { stem: 1, form, rule: Arc::new(rule) }
    }

    fn key(n: usize) -> Key {
        Key::from_bytes(n.to_string().as_bytes())
    }

    #[test]
    fn what_has_left_is_not_found_and_takes_no_room() {
        let mut index = SearchIndex::default();
        let places = ["params", "key-order", "params=(\"a\")"].map(|rule| place(7, rule));
        for (n, place) in places.iter().enumerate() {
            index.add(place, &key(n));
            index.add(place, &key(n + 10));
        }
        assert_eq!(index.rules(1)[..], [places[2].rule.clone(), places[1].rule.clone()], "the newest two");
        assert_eq!(index.keys(7)[..], [12, 2, 11, 1, 10, 0].map(key));
        index.remove(&places[2], &key(2));
        assert_eq!(index.rules(1)[0], places[2].rule, "another key says so still");
        index.remove(&places[2], &key(12));
        assert_eq!(index.rules(1)[..], [places[1].rule.clone(), places[0].rule.clone()]);
        assert_eq!(index.keys(7)[..], [11, 1, 10, 0].map(key));
        for (n, place) in places.iter().enumerate().take(2) {
            index.remove(place, &key(n));
            index.remove(place, &key(n + 10));
        }
        assert_eq!(index.len(), 0);
    }

    #[test]
    fn a_crowd_leaves_no_large_maps_behind() {
        let mut index = SearchIndex::default();
        let crowd: Vec<_> = (0..5_000).map(|n| Place { stem: n, ..place(n, "params") }).collect();
        crowd.iter().for_each(|place| index.add(place, &key(0)));
        assert!(index.rules.capacity().min(index.keys.capacity()) >= 5_000);
        crowd.iter().for_each(|place| index.remove(place, &key(0)));
        assert!(index.rules.capacity().max(index.keys.capacity()) < 1_000);
    }

    #[test]
    fn of_many_keys_of_one_form_the_newest_are_known() {
        let mut index = SearchIndex::default();
        for n in 0..100 {
            index.add(&place(7, "params"), &key(n));
        }
        assert_eq!(index.keys(7)[..], (92..100).rev().map(key).collect::<Vec<_>>());
        for n in 0..100 {
            index.remove(&place(7, "params"), &key(n));
        }
        assert_eq!(index.len(), 0);
    }
}
