//! Purges: what they reach, what they leave behind, and that nothing passes them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use tower_swr_cache::{CacheHandle, SwrConfig};

use crate::support::{Cache, Origin, Reply, secs};

/// Stores many stale responses under one tag, has them purged while they are refreshed, and asks for them again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_304_brings_nothing_back_that_a_purge_takes() {
    const KEYS: usize = 4_000;
    let version = Arc::new(AtomicU64::new(1));
    let origin = Origin::new({
        let version = Arc::clone(&version);
        move |call| {
            // It confirms anything, even what it would not send any more.
            let reply = match call.header("if-none-match") {
                Some(_) => Reply::status(304),
                None => Reply::ok(version.load(Ordering::SeqCst).to_string()),
            };
            reply.header("etag", "\"a\"").header("cache-tag", "t")
        }
    });
    let handle = CacheHandle::builder().max_concurrent_refreshes(KEYS).build().unwrap();
    let config = SwrConfig::builder("route").soft_ttl(secs(0)).hard_ttl(secs(1000)).build().unwrap();
    let cache = Cache::on(&handle, config, &origin);
    let paths: Arc<[String]> = (0..KEYS).map(|n| format!("/{n}")).collect();
    for path in paths.iter() {
        cache.get(path).await;
    }
    version.store(2, Ordering::SeqCst);
    let next = Arc::new(AtomicUsize::new(0));
    let reader = {
        let (cache, paths, next) = (cache.clone(), Arc::clone(&paths), Arc::clone(&next));
        tokio::spawn(async move {
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::SeqCst)) {
                cache.get(path).await;
            }
        })
    };
    while next.load(Ordering::SeqCst) < KEYS / 4 {
        tokio::task::yield_now().await;
    }
    let purging = handle.clone();
    tokio::task::spawn_blocking(move || purging.purge_tag("t")).await.unwrap();
    reader.await.unwrap();
    for path in paths.iter() {
        assert_eq!(cache.get(path).await.text(), "2", "{path}");
    }
}
