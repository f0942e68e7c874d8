//! A stored response: ready-made headers, body, its four instants, and the state of its refresh.

mod body;
mod claim;
mod final_uri;
#[cfg(test)]
mod fixture;
mod headers;
mod info;
mod join;
mod target;

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

pub(crate) use body::{BodyBuilder, StoredBody};
pub(crate) use claim::{Claim, RefreshState};
pub use final_uri::FinalUri;
pub(crate) use headers::{StoredHeaders, owned};
pub use info::EntryInfo;
pub(crate) use target::Target;

use crate::{
    clock::Tick,
    event::FreshnessSource,
    key::{Key, SearchVariance, Stem},
    policy::{
        cache_control::RequestDirectives,
        extent::Extent,
        range::{self, Wanted},
        reuse::{Reuse, Standing, reuse, reuse_as_asked},
        validation::Validators,
        vary::Selecting,
    },
    sync::atomic::{AtomicU64, Ordering},
    tag::Tags,
};

/// One stored response. It is made at the response's head, shared with those who wait for it, and stored once its content
/// is whole. From then on only its refresh state and its soft instant change; a 304 makes a new one over the same body.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) status: StatusCode,
    /// As sent, without hop-by-hop fields.
    pub(crate) headers: StoredHeaders,
    /// Set when the body has come to its end; nothing is stored before.
    pub(crate) content: OnceLock<Content>,
    pub(crate) times: Times,
    /// When its age was zero, going by the age that it had when it came (RFC 9111 §4.2.3).
    pub(crate) born: Tick,
    /// False when it must not be served stale, whatever happens.
    pub(crate) stale_allowed: bool,
    /// True when an operator may have it served stale past its limits.
    pub(crate) emergency: bool,
    /// True when it does not change while it is fresh.
    pub(crate) immutable: bool,
    /// Who said how long it is fresh.
    pub(crate) fresh_by: FreshnessSource,
    /// Fresh by the route's word alone: not for requests with `Cookie`.
    pub(crate) route_alone: bool,
    /// Fit for requests with `Authorization`.
    pub(crate) for_authorized: bool,
    /// Where it came from, if the inner service told.
    pub(crate) final_uri: Option<Box<FinalUri>>,
    pub(crate) selecting: Selecting,
    /// For which other queries it is the same.
    pub(crate) search: Option<Arc<SearchVariance>>,
    /// Which bytes of the whole it has, if it is a part; then nothing but a request for some of these is answered from it.
    pub(crate) extent: Option<Box<Extent>>,
    pub(crate) origin: Origin,
    pub(crate) refresh: RefreshState,
    /// How often it has answered.
    pub(crate) hits: AtomicU64,
}

/// A whole body and its trailers.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) body: StoredBody,
    pub(crate) trailers: Option<Box<HeaderMap>>,
}

/// The instants of a stored response.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) cached_at: Tick,
    pub(crate) cached_wall: SystemTime,
    /// Raw, because a soft purge brings it forward.
    soft_at: AtomicU64,
    pub(crate) hard_at: Tick,
    pub(crate) error_at: Tick,
    pub(crate) keep_until: Tick,
}

/// Where a stored response comes from, and what it can be purged by.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The number of the fetch that brought it.
    pub(crate) number: u64,
    pub(crate) route: Arc<RouteMark>,
    pub(crate) target: Target,
    pub(crate) tags: Tags,
    /// The groups of its origin that it belongs to; they are among the tags, too.
    pub(crate) groups: Tags,
}

/// A route, as far as the entries stored by it are concerned.
#[derive(Debug)]
pub(crate) struct RouteMark {
    pub(crate) name: Box<str>,
    /// The fields that go before `Cache-Control` in its responses (RFC 9213).
    targets: Box<[HeaderName]>,
    /// Nothing fetched before this number is served: the route's last purge.
    pub(crate) purged: AtomicU64,
    /// Until then its responses serve stale whatever their limits are: the raw tick that an operator set.
    serve_stale_until: AtomicU64,
}

impl RouteMark {
    pub(crate) fn new(name: &str, targets: &[HeaderName]) -> Self {
        let never = AtomicU64::new(Tick::PAST.raw());
        Self {
            name: name.into(),
            targets: targets.into(),
            purged: AtomicU64::new(0),
            serve_stale_until: never,
        }
    }

    pub(crate) fn serve_stale_until(&self) -> Tick {
        Tick::from_raw(self.serve_stale_until.load(Ordering::Relaxed))
    }

    pub(crate) fn serve_stale(&self, until: Tick) {
        self.serve_stale_until.store(until.raw(), Ordering::Relaxed);
    }
}

impl Times {
    pub(crate) fn new(
        cached_at: Tick,
        cached_wall: SystemTime,
        soft_at: Tick,
        hard_at: Tick,
        error_at: Tick,
        keep_until: Tick,
    ) -> Self {
        let soft_at = AtomicU64::new(soft_at.raw());
        Self { cached_at, cached_wall, soft_at, hard_at, error_at, keep_until }
    }

    #[inline]
    pub(crate) fn soft_at(&self) -> Tick {
        Tick::from_raw(self.soft_at.load(Ordering::Relaxed))
    }

