//! What a handler says about one response, over its route's configuration.

use std::time::Duration;

use super::Ttl;

/// Put into a response's extensions, overrules the route for that response.
///
/// ```
/// use std::time::Duration;
/// use tower_swr_cache::CacheOverride;
///
/// # let mut response = http::Response::new(());
/// let soon_over = CacheOverride::new().soft_ttl(Duration::from_secs(2)).hard_ttl(Duration::from_secs(10)).tag("live");
/// response.extensions_mut().insert(soon_over);
/// ```
///
/// It does not lift what forbids storing: `no-store`, `private`, `Set-Cookie` and their like still count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CacheOverride {
    soft: Option<Duration>,
    hard: Option<Duration>,
    no_store: bool,
    tags: Vec<String>,
}

impl CacheOverride {
    /// Overrules nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the response is fresh. Defaults to the hard TTL given here, or to what the route says.
    pub fn soft_ttl(mut self, ttl: Duration) -> Self {
        self.soft = Some(ttl);
        self
    }

    /// How long the response is served at all while fetches succeed. Defaults to the soft TTL given here, or to what the
    /// route says. A hard TTL below the soft one counts as equal to it.
    pub fn hard_ttl(mut self, ttl: Duration) -> Self {
        self.hard = Some(ttl);
        self
    }

    /// The response is not stored, nor shared with anybody who waits. Defaults to what the response says.
    pub fn no_store(mut self) -> Self {
        self.no_store = true;
        self
    }

    /// Adds a tag to purge the response by. Defaults to those of `Cache-Tag` and `Surrogate-Key`.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    pub(crate) fn ttl(&self) -> Option<Ttl> {
        let soft = self.soft.or(self.hard)?;
        Some(Ttl { soft, hard: self.hard.unwrap_or(soft).max(soft) })
    }

    pub(crate) fn forbids_storing(&self) -> bool {
        self.no_store
    }

    pub(crate) fn tags(&self) -> &[String] {
        &self.tags
    }
}
