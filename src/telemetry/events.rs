//! Log lines, through `tracing`. None has a key, a query or a header's value in it.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use super::cache;
use crate::{
    breaker::{Breaker, Transition},
    clock::Tick,
    event::Reason,
    shared::Route,
};

/// At most one line of a kind, for a route, in this time.
const QUIET: Duration = Duration::from_secs(10);

/// A route's gates, one for each kind of line that a bad day can make many of.
#[derive(Debug, Default)]
pub(crate) struct LogGates {
    failure: Gate,
    extension: Gate,
    panic: Gate,
}

/// Lets one line through in a while and counts the others.
#[derive(Debug, Default)]
struct Gate {
    open_from: AtomicU64,
    suppressed: AtomicU32,
}

impl Gate {
    /// The number of lines suppressed since the last one, if another may be written at `now`.
    fn pass(&self, now: Tick) -> Option<u32> {
        let open_from = self.open_from.load(Ordering::Relaxed);
        let next = now.after(QUIET).raw();
        let passes = open_from <= now.raw()
            && self.open_from.compare_exchange(open_from, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if passes {
            Some(self.suppressed.swap(0, Ordering::Relaxed))
        } else {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

/// A fetch's span. It follows from the request's, and does not hold it open: the fetch may be over after it.
pub(crate) fn fetch_span(route: &Route) -> tracing::Span {
    let span = tracing::debug_span!(parent: None, "fetch", route = route.name());
    span.follows_from(tracing::Span::current());
    span
}

/// A refresh brought a response, or confirmed the stored one.
pub(crate) fn refresh_success(route: &Route) {
    tracing::debug!(route = route.name(), "refreshed");
}

/// A fetch to replace a stored response failed.
pub(crate) fn refresh_failure(route: &Route, reason: Reason, now: Tick) {
    if let Some(suppressed) = route.logs.failure.pass(now) {
        tracing::warn!(route = route.name(), %reason, suppressed, "refresh failed");
    }
}

/// A stored response may now serve past its hard limit.
pub(crate) fn extension(route: &Route, by: Duration, now: Tick) {
    if let Some(suppressed) = route.logs.extension.pass(now) {
        tracing::warn!(route = route.name(), ?by, suppressed, "stale response extended");
    }
}

/// A breaker changed its state. These lines are few by nature: one a cool-down.
pub(crate) fn breaker_transition(breaker: &Breaker, transition: Transition, _now: Tick) {
    cache::count_transition(breaker, transition);
    let breaker = breaker.name();
    match transition {
        Transition::Opened => tracing::warn!(breaker, "breaker opened"),
        Transition::HalfOpened => tracing::info!(breaker, "breaker half open"),
        Transition::Closed => tracing::info!(breaker, "breaker closed"),
    }
}

/// The inner service panicked.
pub(crate) fn fetch_panicked(route: &Route, now: Tick) {
    if let Some(suppressed) = route.logs.panic.pass(now) {
        tracing::error!(route = route.name(), suppressed, "fetch panicked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_one_through_and_counts_the_rest() {
        let gate = Gate::default();
        let start = Tick::from_raw(1 << 50);
        assert_eq!(gate.pass(start), Some(0));
        assert_eq!(gate.pass(start), None);
        assert_eq!(gate.pass(start.after(QUIET / 2)), None);
        assert_eq!(gate.pass(start.after(QUIET)), Some(2));
    }
}
