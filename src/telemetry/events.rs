//! What is notable: a log line through `tracing`, and an event of the same name in the journal. None has a key, a query or
//! a header's value in it.

use std::{sync::atomic::Ordering, time::Duration};

use super::{
    cache,
    gate::Gate,
    journal::{Journal, Note},
};
use crate::{
    breaker::{Breaker, BreakerMode, Transition},
    clock::Tick,
    config::Mode,
    event::{EventKind, Reason},
    shared::{Core, Route},
    store::Purge,
};

/// A route's gates, one for each kind of event that a bad day can make many of.
#[derive(Debug, Default)]
pub(crate) struct LogGates {
    failure: Gate,
    extension: Gate,
    panic: Gate,
}

/// A refresh brought a response, or confirmed the stored one.
pub(crate) fn refresh_success(route: &Route) {
    tracing::debug!(route = route.name(), "refreshed");
}

/// A fetch to replace a stored response failed.
pub(crate) fn refresh_failure(route: &Route, reason: Reason, now: Tick) {
    let Some(suppressed) = route.logs.failure.pass(now) else { return };
    let event = EventKind::RefreshFailed;
    let note = Note { route: Some(route.name()), reason: Some(reason), suppressed, ..Note::of(event) };
    route.core.journal.record(note);
    tracing::warn!(%event, route = route.name(), %reason, suppressed, "refresh failed");
}

/// A stored response may now serve past its hard limit.
pub(crate) fn extension(route: &Route, reason: Reason, by: Duration, now: Tick) {
    let Some(suppressed) = route.logs.extension.pass(now) else { return };
    let event = EventKind::Extended;
    route.core.journal.record(Note {
        route: Some(route.name()),
        reason: Some(reason),
        suppressed,
        detail: Some(format!("by {by:?}")),
        ..Note::of(event)
    });
    tracing::warn!(%event, route = route.name(), ?by, suppressed, "stale response extended");
}

/// A breaker changed its state. These are few by nature: one a cool-down.
pub(crate) fn breaker_transition(
    journal: &Journal,
    breaker: &Breaker,
    transition: Transition,
    why: Option<Reason>,
) {
    cache::count_transition(breaker, transition);
    let event = match transition {
        Transition::Opened => EventKind::BreakerOpened,
        Transition::HalfOpened => EventKind::BreakerHalfOpen,
        Transition::Closed => EventKind::BreakerClosed,
    };
    let breaker = breaker.name();
    journal.record(Note { breaker: Some(breaker), reason: why, ..Note::of(event) });
    match transition {
        Transition::Opened => {
            tracing::warn!(%event, breaker, reason = why.map(Reason::as_str), "breaker opened");
        }
        Transition::HalfOpened => tracing::info!(%event, breaker, "breaker half open"),
        Transition::Closed => tracing::info!(%event, breaker, "breaker closed"),
    }
}

/// A breaker was forced, or let go.
pub(crate) fn breaker_forced(journal: &Journal, breaker: &str, mode: BreakerMode) {
    let event = EventKind::ModeChanged;
    let mode = mode.as_str();
    journal.record(Note { breaker: Some(breaker), detail: Some(mode.to_owned()), ..Note::of(event) });
    tracing::info!(%event, breaker, mode, "breaker set");
}

/// A route does something else with requests from now on.
pub(crate) fn mode_changed(route: &Route, mode: Mode) {
    let event = EventKind::ModeChanged;
    let mode = mode.as_str();
    let note = Note { route: Some(route.name()), detail: Some(mode.to_owned()), ..Note::of(event) };
    route.core.journal.record(note);
    tracing::info!(%event, route = route.name(), mode, "mode changed");
}

/// What a route has stored serves stale whatever its limits are from now on, for so long.
pub(crate) fn serve_stale_changed(route: &Route, span: Duration) {
    let event = EventKind::ServeStaleChanged;
    let detail = if span.is_zero() { "ended".to_owned() } else { format!("for {span:?}") };
    route.core.journal.record(Note { route: Some(route.name()), detail: Some(detail), ..Note::of(event) });
    let route = route.name();
    match span.is_zero() {
        true => tracing::info!(%event, route, "stale responses served to their limits again"),
        false => tracing::warn!(%event, route, ?span, "stale responses served whatever their limits"),
    }
}

/// The inner service panicked.
pub(crate) fn fetch_panicked(route: &Route, now: Tick) {
    let Some(suppressed) = route.logs.panic.pass(now) else { return };
    let event = EventKind::Panicked;
    let note = Note { route: Some(route.name()), reason: Some(Reason::Panic), suppressed, ..Note::of(event) };
    route.core.journal.record(note);
    tracing::error!(%event, route = route.name(), suppressed, "fetch panicked");
}

/// A purge was carried out. What it was aimed at is not told: a tag or a URL may be a secret.
pub(crate) fn purged(core: &Core, purge: &Purge, entries: usize, took: Duration, now: Tick) {
    let kind = purge.scope.kind();
    core.meter.purged(kind.as_str(), entries, took);
    let gate = core.journal.purges.get(kind as usize);
    let Some(suppressed) = gate.and_then(|gate| gate.pass(now)) else { return };
    let (event, scope, soft) = (EventKind::Purged, kind.as_str(), purge.soft);
    let detail = format!("{}{scope}: {entries}", if soft { "soft " } else { "" });
    core.journal.record(Note { suppressed, detail: Some(detail), ..Note::of(event) });
    tracing::info!(%event, scope, soft, entries, suppressed, "purged");
}

/// Something was stored, for which other keys may have had to leave.
pub(crate) fn evictions(core: &Core, now: Tick) {
    let journal = &core.journal;
    let evicted = core.store.evicted();
    if evicted <= journal.evicted.load(Ordering::Relaxed) || journal.evictions.pass(now).is_none() {
        return;
    }
    let keys = evicted.saturating_sub(journal.evicted.fetch_max(evicted, Ordering::Relaxed));
    let event = EventKind::Evicted;
    journal.record(Note { detail: Some(format!("keys: {keys}")), ..Note::of(event) });
    tracing::info!(%event, keys, "evicted");
}
