//! The recipe of the crate's documentation: any async function behind a soft and a hard TTL.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_swr_cache::{BoxError, CacheHandle, ConfigError, SwrCache, SwrConfig, key};

use crate::support::{Gate, Start, rest, secs};

const SOFT: Duration = secs(30);
const HARD: Duration = secs(300);

/// What is fetched: the number of the call, unless it is told to fail or to wait.
#[derive(Clone, Default)]
struct Source {
    calls: Arc<AtomicUsize>,
    down: Arc<Mutex<bool>>,
    gate: Arc<Mutex<Option<Gate>>>,
}

impl Source {
    async fn fetch(self, key: String) -> Result<String, BoxError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if *self.down.lock().unwrap() { Err("it is down".into()) } else { Ok(format!("{key} {call}")) }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

type Fetch = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, BoxError>;

#[derive(Clone)]
struct Swr(SwrCache<Fetch>);

impl Swr {
    fn new<F, Fut>(
        cache: &CacheHandle,
        name: &str,
        fetch: F,
        soft: Duration,
        hard: Duration,
    ) -> Result<Self, ConfigError>
    where
        F: Fn(String) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        let config = SwrConfig::builder(name).soft_ttl(soft).hard_ttl(hard).key(key::Path).build()?;
        let fetch = service_fn(move |request: Request<Full<Bytes>>| {
            let value = fetch(request.uri().path()[1..].to_owned());
            async move { Ok::<_, BoxError>(Response::new(Full::from(value.await?))) }
        });
        Ok(Self(cache.layer(config).layer(Fetch::new(fetch))))
    }

    async fn get_with_swr(&self, key: &str) -> Result<String, BoxError> {
        let request = Request::get(format!("/{key}")).body(Full::default())?;
        let response = self.0.clone().oneshot(request).await?;
        if !response.status().is_success() {
            return Err(response.status().to_string().into());
        }
        Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().into())?)
    }
}

fn set_up() -> (Source, CacheHandle, Swr) {
    let (source, handle) = (Source::default(), CacheHandle::builder().build().unwrap());
    let fetch = source.clone();
    let cache = Swr::new(&handle, "rates", move |key| fetch.clone().fetch(key), SOFT, HARD).unwrap();
    (source, handle, cache)
}

#[tokio::test(start_paused = true)]
async fn past_the_soft_ttl_the_stale_value_is_served_and_refreshed_behind_it() {
    let (source, _, cache) = set_up();
    let start = Start::now();
    assert_eq!(cache.get_with_swr("usd").await.unwrap(), "usd 1");
    // The soft TTL is up to a tenth shorter, at random.
    start.at(26.999).await;
    assert_eq!((cache.get_with_swr("usd").await.unwrap(), source.calls()), ("usd 1".into(), 1));

    // The refresh hangs, and still nobody waits.
    let gate = Gate::new();
    *source.gate.lock().unwrap() = Some(gate.clone());
    start.at(30.0).await;
    for _ in 0..3 {
        assert_eq!(cache.get_with_swr("usd").await.unwrap(), "usd 1");
        rest().await;
    }
    assert_eq!(source.calls(), 2);
    gate.open();
    rest().await;
    assert_eq!((cache.get_with_swr("usd").await.unwrap(), source.calls()), ("usd 2".into(), 2));
    assert_eq!(cache.get_with_swr("eur").await.unwrap(), "eur 3");
}

#[tokio::test(start_paused = true)]
async fn past_the_hard_ttl_the_reader_waits_for_a_fetch() {
    let (source, handle, cache) = set_up();
    let start = Start::now();
    cache.get_with_swr("usd").await.unwrap();
    let (parts, ()) = Request::get("/usd").body(()).unwrap().into_parts();
    let entry = handle.entry(&parts).unwrap();
    assert!(entry.soft_expires_at <= entry.cached_at + SOFT);
    assert!(entry.soft_expires_at >= entry.cached_at + SOFT * 9 / 10);
    assert_eq!(entry.hard_expires_at, entry.cached_at + HARD);

    let gate = Gate::new();
    *source.gate.lock().unwrap() = Some(gate.clone());
    start.at(300.0).await;
    let mut reader = tokio_test::task::spawn(cache.get_with_swr("usd"));
    tokio_test::assert_pending!(reader.poll());
    rest().await;
    tokio_test::assert_pending!(reader.poll());
    assert_eq!(source.calls(), 2);
    gate.open();
    rest().await;
    assert_eq!(tokio_test::assert_ready_ok!(reader.poll()), "usd 2");
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_extends_the_hard_ttl_by_half_of_it() {
    let (source, _, cache) = set_up();
    let start = Start::now();
    cache.get_with_swr("usd").await.unwrap();
    *source.down.lock().unwrap() = true;
    for second in [200.0, 300.0, 449.999] {
        start.at(second).await;
        assert_eq!(cache.get_with_swr("usd").await.unwrap(), "usd 1", "at {second}");
        rest().await;
    }
    assert_eq!(source.calls(), 4, "one, and a refresh at each look");
    start.at(450.0).await;
    assert!(cache.get_with_swr("usd").await.is_err());
}
