//! What can be read of a stored response from outside.

use std::time::{Duration, SystemTime};

use http::{HeaderName, StatusCode};

use super::Entry;
use crate::{
    clock::{self, Tick},
    event::FreshnessSource,
    policy::targeted,
    sync::atomic::Ordering,
};

/// A stored response, as [`CacheHandle::entry`](crate::CacheHandle::entry) and
/// [`CacheHandle::explain`](crate::CacheHandle::explain) show it: never its body, nor its headers. With feature `serde` it is
/// `Serialize`.
///
/// Instants are wall-clock times, worked out from the moment the response was stored; the cache itself keeps to the
/// monotonic clock, so they stay what they are when the wall clock is set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EntryInfo {
    /// The route that stored it.
    pub route: String,
    /// The printable form of its key.
    pub key: String,
    /// Its status.
    #[cfg_attr(feature = "serde", serde(serialize_with = "status"))]
    pub status: StatusCode,
    /// When it was stored, or last confirmed by a 304.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::serialize"))]
    pub cached_at: SystemTime,
    /// Fresh until then.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "fresh_until", serialize_with = "crate::rfc3339::serialize")
    )]
    pub soft_expires_at: SystemTime,
    /// Served stale, with a refresh behind it, until then.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "stale_until", serialize_with = "crate::rfc3339::serialize")
    )]
    pub hard_expires_at: SystemTime,
    /// Served after a failed fetch until then.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "error_until", serialize_with = "crate::rfc3339::serialize")
    )]
    pub error_expires_at: SystemTime,
    /// Kept to be confirmed until then.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::rfc3339::serialize"))]
    pub keep_until: SystemTime,
    /// Who said how long it is fresh.
    pub source: FreshnessSource,
    /// The name of the field that did, where it is a targeted one.
    pub source_field: Option<String>,
    /// Whether it may be served stale at all.
    pub stale_allowed: bool,
    /// Whether [`serve_stale_for`](crate::CacheHandle::serve_stale_for) can have it served past its limits.
    pub serve_stale_allowed: bool,
    /// Whether a fetch to replace it failed, so that it serves past its hard limit.
    pub extended: bool,
    /// Its age now (RFC 9111 §4.2.3).
    #[cfg_attr(
        feature = "serde",
        serde(rename = "age_seconds", serialize_with = "crate::seconds::serialize")
    )]
    pub age: Duration,
    /// The length of its body, in bytes.
    pub body_bytes: u64,
    /// The bytes it takes in the store, by estimate.
    #[cfg_attr(feature = "serde", serde(rename = "stored_bytes"))]
    pub weight: u64,
    /// How often it has answered since it was stored, or last confirmed.
    pub hits: u64,
    /// The tags it can be purged by.
    pub tags: Vec<String>,
}

impl EntryInfo {
    pub(crate) fn new(entry: &Entry, key: String, now: Tick) -> Self {
        let times = &entry.times;
        let at = |tick: Tick| clock::later(times.cached_wall, tick.since(times.cached_at));
        Self {
            route: entry.origin.route.name.to_string(),
            key,
            status: entry.status,
            cached_at: times.cached_wall,
            soft_expires_at: at(times.soft_at()),
            hard_expires_at: at(times.hard_at),
            error_expires_at: at(times.error_at),
            keep_until: at(times.keep_until),
            source: entry.fresh_by,
            source_field: targeted_by(entry).map(ToString::to_string),
            stale_allowed: entry.stale_allowed,
            serve_stale_allowed: entry.emergency,
            extended: entry.refresh.failed(),
            age: Duration::from_secs(entry.age(now)),
            body_bytes: entry.body_len(),
            weight: entry.weight(),
            hits: entry.hits.load(Ordering::Relaxed),
            tags: entry.origin.tags.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The targeted field that says how long it is fresh, if one does. It is the same one as when the response came, so it is not
/// kept.
fn targeted_by(entry: &Entry) -> Option<&HeaderName> {
    let targets = &entry.origin.route.targets;
    let is_targeted = entry.fresh_by == FreshnessSource::Targeted;
    is_targeted.then(|| targeted::governing_field(entry.headers.as_map(), targets)).flatten()
}

#[cfg(feature = "serde")]
fn status<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
