//! What an unsafe request invalidates (RFC 9111 §4.4, RFC 9875).

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
    /// The purges that it comes to, by what the response says.
    pub(super) fn purges(&self, route: &Route, response: &HeaderMap) -> Vec<Purge> {
        let core = &route.core;
        let named = [header::LOCATION, header::CONTENT_LOCATION].into_iter().filter_map(|field| {
            let reference = response.get(field)?.to_str().ok()?;
            self.resolve(reference.trim())
        });
        let targets = named.chain([self.target.clone()]).filter(|target| !target.path().is_empty());
        let mut purges: Vec<Purge> = targets.map(Purge::target).collect();
        purges.extend(self.key.clone().map(Purge::key));
        // Looked up before any of it goes, and once: what leaves with its group invalidates no further ones (RFC 9875 §2.2.1).
        let mut groups: Vec<_> = purges.iter().flat_map(|purge| core.store.groups_of(&purge.scope)).collect();
        groups.extend(tag::invalidated_groups(response).iter().cloned());
        groups.sort_unstable();
        groups.dedup();
        purges.extend(groups.into_iter().map(|group| Purge::group(self.target.authority(), group)));
        purges
    }

    /// What a reference in the response means, if it has the same origin.
    fn resolve(&self, reference: &str) -> Option<Target> {
        self.target.resolve(self.scheme.as_ref().map(Scheme::as_str), reference)
    }

    /// Whether a response is what a GET for the target would get: it names the target as its own place (RFC 9110 §9.3.3).
    pub(super) fn is_in_place(&self, response: &HeaderMap) -> bool {
        let mut lines = response.get_all(header::CONTENT_LOCATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return false };
        let reference = line.to_str().map_or("", str::trim);
        !reference.is_empty() && self.resolve(reference).is_some_and(|place| place == self.target)
    }
}
