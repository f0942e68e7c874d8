//! The world that is stirred up: routes, what there is behind them, and visitors of every kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header;
use http::{Method, Request};
use http_body_util::Empty;
use tokio::time::{Instant, timeout};
use tower::{Layer, Service, service_fn, util::BoxCloneSyncService};
use tower_swr_cache::{CacheHandle, ConfigError, ResponseBody, SwrConfig};

use super::visitor::{PASSED_ON, outcome, read, request};

use crate::oracle::{Answer, Counts, End, Limits, Oracle};
use crate::origin::{ERROR, Faults, HARD, Origin, SOFT, TransportError};
use crate::report::Report;

/// A route with TTLs, one with a breaker as well, and one whose answers say it themselves.
pub(super) const HOSTS: [&str; 3] = ["ttl.example", "breaker.example", "origin.example"];
/// What there is below each host, and how many of it.
pub(super) const PATHS: [(&str, u32); 8] = [
    ("page", 60),
    ("lang", 20),
    ("my/session", 10),
    ("my/private", 10),
    ("my/cookie", 5),
    ("public", 10),
    ("gone", 10),
    ("large", 2),
];
/// What must not become of a visit.
const STUCK: &str = "stuck";
const MAX_BODY: usize = 64 << 10;

pub(super) type Body = ResponseBody<crate::origin::Body>;
type Response = http::Response<Body>;
type Cached = BoxCloneSyncService<Request<Empty<Bytes>>, Response, TransportError>;

/// By which clock it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// All on one thread, one after the other.
    Simulated,
    /// On several threads: what happens at the same time has no order, and ages are measured late.
    Real,
}

pub(super) struct World {
    pub(super) oracle: Oracle,
    pub(super) handle: CacheHandle,
    clock: Clock,
    services: [Cached; HOSTS.len()],
    /// What clients were told, by outcome.
    seen: Mutex<BTreeMap<&'static str, u64>>,
}

