//! The words for what happened to a request: one [`Outcome`] each, and a [`Reason`] where something was not done. And for
//! what happened to a cache: the [`EventKind`].
//!
//! The same values are what the `Cache-Status` field, a metric's label and a log line show, so that an operator who has
//! one of them can find the others.

use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it in `Cache-Status`, in labels and in logs (`snake_case`).
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a request got.
    Outcome {
        /// A stored response within its soft TTL.
        Hit = "hit",
        /// A stored response past its soft TTL, with a refresh behind it.
        Stale = "stale",
        /// A response that was fetched, for this request or for another one on the same key.
        Miss = "miss",
        /// A stored response that the inner service confirmed with a 304.
        Revalidated = "revalidated",
        /// A stored response, because the fetch failed.
        StaleError = "stale_error",
        /// A response of the inner service that may not be stored.
        Uncacheable = "uncacheable",
        /// Nothing: the fetch was refused and nothing stored may be served.
        Rejected = "rejected",
        /// A response that the cache had no part in.
        Bypass = "bypass",
    }
}

words! {
    /// Why a request was not answered from the cache, or a response not stored.
    Reason {
        /// The method is neither GET nor HEAD.
        Method = "method",
        /// The request has a body.
        RequestBody = "request_body",
        /// The request asks for another protocol (`Upgrade`).
        Upgrade = "upgrade",
        /// The request names another method in a header (`X-HTTP-Method-Override` and its like).
        MethodOverride = "method_override",
        /// The key extractor said so.
        Extractor = "extractor",
        /// The route is in the mode `bypass`.
        Mode = "mode",
        /// The route is in the mode `observe`: what is stored is compared with what comes, and not served.
        Observe = "observe",
        /// The request has `If-Match` or `If-Unmodified-Since`, which only the inner service can judge.
        Precondition = "precondition",
        /// The request was made outside a tokio runtime, so nothing can be fetched in the background.
        NoRuntime = "no_runtime",
        /// The request has `Range`, and nothing is stored to answer it from.
        Range = "range",
        /// The request is HEAD, and nothing is stored to answer it from.
        Head = "head",
        /// The request has `Authorization` (RFC 9111 §3.5).
        Authorization = "authorization",
        /// The request has `Cookie`, and the response's freshness is the route's alone.
        Cookie = "cookie",
        /// The response says `no-store`.
        NoStore = "no_store",
        /// The request says `no-store`, and the route goes by what requests say.
        RequestNoStore = "request_no_store",
        /// The request says `only-if-cached`, the route goes by what requests say, and nothing stored will do.
        OnlyIfCached = "only_if_cached",
        /// The response says `no-cache` and has no validator.
        NoCache = "no_cache",
        /// The response says `private`.
        Private = "private",
        /// The response sets a cookie.
        SetCookie = "set_cookie",
        /// The response says `Vary: *`, or its `Vary` cannot be read.
        VaryStar = "vary_star",
        /// The response's status is not stored without explicit freshness.
        Status = "status",
        /// The response is a part of another (206).
        Partial = "partial",
        /// The response is a 304 that nobody asked for.
        Unrequested304 = "unrequested_304",
        /// Nothing says how long the response stays fresh, and it has no validator.
        NoFreshness = "no_freshness",
        /// The response is not fresh on arrival, and it has no validator.
        Expired = "expired",
        /// The response is an endless stream by its content type.
        Streaming = "streaming",
        /// The body is larger than `max_body`, or what the store can hold.
        TooLarge = "too_large",
        /// The bodies in flight take all the memory they may.
        NoRoom = "no_room",
        /// The body ended early, or differs from its `Content-Length`.
        BodyMismatch = "body_mismatch",
        /// The body ended with an error.
        BodyError = "body_error",
        /// No part of the body came for too long.
        BodyTimeout = "body_timeout",
        /// The inner service returned an error.
        Error = "error",
        /// The inner service did not answer in time.
        Timeout = "timeout",
        /// The inner service panicked.
        Panic = "panic",
        /// The response counts as a failure (500, 502, 503, 504 unless configured otherwise).
        Failure = "failure",
        /// The inner service asks for patience (429, 408).
        Throttled = "throttled",
        /// Too many fetches are under way.
        Overload = "overload",
        /// The breaker of the inner service is open.
        BreakerOpen = "breaker_open",
        /// The fetch was dropped, as when its runtime shuts down.
        Aborted = "aborted",
        /// A purge came while the response was being fetched.
        Purged = "purged",
        /// A response that was fetched later is stored already.
        Overtaken = "overtaken",
        /// The response's extensions say so (`CacheOverride::no_store`).
        Override = "override",
    }
}

words! {
    /// Who said how long a stored response is fresh.
    FreshnessSource {
        /// The handler, for this response ([`CacheOverride`](crate::CacheOverride)).
        Override = "override",
        /// The response, in a targeted field (RFC 9213) such as `CDN-Cache-Control`.
        Targeted = "targeted",
        /// The route, for its status.
        StatusTtl = "status_ttl",
        /// The route.
        Route = "route",
        /// The response, by `s-maxage`.
        SMaxage = "s_maxage",
        /// The response, by `max-age`.
        MaxAge = "max_age",
        /// The response, by `Expires`.
        Expires = "expires",
        /// The route, for responses that say nothing.
        Fallback = "fallback",
        /// Nobody, so that it goes by the time since it was last modified.
        Heuristic = "heuristic",
        /// Nobody: it is asked about each time.
        Nobody = "nobody",
    }
}

words! {
    /// What kind of an [`Event`](crate::Event) it is.
    EventKind {
        /// A breaker opened: the reason is that of the failure that was one too many.
        BreakerOpened = "breaker_opened",
        /// A breaker sends its probe.
        BreakerHalfOpen = "breaker_half_open",
        /// A breaker closed.
        BreakerClosed = "breaker_closed",
        /// A fetch to replace a stored response failed.
        RefreshFailed = "refresh_failed",
        /// A stored response may now serve past its hard limit, because a fetch failed.
        Extended = "extended",
        /// The inner service panicked.
        Panicked = "panicked",
        /// A purge was carried out.
        Purged = "purged",
        /// Keys left the store for want of room.
        Evicted = "evicted",
        /// A route's mode was changed; or a breaker was forced, or let go.
        ModeChanged = "mode_changed",
        /// What a route has stored serves stale whatever its limits are, for a time; or not any more.
        ServeStaleChanged = "serve_stale_changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_distinct_tokens() {
        let mut words: Vec<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert!(
            words
                .iter()
                .all(|w| w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()))
        );
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
        assert_eq!(Outcome::StaleError.to_string(), "stale_error");
    }
}
