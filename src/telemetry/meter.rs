//! What a route counts: for its stats, and for whoever listens to its metrics.

use std::{
    array,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use metrics::{Counter, Histogram, SharedString};

use super::{
    latency::Latency,
    names,
    series::{self, Pair, Series},
    stats::{Quantiles, Ratios, RouteStats},
};
use crate::{
    clock::Tick,
    event::{Outcome, Reason},
    window::Window,
};

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($variant,)*
        }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

label! {
    /// Where a response came from.
    Source { Cache = "cache", Upstream = "upstream", }
}

label! {
    /// What a call of the inner service was for.
    CallKind { Fill = "fill", Refresh = "refresh", Bypass = "bypass", }
}

label! {
    /// What came of a call.
    CallResult {
        Success = "success",
        NotModified = "not_modified",
        Failure = "failure",
        TimedOut = "timed_out",
        Panicked = "panicked",
    }
}

label! {
    /// What came of a refresh.
    RefreshResult {
        Success = "success",
        NotModified = "not_modified",
        Failure = "failure",
        TimedOut = "timed_out",
        Panicked = "panicked",
        BreakerOpen = "breaker_open",
        Shed = "shed",
    }
}

label! {
    /// How what would have been served compares with what came.
    Verdict { Same = "same", Different = "different", }
}

const OUTCOMES: usize = Outcome::ALL.len();
const REASONS: usize = Reason::ALL.len();
const SOURCES: usize = Source::ALL.len();
const KINDS: usize = CallKind::ALL.len();
/// While nobody listens, one in so many answers from memory is timed.
const TIMED: u64 = 16;
const CALLS: usize = KINDS * CallResult::ALL.len();
const REFRESHES: usize = RefreshResult::ALL.len();

/// The place of a call among its counters.
const fn call(kind: CallKind, result: CallResult) -> usize {
    kind as usize * CallResult::ALL.len() + result as usize
}

/// Counters of a fixed set, each with its series.
#[derive(Debug)]
struct Counts<const N: usize> {
    totals: [AtomicU64; N],
    series: [Series<Counter>; N],
}

impl<const N: usize> Counts<N> {
    fn new() -> Self {
        Self { totals: array::from_fn(|_| AtomicU64::new(0)), series: array::from_fn(|_| Series::default()) }
    }

    fn add<const L: usize>(
        &self,
        n: usize,
        amount: u64,
        metric: &'static names::Metric,
        labels: impl FnOnce() -> [Pair; L],
    ) {
        if let (Some(total), Some(series)) = (self.totals.get(n), self.series.get(n)) {
            total.fetch_add(amount, Ordering::Relaxed);
            series.with(metric, labels, |counter| counter.increment(amount));
        }
    }

    /// Counts without telling.
    fn add_unheard(&self, n: usize, amount: u64) {
        if let Some(total) = self.totals.get(n) {
            total.fetch_add(amount, Ordering::Relaxed);
        }
    }

    fn total(&self, n: usize) -> u64 {
        self.totals.get(n).map_or(0, |total| total.load(Ordering::Relaxed))
    }
}

/// A route's counters.
#[derive(Debug)]
pub(crate) struct Meter {
    route: SharedString,
    introduced: AtomicBool,
    outcomes: Window<OUTCOMES>,
    outcome_series: [Series<Counter>; OUTCOMES],
    answers: [Latency; SOURCES],
    answer_series: [Series<Histogram>; SOURCES],
    calls: Counts<CALLS>,
    call_times: [Latency; KINDS],
    call_series: [Series<Histogram>; KINDS],
    refreshes: Counts<REFRESHES>,
    uncacheable: Counts<REASONS>,
    bypassed: [Series<Counter>; REASONS],
    collapsed: Counts<1>,
    extensions: Counts<1>,
    bytes: Counts<SOURCES>,
    age: Series<Histogram>,
    observed: Counts<{ Verdict::ALL.len() }>,
}

impl Meter {
    pub(crate) fn new(route: &str) -> Self {
        Self {
            route: route.to_owned().into(),
            introduced: AtomicBool::new(false),
            outcomes: Window::new(),
            outcome_series: array::from_fn(|_| Series::default()),
            answers: array::from_fn(|_| Latency::new()),
            answer_series: array::from_fn(|_| Series::default()),
            calls: Counts::new(),
            call_times: array::from_fn(|_| Latency::new()),
            call_series: array::from_fn(|_| Series::default()),
            refreshes: Counts::new(),
            uncacheable: Counts::new(),
            bypassed: array::from_fn(|_| Series::default()),
            collapsed: Counts::new(),
            extensions: Counts::new(),
            bytes: Counts::new(),
            age: Series::default(),
            observed: Counts::new(),
        }
    }

