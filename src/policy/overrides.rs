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

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn a_ttl_that_is_not_given_is_the_other_and_the_hard_one_is_never_the_shorter() {
        let new = CacheOverride::new;
        for (overrides, expected) in [
            (new(), None),
            (new().tag("a").no_store(), None),
            (new().soft_ttl(S(2)), Some((2, 2))),
            (new().hard_ttl(S(9)), Some((9, 9))),
            (new().soft_ttl(S(2)).hard_ttl(S(9)), Some((2, 9))),
            (new().soft_ttl(S(9)).hard_ttl(S(2)), Some((9, 9))),
        ] {
            let ttl = expected.map(|(soft, hard)| Ttl { soft: S(soft), hard: S(hard) });
            assert_eq!(overrides.ttl(), ttl, "{overrides:?}");
        }
    }

    #[test]
    fn what_is_said_adds_up() {
        let plain = CacheOverride::new().soft_ttl(S(2));
        assert!(!plain.forbids_storing() && plain.tags().is_empty());
        let all = plain.tag("a").no_store().tag("b");
        assert!(all.forbids_storing());
        assert_eq!(all.tags(), ["a", "b"]);
        assert_eq!(all.ttl(), Some(Ttl { soft: S(2), hard: S(2) }));
    }
}
