//! A route's caching rules, as its configuration gives them to the policy.

use std::time::Duration;

use http::{HeaderName, StatusCode};

/// What goes before `Cache-Control` unless a route says otherwise (RFC 9213 §3).
pub(crate) const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// A soft and a hard TTL; the hard one is never the shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ttl {
    pub(crate) soft: Duration,
    pub(crate) hard: Duration,
}

/// Who says how long a response stays fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetimes {
    /// The response (RFC 9111), with the route's TTLs, if given, for responses that say nothing.
    Origin {
        /// For responses without explicit freshness.
        fallback: Option<Ttl>,
    },
    /// The route, whatever the response says to those further down.
    Route(Ttl),
}

/// Everything the policy has to know of a route.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) lifetimes: Lifetimes,
    pub(crate) status_ttls: Vec<(StatusCode, Ttl)>,
    /// By how much the soft TTL is shortened at most, as a part of it.
    pub(crate) soft_jitter: f64,
    /// How far a failure extends the hard TTL, as a part of it.
    pub(crate) failure_extension: f64,
    pub(crate) stale_if_error: Duration,
    pub(crate) keep: Duration,
    /// Fields that go before `Cache-Control`, in this order (RFC 9213).
    pub(crate) targets: Vec<HeaderName>,
    /// Whether a response that says nothing is fresh by the time since it was last modified (RFC 9111 §4.2.2).
    pub(crate) heuristic: bool,
    pub(crate) ignore_cookies: bool,
    pub(crate) store_set_cookie: bool,
    pub(crate) share_authorized: bool,
    pub(crate) store_private: bool,
    pub(crate) ignore_no_store: bool,
    pub(crate) ignore_no_cache: bool,
    pub(crate) ignore_must_revalidate: bool,
    /// Whether `private` and `no-cache` with a list are about the listed fields alone (RFC 9111 §5.2.2.4, §5.2.2.7).
    pub(crate) field_lists: bool,
    /// Whether a 206 is kept as a part (RFC 9111 §3.3).
    pub(crate) store_parts: bool,
    /// Whether a response to POST may answer GET (RFC 9110 §9.3.3).
    pub(crate) store_post: bool,
    /// Whether a response says for which queries it is the same (draft-ietf-httpbis-no-vary-search).
    pub(crate) no_vary_search: bool,
    /// Whether the cache has one user (RFC 9111 §1).
    pub(crate) private_cache: bool,
    /// Whether what requests say of caching counts (RFC 9111 §5.2.1).
    pub(crate) client_directives: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            lifetimes: Lifetimes::Origin { fallback: None },
            status_ttls: Vec::new(),
            soft_jitter: 0.1,
            failure_extension: 0.5,
            stale_if_error: Duration::ZERO,
            keep: Duration::from_secs(600),
            targets: vec![CDN_CACHE_CONTROL],
            heuristic: false,
            ignore_cookies: false,
            store_set_cookie: false,
            share_authorized: false,
            store_private: false,
            ignore_no_store: false,
            ignore_no_cache: false,
            ignore_must_revalidate: false,
            field_lists: false,
            store_parts: false,
            store_post: false,
            no_vary_search: false,
            private_cache: false,
            client_directives: false,
        }
    }
}

impl Rules {
    /// Whether a response can get its freshness from the route alone, which decides what a request's `Cookie` means
    /// before the response is known.
    pub(crate) fn gives_freshness(&self) -> bool {
        !matches!(self.lifetimes, Lifetimes::Origin { fallback: None }) || !self.status_ttls.is_empty()
    }

    /// The route's TTLs, as far as it names them, with the names of their limits.
    pub(crate) fn ttls(&self) -> Vec<(&'static str, Duration)> {
        match self.lifetimes {
            Lifetimes::Route(ttl) | Lifetimes::Origin { fallback: Some(ttl) } => {
                vec![("soft", ttl.soft), ("hard", ttl.hard)]
            }
            Lifetimes::Origin { fallback: None } => Vec::new(),
        }
    }

    /// The route's own TTLs for a status: those named for it, or the route's for the statuses that stand for success.
    pub(crate) fn status_ttl(&self, status: StatusCode) -> Option<Ttl> {
        self.status_ttls.iter().find(|(named, _)| *named == status).map(|(_, ttl)| *ttl)
    }
}

/// Whether a route's TTLs count for a status that none are named for.
pub(crate) fn is_success(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 301 | 308)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_gives_freshness_by_any_ttl_and_names_those_for_all_responses() {
        let ttl = Ttl { soft: Duration::from_secs(2), hard: Duration::from_secs(9) };
        let both = &[("soft", ttl.soft), ("hard", ttl.hard)][..];
        let none = Lifetimes::Origin { fallback: None };
        let for_404 = vec![(StatusCode::NOT_FOUND, ttl)];
        for (lifetimes, status_ttls, gives_freshness, ttls) in [
            (none, vec![], false, &[][..]),
            (none, for_404.clone(), true, &[]),
            (Lifetimes::Origin { fallback: Some(ttl) }, vec![], true, both),
            (Lifetimes::Route(ttl), vec![], true, both),
            (Lifetimes::Route(ttl), for_404, true, both),
        ] {
            let rules = Rules { lifetimes, status_ttls, ..Rules::default() };
            assert_eq!(
                (rules.gives_freshness(), &rules.ttls()[..]),
                (gives_freshness, ttls),
                "{lifetimes:?}"
            );
        }
    }
}
