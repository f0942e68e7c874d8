//! A request that is answered by what is stored for another query of its URL (No-Vary-Search).

use std::sync::Arc;

use http::request;

use super::respond::{Ask, Served};
use crate::{
    clock::Tick,
    entry::Entry,
    key::{self, Key},
    policy::{cache_control::RequestDirectives, reuse::Reuse},
    shared::{self, Route},
};

/// A stored response that is the same for the request's query, and may answer it.
pub(super) struct Equivalent {
    pub(super) key: Key,
    pub(super) entry: Arc<Entry>,
    pub(super) served: Served,
    /// The same request for the very URL of what is stored, where that is stale: its refresh is one of that.
    pub(super) refresh: Option<request::Parts>,
}

/// The stored response that answers a request for whose own key there is none: one that is fresh, or the newest.
pub(super) fn equivalent(
    route: &Route,
    key: &[u8],
    ask: &Ask,
    asked: Option<&RequestDirectives>,
    parts: &request::Parts,
    now: Tick,
) -> Option<Equivalent> {
    if !route.settings.rules.no_vary_search {
        return None;
    }
    let found = route.core.store.equivalents(key).into_iter().filter_map(|(own, slot)| {
        let entry = slot.select(&parts.headers)?;
        let fits = entry.is_same_for(&own, key) && shared::may_use(entry, ask.asker);
        let reuse = entry.reuse_as_asked(asked, now);
        let served = Served::from_memory(reuse).filter(|_| fits)?;
        Some((reuse == Reuse::Fresh, Arc::clone(entry), own, served))
    });
    let (fresh, entry, key, served) = found.max_by_key(|(fresh, entry, ..)| (*fresh, entry.origin.number))?;
    let refresh = if fresh { None } else { Some(aimed_at(route, &key, &entry, ask, parts)?) };
    Some(Equivalent { key, entry, served, refresh })
}

/// The same request for the URL of a stored response; nothing where that has another key all the same.
fn aimed_at(
    route: &Route,
    own: &Key,
    entry: &Entry,
    ask: &Ask,
    parts: &request::Parts,
) -> Option<request::Parts> {
    let mut parts = parts.clone();
    let (_, query) = key::split_query(&entry.origin.target.path);
    key::set_query(&mut parts, query)?;
    (route.key(&parts, ask.facts).as_ref() == Some(own)).then_some(parts)
}
