//! What a purge is aimed at, and the log that makes it a barrier for the fetches under way.

use std::{collections::HashMap, hash::BuildHasher};

use http::Uri;
use quick_cache::DefaultHashBuilder;
use smallvec::SmallVec;

use super::tags::ScopeHash;
use crate::{
    entry::{Entry, Origin, Target},
    error::ConfigError,
    key::{Key, split_query},
};

/// What to purge, and how: given to [`CacheHandle::purge`](crate::CacheHandle::purge).
///
/// A purge is a barrier. What was fetched before it is not stored after it, and no request that comes after it is
/// answered from what was fetched before.
///
/// ```
/// # use tower_swr_cache::{CacheHandle, Purge};
/// # let cache = CacheHandle::builder().build()?;
/// cache.purge(Purge::tag("nba"));
/// cache.purge(Purge::url("https://example.com/odds/nba")?.soft());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
/// With feature `serde` it can be sent to other instances, which [apply](crate::CacheHandle::apply_purge) it: it is
/// `{"tag": "nba"}` in JSON, with `"soft": true` for a soft one; or one of `url`, `key`, `route` and `all` (true).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(try_from = "super::form::PurgeForm", into = "super::form::PurgeForm")
)]
#[must_use = "a purge does nothing until it is given to a handle"]
pub struct Purge {
    pub(crate) scope: Scope,
    pub(crate) soft: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Key(Key),
    Url {
        authority: Option<String>,
        path: String,
    },
    Tag(String),
    /// The group of this name among the responses of one host (RFC 9875 §2.1).
    Group {
        authority: String,
        name: String,
    },
    Route(String),
    All,
}

/// The kinds of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Key,
    Url,
    Tag,
    Group,
    Route,
    All,
}

impl ScopeKind {
    pub(crate) const COUNT: usize = 6;

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Url => "url",
            Self::Tag => "tag",
            Self::Group => "group",
            Self::Route => "route",
            Self::All => "all",
        }
    }
}

/// What a purge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// How many stored responses it removed, or marked stale.
    pub entries: usize,
}

impl Purge {
    /// One key, with all its variants.
    pub fn key(key: Key) -> Self {
        Self::of(Scope::Key(key))
    }

    /// One URL: every variant, in every route, whatever the key is made of. With an authority, `https://example.com/a?b`,
    /// it means that host only, under any scheme; without one, `/a?b`, every host. The query has to be the same, byte for
    /// byte; or, where a route goes by [`No-Vary-Search`](crate::SwrConfigBuilder::no_vary_search), to the stored response.
    ///
    /// # Errors
    /// When it is no URL, or has no path.
    pub fn url(url: &str) -> Result<Self, ConfigError> {
        let wrong = |problem| ConfigError::new("url", url, problem);
        let uri: Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
        let target = Target::of_uri(&uri);
        if target.path().is_empty() {
            return Err(wrong("has no path"));
        }
        let authority = uri.authority().is_some().then(|| target.authority().to_owned());
        Ok(Self::of(Scope::Url { authority, path: target.path().to_owned() }))
    }

    /// What a request was aimed at.
    pub(crate) fn target(target: Target) -> Self {
        Self::at(target.authority(), target.path())
    }

    /// A path, with its query, of one host.
    pub(crate) fn at(authority: impl Into<String>, path: impl Into<String>) -> Self {
        Self::of(Scope::Url { authority: Some(authority.into()), path: path.into() })
    }

    /// Everything that has this tag, or is in a group of this name (RFC 9875), whatever its host.
    pub fn tag(tag: impl Into<String>) -> Self {
        Self::of(Scope::Tag(tag.into()))
    }

    /// What belongs to a group among the responses of one host (RFC 9875 §2.2.1).
    pub(crate) fn group(authority: impl Into<String>, name: impl Into<String>) -> Self {
        Self::of(Scope::Group { authority: authority.into(), name: name.into() })
    }

    /// Everything that the route of this name stored.
    pub fn route(name: impl Into<String>) -> Self {
        Self::of(Scope::Route(name.into()))
    }

    /// Everything.
    pub fn all() -> Self {
        Self::of(Scope::All)
    }

    /// Marks stale instead of removing: what is stored is refreshed when it is next asked for, and serves until then as
    /// far as it may be served stale. Defaults to removing.
    pub fn soft(mut self) -> Self {
        self.soft = true;
        self
    }

    fn of(scope: Scope) -> Self {
        Self { scope, soft: false }
    }
}

impl Scope {
    pub(crate) fn kind(&self) -> ScopeKind {
        match self {
            Self::Key(_) => ScopeKind::Key,
            Self::Url { .. } => ScopeKind::Url,
            Self::Tag(_) => ScopeKind::Tag,
            Self::Group { .. } => ScopeKind::Group,
            Self::Route(_) => ScopeKind::Route,
            Self::All => ScopeKind::All,
        }
    }

    /// Whether a stored response is meant.
    pub(crate) fn covers(&self, key: &Key, entry: &Entry) -> bool {
        let Origin { route, target, tags, groups, .. } = &entry.origin;
        match self {
            Self::Key(named) => named == key,
            Self::Url { authority, path } => {
                let is_same = || entry.search.as_ref().is_some_and(|rule| rule.is_same(path, target.path()));
                authority.as_ref().is_none_or(|named| *named == target.authority())
                    && (*path == target.path() || is_same())
            }
            Self::Tag(tag) => tags.iter().any(|own| **own == **tag),
            Self::Group { authority, name } => {
                *authority == target.authority() && groups.iter().any(|own| **own == **name)
            }
            Self::Route(name) => *route.name == **name,
            Self::All => true,
        }
    }
}

