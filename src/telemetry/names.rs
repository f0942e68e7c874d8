//! The metrics: their names, kinds, units and what they mean. The table in the README is made of the same words.

use metrics::Unit;

/// What kind of a metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: Unit,
    pub(crate) help: &'static str,
}

macro_rules! metrics {
    ($($id:ident = $kind:ident $unit:ident $name:literal $help:literal)*) => {
        $(pub(crate) static $id: Metric =
            Metric { name: $name, kind: Kind::$kind, unit: Unit::$unit, help: $help };)*
        /// All of them.
        pub(crate) static ALL: &[&Metric] = &[$(&$id),*];
    };
}

metrics! {
    REQUESTS = Counter Count "swr_cache_requests_total"
        "Requests, by what they got."
    REQUEST_DURATION = Histogram Seconds "swr_cache_request_duration_seconds"
        "From the request to the head of its response, by where that came from."
    UPSTREAM_REQUESTS = Counter Count "swr_cache_upstream_requests_total"
        "Calls of the inner service, by what they were for and what came of them."
    UPSTREAM_DURATION = Histogram Seconds "swr_cache_upstream_request_duration_seconds"
        "From a call of the inner service to the head of its response, by what it was for."
    REFRESHES = Counter Count "swr_cache_refreshes_total"
        "Refreshes of stale responses, by what came of them."
    UNCACHEABLE = Counter Count "swr_cache_uncacheable_total"
        "Responses of the inner service that were not stored, by reason."
    BYPASSED = Counter Count "swr_cache_bypassed_total"
        "Requests that the cache had no part in, by reason."
    COLLAPSED = Counter Count "swr_cache_collapsed_total"
        "Requests that were answered by another one's call."
    EXTENSIONS = Counter Count "swr_cache_extensions_total"
        "Stored responses that were let serve past their hard limit, because a fetch failed."
    OBSERVED = Counter Count "swr_cache_observed_total"
        "Answers of the inner service that were compared with what would have been served, by verdict."
    SERVED_AGE = Histogram Seconds "swr_cache_served_age_seconds"
        "The age of stored responses as they were served."
    RESPONSE_BYTES = Counter Bytes "swr_cache_response_bytes_total"
        "Bytes of bodies, by whether they came from memory or from the inner service."
    BREAKER_STATE = Gauge Count "swr_cache_breaker_state"
        "1 for the state that the breaker is in, 0 for the others."
    BREAKER_TRANSITIONS = Counter Count "swr_cache_breaker_transitions_total"
        "Changes of a breaker's state, by the new one."
    ROUTE_MODE = Gauge Count "swr_cache_route_mode"
        "1 for the mode that the route is in, 0 for the others."
    SERVE_STALE = Gauge Seconds "swr_cache_serve_stale_seconds"
        "For how long what is stored serves stale whatever its limits are, by an operator's word."
    EVICTIONS = Counter Count "swr_cache_evictions_total"
        "Keys that left the store unasked, by reason."
    PURGED = Counter Count "swr_cache_purged_entries_total"
        "Stored responses that purges removed or marked stale, by scope."
    PURGE_DURATION = Histogram Seconds "swr_cache_purge_duration_seconds"
        "How long a purge took, by scope."
    HIT_RATIO = Gauge Count "swr_cache_hit_ratio"
        "The part of the requests of the last five minutes that was answered from memory; NaN without requests."
    FRESH_RATIO = Gauge Count "swr_cache_fresh_ratio"
        "The part of the requests of the last five minutes that was answered from memory, fresh; NaN without requests."
    STALE_RUNWAY = Gauge Seconds "swr_cache_stale_runway_seconds"
        "How long the route could serve if its upstream were gone from now on; NaN with nothing stored."
    ENTRIES = Gauge Count "swr_cache_entries"
        "Keys in the store."
    STORED_BYTES = Gauge Bytes "swr_cache_stored_bytes"
        "Bytes that the stored responses take, by estimate."
    CAPACITY_BYTES = Gauge Bytes "swr_cache_capacity_bytes"
        "Bytes that the stored responses may take."
    INFLIGHT_FETCHES = Gauge Count "swr_cache_inflight_fetches"
        "Fetches under way."
    INFLIGHT_BYTES = Gauge Bytes "swr_cache_inflight_bytes"
        "Bytes that bodies take on their way into the store."
    TTL = Gauge Seconds "swr_cache_ttl_seconds"
        "A route's configured TTLs, by limit."
    BUILD_INFO = Gauge Count "swr_cache_build_info"
        "1, by version."
}

// Upper bounds of the buckets. They are most of a route's series: a bound of the first costs two, of the second three. As
// they are, a busy route has 127 series in all; one that has seen every reason there is has 156.

/// From memory it is microseconds, from the inner service what it takes there.
const REQUEST_BOUNDS: &[f64] =
    &[0.000_001, 0.000_01, 0.000_1, 0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 10.0, 30.0];
/// Up to the time-out that a fetch has by default.
const UPSTREAM_BOUNDS: &[f64] = &[0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];
const AGE_BOUNDS: &[f64] = &[1.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86_400.0, 604_800.0];
const PURGE_BOUNDS: &[f64] = &[0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1.0];

/// The histograms' buckets: for an application that sets up a recorder of its own, and wants histograms instead of what
/// its exporter makes of them otherwise.
pub const HISTOGRAM_BOUNDS: &[(&str, &[f64])] = &[
    ("swr_cache_request_duration_seconds", REQUEST_BOUNDS),
    ("swr_cache_upstream_request_duration_seconds", UPSTREAM_BOUNDS),
    ("swr_cache_served_age_seconds", AGE_BOUNDS),
    ("swr_cache_purge_duration_seconds", PURGE_BOUNDS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_kind_and_unit() {
        for metric in ALL {
            let Metric { name, kind, unit, help } = metric;
            assert!(name.starts_with("swr_cache_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert_eq!(
                name.trim_end_matches("_total").ends_with("_seconds"),
                *unit == Unit::Seconds,
                "{name}"
            );
            assert_eq!(name.trim_end_matches("_total").ends_with("_bytes"), *unit == Unit::Bytes, "{name}");
            assert!(help.ends_with('.') || help.ends_with("requests"), "{name}");
            let bounds = HISTOGRAM_BOUNDS.iter().find(|(of, _)| of == name);
            assert_eq!(bounds.is_some(), *kind == Kind::Histogram, "{name}");
            assert!(bounds.is_none_or(|(_, bounds)| bounds.len() <= 14 && bounds.is_sorted()), "{name}");
        }
    }

    #[test]
    fn the_readme_has_a_row_for_each_in_the_same_words() {
        let readme = include_str!("../../README.md");
        for Metric { name, kind, help, .. } in ALL {
            let start = format!("| `{name}` | {} | ", format!("{kind:?}").to_ascii_lowercase());
            let row = readme.lines().find(|line| line.starts_with(&start));
            let words = help[1..].trim_end_matches('.');
            assert!(row.is_some_and(|row| row.ends_with(&format!("{words} |"))), "{name}: {row:?}");
        }
        assert_eq!(readme.lines().filter(|line| line.starts_with("| `swr_cache_")).count(), ALL.len());
    }
}
