//! What the cache made of a request, read from the response's `Cache-Status` (RFC 9211).

use http::HeaderMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// From memory, fresh.
    Hit,
    /// From memory, past its soft TTL, with a refresh behind it.
    Stale,
    /// From memory, past its hard TTL, because a fetch failed.
    StaleError,
    /// From memory, after the origin said that nothing has changed.
    Revalidated,
    /// Fetched for another reader who asked at the same time.
    Collapsed,
    /// Fetched for this reader, and kept.
    Miss,
    /// Fetched for this reader, and not kept.
    Uncacheable,
    /// The fetch failed, and nothing could be served instead.
    Failed,
    /// The breaker was open, and nothing could be served instead.
    Rejected,
    /// The cache had no part in it.
    Bypass,
}

impl Outcome {
    pub(crate) const ALL: [Self; 10] = [
        Self::Hit,
        Self::Stale,
        Self::StaleError,
        Self::Revalidated,
        Self::Collapsed,
        Self::Miss,
        Self::Uncacheable,
        Self::Failed,
        Self::Rejected,
        Self::Bypass,
    ];

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let status = headers.get("cache-status").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let says = |parameter: &str| status.split(';').any(|part| part.trim() == parameter);
        let failed = ["failure", "throttled", "error", "timeout", "overload", "aborted"];
        match () {
            () if says("detail=stale") => Self::Stale,
            () if says("detail=stale_error") => Self::StaleError,
            () if says("hit") => Self::Hit,
            () if says("fwd-status=304") => Self::Revalidated,
            () if says("collapsed") => Self::Collapsed,
            () if says("stored") => Self::Miss,
            () if says("fwd=bypass") || says("fwd=method") => Self::Bypass,
            () if says("detail=breaker_open") => Self::Rejected,
            () if failed.iter().any(|reason| says(&format!("detail={reason}"))) => Self::Failed,
            () => Self::Uncacheable,
        }
    }

    /// Whether it was answered from memory, waiting for nobody.
    pub(crate) fn is_served(self) -> bool {
        matches!(self, Self::Hit | Self::Stale | Self::StaleError)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::StaleError => "stale_error",
            Self::Revalidated => "revalidated",
            Self::Collapsed => "collapsed",
            Self::Miss => "miss",
            Self::Uncacheable => "uncacheable",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Bypass => "bypass",
        }
    }
}
