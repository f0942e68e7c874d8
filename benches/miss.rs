//! What does a request cost that the inner service answers, next to the inner service alone?
#![allow(clippy::disallowed_methods)]

mod support;

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use http::{Request, Response};
use http_body_util::BodyExt;
use support::{
    heap::Heap,
    rounds::Rounds,
    stack::{BODY, Body, Cache, Origin, PATH, cache, request, route, runtime, said},
};
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt};

#[global_allocator]
static HEAP: Heap = Heap::new();

/// A call and its body, to the end.
async fn whole<S, B>(service: &S, request: Request<Body>)
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    B: http_body::Body,
{
    let Ok(response) = service.clone().oneshot(request).await else { panic!("an error") };
    let mut body = pin!(response.into_body());
    while let Some(frame) = body.frame().await {
        assert!(frame.is_ok());
    }
}

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

/// A request for a path that nobody has asked for.
fn new_key() -> Request<Body> {
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(0) });
    let n = NEXT.replace(NEXT.get() + 1);
    request(&format!("/odds/nba/{n}?market=main&line=2.5"))
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
    let miss = rounds.timed("miss, stored", |n| many(runtime, n, || whole(cached, new_key())));
    let refused = rounds.timed("miss, no-store", |n| many(runtime, n, || whole(no_store, new_key())));
    rounds.less(miss, inner);
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