impl World {
    pub(super) fn new(clock: Clock) -> Result<Self, ConfigError> {
        let (began, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let handle = CacheHandle::builder()
            .capacity_bytes(64 << 20)
            .max_body_bytes(MAX_BODY as u64)
            // The dates of responses have to pass as fast as everything else.
            .wall_clock(move || wall + began.elapsed())
            .build()?;
        let oracle = Oracle::new();
        let origin = Origin {
            oracle: oracle.clone(),
            faults: Faults { errors: 0.3, hangs: 0.05, cuts: 0.05 },
            explicit: HOSTS[2],
            large: 3 * MAX_BODY,
        };
        let route = |host: &str| {
            SwrConfig::builder(host)
                .fetch_timeout(Duration::from_secs(2))
                .body_timeout(Duration::from_secs(1))
        };
        let configs = [
            route(HOSTS[0]).soft_ttl(SOFT).hard_ttl(HARD).no_breaker(),
            route(HOSTS[1]).soft_ttl(SOFT).hard_ttl(HARD).breaker(5, Duration::from_secs(3)),
            route(HOSTS[2]).no_breaker(),
        ];
        let [one, two, three] = configs.map(|config| {
            let origin = origin.clone();
            let inner = service_fn(move |request| origin.clone().answer(request));
            config.build().map(|config| Cached::new(handle.layer(config).layer(inner)))
        });
        let services = [one?, two?, three?];
        Ok(Self { oracle, handle, clock, services, seen: Mutex::default() })
    }

    /// One client, from its request to the end of its answer, or until it has enough of it.
    pub(super) async fn visit(&self) {
        let host = fastrand::usize(..HOSTS.len());
        let (mut parts, ()) = request(HOSTS[host], self.users()).into_parts();
        if self.clock == Clock::Real && !parts.method.is_safe() {
            // Whether a purge comes before or after another visit is not known.
            parts.method = Method::GET;
        }
        let limits = self.limits(host);
        let mut question = self.oracle.ask(&parts);
        // What goes past the cache has no time-out, and may hang as long as its origin does.
        let alone = parts.method != Method::GET || parts.headers.contains_key(header::RANGE);
        let request = Request::from_parts(parts, Empty::new());
        let mut service = self.services[host].clone();
        let leaves = fastrand::u8(..32) == 0;
        let patience = if leaves { Duration::from_millis(fastrand::u64(..300)) } else { self.patience() };
        // A panic of the origin is the leader's own, and ends its task as it does here.
        let call = tokio::spawn(async move { service.call(request).await });
        let abort = call.abort_handle();
        let response = match timeout(patience, call).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(TransportError))) => return self.saw("transport error"),
            Ok(Err(_panic)) => return self.saw("panic"),
            Err(_elapsed) => {
                abort.abort();
                let stuck = !leaves && !alone;
                return self.saw(if stuck { STUCK } else { "left before the head" });
            }
        };
        question.answered();
        let (head, body) = response.into_parts();
        let outcome = outcome(&head.headers, head.extensions.get());
        let Ok((body, end)) = timeout(self.patience(), read(body)).await else {
            return self.saw(if outcome == PASSED_ON { "left in the body" } else { STUCK });
        };
        question.judge(&limits, &Answer { status: head.status, headers: &head.headers, body: &body, end });
        self.saw(if end == End::Broken { "broken off" } else { outcome });
    }

    /// Nobody waits longer than this: some turns of the time-outs.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(if self.clock == Clock::Real { 10 } else { 60 })
    }

    /// In real time few, so that the oracle has seen each of them before memory is measured.
    fn users(&self) -> u32 {
        if self.clock == Clock::Real { 4 } else { 40 }
    }

    fn limits(&self, host: usize) -> Limits {
        let limits = match host {
            2 => Limits { soft: SOFT, hard: HARD, error: ERROR, unseen_failures: false },
            host => Limits { unseen_failures: host == 1, ..Limits::of_route(SOFT, HARD) },
        };
        match self.clock {
            Clock::Simulated => limits,
            Clock::Real => limits.later_by(Duration::from_secs(1)),
        }
    }

    fn saw(&self, what: &'static str) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// What has come of all visits, of which so many have not come to an end.
    pub(super) fn report(&self, report: &mut Report, left: usize) {
        let Counts { judged, wrong, foreign, over_age, cut_short, doubled } = self.oracle.counts();
        for fault in self.oracle.faults() {
            eprintln!("{fault}");
        }
        report.none("wrong bodies", wrong);
        report.none("bodies of another user", foreign);
        report.none("bodies older than they may be, or purged", over_age);
        report.none("bodies cut short that ended as if whole", cut_short);
        if self.clock == Clock::Simulated {
            report.none("calls beside another one for the same", doubled);
        }
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let of = |what: &str| seen.get(what).copied().unwrap_or_default();
        report.none("requests that were never answered", of(STUCK) + left as u64);
        let stats = self.handle.stats();
        report.none("flights left behind", stats.flights as u64);
        report.none("bytes of bodies left behind", stats.inflight_bytes);
        let requests: u64 = seen.values().sum();
        // A campaign that stirs nothing up shows nothing. Some of it takes its time, whatever the number of requests: a
        // response has to outlive its limits, a breaker to be forced. A short run on a fast machine may not come to it.
        let in_time = |least: f64| if requests < 100_000 { 0.0 } else { least };
        for (what, least) in [
            ("hit", 0.1),
            ("hit; detail=stale", 0.05),
            ("hit; detail=stale_error", in_time(0.001)),
            ("collapsed", 0.001),
            ("revalidated", in_time(0.0005)),
            (PASSED_ON, 0.05),
            ("breaker_open", in_time(0.001)),
            ("broken off", 0.01),
        ] {
            report.at_least(format!("of all: {what}"), of(what) as f64 / requests as f64, "", least);
        }
        report.note("answers judged", judged as f64, "");
        report.note("calls of the origin", self.oracle.newest_call() as f64, "");
        for (what, count) in &seen {
            report.note(format!("requests: {what}"), *count as f64, "");
        }
    }
}
