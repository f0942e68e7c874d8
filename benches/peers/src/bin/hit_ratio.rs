//! How much of a skewed trace is answered from memory, next to moka (TinyLFU) and to LRU with as many bytes?
//!
//! Each has the store's own capacity, and weighs a response as the store does: its body, and what an entry takes beside it.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use lru::LruCache;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, ServiceExt, service_fn};
use tower_swr_cache::{CacheHandle, SwrConfig};

const KEYS: u64 = 50_000;
const REQUESTS: usize = 1_000_000;
/// The smallest body, and how many times it can be doubled.
const SMALLEST: u64 = 256;
const DOUBLINGS: u64 = 8;

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Bodies from 256 bytes to 32 KiB, the same for a key each time.
fn body_len(key: u64) -> u64 {
    SMALLEST << (Rng::with_seed(key).u64(..DOUBLINGS))
}

/// Keys by Zipf's law; with `scan`, one request in ten is for a key that nobody asks for again.
fn trace(exponent: f64, scan: bool) -> Vec<u64> {
    let mut sums = Vec::with_capacity(KEYS as usize);
    let mut sum = 0.0;
    for rank in 1..=KEYS {
        sum += 1.0 / (rank as f64).powf(exponent);
        sums.push(sum);
    }
    let mut rng = Rng::with_seed(7);
    let mut once = KEYS;
    (0..REQUESTS)
        .map(|_| {
            if scan && rng.u8(..10) == 0 {
                once += 1;
                return once;
            }
            let at = rng.f64() * sum;
            sums.partition_point(|sum| *sum < at) as u64
        })
        .collect()
}

fn ours(runtime: &Runtime, cache: &CacheHandle, trace: &[u64]) -> f64 {
    let route = SwrConfig::builder("ratio").soft_ttl(Duration::from_secs(86_400)).build().expect("a route");
    let origin = service_fn(|request: Request<Full<Bytes>>| async move {
        CALLS.fetch_add(1, Ordering::Relaxed);
        let key = request.uri().path()[1..].parse().expect("a key");
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'x'; body_len(key) as usize]))))
    });
    let service = cache.layer(route).layer(origin);
    CALLS.store(0, Ordering::Relaxed);
    runtime.block_on(async {
        for key in trace {
            let request = Request::get(format!("/{key}")).body(Full::default()).expect("a request");
            let response = service.clone().oneshot(request).await.expect("never fails");
            response.into_body().collect().await.expect("a body");
            // What keeps the body is a task of its own, on this thread.
            tokio::task::yield_now().await;
        }
    });
    1.0 - CALLS.load(Ordering::Relaxed) as f64 / trace.len() as f64
}

fn moka(capacity: u64, beside: u64, trace: &[u64]) -> f64 {
    let weigh = move |_: &u64, len: &u32| len.saturating_add(beside as u32);
    let cache = moka::sync::Cache::builder().max_capacity(capacity).weigher(weigh).build();
    let mut misses = 0_u64;
    for (n, key) in trace.iter().enumerate() {
        if cache.get(key).is_none() {
            misses += 1;
            cache.insert(*key, body_len(*key) as u32);
        }
        if n % 16 == 0 {
            cache.run_pending_tasks();
        }
    }
    1.0 - misses as f64 / trace.len() as f64
}

fn lru(capacity: u64, beside: u64, trace: &[u64]) -> f64 {
    let (mut cache, mut weight, mut misses) = (LruCache::unbounded(), 0, 0_u64);
    for key in trace {
        if cache.get(key).is_some() {
            continue;
        }
        misses += 1;
        let len = body_len(*key) + beside;
        weight += len;
        cache.put(*key, len);
        while weight > capacity {
            weight -= cache.pop_lru().map_or(weight, |(_, len)| len);
        }
    }
    1.0 - misses as f64 / trace.len() as f64
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let handle = |bytes| {
        CacheHandle::builder().capacity_bytes(bytes).max_body_bytes(64 << 10).build().expect("a cache")
    };
    // What an entry takes beside its body.
    let one = handle(64 << 20);
    ours(&runtime, &one, &[1]);
    let beside = one.stats().stored_bytes - body_len(1);
    let all: u64 = (0..KEYS).map(|key| body_len(key) + beside).sum();
    println!("{KEYS} keys of {} MiB in all, {beside} B beside each body, {REQUESTS} requests\n", all >> 20);
    println!("| trace | room for | ours | moka | LRU |");
    println!("|---|---|---|---|---|");
    let mut traces = HashMap::new();
    for (name, exponent, scan) in
        [("Zipf 0.8", 0.8, false), ("Zipf 1.0", 1.0, false), ("Zipf 1.0, a tenth asked once", 1.0, true)]
    {
        let trace = traces.entry(name).or_insert_with(|| trace(exponent, scan));
        for part in [2, 10, 30] {
            let cache = handle(all * part / 100);
            let capacity = cache.stats().capacity_bytes;
            let ratio = ours(&runtime, &cache, trace);
            let (moka, lru) = (moka(capacity, beside, trace), lru(capacity, beside, trace));
            println!(
                "| {name} | {part} % | {:.1} % | {:.1} % | {:.1} % |",
                ratio * 100.0,
                moka * 100.0,
                lru * 100.0
            );
        }
    }
}
