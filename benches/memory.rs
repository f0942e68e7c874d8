//! What does an entry take beyond its body, and how long does it take to get rid of some, or of all?
#![allow(clippy::disallowed_methods)]

mod support;

use std::{convert::Infallible, time::Instant};

use http::Request;
use support::{
    heap::{self, Heap},
    rounds::{quartiles, time_text},
    stack::{BODY, Body, Origin, handle, request, route, runtime},
};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_swr_cache::Purge;

#[global_allocator]
static HEAP: Heap = Heap::new();

const ENTRIES: u64 = 1_000_000;
const TAGGED: u64 = 100;

fn main() {
    let handle = handle().capacity_bytes(16 << 30).build().unwrap();
    let mut origin = Origin::new(BODY);
    let tagging = service_fn(move |request: Request<Body>| {
        let tagged = request.uri().path().starts_with("/tagged/");
        let answer = origin.call(request);
        async move {
            let mut response = answer.await?;
            if tagged {
                response.headers_mut().insert("cache-tag", "some".parse().unwrap());
            }
            Ok::<_, Infallible>(response)
        }
    });
    let cache = handle.layer(route().build().unwrap()).layer(tagging);
    let runtime = runtime();
    let entries = || handle.cache_health().store.keys as u64;
    let fill = |folder: &str, count: u64| {
        runtime.block_on(async {
            for n in 0..count {
                let request = request(&format!("/{folder}/{n}?market=main&line=2.5"));
                let response = cache.clone().oneshot(request).await.unwrap();
                http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
    };

    // What comes with the first one is not counted.
    fill("odds", 1);
    let (bytes, resident) = (HEAP.bytes(), heap::resident());
    fill("odds", ENTRIES);
    assert_eq!(entries(), ENTRIES);
    let each = |before: i64, after: i64| (after - before) / ENTRIES as i64 - BODY as i64;
    println!("\n| an entry's bytes beyond its body of {BODY}, of {ENTRIES} | |\n|---|---|");
    println!("| allocated | {} |", each(bytes, HEAP.bytes()));
    if let Some((before, after)) = resident.zip(heap::resident()) {
        println!("| resident | {} |", each(before, after));
        println!("| resident, all | {} MiB |", after >> 20);
    }
    let counted = handle.cache_health().store.stored_bytes as i64;
    println!("| by the store's own count | {} |", counted / ENTRIES as i64 - BODY as i64);

    println!("\n| purge, among {ENTRIES} | time |\n|---|---|");
    let tag_purges = (0..50).map(|_| {
        fill("tagged", TAGGED);
        let began = Instant::now();
        let purged = handle.purge_tag("some");
        let took = began.elapsed();
        assert_eq!(purged.entries as u64, TAGGED);
        took.as_nanos() as f64
    });
    let [_, took, _] = quartiles(tag_purges.collect());
    println!("| a tag that {TAGGED} have | {} |", time_text(took));
    // What a purge takes out is dropped in a thread of the runtime's.
    for (what, purge) in [("everything", Purge::all()), ("a route's", Purge::route("route"))] {
        fill("odds", ENTRIES - entries());
        let within = runtime.enter();
        let began = Instant::now();
        let purged = handle.purge(purge);
        let took = began.elapsed().as_nanos() as f64;
        drop(within);
        assert_eq!(purged.entries as u64, ENTRIES);
        println!("| {what} | {} |", time_text(took));
    }
}
