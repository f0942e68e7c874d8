//! Sends the requests when they are due, and notes what came of each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tower::{Layer, Service, service_fn};
use tower_swr_cache::{CacheHandle, StoreStats, SwrConfig};

use crate::options::{Clock, Options};
use crate::origin::{self, Calls, Origin};
use crate::outcome::Outcome;
use crate::workload::{Ask, Condition, Page, Workload};

/// What came of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) samples: Vec<Sample>,
    pub(crate) calls: Calls,
    pub(crate) stats: StoreStats,
    /// How long it took, on the replay's clock and on the machine's.
    pub(crate) replay_time: Duration,
    pub(crate) machine_time: Duration,
}

impl Replayed {
    /// The part of the requests that `which` counts.
    pub(crate) fn share(&self, which: impl Fn(Outcome) -> bool) -> f64 {
        let count = self.samples.iter().filter(|sample| which(sample.outcome)).count();
        count as f64 / self.samples.len().max(1) as f64
    }

    pub(crate) fn served(&self) -> f64 {
        self.share(Outcome::is_served)
    }
}

pub(crate) async fn replay(options: &Options, workload: &Workload) -> Result<Replayed, String> {
    let origin = Origin::new(options, workload);
    let cache = cache(options).map_err(|error| error.to_string())?;
    let layer = cache.layer(route(options).map_err(|error| error.to_string())?);
    let inner = Arc::clone(&origin);
    let service = layer.layer(service_fn(move |request| Arc::clone(&inner).answer(request)));

    let samples = Arc::new(Mutex::new(Vec::new()));
    let turns = Arc::new(Semaphore::new(options.concurrency.get() as usize));
    let machine_began = std::time::Instant::now();
    let began = Instant::now();
    let round = workload.span() + Duration::from_secs(1);
    for repeat in 0..options.repeats.get() {
        for ask in &workload.asks {
            let due = (round * repeat + ask.at).div_f64(options.speed_up);
            sleep_until(began + due).await;
            let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { break };
            let request = request(ask, &workload.pages[ask.page]);
            let (mut service, samples) = (service.clone(), Arc::clone(&samples));
            tokio::spawn(async move {
                let (began, machine_began) = (Instant::now(), std::time::Instant::now());
                let outcome = match service.call(request).await {
                    Ok(response) => {
                        let outcome = Outcome::of(response.headers());
                        if drain(response.into_body()).await { outcome } else { Outcome::Failed }
                    }
                    Err(never) => match never {},
                };
                // On a simulated clock no time passes unless something waits; then the machine's tells what it took.
                let took = match began.elapsed() {
                    Duration::ZERO => machine_began.elapsed(),
                    waited => waited,
                };
                samples.lock().unwrap_or_else(PoisonError::into_inner).push(Sample { outcome, took });
                drop(turn);
            });
        }
    }
    // All turns are back when all requests are done.
    let _ = turns.acquire_many(options.concurrency.get()).await;
    let samples = std::mem::take(&mut *samples.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Replayed {
        samples,
        calls: origin.calls(),
        stats: cache.stats(),
        replay_time: began.elapsed(),
        machine_time: machine_began.elapsed(),
    })
}

fn cache(options: &Options) -> Result<CacheHandle, tower_swr_cache::ConfigError> {
    let builder = CacheHandle::builder().capacity_bytes(options.capacity).max_body_bytes(options.max_body);
    match options.clock {
        Clock::Real => builder.build(),
        // The dates of responses have to pass as fast as everything else.
        Clock::Simulated => {
            let (began, wall) = (Instant::now(), SystemTime::now());
            builder.wall_clock(move || wall + began.elapsed()).build()
        }
    }
}

fn route(options: &Options) -> Result<SwrConfig, tower_swr_cache::ConfigError> {
    let mut route = SwrConfig::builder("load").soft_ttl(options.soft_ttl).hard_ttl(options.hard_ttl);
    route = match options.breaker_failures {
        0 => route.no_breaker(),
        failures => route.breaker(failures, options.breaker_cooldown),
    };
    if !options.negative_ttl.is_zero() {
        route = route.status_ttl(http::StatusCode::NOT_FOUND, options.negative_ttl, options.negative_ttl);
    }
    route.build()
}

fn request(ask: &Ask, page: &Page) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = ask.method.clone();
    *request.uri_mut() = page.target.clone();
    let headers: &mut HeaderMap = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("origin.example"));
    match ask.condition {
        Condition::None => {}
        Condition::IfNoneMatch => drop(headers.insert(header::IF_NONE_MATCH, origin::validator(page))),
        Condition::Range(bytes) => {
            let range = format!("bytes=0-{}", bytes.saturating_sub(1));
            if let Ok(range) = HeaderValue::try_from(range) {
                headers.insert(header::RANGE, range);
            }
        }
    }
    request
}

/// Reads a body and keeps nothing of it; false if it broke off.
async fn drain(mut body: impl http_body::Body + Unpin) -> bool {
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return false;
        }
    }
    true
}
