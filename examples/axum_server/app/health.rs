//! The application's own `/health`: what it always said, and what the cache says.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;

/// `GET /health`
pub(crate) async fn health(State(app): State<App>) -> Json<Value> {
    let cache = app.cache.health();
    Json(json!({
        "status": cache.status,
        "feed_calls": app.feed.calls(),
        "tiered_cache": cache.tiered_cache,
    }))
}
