//! What the cache made of a request, read from the response's `Cache-Status` (RFC 9211).

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// From memory, fresh.
    Hit,
    /// From memory, past its soft TTL, with a refresh behind it.
    Stale,
    /// From memory, past its hard TTL, because a fetch failed.
    StaleError,
    /// Fetched for this reader.
    Miss,
    /// Fetched for another reader who asked at the same time.
    Collapsed,
    /// The API's answer, and not kept: it sets a cookie, or the cache only watches.
    Passed,
    /// None of these: the breaker was open, so the API was not even asked, and nothing could be served instead.
    Rejected,
    /// None of these: the fetch failed and nothing could be served instead.
    Failed,
}

impl Outcome {
    pub(crate) const ALL: [Self; 8] = [
        Self::Hit,
        Self::Stale,
        Self::StaleError,
        Self::Miss,
        Self::Collapsed,
        Self::Passed,
        Self::Rejected,
        Self::Failed,
    ];

    /// `None` for a response that no cache had a part in.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let status = headers.get("cache-status")?.to_str().ok()?;
        let says = |parameter: &str| status.split(';').any(|part| part.trim() == parameter);
        Some(match () {
            () if says("detail=stale") => Self::Stale,
            () if says("detail=stale_error") => Self::StaleError,
            () if says("hit") => Self::Hit,
            () if says("collapsed") => Self::Collapsed,
            () if says("stored") => Self::Miss,
            () if says("detail=set_cookie") || says("detail=observe") => Self::Passed,
            () if says("detail=breaker_open") => Self::Rejected,
            () => Self::Failed,
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::StaleError => "stale_error",
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Passed => "passed",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

/// How many of each there were.
#[derive(Debug, Default)]
pub(crate) struct Tally([AtomicU64; 8]);

impl Tally {
    pub(crate) fn add(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// `12 hit, 3 stale`, without what did not happen.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        for outcome in Outcome::ALL {
            let count = self.0[outcome as usize].load(Ordering::Relaxed);
            if count > 0 {
                let comma = if words.is_empty() { "" } else { ", " };
                let _ = write!(words, "{comma}{count} {}", outcome.as_str());
            }
        }
        words
    }
}