    /// A request got its answer, after so long.
    pub(crate) fn answered(&self, outcome: Outcome, source: Source, took: Duration, now: Tick) {
        self.outcomes.count(outcome as usize, now);
        self.timed(source, took);
        if self.is_heard() {
            self.tell(outcome, source, took);
        }
    }

    /// A request got what is stored, at this age and with so many bytes; `took` says how long that has taken. While nobody
    /// listens it is asked by one in sixteen only: reading the clock is a good part of what such an answer costs.
    pub(crate) fn served(
        &self,
        outcome: Outcome,
        source: Source,
        (age, bytes): (u64, u64),
        took: impl FnOnce() -> Duration,
        now: Tick,
    ) {
        let before = self.outcomes.count(outcome as usize, now);
        if self.is_heard() {
            let took = took();
            self.timed(source, took);
            self.tell(outcome, source, took);
            self.age.with(&names::SERVED_AGE, || [self.route()], |histogram| histogram.record(age as f64));
            self.passed(Source::Cache, bytes);
        } else {
            self.bytes.add_unheard(Source::Cache as usize, bytes);
            if before % TIMED == 0 {
                self.timed(source, took());
            }
        }
    }

    fn timed(&self, source: Source, took: Duration) {
        if let Some(latency) = self.answers.get(source as usize) {
            latency.record(took);
        }
    }

    fn tell(&self, outcome: Outcome, source: Source, took: Duration) {
        if let Some(series) = self.outcome_series.get(outcome as usize) {
            let labels = || [self.route(), ("outcome", outcome.as_str().into())];
            series.with(&names::REQUESTS, labels, |counter| counter.increment(1));
        }
        if let Some(series) = self.answer_series.get(source as usize) {
            let labels = || [self.route(), ("served", source.as_str().into())];
            series.with(&names::REQUEST_DURATION, labels, |histogram| histogram.record(took));
        }
    }

    /// Bytes of bodies went by.
    pub(crate) fn passed(&self, source: Source, bytes: u64) {
        let labels = || [self.route(), ("source", source.as_str().into())];
        self.bytes.add(source as usize, bytes, &names::RESPONSE_BYTES, labels);
    }

    /// The inner service was called, and came to this after so long.
    pub(crate) fn called(&self, kind: CallKind, result: CallResult, took: Duration) {
        let labels = || [self.route(), ("kind", kind.as_str().into()), ("result", result.as_str().into())];
        self.calls.add(call(kind, result), 1, &names::UPSTREAM_REQUESTS, labels);
        if let Some((latency, series)) =
            self.call_times.get(kind as usize).zip(self.call_series.get(kind as usize))
        {
            latency.record(took);
            let labels = || [self.route(), ("kind", kind.as_str().into())];
            series.with(&names::UPSTREAM_DURATION, labels, |histogram| histogram.record(took));
        }
    }

    /// A refresh came to this.
    pub(crate) fn refreshed(&self, result: RefreshResult) {
        let labels = || [self.route(), ("result", result.as_str().into())];
        self.refreshes.add(result as usize, 1, &names::REFRESHES, labels);
    }

    /// A response was not stored.
    pub(crate) fn uncacheable(&self, reason: Reason) {
        let labels = || [self.route(), ("reason", reason.as_str().into())];
        self.uncacheable.add(reason as usize, 1, &names::UNCACHEABLE, labels);
    }

    /// A request went straight to the inner service, whose answer came to this after so long.
    pub(crate) fn bypassed(&self, reason: Reason, result: CallResult, took: Duration, now: Tick) {
        let (outcome, source) = (Outcome::Bypass, Source::Upstream);
        if self.is_heard() {
            self.called(CallKind::Bypass, result, took);
            if let Some(series) = self.bypassed.get(reason as usize) {
                let labels = || [self.route(), ("reason", reason.as_str().into())];
                series.with(&names::BYPASSED, labels, |counter| counter.increment(1));
            }
            self.answered(outcome, source, took, now);
        } else {
            // What only a recorder is told of reasons and of the call's time is left out.
            self.calls.add_unheard(call(CallKind::Bypass, result), 1);
            self.outcomes.count(outcome as usize, now);
            self.timed(source, took);
        }
    }

    /// A request was answered by another one's call.
    pub(crate) fn collapsed(&self) {
        self.collapsed.add(0, 1, &names::COLLAPSED, || [self.route()]);
    }

    /// What would have been served compares so with what came.
    pub(crate) fn observed(&self, verdict: Verdict) {
        let labels = || [self.route(), ("verdict", verdict.as_str().into())];
        self.observed.add(verdict as usize, 1, &names::OBSERVED, labels);
    }

