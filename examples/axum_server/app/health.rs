//! The application's own `/health`: what it always said, and what the cache says.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tower_swr_cache::CacheHandle;

use super::App;

/// `GET /health`
pub(crate) async fn health(State(app): State<App>) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "feed_calls": app.feed.calls(),
        "tiered_cache": tiered_cache(&app.cache),
    }))
}

fn tiered_cache(cache: &CacheHandle) -> Value {
    let (routes, store) = (cache.route_stats(), cache.stats());
    json!({
        "hits": routes.iter().map(|route| route.hits).sum::<u64>(),
        "misses": routes.iter().map(|route| route.misses).sum::<u64>(),
        "stale_serves": routes.iter().map(|route| route.stale_serves).sum::<u64>(),
        "refresh_successes": routes.iter().map(|route| route.refresh_successes).sum::<u64>(),
        "refresh_failures": routes.iter().map(|route| route.refresh_failures).sum::<u64>(),
        "entries": store.keys,
        "bytes": store.stored_bytes,
        "capacity_bytes": store.capacity_bytes,
    })
}
