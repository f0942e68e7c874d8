//! An upstream that is down: how often it is asked all the same. And keys that expire together: how many refreshes at once.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::{Layer, Service, service_fn};
use tower_swr_cache::{CacheHandle, ConfigError, SwrCache, SwrConfig};

use super::simulated;
use crate::options::Options;
use crate::report::Report;

const KEYS: usize = 100_000;
const OUTAGE: Duration = Duration::from_secs(300);
const COOLDOWN: Duration = Duration::from_secs(30);
const LATENCY: Duration = Duration::from_millis(50);

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    let keys = options.scaled(KEYS);
    let mut report = Report::default();
    simulated(options, async {
        down(&mut report, keys).await?;
        one_key(&mut report).await?;
        together(&mut report, keys).await
    })?
    .map_err(|error: ConfigError| error.to_string())?;
    Ok(report)
}

/// The upstream: up or down, and how often it was asked.
#[derive(Debug, Default)]
struct Upstream {
    down: AtomicBool,
    calls: AtomicU64,
    running: AtomicU64,
    most_running: AtomicU64,
}

impl Upstream {
    async fn answer(self: Arc<Self>, _: Request<Empty<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_running.fetch_max(running, Ordering::Relaxed);
        sleep(LATENCY).await;
        self.running.fetch_sub(1, Ordering::Relaxed);
        let mut response = Response::new(Full::from("answer"));
        if self.down.load(Ordering::Relaxed) {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many calls were under way at once since this was last asked, at most.
    fn peak(&self) -> u64 {
        self.most_running.swap(0, Ordering::Relaxed)
    }
}

async fn ask<S, B>(mut service: S, key: usize)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body,
{
    let request = Request::get(format!("http://a/{key}")).body(Empty::new()).expect("is a request");
    let Ok(response) = service.call(request).await;
    drop(response.into_body().collect().await);
}

/// Makes a service over an upstream of its own; `service_fn` has no name for its type.
macro_rules! cached {
    ($handle:expr, $config:expr, $upstream:expr) => {{
        let upstream = Arc::clone($upstream);
        let service: SwrCache<_> = $handle
            .layer($config.build()?)
            .layer(service_fn(move |request| Arc::clone(&upstream).answer(request)));
        service
    }};
}

/// Down for minutes, while many keys are asked for that nobody has asked for before.
async fn down(report: &mut Report, keys: usize) -> Result<(), ConfigError> {
    let upstream = Arc::new(Upstream::default());
    upstream.down.store(true, Ordering::Relaxed);
    let handle = CacheHandle::builder().build()?;
    let config = SwrConfig::builder("down").hard_ttl(COOLDOWN).breaker(5, COOLDOWN);
    let service = cached!(handle, config, &upstream);
    let mut readers = JoinSet::new();
    let a_second = keys.div_ceil(OUTAGE.as_secs() as usize);
    for second in 0..OUTAGE.as_secs() as usize {
        for n in 0..a_second {
            readers.spawn(ask(service.clone(), second * a_second + n));
            if n % a_second.div_ceil(100) == 0 {
                sleep(Duration::from_millis(10)).await;
            }
        }
        while readers.try_join_next().is_some() {}
    }
    let under_way = upstream.peak();
    drop(readers.join_all().await);
    // Cool-downs are up to a tenth shorter.
    let cooldowns = (OUTAGE.as_secs_f64() / (COOLDOWN.as_secs_f64() * 0.9)).ceil();
    report.note("down for minutes: keys asked for", keys as f64, "");
    report.note("calls under way when the breaker opened, at most", under_way as f64, "");
    report.at_most("calls", upstream.calls() as f64, "", 5.0 + under_way as f64 + cooldowns);
    Ok(())
}

/// One popular key whose refresh fails for a minute, and no breaker.
async fn one_key(report: &mut Report) -> Result<(), ConfigError> {
    let upstream = Arc::new(Upstream::default());
    let handle = CacheHandle::builder().build()?;
    let (soft, hard) = (Duration::from_secs(1), Duration::from_secs(3600));
    let config = SwrConfig::builder("one").soft_ttl(soft).hard_ttl(hard).no_breaker();
    let service = cached!(handle, config, &upstream);
    ask(service.clone(), 0).await;
    upstream.down.store(true, Ordering::Relaxed);
    sleep(soft).await;
    for _ in 0..60_000 {
        for _ in 0..10 {
            ask(service.clone(), 0).await;
        }
        sleep(Duration::from_millis(1)).await;
    }
    report.note("a key whose refresh fails for a minute: requests", 600_000.0, "");
    report.at_most("calls", upstream.calls() as f64 - 1.0, "", 8.0);
    Ok(())
}

/// Keys that were filled together.
async fn together(report: &mut Report, keys: usize) -> Result<(), ConfigError> {
    const REFRESHES: usize = 64;
    let mut peaks = [0; 2];
    for (jitter, peak) in [0.0, 0.1].into_iter().zip(&mut peaks) {
        *peak = peak_of(keys, jitter, keys).await?;
    }
    let [without, with] = peaks.map(|peak| peak as f64);
    report.note("keys filled together", keys as f64, "");
    report.note("refreshes at once without jitter, at most", without, "");
    report.at_most("refreshes at once with it, at most", with, "", (without / 5.0).floor());
    let limited = peak_of(keys, 0.1, REFRESHES).await?;
    report.at_most("refreshes at once under a limit", limited as f64, "", REFRESHES as f64);
    Ok(())
}

/// How many refreshes run at once at most, as keys that were filled together go stale.
async fn peak_of(keys: usize, jitter: f64, limit: usize) -> Result<u64, ConfigError> {
    let upstream = Arc::new(Upstream::default());
    let handle = CacheHandle::builder()
        .capacity_bytes(512 << 20)
        .max_concurrent_refreshes(limit)
        .max_concurrent_fetches(2 * keys)
        .build()?;
    let (soft, hard) = (Duration::from_secs(30), Duration::from_secs(300));
    let config = SwrConfig::builder("together").soft_ttl(soft).hard_ttl(hard).soft_jitter(jitter);
    let service = cached!(handle, config, &upstream);
    let mut readers = JoinSet::new();
    (0..keys).for_each(|key| drop(readers.spawn(ask(service.clone(), key))));
    drop(readers.join_all().await);
    upstream.peak();
    sleep(soft.mul_f64(0.89)).await;
    for _ in 0..40 {
        for key in 0..keys {
            ask(service.clone(), key).await;
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(upstream.peak())
}
