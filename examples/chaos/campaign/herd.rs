//! All at once on one key: one call where its answer can be shared, and nobody's answer to another where it cannot.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Empty, Full};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, service_fn};
use tower_swr_cache::{CacheHandle, SwrConfig};

use super::{in_real_time, simulated};
use crate::options::Options;
use crate::report::Report;

const HERDS: usize = 100;
const READERS: usize = 10_000;
const LATENCY: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options) -> Result<Report, String> {
    let mut report = Report::default();
    in_real_time(storable(&mut report, options.scaled(HERDS)))?.map_err(|error| error.to_string())?;
    simulated(options, unstorable(&mut report))?.map_err(|error| error.to_string())?;
    Ok(report)
}

/// Herds on a key each, on several threads.
async fn storable(report: &mut Report, herds: usize) -> Result<(), tower_swr_cache::ConfigError> {
    let calls = Arc::new(AtomicU64::new(0));
    let handle = CacheHandle::builder().build()?;
    let config = SwrConfig::builder("herd").hard_ttl(Duration::from_secs(3600)).build()?;
    let service = handle.layer(config).layer(origin(&calls, Duration::from_millis(20), ""));
    let (mut most, mut readers, mut apart) = (0, 0, 0);
    for herd in 0..herds {
        let before = calls.load(Ordering::SeqCst);
        let answers = burst(|| read(service.clone(), format!("http://a/{herd}"))).await;
        most = most.max(calls.load(Ordering::SeqCst) - before);
        readers += answers.len();
        let bodies: HashSet<_> = answers.iter().map(|(body, _)| body).collect();
        apart += bodies.len() as u64 - 1;
    }
    report.note("herds on a cold key", herds as f64, "");
    report.at_least("readers that were answered", readers as f64, "", (herds * READERS) as f64);
    report.at_most("calls of a herd, at most", most as f64, "", 1.0);
    report.none("other bodies than the first", apart);
    report.none("flights left behind", handle.stats().flights as u64);
    Ok(())
}

/// Two bursts on a key whose answers say `no-store`.
async fn unstorable(report: &mut Report) -> Result<(), tower_swr_cache::ConfigError> {
    let calls = Arc::new(AtomicU64::new(0));
    let handle = CacheHandle::builder().max_concurrent_fetches(2 * READERS).build()?;
    let config = SwrConfig::builder("herd").hard_ttl(Duration::from_secs(3600)).build()?;
    let service = handle.layer(config).layer(origin(&calls, LATENCY, "no-store"));
    for (burst_name, most) in [("the first burst", 250.0), ("the next burst", 100.0)] {
        let answers = burst(|| read(service.clone(), "http://a/".to_owned())).await;
        let bodies: HashSet<_> = answers.iter().map(|(body, _)| body).collect();
        let mut took: Vec<_> = answers.iter().map(|(_, took)| *took).collect();
        took.sort_unstable();
        let p99 = took[took.len() * 99 / 100].as_millis() as f64;
        report.at_most(format!("{burst_name}, unstorable: p99"), p99, "ms", most);
        report.none(format!("{burst_name}, unstorable: bodies shared"), (READERS - bodies.len()) as u64);
    }
    report.none("flights left behind", handle.stats().flights as u64);
    Ok(())
}

/// Its body is the number of the call.
fn origin(
    calls: &Arc<AtomicU64>,
    latency: Duration,
    says: &'static str,
) -> impl Service<Request<Empty<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ use<> {
    let calls = Arc::clone(calls);
    service_fn(move |_request| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        async move {
            sleep(latency).await;
            let mut response = Response::new(Full::from(call.to_string()));
            response.headers_mut().insert(header::CACHE_CONTROL, says.parse().expect("is a value"));
            Ok(response)
        }
    })
}

/// All of them at once.
async fn burst<F>(reader: impl Fn() -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(reader());
    }
    readers.join_all().await
}

/// The body, and how long it took.
async fn read<S, B>(mut service: S, uri: String) -> (Bytes, Duration)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes>,
{
    let began = Instant::now();
    let request = Request::get(uri).body(Empty::new()).expect("is a request");
    let Ok(response) = service.call(request).await;
    let body = response.into_body().collect().await.map(|whole| whole.to_bytes());
    (body.unwrap_or_default(), began.elapsed())
}
