//! How long is a scrape of 1,000 routes on which all that is usual has happened, and how long does it take?
#![allow(clippy::disallowed_methods)]

#[path = "../tests/it/support/busy.rs"]
mod busy;

use std::time::{Duration, Instant};

use tower_swr_cache::{CacheHandle, Exporter};

const ROUTES: usize = 1000;
const SCRAPES: usize = 21;

/// Time is paused, so that the same happens on each route however busy the machine is; what is measured is read elsewhere.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let exporter = Exporter::install().expect("the first of this process");
    let cache = CacheHandle::builder().build().expect("a cache");
    let routes: Vec<_> = (0..ROUTES)
        .map(|n| {
            let cache = cache.clone();
            tokio::spawn(async move { busy::use_route(&cache, &format!("a-route-with-a-name-{n}")).await })
        })
        .collect();
    for route in routes {
        route.await.expect("no panic");
    }
    let mut times: Vec<Duration> = Vec::new();
    let mut text = String::new();
    for _ in 0..SCRAPES {
        let began = Instant::now();
        text = exporter.render(&cache);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let of_one = text.lines().filter(|line| line.contains("\"a-route-with-a-name-7\"")).count();
    let of_breaker = text.lines().filter(|line| line.contains("breaker=\"a-route-with-a-name-7\"")).count();
    println!("routes            {ROUTES}");
    println!("series of a route {of_one} (fewer than 130), {of_breaker} of them its breaker's");
    println!("a scrape          {:.1} MiB (at most 15)", text.len() as f64 / f64::from(1 << 20));
    println!("                  {} ms, median of {SCRAPES} (at most 250)", times[SCRAPES / 2].as_millis());
}