    /// Marks the response stale from `now` on, if it was not already.
    pub(crate) fn make_stale(&self, now: Tick) {
        self.soft_at.fetch_min(now.raw(), Ordering::Relaxed);
    }
}

impl Entry {
    /// What it is good for at `now`.
    #[inline]
    pub(crate) fn reuse(&self, now: Tick) -> Reuse {
        reuse(&self.standing(now), now)
    }

    /// What it is good for at `now` to a request that may say something to that.
    #[inline]
    pub(crate) fn reuse_as_asked(&self, asked: Option<&RequestDirectives>, now: Tick) -> Reuse {
        match asked {
            None => self.reuse(now),
            Some(asked) => reuse_as_asked(asked, &self.standing(now), self.age_span(now), now),
        }
    }

    #[inline]
    fn standing(&self, now: Tick) -> Standing {
        let times = &self.times;
        let soft_at = times.soft_at();
        Standing {
            soft_at,
            hard_at: times.hard_at,
            error_at: times.error_at,
            keep_until: times.keep_until,
            stale_allowed: self.stale_allowed,
            // What is fresh is served without a look at it.
            emergency: now >= soft_at && self.emergency && now < self.origin.route.serve_stale_until(),
            immutable: self.immutable,
            failed: self.refresh.failed(),
        }
    }

    /// From when on nothing lets it be served: its own last limit, or what an operator said of its route.
    pub(crate) fn served_until(&self) -> Tick {
        let by_word = if self.emergency { self.origin.route.serve_stale_until() } else { Tick::PAST };
        self.times.error_at.max(by_word)
    }

    /// Whether a purge of its route has passed it by.
    #[inline]
    pub(crate) fn is_purged(&self) -> bool {
        self.origin.number < self.origin.route.purged.load(Ordering::Acquire)
    }

    /// What a request can ask to have it confirmed by.
    pub(crate) fn validators(&self) -> Validators {
        Validators::from_headers(self.headers.as_map())
    }

    /// Its age at `now`, in whole seconds (RFC 9111 §4.2.3).
    #[inline]
    pub(crate) fn age(&self, now: Tick) -> u64 {
        self.age_span(now).as_secs()
    }

    #[inline]
    fn age_span(&self, now: Tick) -> Duration {
        now.since(self.born)
    }

    /// For how many seconds it is still fresh at `now`, or less than none: since when it is not (RFC 9211 §2.6).
    #[inline]
    pub(crate) fn ttl(&self, now: Tick) -> i64 {
        let soft_at = self.times.soft_at();
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        seconds(soft_at.since(now)) - seconds(now.since(soft_at))
    }

    /// The length of its body, once that is known.
    pub(crate) fn body_len(&self) -> u64 {
        self.content.get().map_or(0, |content| content.body.len())
    }

    /// Whether it is a part that has what a request with `Range` asks for (RFC 9111 §3.3).
    pub(crate) fn has_part_for(&self, request: &HeaderMap) -> bool {
        let Some(extent) = &self.extent else { return false };
        match range::wanted(request, self.headers.as_map(), extent.whole) {
            Wanted::Part(bytes) => extent.covers(&bytes),
            Wanted::Whole | Wanted::Unsatisfiable => false,
        }
    }

    /// Whether it is the same for the request of another key as for that of its own.
    pub(crate) fn is_same_for(&self, own: &Key, other: &[u8]) -> bool {
        let Some(rule) = &self.search else { return false };
        let (Some(own), Some(other)) = (Stem::of(own.as_bytes()), Stem::of(other)) else { return false };
        own.key == other.key && rule.form(own.query) == rule.form(other.query)
    }

    /// Whether it is the beginning of a whole of `max_body` bytes at most, and can be asked by a strong entity tag whether it
    /// still is.
    pub(crate) fn begins_whole(&self, max_body: u64) -> bool {
        let begins = |extent: &Extent| extent.bytes.start == 0 && extent.whole <= max_body;
        let is_strong = |etag: &HeaderValue| etag.as_bytes().starts_with(b"\"");
        self.extent.as_deref().is_some_and(begins) && self.validators().etag.as_ref().is_some_and(is_strong)
    }

    /// An estimate of all the bytes it takes.
    pub(crate) fn weight(&self) -> u64 {
        let content = self.content.get();
        let trailers = content.and_then(|content| content.trailers.as_deref()).map_or(0, headers::weight);
        let Origin { tags, groups, .. } = &self.origin;
        let tags: usize = tags.iter().chain(groups.iter()).map(|tag| tag.len() + TAG_COST).sum();
        let target = self.origin.target.weight() + INDEX_COST;
        let own = size_of::<Self>()
            + self.headers.weight()
            + trailers
            + tags
            + target
            + self.final_uri.as_deref().map_or(0, FinalUri::weight)
            + self.selecting.bytes()
            // It has two places more in the indices.
            + self.search.as_ref().map_or(0, |rule| 2 * rule.weight() + 2 * TAG_COST + target);
        own as u64 + content.map_or(0, |content| content.body.weight())
    }
}

/// What a path takes in the index.
const INDEX_COST: usize = 56;
/// What a tag takes beyond its text: its place in the entry and in the index.
const TAG_COST: usize = INDEX_COST + 56;