    /// A stored response may serve past its hard limit.
    pub(crate) fn extended(&self) {
        self.extensions.add(0, 1, &names::EXTENSIONS, || [self.route()]);
    }

    /// How often each outcome was counted in the last five minutes.
    pub(crate) fn recent(&self, now: Tick) -> [u64; OUTCOMES] {
        self.outcomes.recent(now)
    }

    /// The same for each slot of that time, the oldest first.
    #[cfg(feature = "admin")]
    pub(crate) fn slots(&self, now: Tick) -> [[u64; OUTCOMES]; crate::window::SLOTS] {
        self.outcomes.slots(now)
    }

    /// What was counted, and how long it took.
    pub(crate) fn stats(&self, now: Tick) -> RouteStats {
        let totals = self.outcomes.totals();
        let of = |outcome: Outcome| totals.get(outcome as usize).copied().unwrap_or(0);
        let refreshed = |results: &[RefreshResult]| {
            results.iter().map(|result| self.refreshes.total(*result as usize)).sum()
        };
        let latency = |latency: Option<&Latency>| latency.and_then(Quantiles::of);
        RouteStats {
            route: self.route.to_string(),
            hits: of(Outcome::Hit),
            stale_serves: of(Outcome::Stale),
            stale_error_serves: of(Outcome::StaleError),
            misses: of(Outcome::Miss),
            revalidated: of(Outcome::Revalidated),
            uncacheable: of(Outcome::Uncacheable),
            rejected: of(Outcome::Rejected),
            bypassed: of(Outcome::Bypass),
            collapsed: self.collapsed.total(0),
            extensions: self.extensions.total(0),
            refresh_successes: refreshed(&[RefreshResult::Success, RefreshResult::NotModified]),
            refresh_failures: refreshed(&[
                RefreshResult::Failure,
                RefreshResult::TimedOut,
                RefreshResult::Panicked,
            ]),
            refreshes_refused: refreshed(&[RefreshResult::BreakerOpen, RefreshResult::Shed]),
            observed_same: self.observed.total(Verdict::Same as usize),
            observed_different: self.observed.total(Verdict::Different as usize),
            upstream_calls: (0..CALLS).map(|n| self.calls.total(n)).sum(),
            cache_bytes: self.bytes.total(Source::Cache as usize),
            upstream_bytes: self.bytes.total(Source::Upstream as usize),
            recent: Ratios::of(&self.outcomes.recent(now)),
            from_cache: latency(self.answers.get(Source::Cache as usize)),
            from_upstream: latency(self.answers.get(Source::Upstream as usize)),
            fills: latency(self.call_times.get(CallKind::Fill as usize)),
            refreshes: latency(self.call_times.get(CallKind::Refresh as usize)),
        }
    }

    /// Publishes what depends on the time; `runway` is how long the route could serve without its upstream.
    pub(crate) fn publish(&self, runway: Option<Duration>, now: Tick) {
        self.introduce();
        let Ratios { hit, fresh } = Ratios::of(&self.outcomes.recent(now));
        series::set_gauge(&names::HIT_RATIO, [self.route()], hit.unwrap_or(f64::NAN));
        series::set_gauge(&names::FRESH_RATIO, [self.route()], fresh.unwrap_or(f64::NAN));
        let runway = runway.map_or(f64::NAN, |left| left.as_secs_f64());
        series::set_gauge(&names::STALE_RUNWAY, [self.route()], runway);
    }

    fn route(&self) -> Pair {
        ("route", self.route.clone())
    }

    /// Whether somebody listens, or has.
    fn is_heard(&self) -> bool {
        self.introduce();
        self.introduced.load(Ordering::Relaxed)
    }

    /// Registers at zero what an alert may divide by, as soon as somebody listens.
    fn introduce(&self) {
        if !series::describe(&self.introduced) {
            return;
        }
        for outcome in Outcome::ALL {
            if let Some(series) = self.outcome_series.get(*outcome as usize) {
                let labels = || [self.route(), ("outcome", outcome.as_str().into())];
                series.with(&names::REQUESTS, labels, |counter| counter.increment(0));
            }
        }
        for result in RefreshResult::ALL {
            let labels = || [self.route(), ("result", result.as_str().into())];
            self.refreshes.add(*result as usize, 0, &names::REFRESHES, labels);
        }
        for source in Source::ALL {
            self.passed(*source, 0);
        }
        self.collapsed.add(0, 0, &names::COLLAPSED, || [self.route()]);
        self.extensions.add(0, 0, &names::EXTENSIONS, || [self.route()]);
    }
}
