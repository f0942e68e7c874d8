//! What an unsafe request invalidates (RFC 9111 §4.4, RFC 9875).

use std::sync::Arc;

use http::{HeaderMap, header, uri::Scheme};

use crate::{entry::Target, key::Key, shared::Route, store::Purge, tag};

/// What a successful unsafe request invalidates: its target and the key that a GET for it would have; what `Location` and
/// `Content-Location` name with the same origin; the groups that any of it belongs to, and those that
/// `Cache-Group-Invalidation` lists.
#[derive(Debug)]
pub(super) struct Spoils {
    pub(super) scheme: Option<Scheme>,
    pub(super) target: Target,
    pub(super) key: Option<Key>,
}

impl Spoils {
    /// Carries it out, by what the response says.
    pub(super) fn invalidate(&self, route: &Arc<Route>, response: &HeaderMap) {
        let core = &route.core;
        let named = [header::LOCATION, header::CONTENT_LOCATION].into_iter().filter_map(|field| {
            let reference = response.get(field)?.to_str().ok()?;
            self.target.resolve(self.scheme.as_ref().map(Scheme::as_str), reference.trim())
        });
        let targets = named.chain([self.target.clone()]).filter(|target| !target.path.is_empty());
        let mut purges: Vec<Purge> = targets.map(Purge::target).collect();
        purges.extend(self.key.clone().map(Purge::key));
        // Looked up before any of it goes, and once: what leaves with its group invalidates no further ones (RFC 9875 §2.2.1).
        let mut groups: Vec<_> = purges.iter().flat_map(|purge| core.store.groups_of(&purge.scope)).collect();
        groups.extend(tag::invalidated_groups(response));
        groups.sort_unstable();
        groups.dedup();
        purges.extend(groups.into_iter().map(|group| Purge::group(&*self.target.authority, group)));
        for purge in &purges {
            core.purge(purge);
        }
    }
}