/// Hashes scopes, with a key of its own for each store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scopes(DefaultHashBuilder);

impl Scopes {
    fn hash(&self, kind: u8, name: &[u8]) -> ScopeHash {
        self.0.hash_one((kind, name))
    }

    pub(crate) fn of(&self, scope: &Scope) -> ScopeHash {
        match scope {
            Scope::All => self.all(),
            Scope::Route(name) => self.route(name),
            Scope::Key(key) => self.key(key),
            Scope::Url { authority: Some(authority), path } => self.url(authority, path),
            Scope::Url { authority: None, path } => self.path(path),
            Scope::Tag(tag) => self.tag(tag),
            Scope::Group { authority, name } => self.group(authority, name),
        }
    }

    /// All that a response can be purged by, whatever it is.
    pub(crate) fn fixed(&self, key: &Key, target: &Target, route: &str) -> [ScopeHash; 5] {
        let (authority, path) = (target.authority(), target.path());
        [self.all(), self.route(route), self.key(key), self.path(path), self.url(authority, path)]
    }

    pub(crate) fn all(&self) -> ScopeHash {
        self.hash(0, b"")
    }

    pub(crate) fn route(&self, name: &str) -> ScopeHash {
        self.hash(1, name.as_bytes())
    }

    pub(crate) fn key(&self, key: &Key) -> ScopeHash {
        self.hash(2, key.as_bytes())
    }

    /// A path on every host.
    pub(crate) fn path(&self, path: &str) -> ScopeHash {
        self.hash(3, path.as_bytes())
    }

    /// All queries of a path, on every host.
    pub(crate) fn queries(&self, path: &str) -> ScopeHash {
        self.hash(6, split_query(path).0.as_bytes())
    }

    /// A key without its query.
    pub(crate) fn stem(&self, stem: &[u8]) -> ScopeHash {
        self.hash(7, stem)
    }

    /// The same with one form of the query.
    pub(crate) fn form(&self, stem: &[u8], form: &[u8]) -> ScopeHash {
        self.0.hash_one((8_u8, stem, form))
    }

    /// A path on one host.
    pub(crate) fn url(&self, authority: &str, path: &str) -> ScopeHash {
        self.0.hash_one((5_u8, authority, path))
    }

    pub(crate) fn tag(&self, tag: &str) -> ScopeHash {
        self.hash(4, tag.as_bytes())
    }

    pub(crate) fn group(&self, authority: &str, name: &str) -> ScopeHash {
        self.0.hash_one((9_u8, authority, name))
    }
}

/// The purges that came, by scope. Bounded: when it is full it becomes one barrier for all that is under way, which costs
/// those fetches their place in the store and nobody an old answer.
#[derive(Debug, Default)]
pub(crate) struct PurgeLog {
    hard: HashMap<ScopeHash, Passes, DefaultHashBuilder>,
    soft: HashMap<ScopeHash, u64, DefaultHashBuilder>,
    barrier: u64,
    newest: u64,
}

const MAX_RECORDS: usize = 4096;

/// The last purges of a scope, in order, and the newest of those that are forgotten.
#[derive(Debug, Default)]
struct Passes {
    last: SmallVec<[u64; 1]>,
    forgotten: u64,
}

const MAX_PASSES: usize = 8;

impl Passes {
    fn record(&mut self, number: u64) {
        if self.last.len() == MAX_PASSES {
            self.forgotten = self.last.remove(0);
        }
        self.last.push(number);
    }

    fn newest(&self) -> u64 {
        self.last.last().copied().unwrap_or(self.forgotten)
    }

    /// Whether one may have come after `fetch` and before `request`.
    fn between(&self, fetch: u64, request: u64) -> bool {
        fetch < self.forgotten || self.last.iter().any(|number| (fetch + 1..request).contains(number))
    }
}

impl PurgeLog {
    pub(crate) fn record(&mut self, scope: ScopeHash, number: u64, soft: bool) {
        self.newest = self.newest.max(number);
        if self.hard.len() + self.soft.len() >= MAX_RECORDS {
            self.hard.clear();
            self.soft.clear();
            self.barrier = number;
        }
        if soft {
            self.soft.insert(scope, number);
        } else {
            self.hard.entry(scope).or_default().record(number);
        }
    }

    /// Whether anything at all was purged after the fetch `number`. Mostly nothing was, and its scopes need not be known.
    pub(crate) fn any_after(&self, number: u64) -> bool {
        self.newest > number
    }

    /// The newest purge of any of the scopes that came after the fetch `number`.
    pub(crate) fn hard_after(&self, number: u64, scopes: impl IntoIterator<Item = ScopeHash>) -> Option<u64> {
        let logged = scopes.into_iter().filter_map(|scope| self.hard.get(&scope).map(Passes::newest));
        logged.chain([self.barrier]).max().filter(|newest| *newest > number)
    }

    /// Whether a purge of any of the scopes came after `fetch` and before `request`. The newest one does not tell: it may
    /// have come after both.
    pub(crate) fn hard_between(
        &self,
        fetch: u64,
        request: u64,
        scopes: impl IntoIterator<Item = ScopeHash>,
    ) -> bool {
        let mut logged = scopes.into_iter().filter_map(|scope| self.hard.get(&scope));
        fetch < self.barrier || logged.any(|passes| passes.between(fetch, request))
    }

    /// Whether a soft purge of any of the scopes came after the fetch `number`.
    pub(crate) fn soft_after(&self, number: u64, scopes: impl IntoIterator<Item = ScopeHash>) -> bool {
        scopes.into_iter().filter_map(|scope| self.soft.get(&scope)).any(|newest| *newest > number)
    }
}

#[cfg(test)]
mod tests;
