//! What does a request cost that the inner service answers, next to the inner service alone?
#![allow(clippy::disallowed_methods)]

mod support;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use http::Request;
use support::{
    heap::Heap,
    rounds::Rounds,
    stack::{BODY, Body, Cache, Origin, PATH, cache, handle, new_key, request, route, runtime, said, whole},
};
use tokio::runtime::Runtime;
use tower::{Layer, ServiceExt};
use tower_swr_cache::CacheHandle;

#[global_allocator]
static HEAP: Heap = Heap::new();

/// Runs `call` so often within the runtime.
fn many<F: Future>(runtime: &Runtime, iterations: u32, mut call: impl FnMut() -> F) -> Duration {
    runtime.block_on(async {
        let began = Instant::now();
        for _ in 0..iterations {
            call().await;
            // A fetch ends after its answer.
            tokio::task::yield_now().await;
        }
        began.elapsed()
    })
}

fn upgrade() -> Request<Body> {
    let mut request = request(PATH);
    request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    request
}

fn post() -> Request<Body> {
    let mut request = request(PATH);
    *request.method_mut() = http::Method::POST;
    request
}

/// A cache of this capacity, which has seen so many requests.
fn after(runtime: &Runtime, capacity: u64, requests: u32) -> (CacheHandle, Cache) {
    let handle = handle().capacity_bytes(capacity).build().unwrap();
    let cache = handle.layer(route().build().unwrap()).layer(Origin::new(BODY));
    many(runtime, requests, || whole(&cache, new_key()));
    (handle, cache)
}

fn allocations<F: Future>(runtime: &Runtime, call: impl FnMut() -> F) -> u64 {
    const CALLS: u32 = 10_000;
    let before = HEAP.allocations();
    many(runtime, CALLS, call);
    (HEAP.allocations() - before) / u64::from(CALLS)
}

fn main() {
    let runtime = &runtime();
    let bare = &Origin::new(BODY);
    let cached: &Cache = &cache(route(), bare.clone());
    let (handle, full) = &after(runtime, 16 << 20, 20_000);
    assert!(handle.stats().keys < 10_000);
    let (_, growing) = &after(runtime, 4 << 30, 0);
    let no_store = &cache(route(), Origin::with(BODY, &[("cache-control", "no-store")]));
    for (request, expected) in [
        (new_key(), "tower-swr-cache; fwd=uri-miss; stored"),
        (upgrade(), "tower-swr-cache; fwd=bypass; detail=upgrade"),
        (post(), "tower-swr-cache; fwd=method; detail=method"),
    ] {
        let response = runtime.block_on(cached.clone().oneshot(request)).unwrap();
        assert_eq!(said(&response), expected);
    }

    let mut rounds = Rounds::new("body read", 200);
    let inner = rounds.timed("inner service", |n| many(runtime, n, || whole(bare, new_key())));
    let evicts =
        rounds.timed("miss, stored in the place of others", |n| many(runtime, n, || whole(full, new_key())));
    let grows =
        rounds.timed("miss, stored in new memory", |n| many(runtime, n, || whole(growing, new_key())));
    let refused = rounds.timed("miss, no-store", |n| many(runtime, n, || whole(no_store, new_key())));
    rounds.less(evicts, inner);
    rounds.less(grows, inner);
    rounds.less(refused, inner);
    rounds.print();

    let (upgrade, post) = (upgrade(), post());
    let mut rounds = Rounds::new("body read, less the inner service", 400);
    let inner = rounds.timed("inner service", |n| many(runtime, n, || whole(bare, upgrade.clone())));
    let bypass = rounds.timed("bypass, Upgrade", |n| many(runtime, n, || whole(cached, upgrade.clone())));
    let method = rounds.timed("bypass, POST", |n| many(runtime, n, || whole(cached, post.clone())));
    rounds.less(bypass, inner);
    rounds.less(method, inner);
    rounds.print();

    println!("\n| allocations | |\n|---|---|");
    let inner = allocations(runtime, || whole(bare, new_key()));
    println!("| inner service | {inner} |");
    for (name, cache) in [("miss, stored", cached), ("miss, no-store", no_store)] {
        println!("| {name} | {} more |", allocations(runtime, || whole(cache, new_key())) - inner);
    }
}
