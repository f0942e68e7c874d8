//! What a lookup costs under keys that strangers have chosen so that their hashes meet, beside keys at random.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use tower::{Layer, Service, service_fn};
use tower_swr_cache::{CacheHandle, ConfigError, SwrCache, SwrConfig};

use crate::report::Report;

/// Of each kind, one for each choice between two pairs of letters.
const PAIRS: usize = 14;
const KEYS: usize = 1 << PAIRS;
const ROUNDS: usize = 51;

pub(super) async fn measure(report: &mut Report) -> Result<(), ConfigError> {
    // To a polynomial in 31, as many hashes of strings are, "Aa" is the same as "BB".
    let alike = |n: usize| (0..PAIRS).map(|bit| if n >> bit & 1 == 0 { "Aa" } else { "BB" }).collect();
    let at_random = |_| (0..2 * PAIRS).map(|_| fastrand::alphabetic()).collect();
    let (mut alike, handle) = Visits::new((0..KEYS).map(alike)).await?;
    report.at_least("keys that were chosen to collide, stored", handle.stats().keys as f64, "", KEYS as f64);
    let (mut at_random, _) = Visits::new((0..KEYS).map(at_random)).await?;
    let (mut chosen, mut chance) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        chosen.push(alike.round().await);
        chance.push(at_random.round().await);
    }
    let (chosen, chance) = (median(chosen), median(chance));
    report.note("a hit under keys at random, by the median", nanoseconds(chance), "ns");
    report.note("a hit under keys that were chosen to collide", nanoseconds(chosen), "ns");
    let ratio = chosen.as_secs_f64() / chance.as_secs_f64();
    report.at_most("the one by the other", ratio, "", 2.0);
    Ok(())
}

type Origin = fn(Request<Empty<Bytes>>) -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>>;

/// A cache of its own, with all that is asked for stored.
struct Visits {
    service: SwrCache<tower::util::ServiceFn<Origin>>,
    paths: Vec<String>,
}

impl Visits {
    async fn new(names: impl Iterator<Item = String>) -> Result<(Self, CacheHandle), ConfigError> {
        let handle = CacheHandle::builder().capacity_bytes(64 << 20).build()?;
        let config = SwrConfig::builder("lookups").hard_ttl(Duration::from_secs(3600)).build()?;
        let origin: Origin = |_| std::future::ready(Ok(Response::new(Full::from("short"))));
        let service = handle.layer(config).layer(service_fn(origin));
        let mut visits = Self { service, paths: names.map(|name| format!("/{name}")).collect() };
        visits.round().await;
        // What was fetched is stored behind its readers.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok((visits, handle))
    }

    /// Asks for all of it once.
    async fn round(&mut self) -> Duration {
        let began = Instant::now();
        for path in &self.paths {
            let request = Request::get(path).body(Empty::new()).expect("is a request");
            let Ok(response) = self.service.call(request).await;
            drop(response);
        }
        began.elapsed()
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Of one hit of a round.
fn nanoseconds(round: Duration) -> f64 {
    (round.as_secs_f64() * 1e9 / KEYS as f64).round()
}
